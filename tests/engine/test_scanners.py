"""Public scanners find nothing in the shipped stacks but what is waived here, each with its reason.

A scanner that reads nothing finds nothing: so each must also find what is wrong in every workload made wrong.
"""

from __future__ import annotations

import copy
import platform
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cluster import tools
from cluster.tools.packages import DebianPython
from tests.engine import scanners
from tests.engine.expansion import WITHOUT_PODS, expanded, pod_specs
from tests.engine.scanners import Finding, Report, Scanners
from tests.policies.test_policy_own_stacks import Manifest, door, manifests
from tests.stacks import STACKS, plan_of

pytestmark = pytest.mark.engine

WRONG = "-made-wrong"
WORKLOADS = ("Deployment", "Job", "Pod")


class Waiver(NamedTuple):
    """Findings that stay. `name` is a pattern of `<stack>.<kind>.<namespace>.<name>`."""

    check: str
    name: str
    reason: str


_CPU = "A limit of CPU stops an engine while cores are idle; requests share them where they are not. Memory is limited"
_DIGEST = (
    "The stacks name the version's tag: no registry could be asked for digests where they were written, and images of "
    "substrate.local are built by whoever runs them. `images` takes a digest"
)
_USER = "The user of `bentoml containerize`, 1034: its home in the image may be closed to all others"
_BENTO = "fleet.Deployment.research.e5-large-embed-bentoml"

WAIVERS: dict[str, tuple[Waiver, ...]] = {
    "checkov": (
        Waiver("CKV_K8S_11", "*", _CPU),
        Waiver(
            "CKV_K8S_15",
            "*",
            "Tags are a version's: what the node has is right. `Always` would fail a start while the registry is away",
        ),
        Waiver(
            "CKV_K8S_35",
            "fleet.Job.*.stage-*",
            "The stager reads the credentials of its source where AWS's and Hugging Face's tools do, in a Job that "
            "answers nobody and ends",
        ),
        Waiver("CKV_K8S_40", _BENTO, _USER),
        Waiver("CKV_K8S_43", "*", _DIGEST),
    ),
    "trivy": (
        Waiver("KSV-0011", "*", _CPU),
        Waiver("KSV-0020", _BENTO, _USER),
        Waiver("KSV-0021", _BENTO, _USER),
        Waiver(
            "KSV-0108",
            "fleet.Service.*.*-starting",
            "An ExternalName that leads to the stack's own front door, by its name in the cluster: what is held too "
            "long is answered there",
        ),
        Waiver("KSV-0125", "*", "Its list of registries is its own: the clouds'. Engines' publishers are elsewhere"),
    ),
    "pipeline_check": (
        Waiver("K8S-001", "*", _DIGEST),
        Waiver(
            "K8S-011",
            "*",
            "No pod has its account's token, and no role is bound to one: accounts of their own would differ in name",
        ),
        Waiver("K8S-016", "*", _CPU),
        Waiver(
            "K8S-033",
            "*.Namespace.*",
            "Every container says what it asks for, and the plan holds the models to their pools; a quota of a team is "
            "its cluster's owner's to set",
        ),
    ),
    "kubernetes_validate": (),
}
# What each must find in every workload that is privileged and has a key that does not exist.
FINDS = {
    "checkov": "CKV_K8S_16",
    "trivy": "KSV-0017",
    "pipeline_check": "K8S-005",
    "kubernetes_validate": "schema",
}
NOT_HERE = pytest.mark.skipif(platform.machine() != "x86_64", reason="its wheel is for x86-64 only")
TRIVY = pytest.param("trivy", marks=NOT_HERE)
SCANNERS = pytest.mark.parametrize("scanner", ["checkov", TRIVY, "pipeline_check", "kubernetes_validate"])


def stack_manifests(stack: str) -> list[Manifest]:
    plan = plan_of(stack)
    return expanded([*manifests(plan), *door(plan)])


def made_wrong(manifest: Manifest) -> Manifest:
    wrong = copy.deepcopy(manifest)
    specs = list(pod_specs(wrong))
    assert len(specs) == 1
    for container in specs[0]["containers"]:
        container["securityContext"]["privileged"] = True
        container["resurces"] = {}
    return wrong


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stacks' folders, and beside each one with its workloads made wrong."""
    root = tmp_path_factory.mktemp("manifests")
    for stack in STACKS:
        made = stack_manifests(stack)
        scanners.write(made, root / stack)
        scanners.write([made_wrong(one) for one in made if one["kind"] in WORKLOADS], root / f"{stack}{WRONG}")
    return root


@pytest.fixture(scope="module")
def report(written: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Report]:
    """Each scanner's report by its name: asked once, over everything."""
    python = DebianPython.unpacked(tools.path("bentoml-root"), tmp_path_factory.mktemp("python"))
    asked = Scanners(python, written, tmp_path_factory.mktemp("home"))
    reports: dict[str, Report] = {}

    def of(name: str) -> Report:
        if name not in reports:
            reports[name] = getattr(asked, name)()
        return reports[name]

    return of


def files(root: Path, folders: tuple[str, ...], *kinds: str) -> set[tuple[str, str]]:
    found = [file for folder in folders for file in (root / folder).iterdir()]
    return {(file.parent.name, file.stem) for file in found if not kinds or file.name.split(".")[0] in kinds}


def is_waived(waiver: Waiver, finding: Finding) -> bool:
    return waiver.check == finding.check and fnmatchcase(f"{finding.folder}.{finding.name}", waiver.name)


@SCANNERS
def test_scanner_finds_nothing_in_the_shipped_stacks_but_what_is_waived(scanner: str, report: Any) -> None:
    found = [one for one in report(scanner).findings if one.folder in STACKS]
    waivers = WAIVERS[scanner]

    assert sorted(one for one in found if not any(is_waived(waiver, one) for waiver in waivers)) == []
    assert [waiver for waiver in waivers if not any(is_waived(waiver, one) for one in found)] == []


@SCANNERS
def test_scanner_finds_what_is_wrong_in_every_workload_made_wrong(scanner: str, report: Any, written: Path) -> None:
    found = {one[1:] for one in report(scanner).findings if one.check == FINDS[scanner]}

    assert found == files(written, tuple(f"{stack}{WRONG}" for stack in STACKS))


@pytest.mark.parametrize("scanner", ["checkov", TRIVY])
def test_scanner_judges_every_workload_of_the_shipped_stacks(scanner: str, report: Any, written: Path) -> None:
    assert files(written, STACKS, *WORKLOADS) <= report(scanner).judged


def test_schemas_are_asked_of_every_object_of_kubernetes_own(report: Any, written: Path) -> None:
    assert files(written, STACKS) - report("kubernetes_validate").judged == files(written, STACKS, *WITHOUT_PODS)


def test_models_on_kserve_are_among_the_pods() -> None:
    made = {one["metadata"]["name"]: one for one in stack_manifests("homelab")}
    pod = made["qwen2-5-7b-kserve-0"]["spec"]

    assert pod["securityContext"]["runAsNonRoot"] and pod["enableServiceLinks"] is False
    (container,) = pod["containers"]
    assert container["name"] == "kserve-container" and container["resources"]["limits"]["nvidia.com/gpu"] == "1"


GROUP = {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "metadata": {"name": "x"}}
RUNTIME = {"apiVersion": "serving.kserve.io/v1alpha1", "kind": "ClusterServingRuntime", "metadata": {"name": "vllm"}}


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ([{**GROUP, "spec": {"predictor": {"sklearn": {}}}}], "InferenceService x: no pod found"),
        ([{**GROUP, "kind": "Model", "spec": {}}], "Model x: no pod found"),
        ([{**RUNTIME, "spec": {"containers": [{}]}}], r"no service completes the runtimes \['vllm'\]"),
    ],
)
def test_custom_resource_whose_pods_are_not_found_is_no_pass(made: list[Manifest], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        expanded(made)
