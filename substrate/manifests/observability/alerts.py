"""What somebody is woken for, or finds in the morning. Pure; imports this package.

A threshold that a model has is its plan's, joined in; one that all models share stands here, with its reason. Each
alert has a page in docs/runbooks of its own name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from substrate.manifests.observability.series import SERVER

# Wakes somebody: clients are not served, or will not be. A warning is looked at in working hours.
CRITICAL, WARNING = "critical", "warning"

# Above it vLLM puts requests back that it has begun; llm-d scales on the same number (performance.md 3.1).
KV_CACHE_FULL = 0.95
# vLLM takes 0.92 of a GPU's memory and no more later, llama.cpp what was reserved: beyond this something grows.
GPU_MEMORY_FULL = 0.98
# Of all requests in a month, 99.5 % are to be answered: an engine's pod lost to a node costs about that.
ERROR_BUDGET = 0.005
# Google's SRE workbook, table 5-8: 2 % of a month's budget in an hour, 5 % in six.
FAST_BURN, SLOW_BURN = 14.4, 6.0
# A single failure of a model that is hardly asked is no rate.
FEWEST_REQUESTS = 10
# Errors that a program on the GPU makes; all others are the GPU's, its driver's or its link's (NVIDIA's XID catalogue).
PROGRAMS_XIDS = (13, 31, 43, 45)

_PLAN = f"on ({', '.join(SERVER)})"


@dataclass(frozen=True, slots=True)
class Alert:
    """`lasting` is how long it holds before it fires. Texts may name the series' labels as Go templates."""

    name: str
    severity: str
    lasting: str
    expr: str
    summary: str
    description: str

    def rule(self, stack: str, runbooks: str) -> dict[str, Any]:
        """`stack` is on every alert, so that one Alertmanager can tell whose it is."""
        return {
            "alert": self.name,
            "expr": self.expr,
            **({"for": self.lasting} if self.lasting else {}),
            "labels": {"severity": self.severity, "stack": stack},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": f"{runbooks.rstrip('/')}/{self.name}.md",
            },
        }


_MODEL = "{{ $labels.namespace }}/{{ $labels.server }}"
_POD = "{{ $labels.namespace }}/{{ $labels.pod }}"


def alerts(stack: str, gpu_nodes: Sequence[str]) -> list[Alert]:
    """All of a stack; those of GPUs where it has nodes with some."""
    of = f'stack="{stack}"'
    return [*serving(of), *starting(of), *scaling(of), *staging(of), *(gpus(of, gpu_nodes) if gpu_nodes else ())]


def serving(of: str) -> Iterator[Alert]:
    yield Alert(
        "ModelDown", CRITICAL, "2m",
        f"substrate:replicas:ready{{{of}}} == 0 and {_PLAN} substrate:replicas:min{{{of}}} > 0 "
        f"and {_PLAN} substrate:served{{{of}}}",
        f"{_MODEL} has no ready replica",
        "It has been ready before, and none of its replicas is for 2 minutes; every request to it fails.",
    )  # fmt: skip
    yield Alert(
        "HotModelBelowFloor", CRITICAL, "5m",
        f'substrate:replicas:ready{{{of},tier="hot"}} < {_PLAN} substrate:replicas:min{{{of}}} '
        f"and {_PLAN} substrate:served{{{of}}}",
        f"{_MODEL} has {{{{ $value }}}} ready replicas, fewer than its floor",
        "Tier hot promises its floor at all times. A drain or an update of one replica is over within 5 minutes.",
    )  # fmt: skip
    yield Alert(
        "ModelQueueGrowing", WARNING, "5m",
        f"sum by ({', '.join(SERVER)}) (substrate:waiting{{{of}}}) / {_PLAN} (substrate:replicas:ready{{{of}}} > 0) "
        f"> {_PLAN} substrate:waiting:limit{{{of}}}",
        f"{{{{ $value | humanize }}}} requests wait for each replica of {_MODEL}",
        "More than its plan lets wait, for 5 minutes: no replica was added that would have taken them.",
    )  # fmt: skip
    yield Alert(
        "ModelKVCacheFull", WARNING, "5m",
        f"avg_over_time(substrate:kv_cache_usage{{{of}}}[5m]) > {KV_CACHE_FULL}",
        f"The KV cache of {_POD} is {{{{ $value | humanizePercentage }}}} full",
        "Requests wait for room in it or are put back and computed anew, though the GPU has time for them.",
    )  # fmt: skip
    yield from burning(of)
    yield Alert(
        "ModelNotScraped", WARNING, "5m", unread(of),
        f"Prometheus cannot read {{{{ $value }}}} of the ready replicas of {_MODEL}",
        "Its alerts are blind and its scaler counts less load than there is.",
    )  # fmt: skip
    yield Alert(
        "PayloadLogsDropped", WARNING, "5m",
        f"substrate:payload_events_dropped:increase10m{{{of}}} > 0",
        f"{_POD} has dropped {{{{ $value | humanize }}}} copies of requests or answers in 10 minutes",
        "Clients are answered; the record of what they asked has holes.",
    )  # fmt: skip


def burning(of: str) -> Iterator[Alert]:
    for severity, factor, long, short, hours in (
        (CRITICAL, FAST_BURN, "1h", "5m", 1),
        (WARNING, SLOW_BURN, "6h", "30m", 6),
    ):
        failing = (f"{share(of, window)} > {factor * ERROR_BUDGET:g}" for window in (long, short))
        enough = f"substrate:requests:rate{long}{{{of}}} * {hours * 3600} >= {FEWEST_REQUESTS}"
        yield Alert(
            "ModelErrorBudgetBurn", severity, "1m" if severity == CRITICAL else "15m",
            f"{' and '.join(failing)} and {enough}",
            f"{{{{ $value | humanizePercentage }}}} of the requests to {_MODEL} fail, by the {{{{ $labels.source }}}}",
            f"At this rate the month's budget of failures (0.5 %) is used up {factor:g} times as fast as it may be.",
        )  # fmt: skip


def share(of: str, window: str) -> str:
    """Of requests that fail."""
    return f"substrate:errors:rate{window}{{{of}}} / substrate:requests:rate{window}{{{of}}}"


def unread(of: str) -> str:
    """Of servers whose engine has metrics: ready replicas that no scrape reaches."""
    read = f"sum by ({', '.join(SERVER)}) (substrate:scraped{{{of}}})"
    known = f'sum by ({", ".join(SERVER)}) (substrate:server{{{of},scraped="true"}})'
    return f"(substrate:replicas:ready{{{of}}} and {_PLAN} {known}) - {_PLAN} ({read} or 0 * {known}) > 0"


def starting(of: str) -> Iterator[Alert]:
    """The startup probe ends an engine at its budget: one that ran out shows as a restart before any readiness."""
    age = f"substrate:starting_seconds{{{of}}} > {_PLAN} group_left ()"
    restarted = f"substrate:restarts:increase15m{{{of}}} > 0"
    yield Alert(
        "ModelColdStartBeyondBudget", WARNING, "1m",
        f"({age} substrate:cold_start:budget_seconds{{{of}}} and on (namespace, pod) {restarted}) "
        f"or {age} substrate:cold_start:deadline_seconds{{{of}}}",
        f"{_POD} has been starting for {{{{ $value | humanizeDuration }}}}",
        "Past its plan's budget and restarted for it, or past the budget and ten minutes for its image to come.",
    )  # fmt: skip


def scaling(of: str) -> Iterator[Alert]:
    most = f"substrate:replicas:max{{{of}}}"
    yield Alert(
        "ModelReplicasAtMax", WARNING, "15m",
        f"substrate:replicas:desired{{{of}}} >= {_PLAN} ({most} > {_PLAN} substrate:replicas:min{{{of}}})",
        f"{_MODEL} has been at its maximum of {{{{ $value }}}} replicas for 15 minutes",
        "Its scaler may want more and can have none: the next load is a queue.",
    )  # fmt: skip
    yield Alert(
        "ScalerMetricMissing", CRITICAL, "5m", blind(of),
        f"The scaler of {_MODEL} has no metric to scale by",
        "It leaves the replicas as they are, whatever the load.",
    )  # fmt: skip


def blind(of: str) -> str:
    """At zero a scaler is inactive by design, and what wakes it is another."""
    inactive = 'kube_horizontalpodautoscaler_status_condition{condition="ScalingActive",status="false"} == 1'
    names = 'label_replace(kube_horizontalpodautoscaler_info, "workload", "$1", "scaletargetref_name", "(.+)")'
    target = f"max by (namespace, horizontalpodautoscaler, workload) ({names})"
    of_target = f"({inactive}) * on (namespace, horizontalpodautoscaler) group_left (workload) {target}"
    scaled = f"max by (namespace, workload) ({of_target})"
    server = f"{scaled} * on (namespace, workload) group_right () substrate:server{{{of}}}"
    return f"{server} and {_PLAN} substrate:replicas:desired{{{of}}} > 0"


def staging(of: str) -> Iterator[Alert]:
    of_ours = f"on (namespace, job_name) group_left (stack, team, model) substrate:staging_job{{{of}}}"
    weights = "{{ $labels.namespace }}/{{ $labels.model }}"
    yield Alert(
        "ModelStagingFailed", WARNING, "",
        f'(kube_job_failed{{condition="true"}} == 1) * {of_ours}',
        f"The weights of {weights} were not staged",
        "Job {{ $labels.job_name }} has given up; pods that need these weights cannot start.",
    )  # fmt: skip
    active = "on (namespace, job_name) (kube_job_status_active > 0)"
    yield Alert(
        "ModelStagingStalled", WARNING, "1m",
        f"((time() - kube_job_status_start_time) and {active}) * {of_ours} "
        f"> on (namespace, job_name) group_left () substrate:staging:timeout_seconds{{{of}}}",
        f"The weights of {weights} have been staging for {{{{ $value | humanizeDuration }}}}",
        "Longer than their bytes take at 5 MiB/s, the slowest source that a plan reckons with.",
    )  # fmt: skip


def gpus(of: str, nodes: Sequence[str]) -> Iterator[Alert]:
    yield Alert(
        "GPUMemoryNearlyFull", WARNING, "10m",
        f"substrate:gpu_memory_usage{{{of}}} > {GPU_MEMORY_FULL}",
        f"A GPU of {_POD} has {{{{ $value | humanizePercentage }}}} of its memory in use",
        "The next allocation may end the engine.",
    )  # fmt: skip
    last = f'DCGM_FI_DEV_XID_ERRORS{{Hostname=~"{"|".join(nodes)}"}}'
    programs = " or ".join(f"{last} == {code}" for code in PROGRAMS_XIDS)
    gpu = "GPU {{ $labels.gpu }} of {{ $labels.Hostname }}"
    yield Alert(
        "GPUXidError", CRITICAL, "", f"{last} > 0 unless ({programs})",
        f"{gpu} reports XID {{{{ $value }}}}",
        "Not an error of a program: the GPU, its memory or its link may be failing.",
    )  # fmt: skip
    yield Alert(
        "GPUXidError", WARNING, "", f"({programs}) and changes({last}[1h]) > 0",
        f"{gpu} reported XID {{{{ $value }}}}, an error of the program on it",
        "The engine has done what its GPU does not allow; it has probably been restarted.",
    )  # fmt: skip
