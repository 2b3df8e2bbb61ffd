"""The admission policies are made of the rules: names, levels, parameters, words. What they decide: tests/cluster."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from policies.admission import manifests
from policies.rule import Level
from policies.rules import BY_NAME, RULES
from policies.settings import Settings
from substrate.cli.main import main
from tests.policies.admission_corpus import CORPUS, by_the_pack

POLICY, BINDING = "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"
IN_CEL = [rule.name for rule in RULES if rule.cel]


def made(kind: str, settings: Settings | None = None) -> dict[str, dict[str, Any]]:
    found = [one for one in manifests(RULES, settings or Settings()) if one["kind"] == kind]
    return {one["metadata"]["name"]: one["spec"] for one in found}


def test_every_rule_with_a_part_in_cel_is_a_policy_that_is_bound() -> None:
    names = [f"substrate-{name}" for name in IN_CEL]

    assert list(made(POLICY)) == list(made(BINDING)) == names
    assert [binding["policyName"] for binding in made(BINDING).values()] == names


def test_levels_and_parameters_are_those_of_the_settings() -> None:
    settings = Settings(
        hot_min_replicas=3,
        hot_models=frozenset({"it's hot"}),
        levels={"moving-image": Level.ADVISORY, "ended-yatai": Level.DISABLED},
    )

    bindings = made(BINDING, settings)
    assert "substrate-ended-yatai" not in bindings
    assert bindings["substrate-moving-image"]["validationActions"] == ["Warn", "Audit"]
    assert bindings["substrate-hot-floor"]["validationActions"] == ["Deny"]
    variables = {
        each["name"]: each["expression"] for each in made(POLICY, settings)["substrate-hot-floor"]["variables"]
    }
    assert variables["floor"].startswith("[3, ") and r"'it\'s hot'" in variables["hot"]


@pytest.mark.parametrize("name", IN_CEL)
def test_refusal_says_rule_reason_fix_and_link(name: str) -> None:
    rule = BY_NAME[name]
    for validation in made(POLICY)[f"substrate-{name}"]["validations"]:
        said = validation["message"]

        assert rule.why in said and f"rule: {name} ({rule.link})" in said and "; fix: " in said
        assert "\n" not in said, "the server refuses a message of several lines"


@pytest.mark.parametrize("name", IN_CEL)
def test_policy_declares_the_variables_that_it_uses_each_after_those_it_needs(name: str) -> None:
    spec = made(POLICY)[f"substrate-{name}"]
    declared: list[str] = []
    for variable in spec["variables"]:
        assert set(re.findall(r"variables\.(\w+)", variable["expression"])) <= set(declared)
        declared.append(variable["name"])
    used = re.findall(r"variables\.(\w+)", "".join(one["expression"] for one in spec["validations"]))

    assert set(used) <= set(declared)


@pytest.mark.parametrize("name", IN_CEL)
def test_corpus_has_objects_that_each_rule_refuses_and_others_that_it_lets_pass(name: str) -> None:
    """Without, an expression that is always true, or always false, would agree."""
    resources = {(one.group, one.kind) for validation in BY_NAME[name].cel for one in validation.resources}
    judged = [
        name in by_the_pack(manifest)
        for manifest in CORPUS.values()
        if {(manifest["apiVersion"].rpartition("/")[0], kind) for kind in (manifest["kind"], "")} & resources
    ]

    assert judged.count(True) >= 1 and (judged.count(False) >= 1 or name == "ended-yatai"), judged


def test_command_prints_what_kubectl_applies(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "--admission"]) == 0

    printed = list(yaml.safe_load_all(capsys.readouterr().out))
    assert printed == manifests(RULES, Settings())


@pytest.mark.parametrize("arguments", [["policy"], ["policy", "--admission", "file.yaml"]])
def test_command_judges_files_or_prints_policies(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "name the files to judge, or --admission" in capsys.readouterr().err
