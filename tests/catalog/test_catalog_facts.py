"""The dated data: every row is complete, consistent, and what its source says."""

from __future__ import annotations

import pytest

from substrate.catalog.rules.engines import runs_on
from substrate.facts.accelerators import ACCELERATORS, Vendor
from substrate.facts.engines import ENGINES
from substrate.values import ComputeCapability

WANTED = {
    *("gtx-1080-ti", "t4", "rtx-3090", "rtx-4090", "rtx-5090", "a10g", "l4", "l40s"),
    *("a100-40gb", "a100-80gb", "h100-80gb", "h200", "b200", "mi300x", "cpu"),
}


def test_the_accelerators_that_stacks_name_are_there() -> None:
    assert set(ACCELERATORS) == WANTED


@pytest.mark.parametrize("row", ACCELERATORS.values(), ids=lambda row: row.name)
def test_a_row_is_whole(row: object) -> None:
    accelerator = ACCELERATORS[getattr(row, "name")]  # noqa: B009
    assert accelerator.source
    if accelerator.vendor is Vendor.NONE:
        assert (accelerator.memory, accelerator.resource) == (0, None)
        return
    assert 8 * 1024**3 < accelerator.memory < 256 * 1024**3
    assert accelerator.bandwidth > 100 * 1000**3
    assert accelerator.resource == f"{accelerator.vendor}.com/gpu"
    assert (accelerator.compute_capability is None) == (accelerator.vendor is Vendor.AMD)


def test_reported_memory_is_below_the_number_on_the_box() -> None:
    for name, gigabytes in {"a100-40gb": 40, "a100-80gb": 80, "h100-80gb": 80, "h200": 141, "t4": 16, "l4": 24}.items():
        assert ACCELERATORS[name].memory < gigabytes * 1024**3


def test_vllm_runs_from_turing_and_llama_cpp_from_pascal() -> None:
    gtx, t4 = ACCELERATORS["gtx-1080-ti"], ACCELERATORS["t4"]
    assert gtx.compute_capability == ComputeCapability(6, 1)
    assert not gtx.bf16
    assert not runs_on(ENGINES["vllm"], gtx)
    assert runs_on(ENGINES["vllm"], t4)
    assert runs_on(ENGINES["llama.cpp"], gtx)


@pytest.mark.parametrize("engine", ENGINES.values(), ids=lambda engine: engine.name)
def test_no_quantisation_runs_where_its_engine_does_not(engine: object) -> None:
    facts = ENGINES[getattr(engine, "name")]  # noqa: B009
    assert all(least >= facts.min_capability for least in facts.quantizations.values())
    assert 0 < facts.memory_share <= 1
