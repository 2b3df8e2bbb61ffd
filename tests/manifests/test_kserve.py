"""KServe's objects: what they must say, and what would be silently ignored or added if they did not."""

from __future__ import annotations

from typing import Any

import pytest

from substrate.manifests import kserve, model
from substrate.plan import StackPlan
from tests.stacks import document, plan_document, plan_of, server, unscaled

STACK = {"local": "smollm2-135m", "homelab": "qwen2-5-7b"}


def planned(tmp_path, stack: str, **settings: Any) -> StackPlan:
    data = unscaled(stack) if stack == "local" else document(stack)
    data["config"]["substrate:models"][STACK[stack]] |= {"foundation": "kserve", **settings}
    data["config"]["substrate:cluster"]["knativeGateway"] = {"service": "kourier-internal", "namespace": "kourier"}
    return plan_document(data, tmp_path, stack)


@pytest.fixture
def service(tmp_path):
    def build(stack: str = "homelab", **settings: Any) -> dict[str, Any]:
        one = server(planned(tmp_path, stack, **settings), STACK[stack])
        assert one.kserve
        return kserve.inference_service(one, one.kserve)

    return build


@pytest.mark.parametrize("mode", ["Standard", "Knative"])
def test_mode_is_always_written(service, mode):
    annotations = service(kserve={"mode": mode})["metadata"]["annotations"]

    assert annotations["serving.kserve.io/deploymentMode"] == mode


def test_kserve_makes_no_autoscaler_on_cpu_whether_one_of_ours_stands_there_or_not(service):
    classes = [service(stack)["metadata"]["annotations"]["serving.kserve.io/autoscalerClass"] for stack in STACK]

    assert dict(zip(STACK, classes, strict=True)) == {"homelab": "external", "local": "none"}


def test_a_scaler_of_ours_is_told_the_replicas_and_kserve_is_not(service):
    assert not {"minReplicas", "maxReplicas"} & set(service("homelab")["spec"]["predictor"])


@pytest.mark.parametrize("stack", STACK)
def test_no_list_is_empty_since_kserve_drops_it_and_each_update_would_write_it_again(service, stack):
    def empty(value: Any, where: str) -> list[str]:
        inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        return [where] * (value == []) + [found for key, each in inside for found in empty(each, f"{where}.{key}")]

    assert empty(service(stack)["spec"], "spec") == []


def test_weights_come_from_the_verified_folder_of_the_claim_and_from_nowhere_else(service, tmp_path):
    digest = server(planned(tmp_path, "homelab"), "qwen2-5-7b").model.weights.digest
    predictor = service()["spec"]["predictor"]

    assert predictor["model"]["storageUri"] == f"pvc://weights-store-01/{digest}"
    assert not any("persistentVolumeClaim" in volume for volume in predictor["volumes"])


def test_engine_reads_where_kserve_mounts(service):
    engine = service()["spec"]["predictor"]["model"]

    assert engine["args"][engine["args"].index("--model") + 1].startswith("/mnt/models/")
    assert not any(mount["mountPath"] == "/mnt/models" for mount in engine["volumeMounts"])


def test_pods_carry_the_label_that_the_models_service_selects(service):
    assert service()["spec"]["predictor"]["labels"]["substrate.dev/model"] == "qwen2-5-7b"


def test_memory_is_the_plans_and_not_kserves_two_gibibytes(service):
    assert "memory" in service()["spec"]["predictor"]["model"]["resources"]["limits"]


def test_what_nothing_would_scale_to_is_no_change_that_an_update_would_wait_for(service):
    more = {"replicas": {"min": 1, "max": 2}}

    assert service("local", **more)["spec"] == service("local")["spec"]
    assert service("local", **more, kserve={"mode": "Knative"})["spec"]["predictor"]["maxReplicas"] == 2


def test_single_gpu_makes_room_before_its_successor_starts(service):
    rolling = service()["spec"]["predictor"]["deploymentStrategy"]["rollingUpdate"]

    assert rolling == {"maxSurge": 0, "maxUnavailable": 1}


def test_knative_gets_nothing_that_it_refuses(service):
    predictor = service(kserve={"mode": "Knative", "canaryTrafficPercent": 10})["spec"]["predictor"]

    assert predictor["canaryTrafficPercent"] == 10
    assert not {"deploymentStrategy", "terminationGracePeriodSeconds", "topologySpreadConstraints"} & set(predictor)
    assert "lifecycle" not in predictor["model"]
    assert "name" not in predictor["model"]["ports"][0]
    assert predictor["model"]["startupProbe"]["httpGet"]["port"] == predictor["model"]["ports"][0]["containerPort"]


def test_model_names_a_runtime_that_the_stack_makes(tmp_path):
    plan = planned(tmp_path, "local")
    assert plan.kserve
    runtimes = [kserve.serving_runtime(runtime) for runtime in plan.kserve.runtimes]
    one = server(plan, "smollm2-135m")
    assert one.kserve
    engine = kserve.inference_service(one, one.kserve)["spec"]["predictor"]["model"]

    assert [runtime["metadata"]["name"] for runtime in runtimes] == [engine["runtime"]] == ["local-llama-cpp-cpu"]
    formats = [each["name"] for each in runtimes[0]["spec"]["supportedModelFormats"]]
    assert formats == [engine["modelFormat"]["name"]]


def test_stack_without_kserve_expects_nothing_of_it():
    assert plan_of("local").kserve is None


def test_knative_is_reached_through_its_own_gateway_which_splits_canaries(tmp_path):
    plan = planned(tmp_path, "local", kserve={"mode": "Knative"})
    one = server(plan, "smollm2-135m")
    (rule,) = model.route(one, one.model)["spec"]["rules"]
    assert plan.kserve and plan.kserve.knative
    grant = kserve.reference_grant(plan.kserve.knative, plan.kserve.teams)

    assert rule["filters"][0]["urlRewrite"]["hostname"] == "smollm2-135m-kserve-predictor.home.svc.cluster.local"
    assert (rule["backendRefs"][0]["name"], rule["backendRefs"][0]["namespace"]) == ("kourier-internal", "kourier")
    assert grant["metadata"]["namespace"] == "kourier"
    assert [each["namespace"] for each in grant["spec"]["from"]] == ["home"]


def test_standard_mode_is_reached_as_every_other_foundation(tmp_path):
    plan = planned(tmp_path, "local")
    one = server(plan, "smollm2-135m")
    (rule,) = model.route(one, one.model)["spec"]["rules"]
    assert plan.kserve

    assert plan.kserve.knative is None
    assert rule["backendRefs"][0]["name"] == "smollm2-135m"
    assert "hostname" not in rule["filters"][0]["urlRewrite"]
