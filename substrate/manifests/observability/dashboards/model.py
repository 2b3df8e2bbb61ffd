"""The dashboard of one model: why it is slow, and what its scaler does about it. Pure."""

from __future__ import annotations

from substrate.manifests.observability.dashboards.board import (
    PLAIN,
    RATIO,
    REQUESTS,
    SECONDS,
    TOKENS,
    Board,
    Kind,
    Panel,
    Query,
    Row,
    lines,
    picked,
    stat,
)

_POD = "{{pod}}"
_FIRST = "substrate:time_to_first_token_seconds"


def board(stack: str) -> Board:
    of = picked(stack, "namespace", "server")
    return Board(
        "model", "Substrate: model", "One model, its replicas and what stands in its way", ("namespace", "server"),
        (
            Row("Now", now(of)),
            Row("Load", load(of)),
            Row("What clients see", clients(of)),
            Row("Replicas", replicas(of)),
            Row("GPU", gpu(of)),
        ),
    )  # fmt: skip


def now(of: str) -> tuple[Panel, ...]:
    ready = f"sum(substrate:replicas:ready{{{of}}})"
    return (
        stat("Replicas ready", ready, PLAIN, "Of those that its plan allows"),
        stat("In flight a replica", f"sum(substrate:in_flight{{{of}}}) / {ready}", REQUESTS, "What scaling looks at"),
        stat(
            "Waiting a replica", f"sum(substrate:waiting{{{of}}}) / {ready}", REQUESTS, "Not begun yet", warn=2, bad=5
        ),
        stat("KV cache", f"max(substrate:kv_cache_usage{{{of}}})", RATIO, "Of the fullest replica", warn=0.9, bad=0.95),
        stat("Tokens a second", f"sum(substrate:generated_tokens:rate1m{{{of}}})", TOKENS, "Of answers"),
        stat("First token, p95", f"max({_FIRST}:p95{{{of}}})", SECONDS, "Where the engine tells", warn=2, bad=10),
    )


def load(of: str) -> tuple[Panel, ...]:
    slots = f"sum(substrate:requests:parallel{{{of}}} * substrate:replicas:ready{{{of}}})"
    limit = f"sum(substrate:waiting:limit{{{of}}} * substrate:replicas:ready{{{of}}})"
    return (
        lines(
            "In flight", REQUESTS, "By replica; above the line what comes has to wait",
            Query(f"substrate:in_flight{{{of}}}", _POD), Query(slots, "served at once"), kind=Kind.STACKED,
        ),
        lines(
            "Waiting", REQUESTS, "By replica; above the line for five minutes it is an alert",
            Query(f"substrate:waiting{{{of}}}", _POD), Query(limit, "limit"), kind=Kind.STACKED,
        ),
        lines(
            "Tokens a second", TOKENS, "Answers by replica, and all prompts",
            Query(f"substrate:generated_tokens:rate1m{{{of}}}", _POD),
            Query(f"sum(substrate:prompt_tokens:rate1m{{{of}}})", "prompts"),
        ),
        lines(
            "KV cache", RATIO, "Full, it puts requests back that it has begun",
            Query(f"substrate:kv_cache_usage{{{of}}}", _POD),
        ),
    )  # fmt: skip


def clients(of: str) -> tuple[Panel, ...]:
    failing = [
        Query(
            f"substrate:errors:rate{window}{{{of}}} / substrate:requests:rate{window}{{{of}}}",
            f"{{{{source}}}}, {window}",
        )
        for window in ("5m", "1h")
    ]
    return (
        lines(
            "Time to the first token", SECONDS, "From a request to its first token, by the engine's count",
            Query(f"{_FIRST}:p50{{{of}}}", "p50"), Query(f"{_FIRST}:p95{{{of}}}", "p95"), width=8,
        ),
        lines("Failing", RATIO, "Of all requests, by who counts them", *failing, width=8),
        lines(
            "Requests a second", REQUESTS, "By who counts them",
            Query(f"substrate:requests:rate5m{{{of}}}", "{{source}}"), width=8,
        ),
    )  # fmt: skip


def replicas(of: str) -> tuple[Panel, ...]:
    wished = ("ready", "desired", "min", "max")
    return (
        lines(
            "Replicas", PLAIN, "Ready and asked for, between the plan's floor and ceiling",
            *(Query(f"substrate:replicas:{which}{{{of}}}", which) for which in wished), kind=Kind.STEPS, width=8,
        ),
        lines(
            "Scraped", PLAIN, "0: a replica whose metrics Prometheus cannot read",
            Query(f"substrate:scraped{{{of}}}", _POD), kind=Kind.STEPS, width=8,
        ),
        lines(
            "Put back, restarted", PLAIN, "Requests put back a second, and containers restarted in 15 minutes",
            Query(f"sum(substrate:preemptions:rate5m{{{of}}})", "put back a second"),
            Query(f"sum(substrate:restarts:increase15m{{{of}}})", "restarts"), width=8,
        ),
    )  # fmt: skip


def gpu(of: str) -> tuple[Panel, ...]:
    return (
        lines("GPU use", RATIO, "Time in which any kernel ran", Query(f"substrate:gpu_utilization{{{of}}}", _POD)),
        lines("GPU memory", RATIO, "Of its fullest GPU", Query(f"substrate:gpu_memory_usage{{{of}}}", _POD)),
    )
