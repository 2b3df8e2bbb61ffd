"""What a model means once defaults apply: one answer to each question, from the nearest place that says it."""

from __future__ import annotations

from typing import Any

import pytest
from stacks import GGUF, SAFETENSORS, catalog

from substrate.catalog import resolve
from substrate.catalog.types import AccessMode, EngineName, Foundation, Tier

CPU_POOL = {"accelerator": "cpu", "nodes": ["c1"], "nodeCpus": 8, "nodeMemory": "64Gi"}
Change = tuple[str, Any]


def test_the_only_team_and_store_need_no_name() -> None:
    found = catalog()
    assert resolve.team_of(found, "m") == "home"
    assert resolve.store_of(found, "m") == "share"


def test_the_models_own_word_beats_the_stacks() -> None:
    found = catalog(
        ("teams/other", {}),
        ("stores/fast", {"storageClass": "nvme", "size": "1Ti", "readMiBps": 3000}),
        ("defaults", {"team": "home", "store": "share", "tier": "longTail", "parallel": 3}),
        ("models/m/team", "other"),
        ("models/m/tier", "hot"),
        ("models/m/parallel", 2),
        ("models/m/weights/store", "fast"),
    )
    assert resolve.team_of(found, "m") == "other"
    assert resolve.store_of(found, "m") == "fast"
    assert resolve.tier_of(found, "m") is Tier.HOT
    assert resolve.parallel_of(found, "m") == 2


def test_the_stacks_word_beats_the_built_in() -> None:
    found = catalog(("defaults", {"tier": "longTail", "parallel": 3, "replicas": {"min": 1, "max": 2}}))
    assert resolve.tier_of(found, "m") is Tier.LONG_TAIL
    assert resolve.parallel_of(found, "m") == 3
    assert resolve.replicas_of(found, "m") == (1, 2)


def test_a_stack_that_says_nothing_is_standard_and_plain() -> None:
    found = catalog()
    assert resolve.tier_of(found, "m") is Tier.STANDARD
    assert resolve.foundation_of(found, "m") is Foundation.PLAIN
    assert resolve.replicas_of(found, "m") == (1, 1)
    assert resolve.served_name_of(found, "m") == "m"


@pytest.mark.parametrize(
    ("changes", "engine"),
    [
        ([("models/m/weights/files", GGUF)], EngineName.LLAMA_CPP),
        ([("models/m/weights/files", SAFETENSORS)], EngineName.VLLM),
        ([("pools/cpu", CPU_POOL), ("models/m/pool", "cpu")], EngineName.LLAMA_CPP),
        (
            [
                ("pools/cpu", CPU_POOL),
                ("models/m/pool", "cpu"),
                ("models/m/engine", "vllm"),
                ("models/m/weights/files", SAFETENSORS),
            ],
            EngineName.VLLM,
        ),
        ([("defaults", {"engine": "llama.cpp"})], EngineName.LLAMA_CPP),
    ],
)
def test_the_engine_follows_from_the_files_and_the_pool(changes: list[Change], engine: EngineName) -> None:
    assert resolve.engine_of(catalog(*changes), "m") is engine


def test_parallel_is_the_slots_of_llama_cpp_and_the_target_of_vllm() -> None:
    assert resolve.parallel_of(catalog(), "m") == 4
    assert resolve.parallel_of(catalog(("models/m/weights/files", SAFETENSORS)), "m") == 16


def test_gpus_are_one_on_gpus_and_none_on_cpus() -> None:
    assert resolve.gpus_of(catalog(), "m") == 1
    assert resolve.gpus_of(catalog(("models/m/gpus", 4)), "m") == 4
    assert resolve.gpus_of(catalog(("pools/cpu", CPU_POOL), ("models/m/pool", "cpu")), "m") == 0


@pytest.mark.parametrize(
    ("own", "default", "bounds"),
    [
        (None, None, (1, 1)),
        ({"max": 3}, None, (1, 3)),
        ({"min": 2}, None, (2, 2)),
        ({"max": 4}, {"min": 2}, (2, 4)),
        ({"min": 1}, {"min": 2, "max": 4}, (1, 4)),
        (None, {"min": 2, "max": 4}, (2, 4)),
    ],
)
def test_each_bound_of_the_replicas_comes_from_the_nearest_place(
    own: dict[str, int] | None, default: dict[str, int] | None, bounds: tuple[int, int]
) -> None:
    changes: list[Change] = []
    changes += [("models/m/replicas", own)] if own else []
    changes += [("defaults", {"replicas": default})] if default else []
    assert resolve.replicas_of(catalog(*changes), "m") == bounds


def test_a_share_is_for_many_nodes_and_a_volume_for_one() -> None:
    found = catalog(
        ("stores/fast", {"storageClass": "nvme", "size": "1Ti", "readMiBps": 3000}), ("defaults", {"store": "share"})
    )
    assert resolve.access_mode_of(found.stores["share"]) is AccessMode.MANY
    assert resolve.access_mode_of(found.stores["fast"]) is AccessMode.ONCE


def test_an_open_question_is_an_error_and_not_a_guess() -> None:
    found = catalog(("teams/other", {}), ("models/m/team", "home"))
    silent = found.model_copy(update={"models": {"m": found.models["m"].model_copy(update={"team": None})}})
    with pytest.raises(LookupError, match="names no team"):
        resolve.team_of(silent, "m")
