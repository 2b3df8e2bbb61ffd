"""What a bento registers, and in which order."""

from __future__ import annotations

from typing import Any

import pytest

from components import BentoDeployment
from substrate.plan import ServerPlan
from tests.stacks import document, plan_document, plan_of, server

STAGES = {"score": {"service": "Score"}, "entry": {"service": "Pipeline", "depends": ["score"]}}
IMAGE = "registry.example/iris:1.0.0"


@pytest.fixture
def planned(tmp_path):
    def plan(**bento: Any) -> ServerPlan:
        data = document("local")
        block = {"pool": "cpu", "foundation": "bentoml", "bento": {"image": IMAGE, **bento}}
        data["config"]["substrate:models"] = {"iris": block}
        return server(plan_document(data, tmp_path, "local"), "iris")

    return plan


def test_single_bento_is_one_deployment(build, planned):
    seen = build(lambda: BentoDeployment("iris-bentoml", planned()))

    assert [each.name for each in seen] == ["iris-bentoml", "home/iris-bentoml"]


def test_entry_comes_after_every_object_of_its_stages(build, planned):
    seen = {
        each.name + each.type.rpartition(":")[2]: each
        for each in build(lambda: BentoDeployment("b", planned(stages=STAGES)))
    }
    entry = seen.pop("home/iris-bentomlDeployment")
    component = seen.pop("bBentoDeployment")
    kinds = ("Deployment", "NetworkPolicy", "PodDisruptionBudget", "Service")

    assert set(seen) == {f"home/iris-bentoml-score{kind}" for kind in kinds}
    assert {each.urn for each in seen.values()} <= set(entry.dependencies)
    assert {each.parent for each in (*seen.values(), entry)} == {component.urn}


def test_bento_is_waited_for_as_long_as_its_cold_start_may_take(build, planned):
    one = planned()
    made = next(each for each in build(lambda: BentoDeployment("b", one)) if each.type.endswith(":Deployment"))

    assert made.create_timeout == f"{one.startup.progress_deadline + one.grace + 60:.0f}s"


def test_server_of_another_foundation_is_refused(build):
    with pytest.raises(ValueError, match="planned for plain"):
        build(lambda: BentoDeployment("b", server(plan_of("local"), "smollm2-135m")))
