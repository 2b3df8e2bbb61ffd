"""What each component registers: kinds, parents, order, and what is kept on destroy."""

from __future__ import annotations

from dataclasses import replace

import pulumi
import pytest

from components import GpuNodePool, KServeService, Model, StagedWeights, Team, VllmService
from components.gpu_node_pool import gpu_problem, taint_problem
from substrate.manifests import serving
from tests.stacks import document, plan_document, plan_of, server

WORKLOADS = {"plain": (VllmService, "Deployment"), "kserve": (KServeService, "InferenceService")}
UNSCHEDULABLE = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def kinds(registrations):
    """Sorted: siblings are registered side by side, in no order."""
    return sorted(registration.type.split(":")[-1] for registration in registrations)


def one(registrations, kind):
    found = [registration for registration in registrations if registration.type.endswith(f":{kind}")]
    assert len(found) == 1, f"{len(found)} of {kind}"
    return found[0]


def test_staged_weights_make_a_claim_a_listing_and_a_job(build):
    claim = plan_of("local").claims[0]
    seen = build(lambda: StagedWeights("weights", claim))

    assert kinds(seen) == ["ConfigMap", "Job", "PersistentVolumeClaim", "StagedWeights"]


def test_weights_are_kept_when_the_stack_is_destroyed(build):
    seen = build(lambda: StagedWeights("weights", plan_of("homelab").claims[0]))

    assert one(seen, "PersistentVolumeClaim").retain_on_delete
    assert one(seen, "PersistentVolume").retain_on_delete
    assert not one(seen, "Job").retain_on_delete


def test_namespace_that_holds_the_weights_is_kept_too(build):
    seen = build(lambda: Team("home", plan_of("local").namespaces[0]))

    assert one(seen, "Namespace").retain_on_delete


def test_namespace_is_closed_last_and_opened_first(build):
    """What runs in it already has its ways before it loses all others, and keeps them until those are back."""
    seen = build(lambda: Team("home", plan_of("local").namespaces[0]))
    policies = {each.name: each for each in seen if each.type.endswith(":NetworkPolicy")}
    closing = policies.pop("home/default-deny")

    assert {"home/models", "home/dns", "home/stagers"} <= set(policies)
    assert {each.urn for each in policies.values()} <= set(closing.dependencies)
    assert all(one(seen, "Namespace").urn in each.dependencies for each in policies.values())
    assert not any(each.retain_on_delete for each in policies.values())


def test_team_without_policies_is_a_namespace_alone(build):
    plan = replace(plan_of("local").namespaces[0], network=None)

    assert kinds(build(lambda: Team("home", plan))) == ["Namespace", "Team"]


def test_job_starts_after_its_claim_and_its_listing(build):
    seen = build(lambda: StagedWeights("weights", plan_of("local").claims[0]))
    job = one(seen, "Job")

    assert {one(seen, "PersistentVolumeClaim").urn, one(seen, "ConfigMap").urn} <= set(job.dependencies)


def test_job_is_waited_for_as_long_as_its_bytes_may_take(build):
    claim = next(claim for claim in plan_of("fleet").claims if claim.namespace == "research")
    seen = build(lambda: StagedWeights("weights", claim))
    waits = {seen_.name: seen_.create_timeout for seen_ in seen if seen_.type.endswith(":Job")}

    assert set(waits.values()) == {f"{weights.timeout + 60:.0f}s" for weights in claim.weights}


def test_every_child_belongs_to_its_component(build):
    seen = build(lambda: Model("smol", server(plan_of("local"), "smollm2-135m")))
    component = one(seen, "Model")

    assert kinds(seen) == ["HTTPRoute", "Model", "PodDisruptionBudget", "Service"]
    assert all(child.parent == component.urn for child in seen if child is not component)


def test_component_hands_the_intent_to_policies_as_plain_values(build):
    smol = server(plan_of("fleet"), "llama-3-1-8b-assist")
    intent = one(build(lambda: VllmService("smol", smol)), "VllmService").inputs

    assert intent["tier"] == "hot"
    assert intent["minReplicas"] == 2
    assert intent["engine"]["name"] == "vllm"


def test_deployment_reaches_the_api_exactly_as_it_was_built(build):
    smol = server(plan_of("local"), "smollm2-135m")
    seen = build(lambda: VllmService("smol", smol))

    assert one(seen, "Deployment").inputs == serving.deployment(smol)


@pytest.mark.parametrize("foundation", ["plain", "kserve"])
def test_logging_is_an_intent_that_policies_see_and_no_resource_more(build, tmp_path, foundation):
    data = document("local")
    data["config"]["substrate:models"]["smollm2-135m"] |= {
        "foundation": foundation,
        "logging": {"sink": "http://events.audit/", "redact": ["user"]},
    }
    smol = server(plan_document(data, tmp_path), "smollm2-135m")
    component, workload = WORKLOADS[foundation]
    seen = build(lambda: component("smol", smol))
    intent = one(seen, component.__name__).inputs["logging"]

    assert (intent["sink"], intent["redact"], intent["sample"]) == ("http://events.audit/", ["user"], 1)
    assert kinds(seen) == sorted([component.__name__, workload])
    assert "payload-logger" in str(one(seen, workload).inputs)


def test_what_a_component_waits_for_its_children_wait_for(build):
    smol = server(plan_of("local"), "smollm2-135m")

    def program():
        team = Team("home", plan_of("local").namespaces[0])
        VllmService("smol", smol, pulumi.ResourceOptions(depends_on=[team]))

    seen = build(program)
    assert one(seen, "Namespace").urn in one(seen, "Deployment").dependencies


def test_pool_labels_its_nodes_and_writes_nothing_else(build):
    pool = plan_of("homelab").pools[0]
    seen = build(lambda: GpuNodePool("engine-01", pool))
    patch = one(seen, "NodePatch").inputs

    assert set(patch) == {"apiVersion", "kind", "metadata"}
    assert set(patch["metadata"]) == {"name", "labels"}


def test_node_without_the_taint_is_refused_with_the_command_that_sets_it(build):
    pool = plan_of("homelab").pools[0]

    with pytest.raises(pulumi.RunError, match=r"kubectl taint node engine-01 nvidia\.com/gpu=present:NoSchedule"):
        build(lambda: GpuNodePool("engine-01", pool), taints=[UNSCHEDULABLE])


def test_cordoned_node_is_still_a_good_node():
    pool = plan_of("homelab").pools[0]
    taints = [UNSCHEDULABLE, {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]

    assert taint_problem(pool, "engine-01", {"taints": taints}) == []
    assert gpu_problem(pool, "engine-01", {"allocatable": {"nvidia.com/gpu": "1"}}) == []


def test_node_with_fewer_gpus_than_the_stack_says_is_refused(build):
    pool = plan_of("homelab").pools[0]

    with pytest.raises(pulumi.RunError, match=r"offers 0 nvidia\.com/gpu, the stack says gpusPerNode: 1"):
        build(lambda: GpuNodePool("engine-01", pool), gpus=0)


def test_cpu_pool_needs_neither_taint_nor_gpu(build):
    pool = plan_of("local").pools[0]

    assert kinds(build(lambda: GpuNodePool("cpu", pool), taints=[], gpus=0)) == ["GpuNodePool", "NodePatch"]
