"""Reports for machines hold what their readers require: SARIF 2.1.0 for code scanning, JUnit for any CI."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator

from policies.rules import RULES
from substrate.cli.main import main
from tests.policies.written import container, template, workload

EXEMPT = {"policy.substrate.dev/moving-image": "2999-12-31 the vendor ships no tags"}
TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
LOCATIONS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["physicalLocation"],
        "properties": {
            "physicalLocation": {
                "required": ["artifactLocation", "region"],
                "properties": {
                    "artifactLocation": {
                        "required": ["uri"],
                        "properties": {"uri": {"type": "string", "pattern": "^(file:///)?[A-Za-z0-9%._~/-]+$"}},
                        "additionalProperties": False,
                    },
                    "region": {
                        "properties": {
                            name: {"type": "integer", "minimum": 1} for name in ("startLine", "startColumn")
                        },
                        "additionalProperties": False,
                    },
                },
                "additionalProperties": False,
            },
            "logicalLocations": {"items": {"required": ["fullyQualifiedName"]}},
        },
        "additionalProperties": False,
    },
}
# The parts of SARIF 2.1.0 (sections 3.13 to 3.58) that our reports write, with what each requires.
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": {
                "required": ["tool", "results"],
                "additionalProperties": False,
                "properties": {
                    "tool": {
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "required": ["name"],
                                "additionalProperties": False,
                                "properties": {
                                    "name": {"type": "string"},
                                    "rules": {
                                        "uniqueItems": True,
                                        "items": {
                                            "required": ["id"],
                                            "additionalProperties": False,
                                            "properties": {
                                                "id": {"type": "string"},
                                                "shortDescription": TEXT,
                                                "fullDescription": TEXT,
                                                "help": TEXT,
                                                "helpUri": {"type": "string", "pattern": "^https://"},
                                                "defaultConfiguration": {"properties": {"level": LEVEL}},
                                                "properties": {
                                                    "properties": {
                                                        "security-severity": {"type": "string", "pattern": r"^\d\.\d$"}
                                                    }
                                                },
                                            },
                                        },
                                    },
                                },
                            }
                        },
                    },
                    "invocations": {
                        "items": {
                            "required": ["executionSuccessful"],
                            "additionalProperties": False,
                            "properties": {
                                "executionSuccessful": {"type": "boolean"},
                                "toolExecutionNotifications": {
                                    "items": {
                                        "required": ["message"],
                                        "additionalProperties": False,
                                        "properties": {"message": TEXT, "level": LEVEL, "locations": LOCATIONS},
                                    }
                                },
                            },
                        }
                    },
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {
                        "items": {
                            "required": ["message"],
                            "additionalProperties": False,
                            "properties": {
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer"},
                                "level": LEVEL,
                                "message": TEXT,
                                "locations": LOCATIONS,
                                "partialFingerprints": {"additionalProperties": {"type": "string"}},
                            },
                        }
                    },
                },
            },
        },
    },
}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A flaw, its exempt twin, one that passes and a file that is broken."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my chart").mkdir()
    moving = template(container("nginx:latest"))
    objects = [workload(pod=moving), workload("let", pod=moving, annotations=EXEMPT), workload("good")]
    (tmp_path / "my chart" / "a.yaml").write_text("\n---\n".join(map(json.dumps, objects)))
    (tmp_path / "broken.yaml").write_text("a: [\n")
    return ["my chart/a.yaml", str(tmp_path / "broken.yaml")]


def sarif(files: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    main(["policy", *files, "--format", "sarif"])
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


def test_sarif_holds_what_the_standard_requires(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    report = sarif(files, capsys)

    assert [error.message for error in Draft202012Validator(SARIF).iter_errors(report)] == []
    (run,) = report["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [rule.name for rule in RULES]


def test_sarif_has_an_alert_for_the_flaw_only(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    (run,) = sarif(files, capsys)["runs"]
    (result,) = run["results"]
    place = result["locations"][0]["physicalLocation"]

    assert (result["ruleId"], result["level"]) == ("moving-image", "error")
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "moving-image"
    assert place["artifactLocation"]["uri"] == "my%20chart/a.yaml" and place["region"]["startLine"] == 1
    assert "fix: pin the tag" in result["message"]["text"]
    notes = [note["level"] for note in run["invocations"][0]["toolExecutionNotifications"]]
    assert notes == ["error", "note"] and run["invocations"][0]["executionSuccessful"] is False


def test_same_flaw_is_the_same_alert_after_it_moved(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sarif(files, capsys)["runs"][0]["results"][0]
    (tmp_path / "my chart" / "a.yaml").write_text("# moved\n" + (tmp_path / "my chart" / "a.yaml").read_text())
    after = sarif(files, capsys)["runs"][0]["results"][0]

    assert before["locations"] != after["locations"]
    assert before["partialFingerprints"] == after["partialFingerprints"]


def test_file_outside_the_folder_is_named_whole(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    (run,) = sarif(["/etc/hostname"], capsys)["runs"]
    (place,) = run["invocations"][0]["toolExecutionNotifications"][0]["locations"]

    assert place["physicalLocation"]["artifactLocation"]["uri"] == "file:///etc/hostname"


def test_junit_counts_every_object_and_finding_once(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main(["policy", *files, "--format", "junit"])
    root = ElementTree.fromstring(capsys.readouterr().out.partition("?>")[2])

    assert [root.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["4", "1", "1", "1"]
    assert sum(int(suite.get("tests", 0)) for suite in root.iter("testsuite")) == 4
    (failure,) = root.iter("failure")
    assert "nginx:latest" in failure.get("message", "") and "fix: pin the tag" in (failure.text or "")
    assert {case.get("name") for case in root.iter("testcase")} == {"moving-image", "every rule", "can be read"}
    assert all(re.fullmatch(r"\d+", case.get("line", "")) for case in root.iter("testcase"))


def test_junit_shows_advice_and_does_not_fail_for_it(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text('{"levels": {"moving-image": "advisory"}}')
    main(["policy", files[0], "--format", "junit", "--settings", str(settings)])
    root = ElementTree.fromstring(capsys.readouterr().out.partition("?>")[2])

    assert root.get("failures") == "0"
    assert "fix: pin the tag" in "".join(out.text or "" for out in root.iter("system-out"))
