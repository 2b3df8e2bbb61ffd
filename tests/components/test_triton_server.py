"""What the component TritonServer registers, and refuses."""

from __future__ import annotations

import pytest

from components import Model, TritonServer
from tests import triton_stacks
from tests.stacks import document, plan_document, plan_of, server


@pytest.fixture
def flowers(tmp_path):
    data = document("local")
    data["config"]["substrate:models"] = triton_stacks.flowers("cpu")
    data["config"]["substrate:servers"] = triton_stacks.servers()
    return server(plan_document(data, tmp_path, "local"), triton_stacks.SERVER)


def test_server_makes_one_deployment_after_the_configurations_that_it_reads(build, flowers):
    seen = {each.type.split(":")[-1]: each for each in build(lambda: TritonServer("flowers", flowers))}

    assert set(seen) == {"TritonServer", "ConfigMap", "Deployment"}
    assert seen["ConfigMap"].urn in seen["Deployment"].dependencies
    assert seen["Deployment"].parent == seen["TritonServer"].urn
    assert seen["Deployment"].name == "home/flowers-triton"


def test_each_model_has_its_service_and_route_and_the_server_one_budget(build, flowers):
    seen = build(lambda: Model("flowers", flowers))

    for kind in ("Service", "HTTPRoute"):
        names = {each.name for each in seen if each.type.endswith(f":{kind}")}
        assert names == {"home/iris", "home/iris-scale", "home/iris-classify"}
    assert [each.name for each in seen if each.type.endswith(":PodDisruptionBudget")] == ["home/flowers"]


def test_server_of_another_engine_is_refused(build):
    with pytest.raises(ValueError, match=r"planned for llama\.cpp, not for Triton"):
        build(lambda: TritonServer("one", server(plan_of("local"), "smollm2-135m")))
