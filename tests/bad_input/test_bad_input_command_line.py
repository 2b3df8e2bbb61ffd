"""The command line as a user meets it: what it prints, where, and its exit code; never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from bad_stacks import BASE_FILE

ROOT = Path(__file__).parents[2]
VALID = BASE_FILE.read_text()
# The issue's own list, as far as it concerns the file: what is changed, and what the message must say.
BAD = {
    "malformed": ("nodes: [cpu-01]", "nodes: [cpu-01", "this is not YAML"),
    "a pool that does not exist": ("pool: cores", "pool: core", "pool `core` does not exist"),
    "a size without a unit": ("size: 200Gi", "size: 200", "200Mi or 200Gi"),
    "a negative replica count": ("replicas: {min: 1, max: 2}", "replicas: {min: -1, max: 2}", "at least 0"),
    "a key that is not a DNS label": ("    smollm2:\n", "    SmolLM_2:\n", "is not a DNS label"),
    "two models of one name": ("    smollm2:\n", "    mistral-7b:\n", "written twice in one block"),
}


def substrate(*arguments: str | Path, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "substrate.cli", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def without_traceback(done: subprocess.CompletedProcess[str]) -> None:
    assert "Traceback" not in done.stderr + done.stdout


@pytest.mark.parametrize("what", BAD)
def test_bad_input_ends_with_one_and_says_where(what: str, tmp_path: Path) -> None:
    old, new, said = BAD[what]
    file = tmp_path / "Pulumi.bad.yaml"
    assert VALID.count(old) == 1
    file.write_text(VALID.replace(old, new))
    done = substrate("check", file)
    without_traceback(done)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Pulumi.bad.yaml:" in done.stderr
    assert done.stderr.rstrip().endswith("1 error")
    assert done.stdout == ""


def test_a_missing_file_ends_with_one_and_names_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.homelab.yaml").write_text(VALID)
    done = substrate("check", "homlab", cwd=tmp_path)
    without_traceback(done)
    assert done.returncode == 1
    assert "there is no file `Pulumi.homlab.yaml`" in done.stderr
    assert "stacks here: Pulumi.homelab.yaml" in done.stderr


@pytest.mark.parametrize("stack", ["homelab", "Pulumi.homelab.yaml", "./Pulumi.homelab.yaml"])
def test_a_stack_is_named_by_its_name_or_its_file(stack: str, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.homelab.yaml").write_text(VALID)
    done = substrate("check", stack, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "9 models, 2 teams, 5 pools (9 GPUs), 2 stores" in done.stdout


def test_a_warning_is_shown_and_the_exit_code_is_zero(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.x.yaml"
    file.write_text(VALID.replace("quantization: none}", "quantization: int3}"))
    done = substrate("check", file)
    assert done.returncode == 0
    assert done.stderr.startswith("warning[SB0606]")
    assert done.stdout.startswith("ok: ")


def test_json_is_for_machines(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.x.yaml"
    file.write_text(VALID.replace("pool: cores", "pool: core"))
    done = substrate("check", "--format", "json", file)
    assert (done.returncode, done.stderr) == (1, "")
    (diagnostic,) = json.loads(done.stdout)["diagnostics"]
    assert (diagnostic["code"], diagnostic["path"]) == ("SB0201", "models.smollm2.pool")
    assert json.loads(substrate("check", "--format", "json", BASE_FILE).stdout)["ok"] is True


@pytest.mark.parametrize("arguments", [(), ("check",), ("chekc", "x"), ("check", "x", "--format", "xml")])
def test_a_wrong_command_line_ends_with_two(arguments: tuple[str, ...]) -> None:
    done = substrate(*arguments)
    without_traceback(done)
    assert done.returncode == 2
    assert "usage: substrate" in done.stderr


def test_a_terminal_without_unicode_gets_escapes(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.x.yaml"
    file.write_text(VALID.replace("pool: cores", "pool: core # \u540d\u524d"))
    done = substrate("check", file, PYTHONIOENCODING="ascii", LC_ALL="C")
    without_traceback(done)
    assert done.returncode == 1
    assert "\\u540d" in done.stderr
    valid = tmp_path / "Pulumi.\u540d.yaml"
    valid.write_text(VALID)
    done = substrate("check", valid, PYTHONIOENCODING="ascii", LC_ALL="C")
    without_traceback(done)
    assert (done.returncode, "\\u540d" in done.stdout) == (0, True)


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    """`substrate schema | head -1`: the pipe is closed before all is written."""
    process = subprocess.Popen(
        [sys.executable, "-m", "substrate.cli", "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout and process.stderr
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    process.wait(timeout=60)


def test_no_secret_is_echoed_in_any_form(tmp_path: Path) -> None:
    secrets = ("hf_" + "q" * 34, "AKIAIOSFODNN7EXAMPLE", "hunter2hunter2")
    file = tmp_path / "Pulumi.x.yaml"
    file.write_text(
        VALID.replace("secretRef: model-store", f"secretRef: {secrets[0]}")
        .replace("region: us-east-1", f"regoin: {secrets[1]}")
        .replace("https://models.example/", f"https://bob:{secrets[2]}@models.example/")
    )
    for form in ("text", "json"):
        done = substrate("check", file, "--format", form)
        assert done.returncode == 1
        for secret in secrets:
            assert secret not in done.stdout + done.stderr
            assert secret[3:].lower() not in (done.stdout + done.stderr).lower()


def test_the_command_runs_where_pulumi_is_not_installed(tmp_path: Path) -> None:
    blocked = tmp_path / "sitecustomize.py"
    blocked.write_text("import sys\nsys.modules['pulumi'] = sys.modules['pulumi_kubernetes'] = None\n")
    done = substrate("check", BASE_FILE, PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
