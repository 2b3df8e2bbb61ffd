"""What a plan tells vLLM, told to the parser of `vllm serve` of the release that the image holds. Imports the plan."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pytest

from cluster import tools
from substrate.facts.accelerators import ACCELERATORS
from substrate.facts.engines import KSERVE_MOUNT, MODELS_MOUNT, VLLM
from substrate.facts.options import Option, read, vllm
from substrate.plan import ServerPlan
from tests.engine.option_lists import of_vllm
from tests.engine_plans import generated, shipped

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

# One process for all: importing vLLM takes longer than parsing a thousand command lines. The parser is put together as
# vllm/entrypoints/cli/main.py does it; what it refuses, it says on standard error, or raises as ValueError.
PARSE = """
import contextlib, io, json, sys
from vllm.entrypoints.cli.serve import ServeSubcommand
from vllm.utils.argparse_utils import FlexibleArgumentParser

command = ServeSubcommand()
parser = FlexibleArgumentParser()
serve = command.subparser_init(parser.add_subparsers(required=False, dest="subparser"))

def parsed(arguments):
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            found = parser.parse_args(["serve", *arguments])
            command.validate(found)
    except (SystemExit, TypeError, ValueError) as error:
        return {"refused": said.getvalue().strip() or repr(error)}
    return vars(found)

heard = {group: [parsed(line) for line in lines] for group, lines in json.load(sys.stdin).items()}
FlexibleArgumentParser._search_keyword = "all"
heard["help"] = serve.format_help()
heard["options"] = [
    [one.option_strings, one.nargs, [str(choice) for choice in one.choices or ()]]
    for one in serve._actions if one.option_strings
]
json.dump(heard, sys.__stdout__, default=repr)
"""

WRONG = (
    ["--no-such-flag"],
    ["--max-model-len=many"],
    ["--dtype=bf17"],
    ["--tensor-parallel-size"],
    ["--enforce-eager=yes"],
    ["--enable-auto-tool-choice"],  # wants --tool-call-parser: the check after the parser
    ["stray"],
)

# What `extraArgs` may hold (a sample of tests/catalog/test_rules_arguments.py), and what it must come to.
EXTRA: tuple[tuple[list[str], dict[str, Any]], ...] = (
    (["--enable-prefix-caching", "--enforce-eager"], {"enable_prefix_caching": True, "enforce_eager": True}),
    (["--no-enable-prefix-caching"], {"enable_prefix_caching": False}),
    (["--max-num-batched-tokens", "4096"], {"max_num_batched_tokens": 4096}),
    (["--max_num_batched_tokens=4096"], {"max_num_batched_tokens": 4096}),
    (["-q", "awq", "--seed", "-1"], {"quantization": "awq", "seed": -1}),
    (["--cudagraph-capture-sizes", "1", "2", "4"], {"cudagraph_capture_sizes": [1, 2, 4]}),
    (["--generation-config=vllm"], {"generation_config": "vllm"}),
    (["--no-trust-remote-code"], {"trust_remote_code": False}),
)


class Heard(NamedTuple):
    """What one process of real vLLM said: of each command line, its help, its options with values and choices."""

    plans: list[dict[str, Any]]
    wrong: list[dict[str, Any]]
    extra: list[dict[str, Any]]
    bare: list[dict[str, Any]]
    help: str
    options: list[tuple[list[str], int | str | None, list[str]]]


def told(**groups: Sequence[Sequence[str]]) -> Heard:
    """Give the real parser command lines, and hear what it makes of them."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(tools.path("vllm-packages")),
        "PYTHONDONTWRITEBYTECODE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
        "VLLM_LOGGING_LEVEL": "ERROR",
        "COLUMNS": "100",
    }
    command = [sys.executable, "-c", PARSE]
    done = subprocess.run(
        command, input=json.dumps(groups), env=environment, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return Heard(**json.loads(done.stdout[done.stdout.index('{"') :]))


@pytest.fixture(scope="module")
def plans() -> tuple[ServerPlan, ...]:
    return (*generated(VLLM), *shipped(VLLM))


@pytest.fixture(scope="module")
def heard(plans: tuple[ServerPlan, ...]) -> Heard:
    first = plans[0].engine.args
    return told(
        plans=[plan.engine.args for plan in plans],
        wrong=[[*first, *arguments] for arguments in WRONG],
        extra=[[*first, *arguments] for arguments, _ in EXTRA],
        bare=[["/models"]],
    )


def meant(plan: ServerPlan) -> dict[str, Any]:
    """What the plan wants of vLLM, by the parser's names, from the plan's other values and not from its arguments."""
    accelerator = ACCELERATORS[plan.pool.accelerator]
    return {
        "model_tag": KSERVE_MOUNT if plan.foundation == "kserve" else MODELS_MOUNT,
        "served_model_name": [plan.model.served_name],
        "host": "0.0.0.0",
        "port": plan.engine.port,
        "max_model_len": plan.model.context,
        "max_num_seqs": plan.model.parallel,
        "max_num_queued_reqs": 4 * plan.model.parallel,
        "tensor_parallel_size": max(1, plan.resources.gpus),
        "gpu_memory_utilization": 0.92,
        # What vLLM takes by itself is bfloat16, which a GPU before Ampere lacks.
        "dtype": "half" if plan.resources.gpus and not accelerator.bf16 else "auto",
        "shutdown_timeout": 30,
    }


def changed(answer: Mapping[str, Any], bare: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    """What differs from vLLM's defaults, and `names` whether they do or not."""
    return {name: value for name, value in answer.items() if name in names or value != bare[name]}


def test_every_plans_arguments_are_accepted(plans, heard):
    assert len(plans) >= 200
    assert {plan.model.context for plan in plans} >= {2, 512, 1048576}
    refused = zip(plans, heard.plans, strict=True)
    assert [(plan.engine.args, answer["refused"]) for plan, answer in refused if "refused" in answer] == []


def test_every_plans_arguments_mean_what_was_meant_and_nothing_else(plans, heard):
    (bare,) = heard.bare
    wanted = [meant(plan) for plan in plans]
    assert {one["dtype"] for one in wanted} == {"half", "auto"}
    assert {one["tensor_parallel_size"] for one in wanted} >= {1, 2, 4, 8}
    for plan, answer, names in zip(plans, heard.plans, wanted, strict=True):
        assert changed(answer, bare, names) == names, plan.engine.args


@pytest.mark.parametrize("index", range(len(WRONG)), ids=[" ".join(arguments) for arguments in WRONG])
def test_the_same_way_of_asking_refuses_what_is_wrong(heard, index):
    assert "refused" in heard.wrong[index]


def test_what_extra_args_may_hold_is_taken_behind_a_plans_own(heard):
    for (arguments, wanted), answer in zip(EXTRA, heard.extra, strict=True):
        assert {name: answer.get(name) for name in wanted} == wanted, (arguments, answer.get("refused"))


def test_the_checked_in_list_is_what_the_real_program_prints(heard):
    """Renew it: vllm serve --help=all | python -m tests.engine.option_lists vllm"""
    assert of_vllm(heard.help).split("\n") == vllm.OPTIONS.lstrip("\n").split("\n")


def test_spellings_numbers_of_values_and_choices_in_the_list_are_the_parsers_own(heard):
    """Another way to the same list: not what the help says, but what the parser acts on."""
    listed = read(vllm.OPTIONS)
    assert set(listed) == {name for names, _, _ in heard.options for name in names}
    wrong = [(names, nargs, choices) for names, nargs, choices in heard.options if not agrees(listed, names, nargs)]
    assert wrong == []
    for names, _, choices in heard.options:
        assert set(listed[names[0]].choices) <= set(choices), names


def agrees(listed: Mapping[str, Option], names: Sequence[str], nargs: int | str | None) -> bool:
    """Whether one entry of the list has all spellings of an option, and as many values as argparse takes for it."""
    bounds = {None: (1, 1), "+": (1, None), "?": (0, 1), "*": (0, None)}
    wanted = (nargs, nargs) if isinstance(nargs, int) else bounds[nargs]
    entries = {listed[name] for name in names}
    return all((one.least, one.most) == wanted and set(one.names) == set(names) for one in entries)
