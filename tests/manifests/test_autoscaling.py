"""What scales a server: KEDA's object, an HPA through prometheus-adapter, Knative's annotations, or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from substrate.manifests import (
    adapter_rules,
    autoscaling,
    bento,
    kserve,
    llm_inference_service,
    model,
    serving,
    waking,
)
from substrate.plan import ServerPlan, StackPlan
from tests import promql, triton_stacks
from tests.stacks import document, plan_document, plan_of, server, unscaled

NAME = "qwen2-5-14b-assist"  # of the fleet: vLLM on L40S
ASLEEP = "qwen2-5-7b-fallback"  # of the fleet: llama.cpp at zero
LOCAL = "smollm2-135m"
SCALED = {
    "monitoring": {"prometheus": "http://prometheus.monitoring:9090"},
    "autoscaling": {"through": "keda"},
}


def fleet(folder: Path, **block: Any) -> ServerPlan:
    data = document("fleet")
    data["config"]["substrate:models"][NAME].update(block)
    return server(plan_document(data, folder, "fleet"), NAME)


def local(folder: Path, sections: dict[str, Any] | None = None, **block: Any) -> StackPlan:
    """The local stack, scaled."""
    data = document("local")
    data["config"]["substrate:models"][LOCAL] |= block
    for section, value in {**SCALED, **(sections or {})}.items():
        data["config"].setdefault(f"substrate:{section}", {}).update(value)
    return plan_document(data, folder, "local")


def keda(one: ServerPlan) -> dict[str, Any]:
    (made,) = [each for each in autoscaling.objects(one) if each["kind"] == "ScaledObject"]
    spec: dict[str, Any] = made["spec"]
    return spec


def test_keda_is_told_bounds_target_and_both_signals(tmp_path: Path) -> None:
    spec = keda(fleet(tmp_path))
    pods = '{namespace="assist",substrate_dev_model="qwen2-5-14b-assist"}'

    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": f"{NAME}-plain"}
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (1, 2)
    assert [(each["name"], each["metricType"], each["metadata"]["threshold"]) for each in spec["triggers"]] == [
        ("inFlight", "AverageValue", "11"),
        ("waiting", "AverageValue", "4"),
    ]
    assert spec["triggers"][1]["metadata"]["query"] == f"sum(vllm:num_requests_waiting{pods})"
    assert {each["metadata"]["serverAddress"] for each in spec["triggers"]} == {
        "http://prometheus-operated.monitoring:9090"
    }


def test_replicas_come_at_once_and_go_when_none_was_needed_for_a_while(tmp_path: Path) -> None:
    config = keda(fleet(tmp_path))["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]

    assert config["scaleUp"]["stabilizationWindowSeconds"] == 0
    assert {(each["type"], each["value"], each["periodSeconds"]) for each in config["scaleUp"]["policies"]} == {
        ("Pods", 4, 15),
        ("Percent", 100, 15),
    }
    assert config["scaleDown"] == {"stabilizationWindowSeconds": 300}


def test_replicas_are_held_while_prometheus_is_away(tmp_path: Path) -> None:
    """KEDA takes an answer without a series for 0 unless told otherwise, and would end replicas under load."""
    spec = keda(fleet(tmp_path))

    assert spec["fallback"]["behavior"] == "currentReplicas"
    assert {each["metadata"]["ignoreNullValues"] for each in spec["triggers"]} == {"false"}


def test_no_model_at_rest_is_woken_because_prometheus_is_away() -> None:
    """KEDA 2.19 and newer counts a fallback as activity, and starts what is at zero."""
    assert "fallback" not in keda(server(plan_of("fleet"), ASLEEP))


def test_a_latency_is_compared_as_it_is_and_not_for_each_replica(tmp_path: Path) -> None:
    first = keda(fleet(tmp_path, scaling={"metric": "timeToFirstToken", "target": "1500ms"}))["triggers"][0]

    assert (first["metricType"], first["metadata"]["threshold"]) == ("Value", "1.5")


@pytest.mark.parametrize(
    ("value", "written"), [(11, "11"), (0.8, "0.8"), (1234567, "1234567"), (1.5, "1.5"), (46123.0, "46123")]
)
def test_a_threshold_is_written_without_an_exponent(value: float, written: str) -> None:
    assert autoscaling.number(value) == written


def test_who_is_scaled_says_no_number_of_replicas(tmp_path: Path) -> None:
    one = fleet(tmp_path)

    assert "replicas" not in serving.deployment(one)["spec"]


def test_who_is_not_scaled_says_its_own(tmp_path: Path) -> None:
    one = server(plan_document(unscaled("local"), tmp_path), LOCAL)

    assert autoscaling.objects(one) == []
    assert serving.deployment(one)["spec"]["replicas"] == 1


def test_one_gpu_has_an_inert_scaler_of_one_to_one() -> None:
    (made,) = autoscaling.objects(server(plan_of("homelab"), "qwen2-5-7b"))

    assert (made["spec"]["minReplicas"], made["spec"]["maxReplicas"]) == (1, 1)


def test_an_adapter_is_asked_by_name_and_by_the_pods_label() -> None:
    (made,) = autoscaling.objects(server(plan_of("homelab"), "qwen2-5-7b"))
    metrics = [each["external"] for each in made["spec"]["metrics"]]

    assert (made["apiVersion"], made["kind"]) == ("autoscaling/v2", "HorizontalPodAutoscaler")
    assert [each["metric"]["name"] for each in metrics] == [
        "substrate_llama_cpp_in_flight",
        "substrate_llama_cpp_waiting",
    ]
    assert {each["metric"]["selector"]["matchLabels"]["substrate_dev_model"] for each in metrics} == {"qwen2-5-7b"}
    assert metrics[0]["target"] == {"type": "AverageValue", "averageValue": "1"}
    assert made["spec"]["scaleTargetRef"]["name"] == "qwen2-5-7b-kserve-predictor"


def adapted(folder: Path, **scaling: Any) -> dict[str, Any]:
    data = document("fleet")
    data["config"]["substrate:autoscaling"] = {"through": "prometheus-adapter"}
    for block in data["config"]["substrate:models"].values():
        block["replicas"]["min"] = max(1, block["replicas"]["min"])
    data["config"]["substrate:models"][NAME]["scaling"] = scaling
    (made,) = autoscaling.objects(server(plan_document(data, folder, "fleet"), NAME))
    first: dict[str, Any] = made["spec"]["metrics"][0]["external"]
    return first


def test_an_adapter_is_asked_in_quantities_as_the_api_server_writes_them(tmp_path: Path) -> None:
    assert adapted(tmp_path, metric="kvCache")["target"] == {"type": "AverageValue", "averageValue": "800m"}
    assert adapted(tmp_path, metric="timeToFirstToken")["target"] == {"type": "Value", "value": "2"}


def test_tokens_are_asked_of_an_adapter_as_the_share_that_they_are_of_the_cache(tmp_path: Path) -> None:
    asked = adapted(tmp_path, metric="tokensInFlight")

    assert asked["metric"]["name"] == "substrate_vllm_kv_cache"
    assert asked["target"]["averageValue"] == "800m"


def test_every_metric_that_a_scaler_asks_an_adapter_for_has_a_rule(tmp_path: Path) -> None:
    names = {rule["name"]["as"] for rule in adapter_rules.external_rules()}
    asked = [
        adapted(tmp_path, metric=metric)["metric"]["name"]
        for metric in ("inFlight", "waiting", "kvCache", "tokensInFlight", "timeToFirstToken")
    ]

    assert set(asked) <= names
    assert len(names) == len(adapter_rules.external_rules()), "two rules of one name: the last would win"


def test_a_rule_asks_for_the_scalers_own_pods_and_no_others() -> None:
    """The example that others ship lacks the matchers: each model then scales on the sum of all."""
    for rule in adapter_rules.external_rules():
        series = rule["metricsQuery"].count("<<.LabelMatchers>>")
        assert series and rule["metricsQuery"].count("{") == series, rule


def test_kserve_standard_is_scaled_by_us_on_the_deployment_that_it_makes(tmp_path: Path) -> None:
    one = fleet(tmp_path, foundation="kserve")
    assert one.kserve
    service = kserve.inference_service(one, one.kserve)

    assert keda(one)["scaleTargetRef"]["name"] == f"{NAME}-kserve-predictor"
    assert service["metadata"]["annotations"]["serving.kserve.io/autoscalerClass"] == "external"


def test_an_llm_inference_service_leaves_its_replicas_to_the_scaler(tmp_path: Path) -> None:
    one = fleet(tmp_path, foundation="kserve", kserve={"resource": "LLMInferenceService"})

    assert keda(one)["scaleTargetRef"]["name"] == f"{NAME}-kserve-kserve"
    assert "replicas" not in llm_inference_service.llm_inference_service(one)["spec"]


def test_knative_is_told_the_target_and_no_scaler_stands_beside_it(tmp_path: Path) -> None:
    gateway = {"knativeGateway": {"service": "kourier-internal", "namespace": "kourier"}}
    plan = local(tmp_path, {"cluster": gateway}, foundation="kserve", kserve={"mode": "Knative"})
    one = server(plan, LOCAL)
    assert one.kserve
    predictor = kserve.inference_service(one, one.kserve)["spec"]["predictor"]

    assert autoscaling.objects(one) == []
    assert (predictor["minReplicas"], predictor["maxReplicas"]) == (1, 1)
    assert {
        key: value for key, value in predictor["annotations"].items() if key.startswith("autoscaling.knative.dev/")
    } == {
        "autoscaling.knative.dev/metric": "concurrency",
        "autoscaling.knative.dev/target": "1",
        "autoscaling.knative.dev/target-utilization-percentage": "100",
        "autoscaling.knative.dev/scale-down-delay": "300s",
    }


def test_knative_is_told_how_long_nobody_asks_before_the_last_replica_goes(tmp_path: Path) -> None:
    gateway = {"knativeGateway": {"service": "kourier-internal", "namespace": "kourier"}}
    block = {"tier": "longTail", "replicas": {"min": 0, "max": 2}, "scaling": {"idle": "10m"}}
    plan = local(tmp_path, {"cluster": gateway}, foundation="kserve", kserve={"mode": "Knative"}, **block)
    told = autoscaling.knative_annotations(server(plan, LOCAL))

    assert told["autoscaling.knative.dev/scale-to-zero-pod-retention-period"] == "600s"


def test_triton_follows_what_waits_for_any_of_its_models(tmp_path: Path) -> None:
    names = triton_stacks.flowers("cpu")
    sections = {"models": names, "servers": {"flowers": {"models": list(names)}}}
    sections["pools"] = {"cpu": {**document("local")["config"]["substrate:pools"]["cpu"], "nodeCpus": 16}}
    spec = keda(server(local(tmp_path, sections), "flowers"))
    pods = '{namespace="home",substrate_dev_server="flowers"}'

    assert [each["metadata"]["query"] for each in spec["triggers"]] == [
        f"sum(nv_inference_pending_request_count{pods})"
    ]


def test_of_a_bentos_pipeline_the_entry_is_scaled_and_its_stages_keep_their_replicas(tmp_path: Path) -> None:
    stages = {
        "score": {"service": "Score", "cpus": "250m", "replicas": 2},
        "entry": {"service": "Pipeline", "depends": ["score"]},
    }
    weights = {"from": "s3://bentos/iris/", "files": {"bento.yaml": {"sha256": "a" * 64, "size": "1Mi"}}}
    iris = {"pool": "cpu", "foundation": "bentoml", "weights": weights, "bento": {"stages": stages}}
    pools = {"cpu": {**document("local")["config"]["substrate:pools"]["cpu"], "nodeCpus": 16}}
    one = server(local(tmp_path, {"models": {"iris": iris}, "pools": pools}), "iris")
    assert one.bento
    made = {each["metadata"]["name"]: each for each in bento.stage_objects(one, one.bento)}
    numbers = [each["spec"]["replicas"] for each in made.values() if each["kind"] == "Deployment"]

    assert keda(one)["scaleTargetRef"]["name"] == "iris-bentoml"
    assert "bentoml_service_request_in_progress" in keda(one)["triggers"][0]["metadata"]["query"]
    assert "replicas" not in bento.deployment(one, one.bento)["spec"]
    assert numbers == [2]


def asleep() -> tuple[ServerPlan, dict[str, dict[str, Any]]]:
    one = server(plan_of("fleet"), ASLEEP)
    return one, {each["kind"]: each for each in autoscaling.objects(one)}


def test_a_model_at_rest_has_what_wakes_it_before_its_scaler() -> None:
    one, _ = asleep()

    assert [each["kind"] for each in autoscaling.objects(one)] == [
        "ReferenceGrant",
        "Service",
        "HTTPScaledObject",
        "ScaledObject",
    ]


def test_an_engine_that_tells_nothing_is_scaled_by_what_holds_its_requests(tmp_path: Path) -> None:
    data = document("fleet")
    data["config"]["substrate:models"][ASLEEP] |= {"engine": "ollama", "replicas": {"min": 0, "max": 2}}
    spec = keda(server(plan_document(data, tmp_path, "fleet"), ASLEEP))

    assert [each["type"] for each in spec["triggers"]] == ["external-push"]
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (0, 2)


def test_the_first_request_reaches_keda_by_what_holds_it() -> None:
    _, made = asleep()
    push, *others = made["ScaledObject"]["spec"]["triggers"]

    assert made["ScaledObject"]["spec"]["minReplicaCount"] == 0
    assert push["type"] == "external-push"
    assert push["metadata"] == {
        "scalerAddress": "keda-add-ons-http-external-scaler.keda:9090",
        "httpScaledObject": made["HTTPScaledObject"]["metadata"]["name"],
    }
    # At zero the engine's series are not there, which is no fault.
    assert {each["metadata"]["ignoreNullValues"] for each in others} == {"true"}


def test_requests_are_held_for_as_long_as_the_start_may_take_and_then_sent_to_the_front_door() -> None:
    one, made = asleep()
    spec, starting = made["HTTPScaledObject"]["spec"], made["Service"]
    wait = one.startup.budget + 5

    assert spec["timeouts"]["conditionWait"] == waking.duration(wait)
    assert spec["coldStartTimeoutFailoverRef"] == {
        "service": starting["metadata"]["name"],
        "port": 8090,
        "timeoutSeconds": round(wait),
    }
    assert starting["spec"] == {
        "type": "ExternalName",
        "externalName": "front-door.substrate-front-door.svc.cluster.local",
    }


def test_an_answer_may_take_longer_than_the_add_ons_half_second() -> None:
    _, made = asleep()

    assert made["HTTPScaledObject"]["spec"]["timeouts"]["responseHeader"] == "1h0m0s"


@pytest.mark.parametrize(("seconds", "written"), [(35, "35s"), (125.4, "2m5s"), (300, "5m0s"), (3725, "1h2m5s")])
def test_times_are_written_as_the_add_on_writes_them_back(seconds: float, written: str) -> None:
    assert waking.duration(seconds) == written


def test_the_add_on_makes_no_scaler_of_its_own_beside_ours() -> None:
    _, made = asleep()

    assert made["HTTPScaledObject"]["metadata"]["annotations"] == {
        "httpscaledobject.keda.sh/skip-scaledobject-creation": "true"
    }


def test_the_models_route_leads_to_what_holds_its_requests_and_says_whose_they_are() -> None:
    one, made = asleep()
    (rule,) = model.route(one, one.model)["spec"]["rules"]
    (backend,) = rule["backendRefs"]
    grant = made["ReferenceGrant"]

    assert (backend["name"], backend["namespace"], backend["port"]) == (
        "keda-add-ons-http-interceptor-proxy",
        "keda",
        8080,
    )
    assert [rule["filters"][0]["urlRewrite"]["hostname"]] == made["HTTPScaledObject"]["spec"]["hosts"]
    assert grant["metadata"]["namespace"] == "keda"
    assert grant["spec"]["from"][0]["namespace"] == one.namespace
    assert grant["spec"]["to"][0]["name"] == backend["name"]


def test_a_model_that_may_rest_is_not_waited_for() -> None:
    one, _ = asleep()

    assert serving.deployment(one)["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true"


def test_a_model_that_always_runs_is_reached_past_what_wakes_others(tmp_path: Path) -> None:
    one = fleet(tmp_path)
    (rule,) = model.route(one, one.model)["spec"]["rules"]

    assert rule["backendRefs"][0]["name"] == NAME
    assert [each["kind"] for each in autoscaling.objects(one)] == ["ScaledObject"]


MATCHED = 'namespace="home",substrate_dev_model="smol"'


def test_every_rule_of_an_adapter_asks_for_what_its_engine_exports_by_labels_that_are_there() -> None:
    known = promql.exported()
    written = [rule["metricsQuery"].replace("<<.LabelMatchers>>", MATCHED) for rule in adapter_rules.external_rules()]
    faults = {query: found for query in written if (found := promql.faults(query, known))}

    assert len(written) == 14
    assert not faults


@pytest.mark.parametrize("metric", ["waiting", "kvCache", "tokensInFlight", "timeToFirstToken", "gpu"])
def test_every_metric_is_asked_for_by_series_and_labels_that_are_there(tmp_path: Path, metric: str) -> None:
    triggers = keda(fleet(tmp_path, scaling={"metric": metric}))["triggers"]
    asked = [each["metadata"]["query"] for each in triggers]

    assert [promql.faults(query, promql.exported()) for query in asked] == [[]] * len(asked)


def test_a_series_that_is_misspelt_is_found_by_the_same_way_of_asking() -> None:
    query = f"sum(vllm:num_requests_waitin{{{MATCHED}}})"

    assert promql.faults(query, promql.exported())
