"""The dashboard of starts: what was predicted, what it took, who is at it now. Pure."""

from __future__ import annotations

from substrate.manifests.observability.dashboards.board import (
    PLAIN,
    RATIO,
    SECONDS,
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

_KEY = "namespace, server"
_POD = "{{namespace}}/{{pod}}"


def board(stack: str) -> Board:
    of = picked(stack, "namespace")
    return Board(
        "cold-start", "Substrate: cold start", "From a pod's birth to its first answer", ("namespace",),
        (Row("Now", now(of)), Row("Models", (models(of),)), Row("Pods", pods(of))),
    )  # fmt: skip


def now(of: str) -> tuple[Panel, ...]:
    late = (
        f"(substrate:starting_seconds{{{of}}} > on ({_KEY}) group_left () substrate:cold_start:budget_seconds{{{of}}})"
    )
    return (
        stat("Pods starting", f"count(substrate:starting_seconds{{{of}}}) or vector(0)", PLAIN, "Never ready yet"),
        stat("Beyond their budget", f"count({late}) or vector(0)", PLAIN, "Of those", bad=1),
        stat("Longest at it", f"max(substrate:starting_seconds{{{of}}}) or vector(0)", SECONDS, "Since it was made"),
    )


def models(of: str) -> Panel:
    took = f"substrate:cold_start:seconds{{{of}}}"
    error = f"max by ({_KEY}) ({took}) / max by ({_KEY}) (substrate:cold_start:expected_seconds{{{of}}})"
    return table(
        "Models", "Predicted from bytes and read speed; measured from the engine's start to readiness",
        ("namespace", "server", "engine"),
        Query(f"max by ({_KEY}, engine) (substrate:cold_start:expected_seconds{{{of}}})", "Predicted", SECONDS),
        Query(f"max by ({_KEY}) (substrate:cold_start:budget_seconds{{{of}}})", "Budget", SECONDS),
        Query(f"min by ({_KEY}) ({took})", "Fastest", SECONDS),
        Query(f"max by ({_KEY}) ({took})", "Slowest", SECONDS),
        Query(error, "Slowest of predicted", RATIO),
    )  # fmt: skip


def pods(of: str) -> tuple[Panel, ...]:
    reasons = (
        "sum by (namespace, pod, reason) (kube_pod_container_status_waiting_reason) "
        f"* on (namespace, pod) group_left (server) substrate:pod{{{of}}} > 0"
    )
    took = Query(f"substrate:cold_start:seconds{{{of}}}", _POD)
    return (
        lines(
            "Starting", SECONDS, "Age of pods that were never ready: a line that ends is a start that succeeded",
            Query(f"substrate:starting_seconds{{{of}}}", _POD),
        ),
        lines("Took", SECONDS, "From the engine's start to readiness", took),
        lines(
            "Waits for", PLAIN, "What the kubelet says: an image to come, a container that crashes",
            Query(reasons, f"{_POD}: {{{{reason}}}}"), kind=Kind.STEPS,
        ),
        lines(
            "Restarts in 15 minutes", PLAIN, "A start that ran out of its budget is one",
            Query(f"substrate:restarts:increase15m{{{of}}} > 0", _POD), kind=Kind.STEPS,
        ),
    )  # fmt: skip
