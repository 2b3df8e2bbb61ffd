"""The recipes' steps that need no cluster: stack files are checked, manifests are judged, reports are there."""

from __future__ import annotations

import json
import os
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests import recipes
from tests.policies.written import container, template, workload

SETUP, CHECK, JUDGE = "make setup", "Check the stack files", "Judge the manifests"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return recipes.clone(tmp_path)


def put(clone: Path, image: str) -> None:
    (clone / "manifests").mkdir()
    (clone / "manifests" / "app.json").write_text(json.dumps(workload(pod=template(container(image)))))


def on_github(clone: Path) -> recipes.Run:
    return recipes.github("check", clone, {}, os.environ)


def test_clone_as_it_is_passes_on_github(clone: Path) -> None:
    done = on_github(clone)

    assert done.outcomes == {SETUP: "success", CHECK: "success", JUDGE: "success"}, done.output
    assert "there is no folder manifests" in done.output


def test_finding_in_a_manifest_fails_and_its_report_is_there_to_upload(clone: Path) -> None:
    put(clone, "nginx")

    done = on_github(clone)

    assert done.outcomes[JUDGE] == "failure"
    assert "[mandatory] manifests/app.json:1:" in done.output, done.output
    (run,) = json.loads((clone / "policy.sarif").read_text())["runs"]
    assert [result["ruleId"] for result in run["results"]] == ["moving-image"]


def test_mistake_in_a_stack_file_fails(clone: Path) -> None:
    (clone / "Pulumi.local.yaml").write_text("config: {substrate:models: {a: {}}}\n")

    assert on_github(clone).outcomes[CHECK] == "failure"


def test_gitlab_judges_manifests_and_keeps_the_report(clone: Path) -> None:
    put(clone, "nginx")

    done = recipes.gitlab("check", clone, os.environ)

    assert done.outcomes == {"script": "failed"}
    assert ElementTree.parse(clone / "policy.xml").getroot().get("failures") == "1"
