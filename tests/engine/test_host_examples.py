"""The real engine judges every rule's example under the pack: two stacks, all that is refused and all that passes.

Needs the CLI and the provider, no cluster: the provider renders manifests to a folder.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from policies.rules import RULES
from tests.engine.conftest import Finished, isolated, runner
from tests.policies.examples import EXAMPLES, together
from tests.policies.given.__main__ import UNKNOWN
from tests.policies.written import container, template, workload

pytestmark = pytest.mark.engine

ROOT = Path(__file__).resolve().parents[2]
LEVELS = {rule.name: rule.level.value for rule in RULES}
_TOLD = re.compile(r"^ +- \[(?P<level>\w+)\]  (?P<policy>\S+)  (?:\(\S+: (?P<resource>\S+)\))?", re.MULTILINE)
_RULE = re.compile(r"^ +rule: (\S+) \(", re.MULTILINE)
Preview = Callable[[Mapping[str, Any]], Finished]


class Told(NamedTuple):
    """What the engine says of one resource; `rule` is empty where no rule speaks."""

    level: str
    rule: str
    resource: str | None


@pytest.fixture(scope="module")
def preview(tmp_path_factory: pytest.TempPathFactory, search_path: str) -> Preview:
    """Previews under the pack a program of just these objects."""
    folder = tmp_path_factory.mktemp("given")
    project, objects = folder / "project", folder / "objects.json"
    shutil.copytree(ROOT / "tests" / "policies" / "given", project)
    pulumi = runner(isolated(folder, search_path))
    created = pulumi(["stack", "init", "dev"], project)
    assert created.status == 0, created.output

    def run(manifests: Mapping[str, Any]) -> Finished:
        objects.write_text(json.dumps(manifests), encoding="utf-8")
        extra = {"OBJECTS": str(objects), "RENDER_TO": str(folder / "rendered")}
        return pulumi(["preview", "--policy-pack", str(ROOT / "policies")], project, extra)

    return run


@pytest.fixture(scope="module")
def everything_refused(preview: Preview) -> Finished:
    return preview(together.refused())


def told(output: str) -> Iterator[Told]:
    heads = list(_TOLD.finditer(output))
    ends = [*(head.start() for head in heads[1:]), len(output)]
    for head, end in zip(heads, ends, strict=True):
        rule = _RULE.search(output, head.end(), end)
        yield Told(head["level"], rule[1] if rule else "", head["resource"])


@pytest.mark.parametrize("rule", EXAMPLES)
def test_engine_reports_the_rule_once_at_its_level_of_the_object_that_is_wrong(
    everything_refused: Finished, rule: str
) -> None:
    found = [one for one in told(everything_refused.output) if one.rule == rule]

    assert found == [Told(LEVELS[rule], rule, together.guilty(rule))], everything_refused.output


def test_engine_reports_nothing_but_the_rules_and_stops(everything_refused: Finished) -> None:
    assert everything_refused.status != 0
    assert sorted(one.rule for one in told(everything_refused.output)) == sorted(EXAMPLES), everything_refused.output
    assert "Traceback" not in everything_refused.output


def test_engine_finds_nothing_in_what_passes(preview: Preview) -> None:
    done = preview(together.passed())

    assert done.status == 0, done.output
    assert "substrate@v" in done.output, "the pack did not run"
    # An exemption is listed at the end of every run: that one is what its example is about.
    blocks = done.output.split("- [")[1:]
    assert [block for block in blocks if " is exempt from " not in block] == [], done.output


def test_engine_says_which_policy_an_unknown_value_kept_from_judging(preview: Preview) -> None:
    done = preview({"undecided": workload(pod=template(container(UNKNOWN)))})

    undecided = [one for one in told(done.output) if one.resource == "undecided"]
    assert undecided and {one.level for one in undecided} == {"advisory"}, done.output
    # By this and not by its status CI knows: the engine lets the preview pass.
    assert done.status == 0 and "can't run policy" in done.output, done.output
    assert "spec.containers.0.image can't be known during preview" in done.output, done.output
