"""KServe's official charts of the release that is tested, rendered by the real provider with the values that we set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cluster import tools
from substrate.manifests import kserve_install
from substrate.plan.types import KServeInstallPlan
from tests.engine.conftest import Pulumi

pytestmark = pytest.mark.engine

PROGRAM = """
import json
import pulumi
from pulumi_kubernetes import Provider

provider = Provider("rendering", render_yaml_to_directory="unused")
with open("release.json") as file:
    found = pulumi.runtime.invoke("kubernetes:helm:template", {"jsonOpts": file.read()},
                                  pulumi.InvokeOptions(provider=provider))
pulumi.export("objects", json.dumps((found.value or {}).get("result", [])))
"""


@pytest.fixture
def rendered(tmp_path: Path, pulumi: Pulumi) -> list[dict[str, Any]]:
    """Everything that the two releases would make."""
    charts = tools.ensure(["kserve-charts"])["kserve-charts"]
    install = KServeInstallPlan(str(charts / "kserve-resources"), str(charts / "kserve-crd"), "v0.19.0")
    found = []
    for release in kserve_install.releases("kserve", install):
        folder = tmp_path / release["name"]
        folder.mkdir()
        (folder / "Pulumi.yaml").write_text("name: charts\nruntime: python\n")
        (folder / "__main__.py").write_text(PROGRAM)
        options = {"path": release["chart"], "release_name": release["name"], "namespace": release["namespace"]}
        (folder / "release.json").write_text(json.dumps({**options, "values": release.get("values", {})}))
        for command in (["stack", "init", release["name"]], ["up", "--yes", "--skip-preview"]):
            done = pulumi(command, folder)
            assert done.status == 0, done.output
        shown = pulumi(["stack", "output", "objects"], folder)
        found += json.loads(shown.output)
    return found


def named(objects: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    (found,) = [each for each in objects if each["kind"] == kind and each["metadata"]["name"] == name]
    return found


def test_charts_make_what_is_checked_where_somebody_else_installs(rendered):
    """One of each is enough: the same names are read on every cluster that has KServe already."""
    for name in kserve_install.SERVING:
        named(rendered, "CustomResourceDefinition", name)
    controller = named(rendered, "Deployment", "kserve-controller-manager")
    config = named(rendered, "ConfigMap", "inferenceservice-config")["data"]

    assert controller["metadata"]["namespace"] == "kserve"
    assert any(":v0.19.0" in each["image"] for each in controller["spec"]["template"]["spec"]["containers"])
    assert json.loads(config["deploy"])["defaultDeploymentMode"] == "Standard"
    assert json.loads(config["ingress"])["disableIngressCreation"] is True
    assert {each["apiVersion"] for each in rendered if each["kind"] == "Certificate"} == {"cert-manager.io/v1"}
