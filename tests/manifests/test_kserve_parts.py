"""Transformer, explainer and KServe's newer kind: what reaches which pods, and what a controller would override."""

from __future__ import annotations

from typing import Any

import pytest

from substrate.manifests import kserve, kserve_install, kserve_parts, llm_inference_service, model
from substrate.plan import ServerPlan, StackPlan
from substrate.plan.types import KServePlan
from tests.stacks import document, plan_document, plan_of, server, unscaled

MODEL = "smollm2-135m"
PART = {"image": "registry.example/prompts:1.2.0", "memory": "256Mi", "cpus": "250m"}
BOTH = {"transformer": {**PART, "args": ["--lower"]}, "explainer": {**PART, "replicas": 2}}


def planned_document(**settings: Any) -> dict[str, Any]:
    data = unscaled("local")
    data["config"]["substrate:models"][MODEL] |= {"foundation": "kserve", "kserve": settings}
    data["config"]["substrate:pools"]["cpu"]["nodeCpus"] = 8
    data["config"]["substrate:cluster"]["knativeGateway"] = {"service": "kourier-internal", "namespace": "kourier"}
    return data


def planned(tmp_path, **settings: Any) -> StackPlan:
    return plan_document(planned_document(**settings), tmp_path, "local")


def on_kserve(plan: StackPlan) -> tuple[ServerPlan, KServePlan]:
    one = server(plan, MODEL)
    assert one.kserve
    return one, one.kserve


@pytest.fixture
def both(tmp_path) -> tuple[ServerPlan, KServePlan]:
    return on_kserve(planned(tmp_path, **BOTH))


def test_models_service_finds_the_transformers_pods_and_no_others(both):
    spec = kserve.inference_service(*both)["spec"]
    ((key, value),) = model.service(both[0], both[0].model)["spec"]["selector"].items()

    assert {part: fields["labels"][key] == value for part, fields in spec.items()} == {
        "predictor": False,
        "transformer": True,
        "explainer": False,
    }


CHANGES = {
    "of the model": {**BOTH, "transformer": BOTH["transformer"]},
    "of the transformer": {**BOTH, "transformer": {**PART, "args": ["--upper"]}},
    "of the transformer's replicas": {**BOTH, "transformer": {**BOTH["transformer"], "replicas": 2}},
}


@pytest.mark.parametrize("change", CHANGES)
def test_change_of_any_part_is_one_of_the_last_ones_pods_which_pulumi_is_told_of(tmp_path, both, change):
    data = planned_document(**CHANGES[change])
    if change == "of the model":
        data["config"]["substrate:models"][MODEL]["context"] = 1024
    before = kserve.inference_service(*both)["spec"]
    after = kserve.inference_service(*on_kserve(plan_document(data, tmp_path, "local")))["spec"]
    changed = {part for part in before if before[part]["annotations"] != after[part]["annotations"]}

    assert "explainer" in changed
    assert ("predictor" in changed) == (change == "of the model"), "no model is started anew for another part's sake"


def test_without_a_transformer_the_predictor_stays_the_entry(tmp_path):
    one, plan = on_kserve(planned(tmp_path, explainer=PART))
    spec = kserve.inference_service(one, plan)["spec"]

    assert spec["predictor"]["labels"]["substrate.dev/model"] == MODEL
    assert spec["explainer"]["labels"]["substrate.dev/model"] != MODEL


def test_every_parts_pods_are_in_exactly_one_disruption_budget(both):
    spec = kserve.inference_service(*both)["spec"]
    budgets = [model.disruption_budget(both[0]), *kserve_parts.disruption_budgets(*both)]

    for part, fields in spec.items():
        selectors = [budget["spec"]["selector"]["matchLabels"].items() for budget in budgets]
        assert sum(selector <= fields["labels"].items() for selector in selectors) == 1, part
    assert len({budget["metadata"]["name"] for budget in budgets}) == 3


def test_replicas_spread_by_their_own_kind(both):
    for part, fields in kserve.inference_service(*both)["spec"].items():
        (spread,) = fields["topologySpreadConstraints"]
        assert spread["labelSelector"]["matchLabels"].items() <= fields["labels"].items(), part


def test_part_runs_as_every_pod_of_ours(both):
    part = kserve.inference_service(*both)["spec"]["transformer"]
    (container,) = part["containers"]

    assert part["automountServiceAccountToken"] is False
    assert part["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["resources"] == {"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"memory": "256Mi"}}
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys()
    assert part["nodeSelector"] == {"substrate.dev/pool": "cpu"}


def test_part_is_told_the_name_that_clients_ask_for_unless_it_is_told_another(tmp_path, both):
    (container,) = kserve.inference_service(*both)["spec"]["transformer"]["containers"]
    named = planned(tmp_path, transformer={**PART, "args": ["--model_name=other"]})
    (own,) = kserve.inference_service(*on_kserve(named))["spec"]["transformer"]["containers"]

    assert container["args"] == ["--lower", "--model_name", "smollm2-135m-instruct"]
    assert own["args"] == ["--model_name=other"]


def test_parts_have_the_replicas_that_are_written_or_the_models_least(tmp_path):
    """A hot model's floor holds for what clients reach, too: the policy pack counts every part."""
    data = planned_document(transformer=PART, explainer={**PART, "replicas": 2})
    data["config"]["substrate:models"][MODEL]["replicas"] = {"min": 3, "max": 3}
    spec = kserve.inference_service(*on_kserve(plan_document(data, tmp_path, "local")))["spec"]

    assert {part: (fields["minReplicas"], fields["maxReplicas"]) for part, fields in spec.items()} == {
        "predictor": (3, 3),
        "transformer": (3, 3),
        "explainer": (2, 2),
    }


def test_cores_beside_a_model_are_not_free_for_a_surge(tmp_path):
    """Eight cores, one for the model: what its parts hold counts as taken."""
    free = on_kserve(planned(tmp_path))[0].rollout.spare_replicas
    taken = on_kserve(planned(tmp_path, transformer={**PART, "cpus": 2, "replicas": 3}))[0].rollout.spare_replicas

    assert (free, taken) == (7, 1)


def test_explanations_go_to_the_explainer_and_all_else_to_the_model(both):
    explain, rest = model.route(both[0], both[0].model)["spec"]["rules"]

    assert explain["matches"][0]["path"] == {
        "type": "Exact",
        "value": f"/{MODEL}/v1/models/smollm2-135m-instruct:explain",
    }
    assert explain["backendRefs"][0]["name"] == f"{MODEL}-kserve-explainer"
    assert explain["filters"][0]["urlRewrite"]["path"]["replaceFullPath"] == "/v1/models/smollm2-135m-instruct:explain"
    assert rest["backendRefs"][0]["name"] == MODEL


def test_knative_is_asked_for_the_transformer_and_gets_nothing_that_it_refuses(tmp_path):
    one, plan = on_kserve(planned(tmp_path, mode="Knative", **BOTH))
    part = kserve.inference_service(one, plan)["spec"]["transformer"]
    explain, rest = model.route(one, one.model)["spec"]["rules"]

    assert not {"deploymentStrategy", "terminationGracePeriodSeconds", "topologySpreadConstraints"} & set(part)
    assert "lifecycle" not in part["containers"][0]
    assert part["containers"][0]["ports"] == [{"containerPort": 8080, "protocol": "TCP"}]
    assert rest["filters"][0]["urlRewrite"]["hostname"] == f"{MODEL}-kserve-transformer.home.svc.cluster.local"
    assert explain["filters"][0]["urlRewrite"]["hostname"] == f"{MODEL}-kserve-explainer.home.svc.cluster.local"


# --- LLMInferenceService ------------------------------------------------------------------------------------------


@pytest.fixture
def fleet(tmp_path) -> StackPlan:
    """A model of vLLM's on GPUs with room for one replica more."""
    data = document("fleet")
    models = data["config"]["substrate:models"]
    name = next(name for name in models if server(plan_of("fleet"), name).engine.name == "vllm")
    block = {**models[name], "foundation": "kserve", "kserve": {"resource": "LLMInferenceService"}}
    block["replicas"] = {"min": 1, "max": 1}
    data["config"]["substrate:models"] = {name: block}
    return plan_document(data, tmp_path, "fleet")


@pytest.fixture
def llm(fleet) -> dict[str, Any]:
    return llm_inference_service.llm_inference_service(fleet.servers[0])


def test_llm_service_serves_from_the_verified_folder_by_our_arguments_alone(fleet, llm):
    (container,) = llm["spec"]["template"]["containers"]
    one = fleet.servers[0]

    assert llm["spec"]["model"]["uri"] == f"pvc://{one.claim}/{one.model.weights and one.model.weights.digest}"
    assert container["name"] == "main", "the preset's, or there would be two"
    assert container["command"] == ["vllm", "serve"], "the preset's would be a shell script"
    assert container["args"] == list(one.engine.args)
    assert container["args"][0] == "/mnt/models"
    assert not any(volume["name"] == "weights" for volume in llm["spec"]["template"]["volumes"])


def test_llm_service_waits_before_its_end_by_the_presets_kind_of_handler(llm):
    """Merged, two kinds would stand side by side, and the API server refuses that."""
    assert set(llm["spec"]["template"]["containers"][0]["lifecycle"]["preStop"]) == {"exec"}


def test_pods_of_an_llm_service_carry_what_the_models_service_selects_and_nothing_that_may_change(fleet, llm):
    found = llm["spec"]["labels"]

    assert model.service(fleet.servers[0], fleet.servers[0].model)["spec"]["selector"].items() <= found.items()
    assert not {"substrate.dev/tier", "app.kubernetes.io/name", "app.kubernetes.io/part-of"} & found.keys()


def test_llm_service_is_awaited_and_makes_no_route(llm):
    assert llm["metadata"]["annotations"]["pulumi.com/waitFor"] == "condition=Ready"
    assert "router" not in llm["spec"]


def test_llm_service_needs_its_own_definition_and_controller_and_no_runtime(fleet):
    assert fleet.kserve
    assert kserve_install.checked(fleet.kserve) == ["llminferenceservices.serving.kserve.io"]
    assert list(kserve_install.controllers(fleet.kserve).values()) == ["llmisvc-controller-manager"]
    assert fleet.kserve.runtimes == ()


# --- the install --------------------------------------------------------------------------------------------------


INSTALL = {"chart": "oci://charts.example/kserve-resources", "crds": "./charts/kserve-crd", "version": "v0.19.0"}


@pytest.fixture
def installing(tmp_path) -> StackPlan:
    data = unscaled("local")
    data["config"]["substrate:models"][MODEL] |= {"foundation": "kserve"}
    data["config"]["substrate:cluster"]["kserve"] = {"namespace": "serving", "install": INSTALL}
    return plan_document(data, tmp_path, "local")


def test_definitions_are_released_before_the_controller_and_both_of_one_version(installing):
    assert installing.kserve and installing.kserve.install
    made = kserve_install.releases(installing.kserve.namespace, installing.kserve.install)

    assert [(each["name"], each["chart"]) for each in made] == [
        ("kserve-crd", INSTALL["crds"]),
        ("kserve-resources", INSTALL["chart"]),
    ]
    assert {(each["version"], each["namespace"]) for each in made} == {("v0.19.0", "serving")}


def test_install_of_ours_makes_no_routes_and_no_knative_by_default():
    controller = kserve_install.values()["kserve"]["controller"]

    assert controller["deploymentMode"] == "Standard"
    assert controller["gateway"]["disableIngressCreation"]


def test_install_expects_only_what_its_charts_need(installing):
    assert installing.kserve
    assert kserve_install.checked(installing.kserve) == ["certificates.cert-manager.io"]
    assert kserve_install.controllers(installing.kserve) == {}


def test_without_an_install_the_definitions_must_be_there(tmp_path):
    plan = planned(tmp_path).kserve
    assert plan

    assert "inferenceservices.serving.kserve.io" in kserve_install.checked(plan)
    assert kserve_install.autoscalers(plan) == ["none"]


def test_knative_mode_needs_knatives_autoscaler(tmp_path):
    plan = planned(tmp_path, mode="Knative").kserve
    assert plan

    assert kserve_install.autoscalers(plan) == ["knative"]
    assert "podautoscalers.autoscaling.internal.knative.dev" in kserve_install.checked(plan)


def test_definition_without_the_version_that_is_written_is_named_with_a_way_out():
    (problem,) = kserve_install.version_not_served({"versions": [{"name": "v1alpha1", "served": True}]})

    assert "serves LLMInferenceService as v1alpha1" in problem
    assert kserve_install.version_not_served({"versions": [{"name": "v1alpha2", "served": True}]}) == []
