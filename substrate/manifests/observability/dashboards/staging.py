"""The dashboard of weights on their way to a volume. Pure."""

from __future__ import annotations

from substrate.manifests.observability.dashboards.board import (
    BYTES,
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

_KEY = "namespace, model, job_name"
_JOB = "{{namespace}}/{{model}}"


def board(stack: str) -> Board:
    of = picked(stack, "namespace")
    return Board(
        "staging", "Substrate: staging", "Weights from their source to a volume", ("namespace",),
        (Row("Now", now(of)), Row("Weights", (weights(of),)), Row("Jobs and volumes", over_time(of))),
    )  # fmt: skip


def ours(expr: str, of: str) -> str:
    """Of a Job, with its model; Jobs of others are dropped."""
    told = f"on (namespace, job_name) group_left (model) substrate:staging_job{{{of}}}"
    return f"max by (namespace, job_name) ({expr}) * {told}"


def now(of: str) -> tuple[Panel, ...]:
    failed = ours('kube_job_failed{condition="true"}', of)
    done = ours('kube_job_complete{condition="true"}', of)
    staged = f"sum(substrate:staging:bytes{{{of}}} * on (namespace, job_name) ({done}))"
    return (
        stat("Staging", f"sum({ours('kube_job_status_active', of)}) or vector(0)", PLAIN, "Pods at it now"),
        stat("Failed", f"sum({failed}) or vector(0)", PLAIN, "Jobs that have given up", bad=1),
        stat("Staged", staged, BYTES, "Of Jobs that are done"),
    )


def weights(of: str) -> Panel:
    took = "(kube_job_status_completion_time - kube_job_status_start_time)"
    return table(
        "Weights", "A Job's name ends with the digest of what it stages", ("namespace", "model", "job_name"),
        Query(f"max by ({_KEY}) (substrate:staging:bytes{{{of}}})", "Size", BYTES),
        Query(f"max by ({_KEY}) (substrate:staging:timeout_seconds{{{of}}})", "Allowed", SECONDS),
        Query(ours(took, of), "Took", SECONDS),
        Query(ours("kube_job_status_active", of), "Pods at it"),
        Query(ours('kube_job_failed{condition="true"}', of), "Failed"),
    )  # fmt: skip


def over_time(of: str) -> tuple[Panel, ...]:
    age = ours("(time() - kube_job_status_start_time) and kube_job_status_active > 0", of)
    claims = 'namespace=~"$namespace",persistentvolumeclaim=~"weights-.+"'
    used = f"max by (namespace, persistentvolumeclaim) (kubelet_volume_stats_used_bytes{{{claims}}})"
    room = f"max by (namespace, persistentvolumeclaim) (kubelet_volume_stats_capacity_bytes{{{claims}}})"
    return (
        lines("At it for", SECONDS, "Jobs that run", Query(age, _JOB)),
        lines(
            "Failed pods", PLAIN, "A Job tries again after some; exit codes are in docs/architecture.md",
            Query(ours("kube_job_status_failed", of), _JOB), kind=Kind.STEPS,
        ),
        lines(
            "Volumes", RATIO, "Weights that no model names any more are never deleted by themselves",
            Query(f"{used} / {room}", "{{namespace}}/{{persistentvolumeclaim}}"), width=24,
        ),
    )  # fmt: skip
