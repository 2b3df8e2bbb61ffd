"""The dashboard of all models of a stack: which of them needs a look. Pure."""

from __future__ import annotations

from substrate.manifests.observability.dashboards.board import (
    PLAIN,
    RATIO,
    REQUESTS,
    TOKENS,
    Board,
    Kind,
    Panel,
    Query,
    Row,
    lines,
    picked,
    stat,
    table,
)

_MODEL = "{{namespace}}/{{server}}"
_BY = "sum by (namespace, server)"


def board(stack: str) -> Board:
    of = picked(stack, "team")
    return Board(
        "fleet", "Substrate: fleet", "All models of a stack", ("team",),
        (Row("Now", now(stack, of)), Row("Models", (models(of),)), Row("Load", load(of)), Row("GPUs", gpus(of))),
    )  # fmt: skip


def now(stack: str, of: str) -> tuple[Panel, ...]:
    firing = f'count(ALERTS{{alertstate="firing",stack="{stack}"}}) or vector(0)'
    down = f"count(substrate:replicas:ready{{{of}}} == 0 and substrate:replicas:min{{{of}}} > 0) or vector(0)"
    return (
        stat("Models down", down, PLAIN, "Without a ready replica, and meant to have one", bad=1),
        stat("Replicas ready", f"sum(substrate:replicas:ready{{{of}}})", PLAIN, "Of all models"),
        stat("In flight", f"sum(substrate:in_flight{{{of}}})", REQUESTS, "Requests that are computed or wait"),
        stat("Waiting", f"sum(substrate:waiting{{{of}}})", REQUESTS, "Requests that no replica has begun"),
        stat("Tokens a second", f"sum(substrate:generated_tokens:rate1m{{{of}}})", TOKENS, "Of answers"),
        stat("Alerts firing", firing, PLAIN, "Of this stack", warn=1),
    )


def models(of: str) -> Panel:
    failing = f"max by (namespace, server) (substrate:errors:rate5m{{{of}}} / substrate:requests:rate5m{{{of}}})"
    return table(
        "Models", "What each has, beside what its plan allows", ("namespace", "server", "tier", "engine", "foundation"),
        Query(f"max by (namespace, server, tier, engine, foundation) (substrate:replicas:ready{{{of}}})", "Ready"),
        Query(f"max by (namespace, server) (substrate:replicas:min{{{of}}})", "Floor"),
        Query(f"max by (namespace, server) (substrate:replicas:max{{{of}}})", "Ceiling"),
        Query(f"{_BY} (substrate:in_flight{{{of}}})", "In flight"),
        Query(f"{_BY} (substrate:waiting{{{of}}})", "Waiting"),
        Query(f"max by (namespace, server) (substrate:kv_cache_usage{{{of}}})", "KV cache", RATIO),
        Query(f"{_BY} (substrate:generated_tokens:rate1m{{{of}}})", "Tokens/s"),
        Query(failing, "Failing", RATIO),
    )  # fmt: skip


def load(of: str) -> tuple[Panel, ...]:
    ready = Query(f"{_BY} (substrate:replicas:ready{{{of}}})", _MODEL)
    return (
        lines("In flight", REQUESTS, "Computed or waiting", Query(f"{_BY} (substrate:in_flight{{{of}}})", _MODEL)),
        lines("Waiting", REQUESTS, "Not begun yet", Query(f"{_BY} (substrate:waiting{{{of}}})", _MODEL)),
        lines(
            "Tokens a second", TOKENS, "Of answers",
            Query(f"{_BY} (substrate:generated_tokens:rate1m{{{of}}})", _MODEL), kind=Kind.STACKED,
        ),
        lines("Replicas ready", PLAIN, "They follow the load where a scaler moves them", ready, kind=Kind.STEPS),
    )  # fmt: skip


def gpus(of: str) -> tuple[Panel, ...]:
    busy = f"avg by (namespace, server) (substrate:gpu_utilization{{{of}}})"
    full = f"max by (namespace, server) (substrate:gpu_memory_usage{{{of}}})"
    return (
        lines("GPU use", RATIO, "Time in which any kernel ran: busy is not full", Query(busy, _MODEL)),
        lines("GPU memory", RATIO, "Of each model's fullest GPU", Query(full, _MODEL)),
    )
