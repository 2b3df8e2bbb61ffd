"""Weights + KV cache + overhead against the memory: the arithmetic of the reference, term by term."""

from __future__ import annotations

from dataclasses import replace

import pytest
from stacks import SAFETENSORS, catalog, codes, report, stack

from substrate import fit
from substrate.facts.accelerators import ACCELERATORS
from substrate.facts.engines import ENGINES
from substrate.fit import KvShape, Load
from substrate.values import Bytes

GIB = 1024**3
LLAMA_8B = KvShape(layers=32, kv_heads=8, head_dim=128)
QWEN_7B = KvShape(layers=28, kv_heads=4, head_dim=128)


def load(engine: str, **changes: object) -> Load:
    base = Load(
        engine=ENGINES[engine],
        weights=Bytes.parse("15Gi"),
        kv=LLAMA_8B,
        context=8192,
        parallel=16,
        memory=ACCELERATORS["l4"].memory,
        gpus=1,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def test_a_token_of_llama_8b_takes_128_kib() -> None:
    """2 x 32 layers x 8 heads x 128 x 2 bytes: what vLLM itself reports (runtimes.md 7.2, example 6)."""
    assert LLAMA_8B.bytes_per_token(1, split_by_head=True) == 128 * 1024


def test_more_gpus_than_heads_keep_some_heads_twice() -> None:
    assert QWEN_7B.bytes_per_token(8, split_by_head=True) == 2 * QWEN_7B.bytes_per_token(4, split_by_head=True)
    assert QWEN_7B.bytes_per_token(8, split_by_head=False) == QWEN_7B.bytes_per_token(1, split_by_head=False)


def test_vllm_needs_room_for_one_request_and_counts_how_many_there_are() -> None:
    """An L4 with Llama 8B: 8,192 tokens fit some three times, 131,072 do not fit once."""
    found = fit.fit(load("vllm"))
    assert found.budget == int(ACCELERATORS["l4"].memory * 0.92)
    assert found.kv == GIB
    assert found.need == 15 * GIB + GIB + 2 * GIB
    assert found.fits
    assert found.concurrency == 3
    assert found.longest_context is not None
    assert 26_000 < found.longest_context < 30_000
    assert not fit.fit(load("vllm", context=131072)).fits


def test_vllms_parallel_bounds_concurrency_and_reserves_nothing() -> None:
    assert fit.fit(load("vllm", parallel=1)).need == fit.fit(load("vllm", parallel=256)).need
    assert fit.fit(load("vllm", parallel=2)).concurrency == 2


def test_llama_cpp_reserves_every_slot() -> None:
    """`-c` is the total over the slots: four slots of 8,192 tokens are 32,768."""
    gtx = load("llama.cpp", weights=Bytes.parse("4.36Gi"), kv=QWEN_7B, memory=ACCELERATORS["gtx-1080-ti"].memory)
    four = fit.fit(replace(gtx, parallel=4))
    assert four.kv_tokens == 4 * 8192
    assert four.kv == 4 * 8192 * 56 * 1024
    assert four.fits
    assert not fit.fit(replace(gtx, parallel=16)).fits


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("parallel", [1, 4])
def test_the_longest_context_fits_and_one_step_more_does_not(engine: str, parallel: int) -> None:
    asked = load(engine, parallel=parallel)
    longest = fit.fit(asked).longest_context
    assert longest
    assert fit.fit(replace(asked, context=longest)).fits
    assert not fit.fit(replace(asked, context=longest + ENGINES[engine].context_step)).fits


def test_on_cpus_the_node_is_the_budget() -> None:
    found = fit.fit(load("llama.cpp", gpus=0, memory=Bytes.parse("16Gi"), parallel=1))
    assert found.budget == 16 * GIB
    assert found.overhead == ENGINES["llama.cpp"].cpu_overhead
    assert not found.fits
    assert found.missing == found.need - 16 * GIB


def test_two_gpus_give_twice_and_cost_twice() -> None:
    one, two = fit.fit(load("vllm")), fit.fit(load("vllm", gpus=2))
    assert two.budget == 2 * one.budget
    assert two.overhead == 2 * one.overhead
    assert two.kv == one.kv


def test_without_an_architecture_only_the_weights_count_and_a_warning_says_so() -> None:
    assert codes(("models/m/architecture", None)) == ["SB0604"]
    found = fit.of(catalog(("models/m/architecture", None)), "m")
    assert found.kv is None
    assert found.need == found.weights + found.overhead


def test_the_memory_that_a_pool_states_beats_the_facts() -> None:
    assert codes(("pools/gpu/gpuMemory", "5Gi")) == ["SB0603"]
    assert codes(("pools/gpu/gpuMemory", "12Gi")) == []


def test_the_sizes_are_those_of_the_files() -> None:
    found = fit.of(catalog(("models/m/weights/files", SAFETENSORS)), "m")
    assert found.weights == Bytes.parse("4Gi") + Bytes.parse("2Ki")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([("models/m/context", 10_000_000)], "write `context: "),
        ([("models/m/context", 200_000), ("models/m/parallel", 4)], "write `parallel: "),
        ([("models/m/weights/files/model.gguf/size", "60Gi")], "write `gpus: 2`"),
        (
            [
                ("models/m/weights/files/model.gguf/size", "60Gi"),
                ("pools/big", {"accelerator": "h200", "nodes": ["h"]}),
            ],
            "write `pool: big`",
        ),
        ([("models/m/weights/files/model.gguf/size", "900Gi")], "take smaller weights"),
    ],
)
def test_a_refusal_says_what_would_fit(changes: list[tuple[str, object]], said: str) -> None:
    (diagnostic,) = report(stack(*changes)).diagnostics
    assert diagnostic.code == "SB0603"
    assert diagnostic.help is not None
    assert said in diagnostic.help
