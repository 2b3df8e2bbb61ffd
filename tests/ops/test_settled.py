"""An update of KServe's services is done when the pods of that update are there, and of no other."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from ops import settled
from ops.console import Failure
from substrate.manifests import kserve, llm_inference_service
from tests.stacks import document, plan_document, server, unscaled

MODEL = "smollm2-135m"
TRANSFORMER = {"image": "registry.example/prompts:1.2.0", "memory": "256Mi", "cpus": "250m"}


@pytest.fixture
def service(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """The InferenceService of the local stack's model, its block changed so."""

    def build(**changes: Any) -> dict[str, Any]:
        data = unscaled("local")
        data["config"]["substrate:pools"]["cpu"]["nodeCpus"] = 8
        data["config"]["substrate:models"][MODEL] |= {"foundation": "kserve", **changes}
        data["config"]["substrate:cluster"]["knativeGateway"] = {"service": "kourier-internal", "namespace": "kourier"}
        one = server(plan_document(data, tmp_path, "local"), MODEL)
        assert one.kserve
        return kserve.inference_service(one, one.kserve)

    return build


def resources(*services: dict[str, Any]) -> list[dict[str, Any]]:
    """Those of a stack as `pulumi stack export` gives them, a namespace among them."""
    kinds = [(f"kubernetes:{each['apiVersion']}:{each['kind']}", each) for each in services]
    return [{"type": "kubernetes:core/v1:Namespace", "inputs": {}}, *({"type": k, "inputs": i} for k, i in kinds)]


def deployments(service: dict[str, Any]) -> list[dict[str, Any]]:
    """Those that KServe has made of it, all pods there."""
    owner = {"kind": service["kind"], "name": service["metadata"]["name"]}
    own = service["metadata"]["annotations"]
    return [
        {
            "metadata": {"generation": 2, "ownerReferences": [owner]},
            "spec": {
                "replicas": part["minReplicas"],
                "template": {"metadata": {"annotations": {**own, **part["annotations"]}}},
            },
            "status": {"observedGeneration": 2, **dict.fromkeys(COUNTS, part["minReplicas"])},
        }
        for part in service["spec"].values()
    ]


COUNTS = ("replicas", "updatedReplicas", "availableReplicas")


def missing(wanted: dict[str, Any], there: list[dict[str, Any]]) -> list[str]:
    return [what for one in settled.wanted(resources(wanted)) if (what := settled.missing(one, there))]


def test_service_whose_pods_are_there_is_settled(service):
    assert missing(service(), deployments(service())) == []


@pytest.mark.parametrize(
    "changes", [{"context": 1024}, {"parallel": 1}, {"extraArgs": ["--no-mmap"]}, {"replicas": {"min": 2, "max": 2}}]
)
def test_pods_from_before_a_change_do_not_pass_for_its_own(service, changes):
    assert missing(service(**changes), deployments(service())) == ["KServe's controller has not taken the change"]


def test_each_part_has_pods_of_its_own_and_no_change_of_one_starts_another_anew(service):
    before = service(kserve={"transformer": TRANSFORMER})
    after = service(kserve={"transformer": {**TRANSFORMER, "args": ["--lower"]}})
    revision = "substrate.dev/revision"

    assert len(settled.wanted(resources(before))) == 2
    assert len(missing(after, deployments(before))) == 1
    assert before["spec"]["predictor"]["annotations"][revision] == after["spec"]["predictor"]["annotations"][revision]


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"observedGeneration": 1}, "has not reached the pods"),
        ({"updatedReplicas": 0}, "0 of 1 pods are new"),
        ({"availableReplicas": 0}, "0 of all answer"),
        ({"replicas": 2}, "1 of 1 pods are new"),
    ],
)
def test_rollout_in_its_middle_is_waited_for(service, changed, what):
    there = deployments(service())
    there[0]["status"] |= changed
    (said,) = missing(service(), there)

    assert what in said


def test_rollout_that_gave_up_is_a_failure_in_its_own_words(service):
    there = deployments(service())
    gave_up = {"type": "Progressing", "status": "False", "message": "ReplicaSet x has timed out progressing."}
    there[0]["status"] |= {"conditions": [gave_up], "updatedReplicas": 0}

    with pytest.raises(Failure, match="timed out progressing"):
        missing(service(), there)


def test_what_the_update_itself_does_not_wait_for_is_not_waited_for(service):
    unawaited = deepcopy(service())
    del unawaited["metadata"]["annotations"]["pulumi.com/waitFor"]

    assert settled.wanted(resources(unawaited)) == []
    assert settled.wanted(resources(service(kserve={"mode": "Knative"}))) == []
    assert settled.wanted({}) == []


def test_llm_inference_service_is_known_by_the_same_annotation(tmp_path):
    data = document("fleet")
    name = "llama-3-1-8b-assist"
    block = {**data["config"]["substrate:models"][name], "foundation": "kserve"}
    block |= {"kserve": {"resource": "LLMInferenceService"}, "replicas": {"min": 1, "max": 1}}
    data["config"]["substrate:models"] = {name: block}
    made = llm_inference_service.llm_inference_service(plan_document(data, tmp_path, "fleet").servers[0])
    (one,) = settled.wanted(resources(made))

    assert (one.kind, one.replicas) == ("LLMInferenceService", 1)
    assert "substrate.dev/revision" in one.annotations


def test_controller_that_does_nothing_is_named(service, monkeypatch):
    monkeypatch.setattr(settled, "deployments", lambda namespace: [])
    monkeypatch.setattr(settled, "TAKEN_WITHIN_SECONDS", 0.0)
    monkeypatch.setattr(settled, "EVERY_SECONDS", 0.0)

    with pytest.raises(Failure, match=f"InferenceService home/{MODEL}-kserve: KServe's controller has not taken"):
        settled.wait(resources(service()))
