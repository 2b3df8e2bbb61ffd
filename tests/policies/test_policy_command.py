"""`substrate policy` as a person or a CI calls it: what it says, its exit code, and what it never prints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from substrate.cli.main import main
from tests.policies.examples import EXAMPLES
from tests.policies.judging import Manifest, violations
from tests.policies.written import HOT, LLM, budget, container, hpa, template, workload

ROOT = Path(__file__).resolve().parents[2]
CANARY = "canary-7f3a"
ADVISORY = {"levels": {"moving-image": "advisory"}}
MOVING = workload(pod=template(container("nginx:latest")))


def written(folder: Path, *manifests: Manifest) -> str:
    file = folder / "given.json"
    file.write_text("\n---\n".join(map(json.dumps, manifests)), encoding="utf-8")
    return str(file)


def report(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["policy", *arguments, "--format", "json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("rule", EXAMPLES)
def test_files_are_judged_as_the_pack_judges_a_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rule: str
) -> None:
    example = EXAMPLES[rule]

    code, refused = report(capsys, written(tmp_path, *example.refused))
    assert [(found["rule"], found["line"]) for found in refused["findings"]] == [(rule, 2 * len(example.refused) - 1)]
    assert example.found in refused["findings"][0]["found"]
    assert code == (refused["findings"][0]["level"] == "mandatory")

    code, passed = report(capsys, written(tmp_path, *example.passed))
    assert (code, passed["findings"], passed["notApplicable"]) == (0, [], [])


def test_exit_code_tells_findings_from_advice_and_from_input_that_nobody_read(tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps(ADVISORY))
    moving = written(tmp_path, MOVING)

    assert main(["policy", moving]) == 1
    assert main(["policy", moving, "--settings", str(settings)]) == 0
    assert main(["policy", moving, str(tmp_path / "missing.yaml")]) == 2


def test_text_tells_all_and_ends_with_the_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exempt = workload("exempt", annotations={"policy.substrate.dev/moving-image": "2999-12-31 no tags (PLAT-1)"})
    exempt["spec"] = MOVING["spec"]
    file = written(tmp_path, MOVING, exempt, hpa("llama", labels=LLM, minReplicas=1), MOVING)

    assert main(["policy", file]) == 1

    told = capsys.readouterr().out
    assert f"[mandatory] {file}:1:" in told and "Deployment ml/llama: image of container engine is nginx" in told
    assert told.count("  why: what runs then depends on the day") == 1 and "  rule: moving-image, as above" in told
    assert "Deployment ml/exempt is exempt from moving-image until 2999-12-31: no tags (PLAT-1)" in told
    assert told.splitlines()[-1].startswith("3 mandatory findings, 0 advisory, 1 exempt, ")
    assert "4 objects of 1 file" in told.splitlines()[-1]


def test_machines_get_the_file_and_the_log_gets_the_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "report.sarif"

    assert main(["policy", written(tmp_path, MOVING), "--format", "sarif", "--output", str(output)]) == 1

    assert json.loads(output.read_text())["version"] == "2.1.0"
    assert "[mandatory]" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["text", "json", "sarif", "junit"])
def test_report_prints_no_value_of_a_variable_or_argument(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    engine = container(
        "vllm/vllm-openai:latest", args=["--api-key", CANARY], env=[{"name": "HF_TOKEN", "value": CANARY}]
    )
    broken = tmp_path / "broken.yaml"
    broken.write_text(f'env: [{{name: KEY, value: "{CANARY}}}]\nvalue:{CANARY}\n')
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"key": CANARY}}
    file = written(tmp_path, workload(pod=template(engine), labels=HOT, replicas=0), secret)

    assert main(["policy", file, str(broken), "--format", form]) == 2

    out, err = capsys.readouterr()
    assert "moving-image" in out and "broken.yaml" in out
    assert CANARY not in out + err


def test_terminal_gets_no_control_characters_of_a_manifest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("text", "junit"):
        main(["policy", written(tmp_path, workload(pod=template(container("a\x1b[2Jb\x00")))), "--format", form])

        assert "a<U+001B>[2Jb<U+0000>" in capsys.readouterr().out.replace("&lt;", "<").replace("&gt;", ">")


SETTINGS: dict[str, tuple[Any, int]] = {
    "alone": ({"hotMinReplicas": 3}, 1),
    "by policy": ({"llm-resource": {"hotMinReplicas": 3}}, 1),
    "for all policies": ({"all": {"hotMinReplicas": 3}}, 1),
    "for another policy": ({"llm-stack": {"hotMinReplicas": 3}}, 0),
    "none": ({}, 0),
}


@pytest.mark.parametrize(("settings", "code"), SETTINGS.values(), ids=SETTINGS.keys())
def test_settings_are_those_of_the_pack(tmp_path: Path, settings: Any, code: int) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(settings))
    hot = workload(labels=HOT, replicas=2), budget()

    assert main(["policy", written(tmp_path, *hot), "--settings", str(file)]) == code


WRONG = {
    "there is no setting hotMinReplica: write one of": {"hotMinReplica": 2},
    "hotMinReplicas is no integer": {"hotMinReplicas": "two"},
    "hotMinReplicas is 0: write 1 or more": {"hotMinReplicas": 0},
    "hotModels[1] is no string": {"hotModels": ["a", 1]},
    "levels.moving-image is off: write one of mandatory": {"levels": {"moving-image": "off"}},
    "levels.no-such: there is no no-such": {"llm-stack": {"levels": {"no-such": "disabled"}}},
    "floors.vllm is 0.1.0, and a floor is only ever raised": {"floors": {"vllm": "0.1.0"}},
    "write one mapping": [],
}


@pytest.mark.parametrize(("said", "settings"), WRONG.items())
def test_wrong_settings_are_told_and_nothing_is_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], said: str, settings: Any
) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(settings))

    assert main(["policy", written(tmp_path, MOVING), "--settings", str(file)]) == 2

    out, err = capsys.readouterr()
    assert said in err and out == ""


def test_missing_settings_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", written(tmp_path, MOVING), "--settings", str(tmp_path / "none.json")]) == 2
    assert "none.json: cannot be read: No such file" in capsys.readouterr().err


def test_command_needs_nothing_of_pulumi(tmp_path: Path) -> None:
    """The base install has no pulumi: imports of it fail there."""
    blocked = (
        "import sys\nfor name in ('pulumi', 'pulumi_policy', 'pulumi_kubernetes', 'grpc'): sys.modules[name] = None\n"
    )
    run = "from substrate.cli.main import main\nsys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", blocked + run, "policy", "-"],
        input=json.dumps(MOVING),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )

    assert done.returncode == 1, done.stderr
    assert "standard input:1:" in done.stdout and done.stderr == ""
    assert len(violations(MOVING)) == 1
