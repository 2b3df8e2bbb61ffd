"""What the engine hands over: unknown values, secrets, patches, tokens, settings."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi.runtime.proto import analyzer_pb2 as pb

from policies.pack import POLICIES
from policies.resources.objects import objects_of
from tests.policies.judging import (
    RESOURCE,
    STACK,
    UNKNOWN,
    UNKNOWN_LIST,
    _analyze,
    _analyze_stack,
    _analyzer,
    _struct,
    judge,
    violations,
)
from tests.policies.written import (
    CPU,
    HOT,
    IN_FLIGHT,
    claim_volume,
    container,
    hpa,
    mount,
    scaled_object,
    template,
    workload,
)

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}


def test_all_policies_stop_a_run_but_the_one_that_advises() -> None:
    levels = {policy.name: policy.enforcement_level.value for policy in POLICIES if policy.enforcement_level}

    assert levels == {"llm-resource": "mandatory", "llm-stack": "mandatory", "llm-advice": "advisory"}


MOVING = workload(pod=template(container("nginx:latest")))
ADVISED = {"moving-image": "advisory"}
UNKNOWNS: dict[str, tuple[dict[str, Any], str]] = {
    "image": (workload(pod=template(container(UNKNOWN))), "image"),
    "replicas of a hot model": (workload(labels=HOT, replicas=UNKNOWN), "replicas"),
    "pods": (workload(pod={"spec": UNKNOWN}), "spec"),
    "metrics": (hpa(labels={"substrate.dev/workload": "llm"}, metrics=UNKNOWN_LIST), "metrics"),
    "read-only or not": (
        workload(pod=template(container(volumeMounts=[mount(readOnly=UNKNOWN)]), volumes=[claim_volume()])),
        "readOnly",
    ),
}


@pytest.mark.parametrize(("manifest", "path"), UNKNOWNS.values(), ids=UNKNOWNS.keys())
def test_unknown_value_that_decides_is_told_and_never_swallowed(manifest: dict[str, Any], path: str) -> None:
    found = [item for item in judge(manifest) if item.policy == RESOURCE]

    assert [item.mandatory for item in found] == [False]
    assert "can't run policy 'llm-resource'" in found[0].message and path in found[0].message


def test_advice_tells_what_the_other_policies_found_and_asks_no_rule_again() -> None:
    """By the inputs, then, though the stack comes with the outputs."""
    pack = _analyzer({"levels": ADVISED})
    _analyze(pack, MOVING)

    (told,) = _analyze_stack(pack, {**MOVING, "spec": {}})
    assert "the tag latest moves" in told.message and told.enforcementLevel == pb.ADVISORY


def test_what_was_never_asked_alone_is_advised_on_all_the_same() -> None:
    """The engine asks of no resource alone that a program only reads."""
    (told,) = _analyze_stack(_analyzer({"levels": ADVISED}), MOVING)

    assert "the tag latest moves" in told.message


def test_advice_by_settings_of_its_own_is_judged_by_them() -> None:
    own = judge(MOVING, config={"levels": ADVISED}, written_for="llm-advice")

    assert sorted((one.policy, one.mandatory) for one in own) == [("llm-advice", False), (RESOURCE, True)]


def test_a_stack_is_not_told_of_the_one_before() -> None:
    pack = _analyzer({"levels": {"host-metric-in-stack": "advisory"}})

    assert len(_analyze_stack(pack, workload(), hpa(metrics=[CPU]))) == 1
    assert _analyze_stack(pack, workload()) == []


def test_unknown_value_that_does_not_decide_is_no_matter() -> None:
    pod = template(
        container(env=[{"name": "BUCKET", "value": UNKNOWN}], workingDir=UNKNOWN),
        serviceAccountName=UNKNOWN,
        tolerations=UNKNOWN_LIST,
    )

    assert judge(workload(pod=pod, labels=HOT)) == []


def test_violation_beside_an_unknown_value_still_stops_the_run() -> None:
    pod = template(container("nginx"), container(UNKNOWN, "sidecar"))
    hot = workload(pod=pod, labels=HOT, replicas=0)

    found = [item for item in judge(hot) if item.policy == RESOURCE]

    assert sorted(item.mandatory for item in found) == [False, True, True]
    assert any("spec.replicas is 0" in item.message for item in found)
    assert any("image of container engine is nginx" in item.message for item in found)


def test_scaler_whose_target_is_not_known_yet_does_not_hide_another() -> None:
    lost = hpa("other", metrics=[CPU])
    lost["spec"]["scaleTargetRef"]["name"] = UNKNOWN

    found = [item for item in judge(workload(), lost, hpa(metrics=[CPU])) if item.policy == STACK]

    assert sorted(item.mandatory for item in found) == [False, True]


def test_model_whose_name_is_not_known_yet_may_be_what_a_scaler_drives() -> None:
    nameless = workload()
    nameless["metadata"]["name"] = UNKNOWN

    assert [item.mandatory for item in judge(nameless, hpa(metrics=[CPU]))] == [False]


def test_scaler_that_may_own_a_hot_workload_defers_the_judgement() -> None:
    lost = scaled_object(minReplicaCount=2)
    lost["spec"]["scaleTargetRef"]["name"] = UNKNOWN
    hot = workload(labels=HOT, annotations={"substrate.dev/min-replicas": "2"})

    assert [item.mandatory for item in judge(hot, lost)] == [False]


CANARY = "canary-7f3a"


def test_no_message_holds_a_secret() -> None:
    env = [
        {"name": "HF_TOKEN", "value": {**SECRET, "value": CANARY}},
        {"name": "MODEL_ID", "value": f"/models/{CANARY}"},
    ]
    engine = container(
        "vllm/vllm-openai:latest",
        args=["--model", "/models/a", "--api-key", CANARY, "--max-model-len", "1"],
        env=env,
        volumeMounts=[mount()],
    )
    command = container("corp/x", "second", command=["sh", "-c", f"vllm serve /models/a --api-key {CANARY}"])
    served = workload(pod=template(engine, command, volumes=[claim_volume()]), labels=HOT, replicas=0)
    query = f'sum(container_cpu_usage_seconds_total{{key="{CANARY}"}})'
    trigger = {"type": "prometheus", "metadata": {"query": query, "authToken": CANARY}}

    found = judge(served, scaled_object("llama", trigger), hpa(metrics=[CPU]))

    assert len(found) >= 7
    assert not [item.message for item in found if CANARY in item.message]


def test_secret_is_not_even_read() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"k": UNKNOWN}}

    assert list(objects_of("kubernetes:core/v1:Secret", secret)) == []
    assert judge(secret) == []


def test_patch_is_judged_by_what_it_sets_only() -> None:
    patch = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "llama", "labels": HOT}}
    image = {**patch, "spec": {"template": {"spec": {"containers": [{"name": "engine", "image": "corp/x"}]}}}}
    limits = {**patch, "spec": {"template": {"spec": {"containers": [{"name": "engine", "resources": {}}]}}}}
    scale = {**patch, "spec": {"replicas": 0}}

    assert _patched(limits) == []
    assert "image of container engine" in _patched(image)[0]
    assert "spec.replicas is 0" in _patched(scale)[0]
    floor = {"substrate.dev/min-replicas": "2"}
    scaler = {"apiVersion": "autoscaling/v2", "metadata": {"name": "a", "labels": HOT, "annotations": floor}}
    assert _patched(scaler, "kubernetes:autoscaling/v2:HorizontalPodAutoscalerPatch") == []


def _patched(body: dict[str, Any], token: str = "kubernetes:apps/v1:DeploymentPatch") -> list[str]:
    request = pb.AnalyzeRequest(type=token, properties=_struct(body), urn="urn:a", name="a")
    return [item.message for item in _analyzer({"hotMinReplicas": 1}).Analyze(request, None).diagnostics]


@pytest.mark.parametrize(
    ("token", "body", "expected"),
    [
        ("kubernetes:apps/v1:Deployment", {}, ("apps/v1", "Deployment")),
        ("kubernetes:core/v1:Pod", {}, ("v1", "Pod")),
        ("kubernetes:apps/v1:DeploymentPatch", {}, ("apps/v1", "Deployment")),
        ("kubernetes:keda.sh/v1alpha1:ScaledObject", {}, ("keda.sh/v1alpha1", "ScaledObject")),
        (
            "crds:keda:Thing",
            {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject"},
            ("keda.sh/v1alpha1", "ScaledObject"),
        ),
        (
            "kubernetes:apps/v1beta2:Deployment",
            {"apiVersion": "apps/v1", "kind": "Deployment"},
            ("apps/v1", "Deployment"),
        ),
    ],
)
def test_kind_comes_from_the_properties_else_from_the_token(
    token: str, body: dict[str, Any], expected: tuple[str, str]
) -> None:
    (obj,) = objects_of(token, body)

    assert (obj.api_version, obj.kind) == expected


@pytest.mark.parametrize("token", ["pulumi:pulumi:Stack", "substrate:index:VllmService", "pulumi:providers:kubernetes"])
def test_what_is_no_kubernetes_object_is_left_alone(token: str) -> None:
    assert list(objects_of(token, {"spec": {"containers": [{"image": "nginx"}]}})) == []


def test_live_state_is_judged_like_the_program() -> None:
    """In an update the stack's policy sees outputs: the API's defaults and a status stand in them."""
    live = workload(labels=HOT, annotations={"substrate.dev/min-replicas": "2"}, replicas=1)
    live["status"] = {"replicas": 1, "conditions": [{"type": "Available"}]}
    scaler = hpa(metrics=[IN_FLIGHT], minReplicas=1)

    assert [text for text in violations(live, scaler) if "spec.minReplicas is 1" in text]
