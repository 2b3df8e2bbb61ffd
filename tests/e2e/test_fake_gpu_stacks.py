"""Homelab and fleet with the real engine, provider and API server, on kwok's fake GPU nodes.

No pod runs here: kwok reports pods as ready and Jobs as done. What is proven is that every object is admitted by a real
API server under Pod Security, scheduled by the real scheduler onto the right nodes, and stays when nothing changes.
What scales and what observes is admitted by KEDA's, its add-on's and the operator's definitions; they do not run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from cluster import images, tools
from substrate.facts.accelerators import ACCELERATORS
from substrate.plan import ClaimPlan, PoolPlan, ServerPlan
from tests.cluster.conftest import eventually
from tests.e2e.harness import Project, copy_project
from tests.stacks import plan_of

pytestmark = [pytest.mark.cluster, pytest.mark.extras("front-door", "kserve")]

STACKS = ("homelab", "fleet")
# By tool, the folder of the definitions.
DEFINITIONS = {"keda-config": "crd/bases", "http-add-on-config": "crd/bases", "prometheus-crds": "."}
LAB = "substrate.test/lab"
DOOR = "app.kubernetes.io/component=front-door"
# What a foundation calls the Deployment that its pods are of.
DEPLOYMENTS = {
    "plain": "{}-plain",
    "kserve": "{}-kserve-predictor",
    "triton": "{}-triton",
    "bentoml": "{}-bentoml",
}


def node(pool: PoolPlan, name: str) -> dict[str, Any]:
    """A node that kwok keeps alive, as a kubelet with the device plugin and the taint would register it."""
    taint = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
    resource = ACCELERATORS[pool.accelerator].resource or ""
    offered = {
        "cpu": "96",
        "memory": "1Ti",
        "pods": "110",
        "ephemeral-storage": "1Ti",
        resource: str(pool.gpus_per_node),
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {"kubernetes.io/hostname": name, "type": "kwok", LAB: "node"},
        },
        "spec": {"taints": [taint]},
        "status": {"allocatable": offered, "capacity": offered},
    }


def volume(claim: ClaimPlan) -> dict[str, Any]:
    """What the storage's own driver would provision for a claim."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"lab-{claim.namespace}-{claim.name}", "labels": {LAB: "volume"}},
        "spec": {
            "accessModes": [claim.access_mode],
            "capacity": {"storage": claim.size.quantity()},
            "storageClassName": claim.storage_class,
            "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": {"namespace": claim.namespace, "name": claim.name},
            "hostPath": {"path": f"/nonexistent/{claim.namespace}"},
        },
    }


def storage_class(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "labels": {LAB: "class"}},
        "provisioner": "kubernetes.io/no-provisioner",
    }


def surroundings(stack: str) -> list[dict[str, Any]]:
    """All that a stack expects of its cluster."""
    plan = plan_of(stack)
    nodes = [node(pool, name) for pool in plan.pools for name in pool.nodes]
    scaled = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in ("keda", "monitoring")]
    classes = {claim.storage_class for claim in plan.claims if claim.storage_class}
    volumes = [volume(claim) for claim in plan.claims if claim.storage_class]
    return [*nodes, *scaled, *(storage_class(name) for name in sorted(classes)), *volumes]


def define(project: Project) -> None:
    """The kinds of what scales and what observes; the largest is beyond what a client-side apply can note."""
    for tool, folder in DEFINITIONS.items():
        files = tools.ensure([tool])[tool] / folder
        project.kubectl("apply", "--server-side", f"--filename={files}")
    project.kubectl("wait", "customresourcedefinitions", "--all", "--for=condition=Established", "--timeout=60s")
    # The server describes them all when it is asked first, which on a busy machine takes longer than a provider waits.
    project.kubectl("get", "--raw", "/openapi/v2", "--request-timeout=5m")


def alias(environment: dict[str, str], context: str, folder: Path) -> dict[str, str]:
    """A kubeconfig in which the embedded cluster goes by the stack's context."""
    config = yaml.safe_load(Path(environment["KUBECONFIG"]).read_text())
    config["contexts"] = [{"name": context, "context": config["contexts"][0]["context"]}]
    config["current-context"] = context
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return {**environment, "KUBECONFIG": str(path)}


@pytest.fixture(scope="module", params=STACKS)
def stack(
    request: pytest.FixtureRequest, lab: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """The stack, up on fake nodes in a cluster of its own; both are gone afterwards."""
    name: str = request.param
    folder = copy_project(tmp_path_factory.mktemp(name))
    take_our_envoy(folder / f"Pulumi.{name}.yaml")
    project = Project(folder, alias(lab, name, folder))
    manifest = folder / "lab.json"
    manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": surroundings(name)}))
    project.kubectl("apply", "--server-side", f"--filename={manifest}")
    node_count = len(project.objects("nodes", "--selector", f"{LAB}=node"))
    eventually("kwok's nodes are ready", lambda: len(ready_nodes(project)) == node_count)
    make_way(project)
    define(project)
    project.up(name, "--no-ask")
    yield project
    project.pulumi("destroy", "--stack", name, "--yes", "--skip-preview")
    spaces = [space.name for space in plan_of(name).namespaces]
    project.kubectl("delete", "namespace", *spaces, "--wait=true")
    project.kubectl("delete", f"--filename={manifest}", "--wait=true")
    project.kubectl("delete", "persistentvolumes", "--selector", "app.kubernetes.io/part-of=substrate")


def take_our_envoy(file: Path) -> None:
    """The front door runs for real here, from the image that the lab has; a second would be put on a fake node."""
    data = yaml.safe_load(file.read_text())
    data["config"]["substrate:frontDoor"] = {}
    defaults = data["config"].setdefault("substrate:defaults", {})
    defaults["images"] = {**defaults.get("images", {}), "envoy": images.reference("envoy")}
    file.write_text(yaml.safe_dump(data, sort_keys=False))


def make_way(project: Project) -> None:
    """A cluster's Gateway has one address for all models: what another stack left there goes."""
    kinds = "deployments,configmaps,services,poddisruptionbudgets,httproutes"
    project.kubectl("delete", kinds, f"--selector={DOOR}", "--namespace=substrate-front-door")


def ready_nodes(project: Project) -> list[str]:
    nodes = project.objects("nodes", "--selector", f"{LAB}=node")
    return [
        found["metadata"]["name"]
        for found in nodes
        if any(c["type"] == "Ready" and c["status"] == "True" for c in found.get("status", {}).get("conditions", []))
    ]


def name_of(project: Project) -> str:
    return Path(project.environment["KUBECONFIG"]).parent.name.rstrip("0123456789")


def test_every_model_is_available_on_its_own_pool(stack):
    plan = plan_of(name_of(stack))

    def deployments() -> dict[tuple[str, str], dict[str, Any]]:
        selected = ("--selector", "substrate.dev/workload in (llm,model)")
        found = [each["metadata"] | each for each in stack.objects("deployments", "--all-namespaces", *selected)]
        return {(each["namespace"], each["name"]): each for each in found}

    def available(server: ServerPlan) -> int:
        status = deployments()[server.namespace, DEPLOYMENTS[server.foundation].format(server.name)]["status"]
        return int(status.get("availableReplicas", 0))

    for server in plan.servers:
        # A scaler would raise it from the one that every Deployment starts with, or take that one away again.
        least = 1 if server.scaling else server.min_replicas
        eventually(f"{server.name} has its least", lambda one=server, least=least: available(one) == least)
        pods = stack.objects(
            "pods", "--namespace", server.namespace, "--selector", f"substrate.dev/model={server.name}"
        )
        assert {pod["spec"]["nodeName"] for pod in pods} <= set(server.pool.nodes)


def test_every_claim_is_bound_and_every_staging_job_is_complete(stack):
    for claim in plan_of(name_of(stack)).claims:
        claims = stack.objects("persistentvolumeclaims", "--namespace", claim.namespace)
        assert {found["metadata"]["name"]: found["status"]["phase"] for found in claims}[claim.name] == "Bound"
    jobs = stack.objects("jobs", "--all-namespaces", "--selector", "app.kubernetes.io/component=stager")
    assert all(job["status"].get("succeeded") == 1 for job in jobs)


def test_every_model_has_its_url_under_the_base_url(stack):
    plan = plan_of(name_of(stack))

    assert stack.endpoints(plan.name) == {
        server.name: f"http://127.0.0.1:8080/{server.name}" for server in plan.servers
    }


def test_front_door_lists_every_model_of_every_team_and_stands_on_no_fake_node(stack, lab):
    """Envoy itself, from the files that the update made. Behind it nobody answers here."""
    plan = plan_of(name_of(stack))
    assert plan.front_door
    pods = stack.objects("pods", "--namespace", plan.front_door.namespace, "--selector", DOOR)
    running = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    url = f"http://127.0.0.1:{lab['GATEWAY_PORT']}/v1/models"
    served = {server.model.served_name for server in plan.servers if server.model.endpoint == "openai"}

    assert [pod["spec"]["nodeName"] for pod in running] == ["engine-local"]
    eventually("it lists them", lambda: {one["id"] for one in httpx.get(url).json()["data"]} == served)


@pytest.mark.parametrize("stack", ["homelab"], indirect=True)
def test_cordon_survives_an_update(stack):
    """The taint list is one value to the API: owning it would put a drained node back to work.

    A pool of the fleet is made by the same lines, and an update of its takes two minutes.
    """
    plan = plan_of(name_of(stack))
    victim = plan.pools[0].nodes[0]
    stack.kubectl("cordon", victim)
    stack.kubectl("label", "node", victim, "substrate.dev/pool-")
    stack.up(plan.name, "--no-ask")
    found = stack.objects("nodes", "--field-selector", f"metadata.name={victim}")[0]
    taints = found["spec"]["taints"]
    stack.kubectl("uncordon", victim)

    assert found["metadata"]["labels"]["substrate.dev/pool"] == plan.pools[0].name, "the update wrote to the node"
    assert {taint["key"] for taint in taints} == {"nvidia.com/gpu", "node.kubernetes.io/unschedulable"}


def test_second_up_has_nothing_to_change(stack):
    stack.unchanged(name_of(stack))


@pytest.mark.parametrize("stack", ["homelab"], indirect=True)
def test_node_that_lost_its_taint_is_refused_in_the_preview_with_the_command_that_sets_it(stack):
    plan = plan_of(name_of(stack))
    victim = plan.pools[0].nodes[0]
    stack.kubectl("taint", "node", victim, "nvidia.com/gpu-")
    refused = stack.up(plan.name, "--preview", check=False)
    stack.kubectl("taint", "node", victim, "nvidia.com/gpu=present:NoSchedule")
    said = refused.stdout + refused.stderr

    assert refused.returncode != 0
    assert f"kubectl taint node {victim} nvidia.com/gpu=present:NoSchedule" in said, said
    assert "Traceback" not in said


def test_destroy_takes_our_labels_off_the_nodes_and_leaves_the_rest(stack):
    name = name_of(stack)
    stack.pulumi("destroy", "--stack", name, "--yes", "--skip-preview")
    for found in stack.objects("nodes", "--selector", f"{LAB}=node"):
        labels = found["metadata"]["labels"]
        assert not [label for label in labels if label.startswith("substrate.dev/")]
        assert labels["type"] == "kwok"
        assert [taint["key"] for taint in found["spec"]["taints"]] == ["nvidia.com/gpu"]
