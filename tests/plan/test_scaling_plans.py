"""What scales a server, as planned: signals, targets with their reasons, whose series, what wakes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from substrate import queries
from substrate.facts.engines import ENGINES
from substrate.plan import ServerPlan
from substrate.plan.scaling import MonitoringPlan, ScalingPlan
from tests.stacks import document, plan_document, server

MONITORING = {"prometheus": "http://prometheus.monitoring:9090", "labels": {"release": "stack"}}
NAME = "qwen2-5-14b-assist"  # of the fleet: vLLM on an L40S


def planned(folder: Path, name: str = NAME, autoscaling: dict[str, Any] | None = None, **block: Any) -> ServerPlan:
    data = document("fleet")
    data["config"]["substrate:monitoring"] = MONITORING
    data["config"]["substrate:autoscaling"] = autoscaling or {"through": "keda"}
    data["config"]["substrate:models"][name].update(block)
    return server(plan_document(data, folder, "fleet"), name)


def scaling(folder: Path, name: str = NAME, **block: Any) -> ScalingPlan:
    found = planned(folder, name, **block).scaling
    assert found
    return found


def test_a_stack_that_does_not_ask_for_scaling_is_not_scaled(tmp_path: Path) -> None:
    data = document("fleet")
    for key in ("monitoring", "autoscaling"):
        data["config"].pop(f"substrate:{key}", None)
    for model in data["config"]["substrate:models"].values():
        model["replicas"]["min"] = max(1, model["replicas"]["min"])
        model.pop("scaling", None)
    plan = plan_document(data, tmp_path, "fleet")

    assert plan.monitoring is None
    assert [each.scaling for each in plan.servers] == [None] * len(plan.servers)


def test_what_observes_a_stack_is_planned_as_written(tmp_path: Path) -> None:
    data = document("fleet")
    data["config"]["substrate:monitoring"] = MONITORING
    found = plan_document(data, tmp_path, "fleet").monitoring

    assert found == MonitoringPlan(
        "http://prometheus.monitoring:9090", "monitoring", {"release": "stack"}, "docs/runbooks", True
    )


def test_a_model_follows_what_is_in_flight_and_what_waits(tmp_path: Path) -> None:
    found = scaling(tmp_path)
    pods = '{namespace="assist",substrate_dev_model="qwen2-5-14b-assist"}'
    waiting = f"sum(vllm:num_requests_waiting{pods})"

    assert [signal.name for signal in found.signals] == ["inFlight", "waiting"]
    assert [signal.query for signal in found.signals] == [f"sum(vllm:num_requests_running{pods}) + {waiting}", waiting]
    assert (found.min, found.max, found.through) == (1, 2, "keda")


@pytest.mark.parametrize(
    ("parallel", "in_flight", "waiting"), [(1, 1, 2), (2, 1, 2), (4, 2, 2), (16, 11, 4), (24, 16, 5), (64, 16, 5)]
)
def test_a_replica_is_added_before_one_is_full(tmp_path: Path, parallel: int, in_flight: int, waiting: int) -> None:
    found = scaling(tmp_path, parallel=parallel)

    assert [signal.target for signal in found.signals] == [in_flight, waiting]
    assert in_flight <= parallel


@pytest.mark.parametrize(
    ("metric", "target", "query"),
    [
        ("waiting", 4, "sum(vllm:num_requests_waiting{P})"),
        ("kvCache", 0.8, "sum(max by (pod) (vllm:kv_cache_usage_perc{P}))"),
        ("timeToFirstToken", 2, "(0.95, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket{P}[1m])))"),
        ("gpu", 80, 'DCGM_FI_DEV_GPU_UTIL{namespace="assist",pod=~"qwen2-5-14b-assist-plain-[a-z0-9]+-[a-z0-9]+"}'),
    ],
)
def test_each_metric_is_asked_for_in_its_own_unit(tmp_path: Path, metric: str, target: float, query: str) -> None:
    first = scaling(tmp_path, scaling={"metric": metric}).signals[0]

    pods = '{namespace="assist",substrate_dev_model="qwen2-5-14b-assist"}'

    assert first.target == target
    assert query.replace("{P}", pods) in first.query
    assert first.average == (metric != "timeToFirstToken")


def test_a_replica_of_several_gpus_is_as_busy_as_all_of_them(tmp_path: Path) -> None:
    first = scaling(tmp_path, gpus=2, scaling={"metric": "gpu", "target": "70%"}).signals[0]

    assert first.target == pytest.approx(140)


def test_waiting_is_its_own_guard(tmp_path: Path) -> None:
    assert len(scaling(tmp_path, scaling={"metric": "waiting"}).signals) == 1


def test_tokens_in_flight_are_the_share_of_the_cache_times_what_it_holds(tmp_path: Path) -> None:
    """An L40S: 45 GiB x 0.92 - 27.6 GiB of weights - 2 GiB, at 192 KiB a token."""
    first = scaling(tmp_path, scaling={"metric": "tokensInFlight"}).signals[0]
    capacity = int(first.query.rpartition("* ")[2])

    assert 50_000 < capacity < 70_000
    assert first.target == round(0.8 * capacity)
    assert first.adapted == pytest.approx(0.8, rel=1e-4)
    assert first.metric == "substrate_vllm_kv_cache"


def test_what_is_written_is_taken(tmp_path: Path) -> None:
    found = scaling(tmp_path, scaling={"target": 8, "waiting": 3, "scaleDownWindow": "10m"})

    assert [signal.target for signal in found.signals] == [8, 3]
    assert found.behaviour.down_window == 600


def test_replicas_come_at_once_and_go_slowly(tmp_path: Path) -> None:
    found = scaling(tmp_path).behaviour

    assert (found.up_pods, found.up_percent, found.up_period, found.down_window) == (4, 100, 15, 300)


def test_behind_a_transformer_the_engines_own_pods_are_asked(tmp_path: Path) -> None:
    transformer = {"image": "registry.example/t:1", "cpus": "500m", "memory": "512Mi"}
    found = planned(tmp_path, foundation="kserve", kserve={"transformer": transformer}).scaling

    assert found and found.series == {"substrate_dev_model": "qwen2-5-14b-assist.predictor"}


def test_the_pods_of_a_kserve_deployment_are_known_by_its_name(tmp_path: Path) -> None:
    standard = scaling(tmp_path, foundation="kserve", scaling={"metric": "gpu"}).signals[0].query
    llm = {"resource": "LLMInferenceService"}
    newer = scaling(tmp_path, foundation="kserve", kserve=llm, scaling={"metric": "gpu"}).signals[0].query

    assert 'pod=~"qwen2-5-14b-assist-kserve-predictor-[a-z0-9]+-[a-z0-9]+"' in standard
    assert 'pod=~"qwen2-5-14b-assist-kserve-kserve-[a-z0-9]+-[a-z0-9]+"' in newer


def test_a_model_at_zero_is_woken_and_the_first_request_predicted(tmp_path: Path) -> None:
    waking = {"through": "keda", "wake": "http-add-on"}
    found = planned(
        tmp_path, autoscaling=waking, tier="longTail", replicas={"min": 0, "max": 2}, scaling={"idle": "10m"}
    )

    assert found.scaling and found.scaling.wake
    assert found.scaling.wake.idle == 600
    assert found.startup.expected < found.scaling.wake.first_request < found.startup.expected + 10
    assert found.scaling.wake.held > found.startup.budget


def test_a_model_that_keeps_a_replica_needs_no_waking(tmp_path: Path) -> None:
    assert scaling(tmp_path, autoscaling={"through": "keda", "wake": "http-add-on"}).wake is None


def test_knative_counts_by_itself(tmp_path: Path) -> None:
    data = document("fleet")
    data["config"].pop("substrate:autoscaling", None)
    for model in data["config"]["substrate:models"].values():
        model["replicas"]["min"] = max(1, model["replicas"]["min"])
        model.pop("scaling", None)
    data["config"]["substrate:cluster"]["knativeGateway"] = {"service": "kourier-internal", "namespace": "kourier"}
    block = data["config"]["substrate:models"][NAME]
    block.update(foundation="kserve", kserve={"mode": "Knative"})
    found = server(plan_document(data, tmp_path, "fleet"), NAME).scaling

    assert found and found.through == "knative"
    assert [(signal.name, signal.target) for signal in found.signals] == [("inFlight", 11)]


def test_an_engine_without_metrics_is_not_scaled_and_keeps_its_replicas(tmp_path: Path) -> None:
    assert planned(tmp_path, "qwen2-5-7b-fallback", engine="ollama", replicas={"min": 1, "max": 1}).scaling is None


def test_queries_keep_the_labels_that_a_room_groups_by() -> None:
    pods = queries.Pods(by=("namespace", "substrate_dev_model"))
    vllm, tgi = ENGINES["vllm"].metrics, ENGINES["tgi"].metrics

    assert queries.waiting(vllm, pods) == "sum by (namespace, substrate_dev_model) (vllm:num_requests_waiting)"
    assert queries.kv_cache(vllm, pods) == (
        "sum by (namespace, substrate_dev_model) (max by (pod, namespace, substrate_dev_model) "
        "(vllm:kv_cache_usage_perc))"
    )
    assert queries.generated(tgi, queries.Pods()) == "sum(rate(tgi_request_generated_tokens_sum[1m]))"
    assert queries.kv_cache(ENGINES["llama.cpp"].metrics, pods) is None
