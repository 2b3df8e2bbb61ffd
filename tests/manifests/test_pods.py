"""What every pod of ours promises, over all shipped stacks."""

from __future__ import annotations

from typing import Any

import pytest

from substrate.manifests import serving, staging
from substrate.values import Bytes
from tests.stacks import STACKS, plan_of


def pods(stack: str) -> list[dict[str, Any]]:
    plan = plan_of(stack)
    jobs = [staging.job(claim, weights) for claim in plan.claims for weights in claim.weights]
    deployments = [serving.deployment(server) for server in plan.servers]
    return [manifest["spec"]["template"]["spec"] for manifest in [*jobs, *deployments]]


@pytest.mark.parametrize("stack", STACKS)
def test_no_pod_gets_service_links_which_would_break_vllm(stack):
    assert all(pod["enableServiceLinks"] is False for pod in pods(stack))


@pytest.mark.parametrize("stack", STACKS)
def test_no_pod_gets_a_service_account_token(stack):
    assert all(pod["automountServiceAccountToken"] is False for pod in pods(stack))


@pytest.mark.parametrize("stack", STACKS)
def test_every_container_runs_without_root_write_access_or_capabilities(stack):
    for pod in pods(stack):
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 10000
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True,
            }


@pytest.mark.parametrize("stack", STACKS)
def test_engines_get_their_weights_read_only_at_the_source_and_at_the_mount(stack):
    for server in plan_of(stack).servers:
        if server.model.weights is None:
            continue  # its image holds them
        pod = serving.template(server)["spec"]
        volume = next(volume for volume in pod["volumes"] if volume["name"] == "weights")
        mount = next(mount for mount in pod["containers"][0]["volumeMounts"] if mount["name"] == "weights")

        assert volume["persistentVolumeClaim"]["readOnly"] and mount["readOnly"]
        assert mount["subPath"] == server.model.weights.digest


@pytest.mark.parametrize("stack", STACKS)
def test_startup_probe_covers_the_cold_start_budget(stack):
    for server in plan_of(stack).servers:
        probe = serving.container(server)["startupProbe"]

        assert probe["periodSeconds"] * probe["failureThreshold"] >= server.startup.budget


@pytest.mark.parametrize("stack", STACKS)
def test_shared_memory_lies_within_the_memory_limit_it_counts_against(stack):
    for server in plan_of(stack).servers:
        if server.engine.shared_memory:
            assert server.resources.memory > server.engine.shared_memory


@pytest.mark.parametrize("stack", STACKS)
def test_disk_is_asked_for_beside_gpus_and_covers_the_scratch_volume(stack):
    for server in plan_of(stack).servers:
        asked = serving.container(server)["resources"]
        disk = asked["limits"].get("ephemeral-storage")

        assert asked["requests"].get("ephemeral-storage") == disk
        assert (disk is not None) == bool(server.resources.gpus)
        assert disk is None or Bytes.parse(disk) > serving.SCRATCH_SIZE


@pytest.mark.parametrize("stack", STACKS)
def test_names_fit_into_kubernetes_labels(stack):
    plan = plan_of(stack)
    jobs = [staging.job_name(weights) for claim in plan.claims for weights in claim.weights]
    # A pod's name adds a dash and five characters to its Job's, and becomes a label.
    assert all(len(name) <= 57 for name in [*jobs, *(serving.name(server) for server in plan.servers)])
