"""What is recorded of a team's models: the engines' words made one, and what the cluster says. Pure; imports queries.

Each expression is of one team's namespace, so that two stacks in one Prometheus record nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from substrate import queries
from substrate.facts.bentoml import METRICS as BENTO
from substrate.facts.engines import ENGINES, Metrics
from substrate.manifests.observability import series
from substrate.manifests.observability.series import POD, SERVER, Record
from substrate.queries import Pods

# Each engine's once: NIM exports vLLM's.
METRICS: tuple[Metrics, ...] = tuple(dict.fromkeys([*(row.metrics for row in ENGINES.values()), BENTO]))
# The job that the PodMonitor of the engines' metrics makes.
MONITOR = "substrate-models"
# A pod that was ready within this time is not starting: it lost its readiness, which is another matter.
_ONCE_READY = "1h"

Ask = Callable[[Metrics, Pods], str | None]


def whichever(ask: Ask, pods: Pods) -> str:
    """What any engine answers: no pod has two of them, so `or` puts their series side by side."""
    asked = (ask(metrics, pods) for metrics in METRICS)
    return " or ".join(dict.fromkeys(f"({one})" for one in asked if one))


def of_engines(namespace: str) -> Iterator[Record]:
    """One series a pod."""
    pods = series.pods_of(namespace)

    def record(name: str, unit: str, meaning: str, expr: str) -> Record:
        return Record(name, unit, meaning, POD, series.of_pods(expr, namespace))

    yield record("substrate:running", "requests", "being computed", whichever(queries.running, pods))
    yield record("substrate:waiting", "requests", "not begun yet", whichever(queries.waiting, pods))
    in_flight = f"{whichever(queries.in_flight, pods)} or ({triton_in_flight(pods)})"
    yield record("substrate:in_flight", "requests", "being computed or waiting", in_flight)
    yield record("substrate:kv_cache_usage", "ratio", "of the KV cache, 0 to 1", whichever(queries.kv_cache, pods))
    generated = whichever(queries.generated, pods)
    yield record("substrate:generated_tokens:rate1m", "tokens a second", "of answers", generated)
    yield record("substrate:prompt_tokens:rate1m", "tokens a second", "of prompts", prompts(pods))
    preempted = f"sum{pods.kept()}(rate(vllm:num_preemptions_total{pods}[5m]))"
    yield record("substrate:preemptions:rate5m", "requests a second", "put back for want of KV cache", preempted)
    dropped = f"sum{pods.kept()}(increase(payload_logger_events_dropped_total{pods}[10m]))"
    yield record("substrate:payload_events_dropped:increase10m", "events", "not delivered", dropped)
    for quantile in (0.5, 0.95):
        expr = series.of_servers(whichever(first_token_at(quantile), Pods(pods.matchers, SERVING)), namespace, "max")
        name = f"substrate:time_to_first_token_seconds:p{quantile * 100:.0f}"
        yield Record(name, "seconds", "from a request to its first token", SERVER, expr)


# A quantile is of all pods of a server; one of each pod's could not be put together.
SERVING = tuple(label for label in series.pods_of("").by if label != "pod")


def first_token_at(quantile: float) -> Ask:
    """Over five minutes: a quantile of fewer requests jumps."""
    return lambda metrics, pods: queries.first_token(metrics, pods, quantile, "5m")


def triton_in_flight(pods: Pods) -> str:
    """Triton counts what waits and what has ended, not what runs. By Little's law the time that all requests took which
    ended within a second is how many there were at once.
    """
    return f"sum{pods.kept()}(rate(nv_inference_request_duration_us{pods}[{queries.RATE_WINDOW}])) / 1e6"


def prompts(pods: Pods) -> str:
    counters = ("vllm:prompt_tokens_total", "llamacpp:prompt_tokens_total", "tgi_request_input_length_sum")
    rates = (f"rate({name}{pods}[{queries.RATE_WINDOW}])" for name in counters)
    return f"sum{pods.kept()}({' or '.join(rates)})"


def of_cluster(namespace: str) -> Iterator[Record]:
    """Replicas and starts. Where nothing reads kube-state-metrics, a replica is ready that answers the scrape."""
    team = f'namespace="{namespace}"'
    scraped = series.of_pods(f'up{{{team},job="{namespace}/{MONITOR}"}}', namespace)
    yield Record("substrate:scraped", "bool", "whether a pod's metrics could be read", POD, scraped)
    owned = series.pods_of_workloads(namespace)
    yield Record("substrate:pod", "info", "1, with the server of a pod that may not answer yet", POD, owned)
    ready = series.of_workloads(f"kube_deployment_status_replicas_ready{{{team}}}", namespace)
    answering = f"sum by ({', '.join(SERVER)}) (substrate:scraped{{{team}}})"
    none = f'sum by ({", ".join(SERVER)}) (0 * substrate:server{{{team},scraped="true"}})'
    yield Record("substrate:replicas:ready", "replicas", "ready", SERVER, f"{ready} or {answering} or {none}")
    yield Record("substrate:served", "bool", "1 once it was ready", SERVER, served(team))
    asked = series.of_workloads(f"kube_deployment_spec_replicas{{{team}}}", namespace)
    yield Record(
        "substrate:replicas:desired", "replicas", "asked for", SERVER, f"{asked} or substrate:replicas:ready{{{team}}}"
    )
    yield Record("substrate:starting_seconds", "seconds", "age of a pod that was never ready", POD, starting(namespace))
    yield Record("substrate:cold_start:seconds", "seconds", "from container to readiness", POD, started(namespace))
    yield Record("substrate:restarts:increase15m", "restarts", "of containers", POD, restarts(namespace))


def served(team: str) -> str:
    """Keeps itself: what was never ready is starting, and what was is down. It outlives an hour without Prometheus."""
    keeping = f"last_over_time(substrate:served{{{team}}}[1h]) and on ({', '.join(SERVER)}) substrate:server{{{team}}}"
    return f"(substrate:replicas:ready{{{team}}} > 0) ^ 0 or {keeping}"


def starting(namespace: str) -> str:
    """A pod that ended, evicted say, starts no more. One that no node has room for starts, and has no readiness yet."""
    team = f'namespace="{namespace}"'
    ready = f'kube_pod_status_ready{{{team},condition="true"}}'
    once = f"max by (namespace, pod) (max_over_time({ready}[{_ONCE_READY}])) == 1"
    ended = f'max by (namespace, pod) (kube_pod_status_phase{{{team},phase=~"Failed|Succeeded"}}) == 1'
    age = f"time() - max by (namespace, pod) (kube_pod_created{{{team}}})"
    waits = f"(({age}) unless on (namespace, pod) ({once}) unless on (namespace, pod) ({ended}))"
    return series.of_known_pods(waits, namespace)


def started(namespace: str) -> str:
    """As the prediction counts: from the engine's start, without the image's pull."""
    team = f'namespace="{namespace}"'
    ready = f"max by (namespace, pod) (kube_pod_status_ready_time{{{team}}})"
    began = f"max by (namespace, pod) (kube_pod_container_state_started{{{team}}})"
    return series.of_known_pods(f"({ready} - on (namespace, pod) {began} >= 0)", namespace)


def restarts(namespace: str) -> str:
    counted = f'increase(kube_pod_container_status_restarts_total{{namespace="{namespace}"}}[15m])'
    return series.of_known_pods(f"sum by (namespace, pod) ({counted})", namespace)


def of_gpus(namespace: str) -> Iterator[Record]:
    """Of the GPUs that a team's pods hold."""
    busy = series.of_known_pods(
        f"avg by (namespace, pod) ({_held('DCGM_FI_DEV_GPU_UTIL', namespace)}) / 100", namespace
    )
    yield Record("substrate:gpu_utilization", "ratio", "time in which a kernel ran", POD, busy)
    used, free = _held("DCGM_FI_DEV_FB_USED", namespace), _held("DCGM_FI_DEV_FB_FREE", namespace)
    full = f"max by (namespace, pod) ({used} / ({used} + {free}))"
    yield Record("substrate:gpu_memory_usage", "ratio", "its fullest GPU", POD, series.of_known_pods(full, namespace))


def _held(metric: str, namespace: str) -> str:
    """Where DCGM's monitor does not honour labels, Prometheus calls the pod that holds a GPU `exported_pod`."""
    renamed = f'{metric}{{exported_namespace="{namespace}"}}'
    for label in ("namespace", "pod"):
        renamed = f'label_replace({renamed}, "{label}", "$1", "exported_{label}", "(.+)")'
    return f'({metric}{{namespace="{namespace}"}} or {renamed})'
