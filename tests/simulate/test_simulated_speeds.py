"""An engine's speed as it is estimated, beside what others measured, and what of it a person may write."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pytest

from substrate.catalog import load
from substrate.facts.engines import ENGINES, LLAMA_CPP, VLLM
from substrate.fit import KvShape, Load
from substrate.manifests.observability import monitors
from substrate.plan import ServerPlan, plan_stack
from substrate.simulate.run import Setting
from substrate.simulate.speeds import Estimate, estimate
from substrate.values import Bytes, Duration
from tests.stacks import ROOT, plan_of, server


class Published(NamedTuple):
    """One run that somebody published: seconds from token to token with so many requests of so many tokens."""

    accelerator: str
    engine: str
    weights: Bytes
    parameters: float
    shape: KvShape
    requests: int
    tokens: int
    measured: float


LLAMA_8B, QWEN_HALF_B, LLAMA_7B = KvShape(32, 8, 128), KvShape(24, 2, 64), KvShape(32, 32, 128)
# Where they are published: substrate/simulate/speeds.py.
PUBLISHED = [
    Published("h100-80gb", VLLM, Bytes(16_060_522_496), 8.03e9, LLAMA_8B, 1, 300, 0.00648),
    Published("a100-40gb", VLLM, Bytes(16_060_522_496), 8.03e9, LLAMA_8B, 1, 1088, 0.0133),
    Published("l4", VLLM, Bytes(988_065_536), 0.494e9, QWEN_HALF_B, 1, 320, 0.0051),
    Published("l4", VLLM, Bytes(988_065_536), 0.494e9, QWEN_HALF_B, 32, 320, 0.0071),
]


def on(accelerator: str, engine: str = VLLM, gpus: int = 1) -> ServerPlan:
    planned = server(plan_of("fleet"), "llama-3-1-8b-assist")
    return replace(
        planned,
        pool=replace(planned.pool, accelerator=accelerator),
        engine=replace(planned.engine, name=engine),
        resources=replace(planned.resources, gpus=gpus),
    )


def estimated(run: Published, gpus: int = 1) -> Estimate:
    planned = on(run.accelerator, run.engine, gpus)
    asked = Load(ENGINES[run.engine], run.weights, run.shape, 8192, 32, Bytes(80 * 1024**3), gpus)
    return estimate(planned, planned.model, asked, run.parameters)


@pytest.mark.parametrize("run", PUBLISHED, ids=lambda run: f"{run.accelerator}-{run.requests}")
def test_an_iteration_takes_as_long_as_published_runs_say_within_a_tenth(run):
    speed = estimated(run).speed
    step = speed.step + speed.per_sequence * run.requests + speed.per_kv_token * run.requests * run.tokens

    assert step == pytest.approx(run.measured, rel=0.1)


def test_a_pascal_card_reads_prompts_and_answers_as_llama_cpps_authors_measured_on_its_generation():
    """A P40, 346 of the GTX 1080 Ti's 484 GB/s: 934 prompt tokens and 56 tokens of an answer a second, 7B at Q4_0."""
    run = Published("gtx-1080-ti", LLAMA_CPP, Bytes(3_825_807_360), 6.74e9, LLAMA_7B, 1, 128, 0)
    speed = estimated(run).speed

    assert speed.prefill == pytest.approx(934, rel=0.1)
    assert 1 / (speed.step + speed.per_sequence) == pytest.approx(56 * 484 / 346, rel=0.1)


def test_two_gpus_halve_what_the_devices_bound():
    one, two = (estimated(PUBLISHED[0], gpus).speed for gpus in (1, 2))

    assert two.prefill == pytest.approx(2 * one.prefill)
    assert two.per_kv_token == pytest.approx(one.per_kv_token / 2)


def test_what_a_person_writes_stands_in_place_of_the_estimate_and_is_named_so():
    written = estimated(PUBLISHED[0]).with_written(step=Duration(0.012), kv_tokens=None, sequences=7)

    assert (written.speed.step, written.speed.sequences) == (0.012, 7)
    assert written.speed.kv_tokens == estimated(PUBLISHED[0]).speed.kv_tokens
    assert [reason.what for reason in written.reasons if reason.source == "as written"] == ["step", "sequences"]
    assert len(written.reasons) == len(estimated(PUBLISHED[0]).reasons)


@pytest.mark.parametrize("stack", ["local", "homelab", "fleet"])
def test_every_language_model_of_the_shipped_stacks_has_an_estimate(stack):
    from substrate import fit

    catalog = load(ROOT / f"Pulumi.{stack}.yaml")
    for planned in plan_stack(catalog, stack).servers:
        for model in planned.models:
            if model.context is not None:
                speed = estimate(planned, model, fit.load_of(catalog, model.name), None).speed
                assert 0 < speed.step < 10
                assert speed.kv_tokens >= model.context
                assert speed.sequences == model.parallel


def test_metrics_are_as_old_as_the_stacks_own_monitors_let_them_be():
    assert Duration.parse(monitors.INTERVAL) == Setting(estimated(PUBLISHED[0]).speed, 8192, 60.0).scrape
