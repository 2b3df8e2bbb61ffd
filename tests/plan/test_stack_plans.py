"""What the shipped stacks are resolved to."""

import copy

import pytest

from substrate.plan.engines import ENGINES
from tests.stacks import STACKS, document, plan_document, plan_of, server


def flag(planned, name):
    """The argument after a flag, as llama-server reads it."""
    return planned.engine.args[planned.engine.args.index(name) + 1]


def test_local_stack_serves_one_model_on_the_cpu():
    smol = server(plan_of("local"), "smollm2-135m")

    assert smol.resources.gpu_resource is None
    assert flag(smol, "--n-gpu-layers") == "0"
    assert flag(smol, "--ctx-size") == "4096", "2 slots of 2048 tokens each"
    assert smol.model.url == "http://127.0.0.1:8080/smollm2-135m"


def test_prompt_cache_stays_within_the_memory_that_the_pod_may_use():
    assert flag(server(plan_of("local"), "smollm2-135m"), "--cache-ram") == "0"
    qwen = server(plan_of("homelab"), "qwen2-5-7b")
    assert int(flag(qwen, "--cache-ram")) * 1024**2 < qwen.resources.memory


def test_homelab_has_one_replica_on_one_gpu_and_makes_room_before_a_rollout():
    qwen = server(plan_of("homelab"), "qwen2-5-7b")

    assert (qwen.min_replicas, qwen.max_replicas) == (1, 1)
    assert (qwen.rollout.max_surge, qwen.rollout.max_unavailable) == (0, 1)
    assert (qwen.resources.gpu_resource, qwen.resources.gpus) == ("nvidia.com/gpu", 1)


def test_homelab_cold_start_follows_from_gigabit_ethernet():
    qwen = server(plan_of("homelab"), "qwen2-5-7b")

    assert qwen.startup.read == pytest.approx(4.36 * 1024 / 110)
    assert qwen.startup.budget == round(2 * (qwen.startup.read + 60))


def test_fleet_is_fifteen_models_of_four_teams_on_at_least_three_accelerators():
    plan = plan_of("fleet")

    assert len(plan.servers) == 15
    assert len(plan.namespaces) == 4
    assert len({pool.accelerator for pool in plan.pools}) >= 3
    assert {server.tier for server in plan.servers} == {"hot", "standard", "longTail"}


def test_every_hot_model_of_the_fleet_survives_the_loss_of_a_replica():
    assert all(server.min_replicas >= 2 for server in plan_of("fleet").servers if server.tier == "hot")


def test_a_store_has_one_claim_for_each_team_that_uses_it():
    claims = {(claim.namespace, claim.store) for claim in plan_of("fleet").claims}

    assert claims == {
        ("assist", "parallel"), ("assist", "archive"), ("code", "parallel"), ("code", "archive"),
        ("research", "archive"), ("search", "parallel"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("stack", "shown"), [("local", "plain"), ("homelab", "kserve"), ("fleet", "bentoml kserve plain triton")]
)
def test_foundations_are_those_that_each_stack_is_to_show(stack, shown):
    assert {server.foundation for server in plan_of(stack).servers} == set(shown.split())


@pytest.mark.parametrize("stack", STACKS)
def test_grace_period_covers_what_the_engine_does_before_it_exits(stack):
    for planned in plan_of(stack).servers:
        assert planned.grace == ENGINES[planned.engine.name].grace()


def test_order_of_blocks_in_the_file_changes_nothing(tmp_path):
    data = document("fleet")
    turned = copy.deepcopy(data)
    models = turned["config"]["substrate:models"]
    turned["config"]["substrate:models"] = dict(reversed(models.items()))

    assert plan_document(turned, tmp_path, "fleet") == plan_of("fleet")


def test_turing_gets_half_precision_since_it_has_no_bf16(tmp_path):
    data = document("fleet")
    data["config"]["substrate:pools"]["l4"]["accelerator"] = "t4"
    models = data["config"]["substrate:models"]
    data["config"]["substrate:models"] = {"llama-3-2-3b-expand": models["llama-3-2-3b-expand"]}
    planned = plan_document(data, tmp_path).servers[0]

    assert "--dtype=half" in planned.engine.args
