"""What makes each alert fire and what just does not, as series that a Prometheus would hold. Imports the plan's tests.

One server of the fleet stands for all: hot, 2 to 3 replicas of vLLM on H100s behind the front door. `HEALTHY` is how it
is on a good day; a case replaces some of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from substrate.manifests.observability.alerts import CRITICAL, WARNING
from substrate.manifests.staging import job_name
from substrate.plan import StackPlan
from substrate.plan.scaling import MonitoringPlan
from tests.stacks import plan_of

NAMESPACE, SERVER = "assist", "llama-3-3-70b-assist"
WORKLOAD = f"{SERVER}-plain"
POD, OTHER = f"{WORKLOAD}-6f7c9d4b5-aaaaa", f"{WORKLOAD}-6f7c9d4b5-bbbbb"
RUNBOOKS = "https://runbooks.example/docs/runbooks"
MONITORING = MonitoringPlan("http://prometheus.monitoring:9090", "monitoring", {}, RUNBOOKS, True)
INTERVAL_SECONDS = 15
PER_MINUTE = 60 // INTERVAL_SECONDS

Series = Mapping[str, str]


@dataclass(frozen=True)
class Case:
    """`fires`, or each of `quiet`, takes the place of healthy series; `minute` is when somebody looks. `labels` are the
    alert's beside its severity, `summary` what is read first. An alert of two severities may fire in both. `step` is
    the seconds between samples, more where hours are to pass.
    """

    alert: str
    severities: tuple[str, ...]
    minute: int
    fires: Series
    quiet: tuple[Series, ...]
    labels: Mapping[str, str]
    summary: str
    step: int = INTERVAL_SECONDS


def plan() -> StackPlan:
    """The fleet, but for what is not of this server: what is recorded of a server looks at no other."""
    fleet = plan_of("fleet")
    return replace(
        fleet,
        monitoring=MONITORING,
        servers=tuple(server for server in fleet.servers if server.name == SERVER),
        namespaces=tuple(namespace for namespace in fleet.namespaces if namespace.name == NAMESPACE),
        claims=tuple(claim for claim in fleet.claims if claim.namespace == NAMESPACE),
    )


def of_pod(name: str, pod: str = POD, **labels: str) -> str:
    """A series of the engine, as the PodMonitor labels it."""
    given = {
        "namespace": NAMESPACE, "pod": pod, "job": f"{NAMESPACE}/substrate-models", "container": "engine",
        "substrate_dev_model": SERVER, "substrate_dev_team": NAMESPACE, "substrate_dev_tier": "hot",
        "substrate_dev_engine": "vllm", "substrate_dev_foundation": "plain", "substrate_dev_workload": "llm",
    }  # fmt: skip
    return written(name, {**given, **labels})


def vllm(name: str, pod: str = POD, **labels: str) -> str:
    return of_pod(f"vllm:{name}", pod, model_name=SERVER, engine="0", **labels)


def kube(name: str, **labels: str) -> str:
    return written(f"kube_{name}", {"namespace": NAMESPACE, **labels})


def deployment(name: str) -> str:
    return kube(f"deployment_{name}", deployment=WORKLOAD)


def envoy(answers: str) -> str:
    labels = {"namespace": "substrate-front-door", "envoy_cluster_name": SERVER, "envoy_response_code_class": answers}
    return written("envoy_cluster_upstream_rq_xx", labels)


def gpu(name: str) -> str:
    labels = {"gpu": "0", "Hostname": "h100-01", "namespace": "gpu-operator", "pod": "dcgm-exporter-x"}
    return written(f"DCGM_FI_DEV_{name}", {**labels, "exported_namespace": NAMESPACE, "exported_pod": POD})


def written(name: str, labels: Mapping[str, str]) -> str:
    matchers = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return f"{name}{{{matchers}}}"


def always(value: float, minutes: int = 60) -> str:
    """The same from the first sample to the last."""
    return f"{value:.10g}+0x{minutes * PER_MINUTE}"


def growing(per_second: float, minutes: int = 60) -> str:
    """A counter."""
    return f"0+{per_second * INTERVAL_SECONDS:.10g}x{minutes * PER_MINUTE}"


def until(minute: int, before: float, after: float) -> str:
    """One value up to a minute, another from then on."""
    return f"{before:g}+0x{minute * PER_MINUTE - 1} {after:g}+0x{(60 - minute) * PER_MINUTE}"


NEVER = f"_x{60 * PER_MINUTE}"  # no sample

IDENTITY = {
    "stack": "fleet", "namespace": NAMESPACE, "team": NAMESPACE, "server": SERVER, "tier": "hot", "engine": "vllm",
    "foundation": "plain",
}  # fmt: skip
ON_POD = {**IDENTITY, "pod": POD}

HEALTHY: Series = {
    deployment("spec_replicas"): always(2),
    deployment("status_replicas_ready"): always(2),
    of_pod("up"): always(1),
    of_pod("up", OTHER): always(1),
    vllm("num_requests_running"): always(8),
    vllm("num_requests_running", OTHER): always(8),
    vllm("num_requests_waiting"): always(0),
    vllm("num_requests_waiting", OTHER): always(0),
    vllm("kv_cache_usage_perc"): always(0.6),
    kube("pod_owner", pod=POD, owner_kind="ReplicaSet", owner_name=f"{WORKLOAD}-6f7c9d4b5"): always(1),
    kube("pod_status_ready", pod=POD, condition="true"): always(1),
    kube("pod_created", pod=POD): always(0),
}

_WEIGHTS = next(weights for claim in plan().claims for weights in claim.weights if weights.model == SERVER)
JOB = job_name(_WEIGHTS)
OF_JOB = {"stack": "fleet", "namespace": NAMESPACE, "team": NAMESPACE, "model": SERVER, "job_name": JOB}


def staging(condition: str) -> Series:
    return {kube("job_failed", job_name=JOB, condition=condition): always(1)}


def staged_for(seconds: float, active: float = 1) -> Series:
    """A Job that began as long before the tenth minute, beyond what its bytes take."""
    began = 600 - (_WEIGHTS.timeout + 300) - seconds
    return {
        kube("job_status_start_time", job_name=JOB): always(began),
        kube("job_status_active", job_name=JOB): always(active),
    }


def failing(share: float, minutes: int) -> Series:
    """Of ten requests a second through the front door."""
    return {envoy("2"): growing(10 * (1 - share), minutes), envoy("5"): growing(10 * share, minutes)}


def newborn(restarts: str, made: float = 0, ready: str = always(0)) -> Series:
    """A pod that never gets ready, made at a second."""
    return {
        kube("pod_status_ready", pod=POD, condition="true"): ready,
        kube("pod_created", pod=POD): always(made),
        kube("pod_container_status_restarts_total", pod=POD, container="engine"): restarts,
    }


def scaler(active: str, desired: float = 2) -> Series:
    hpa = {"horizontalpodautoscaler": f"keda-hpa-{WORKLOAD}"}
    condition = {"condition": "ScalingActive", "status": "false"}
    return {
        kube("horizontalpodautoscaler_info", **hpa, scaletargetref_name=WORKLOAD): always(1),
        kube("horizontalpodautoscaler_status_condition", **hpa, **condition): active,
        deployment("spec_replicas"): always(desired),
    }


def memory(used: float) -> Series:
    return {gpu("FB_USED"): always(80000 * used), gpu("FB_FREE"): always(80000 * (1 - used))}


DROPPED = of_pod("payload_logger_events_dropped_total", kind="request", reason="sink")
WAITS = (vllm("num_requests_waiting"), vllm("num_requests_waiting", OTHER))
ON_GPU = {
    "gpu": "0", "Hostname": "h100-01", "namespace": "gpu-operator", "pod": "dcgm-exporter-x",
    "exported_namespace": NAMESPACE, "exported_pod": POD, "stack": "fleet",
}  # fmt: skip
_NAMED = f"{NAMESPACE}/{SERVER}"
_POD = f"{NAMESPACE}/{POD}"
_SEEN = {**IDENTITY, "source": "front-door"}
READY = deployment("status_replicas_ready")

CASES = (
    Case(
        "ModelDown", (CRITICAL,), 10, {READY: until(5, 2, 0)}, ({READY: always(1)}, {READY: always(0)}), IDENTITY,
        f"{_NAMED} has no ready replica",
    ),
    Case(
        "HotModelBelowFloor", (CRITICAL,), 10, {READY: always(1)}, ({READY: always(2)}, {READY: always(0)}), IDENTITY,
        f"{_NAMED} has 1 ready replicas, fewer than its floor",
    ),
    Case(
        "ModelQueueGrowing", (WARNING,), 10, {WAITS[0]: always(12)}, ({WAITS[0]: always(10)},), IDENTITY,
        f"6 requests wait for each replica of {_NAMED}",
    ),
    Case(
        "ModelKVCacheFull", (WARNING,), 15, {vllm("kv_cache_usage_perc"): always(0.96)},
        ({vllm("kv_cache_usage_perc"): always(0.94)},), ON_POD,
        f"The KV cache of {_POD} is 96% full",
    ),
    Case(
        "ModelErrorBudgetBurn", (CRITICAL, WARNING), 62, failing(0.08, 70), (failing(0.02, 70), {}), _SEEN,
        f"8% of the requests to {_NAMED} fail, by the front-door", step=60,
    ),
    Case(
        "ModelErrorBudgetBurn", (WARNING,), 380, failing(0.035, 390), (failing(0.029, 390),), _SEEN,
        f"3.5% of the requests to {_NAMED} fail, by the front-door", step=60,
    ),
    Case(
        "ModelNotScraped", (WARNING,), 10, {of_pod("up", OTHER): always(0)}, ({READY: always(2)},), IDENTITY,
        f"Prometheus cannot read 1 of the ready replicas of {_NAMED}",
    ),
    Case(
        "PayloadLogsDropped", (WARNING,), 20, {DROPPED: growing(1)}, ({DROPPED: always(7)},), ON_POD,
        f"{_POD} has dropped 600 copies of requests or answers in 10 minutes",
    ),
    Case(
        "ModelColdStartBeyondBudget", (WARNING,), 7, newborn(until(5, 0, 1)), (newborn(always(0)), {}), ON_POD,
        f"{_POD} has been starting for 7m 0s",
    ),
    Case(
        "ModelColdStartBeyondBudget", (WARNING,), 20, newborn(always(0)), (newborn(always(0), 600),), ON_POD,
        f"{_POD} has been starting for 20m 0s",
    ),
    # A pod that no node has room for: its readiness is not told at all.
    Case(
        "ModelColdStartBeyondBudget", (WARNING,), 20, newborn(always(0), ready=NEVER),
        (newborn(always(0), 600, NEVER),), ON_POD, f"{_POD} has been starting for 20m 0s",
    ),
    Case(
        "ModelReplicasAtMax", (WARNING,), 20, {deployment("spec_replicas"): always(3)},
        ({deployment("spec_replicas"): always(2)},), IDENTITY,
        f"{_NAMED} has been at its maximum of 3 replicas for 15 minutes",
    ),
    Case(
        "ScalerMetricMissing", (CRITICAL,), 10, scaler(always(1)), (scaler(always(0)), scaler(always(1), desired=0)),
        {**IDENTITY, "workload": WORKLOAD, "scraped": "true"},
        f"The scaler of {_NAMED} has no metric to scale by",
    ),
    Case(
        "ModelStagingFailed", (WARNING,), 5, staging("true"), (staging("false"),), {**OF_JOB, "condition": "true"},
        f"The weights of {_NAMED} were not staged",
    ),
    Case(
        "ModelStagingStalled", (WARNING,), 10, staged_for(90), (staged_for(-90), staged_for(90, active=0)), OF_JOB,
        f"The weights of {_NAMED} have been staging for 4h 2m 3s",
    ),
    Case(
        "GPUMemoryNearlyFull", (WARNING,), 15, memory(0.99), (memory(0.97),), ON_POD,
        f"A GPU of {_POD} has 99% of its memory in use",
    ),
    Case(
        "GPUXidError", (CRITICAL,), 10, {gpu("XID_ERRORS"): always(79)}, ({gpu("XID_ERRORS"): always(31)},), ON_GPU,
        "GPU 0 of h100-01 reports XID 79",
    ),
    Case(
        "GPUXidError", (WARNING,), 10, {gpu("XID_ERRORS"): until(5, 0, 31)}, ({gpu("XID_ERRORS"): always(0)},), ON_GPU,
        "GPU 0 of h100-01 reported XID 31, an error of the program on it",
    ),
)  # fmt: skip
