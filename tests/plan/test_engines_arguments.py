"""Every argument that a plan emits is one of the engine's release, with a value that it takes, and reserved."""

from __future__ import annotations

import re

import pytest

from substrate.facts.engines import ENGINES as FACTS
from substrate.facts.options import options_of
from substrate.facts.options.ollama import ENVIRONMENT, PARAMETERS
from substrate.facts.options.reserved import RESERVED
from substrate.plan import ServerPlan
from tests.engine_plans import generated, shipped

WITH_FLAGS = ("llama.cpp", "tgi", "vllm")


def flags(server: ServerPlan) -> list[tuple[str, tuple[str, ...]]]:
    """A plan's arguments as flags and values, by the engine's list. Fails where they cannot be read so."""
    known = options_of(server.engine.name)
    assert known is not None
    rest = list(server.engine.args)
    if server.engine.name == "vllm":
        assert not rest.pop(0).startswith("-"), "the model comes first"
    found = []
    while rest:
        flag, equals, value = rest.pop(0).partition("=")
        option = known.find(flag)
        assert option is not None, f"{server.engine.name} has no option {flag}"
        assert not equals or known.joined, f"{flag}= is not read by {server.engine.name}"
        values = (value,) if equals else tuple(rest.pop(0) for _ in range(option.least))
        assert all(values) and option.least <= len(values) and (option.most is None or len(values) <= option.most)
        assert not option.choices or set(values) <= set(option.choices), f"{flag} cannot be {values}"
        found.append((option.name, values))
    return found


@pytest.mark.parametrize("engine", WITH_FLAGS)
def test_every_flag_of_200_plans_is_one_of_the_release_with_a_value_that_it_takes(engine: str) -> None:
    for server in (*generated(engine), *shipped(engine)):
        assert flags(server)


@pytest.mark.parametrize("engine", WITH_FLAGS)
def test_no_plan_sets_a_flag_twice(engine: str) -> None:
    for server in generated(engine):
        names = [name for name, _ in flags(server)]
        assert len(names) == len(set(names))


@pytest.mark.parametrize("engine", WITH_FLAGS)
def test_what_a_plan_sets_cannot_be_set_again_by_extra_args(engine: str) -> None:
    """Otherwise the last of two would win, and the plan's numbers would be another engine's."""
    emitted = {name for server in generated(engine) for name, _ in flags(server)}
    owned = {*RESERVED[engine].keys, *RESERVED[engine].plan}
    assert emitted - owned == set()


def test_ollama_is_told_only_what_its_release_reads() -> None:
    for server in generated("ollama"):
        names = {name for name in server.engine.environment if name.startswith("OLLAMA")}
        assert names <= set(ENVIRONMENT)
        assert server.engine.args[3:]
        for line in server.engine.args[3:]:
            assert re.fullmatch(rf"PARAMETER ({'|'.join(PARAMETERS)}) \S+", line)


@pytest.mark.parametrize("engine", FACTS)
def test_nothing_is_fetched_counted_or_reported_at_pod_start(engine: str) -> None:
    switches = {
        "vllm": {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"},
        "tgi": {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"},
        "ollama": {"OLLAMA_NO_CLOUD": "1"},
        "llama.cpp": {},
        "nim": {"NIM_DISABLE_MODEL_DOWNLOAD": "1", "HF_HUB_OFFLINE": "1"},
        "triton": {"ORT_DISABLE_TELEMETRY": "1"},
    }
    for server in generated(engine)[:10]:
        assert switches[engine].items() <= server.engine.environment.items()
        assert engine != "llama.cpp" or "--offline" in server.engine.args
        assert engine != "tgi" or "--usage-stats=off" in server.engine.args


@pytest.mark.parametrize("engine", FACTS)
def test_what_an_engine_writes_lies_on_the_scratch_volume(engine: str) -> None:
    """The root file system is read-only, so a cache anywhere else would end the pod."""
    server = generated(engine)[0]
    for name, value in server.engine.environment.items():
        if "/" in value and value != server.model.mount:
            assert value == "/tmp" or value.startswith("/tmp/"), name


@pytest.mark.parametrize("engine", FACTS)
def test_the_image_has_the_tag_of_a_release(engine: str) -> None:
    for server in generated(engine):
        tag = server.engine.image.partition(":")[2]
        assert tag and tag != "latest"
        assert (options_of(engine) or FACTS[engine]).release in tag
