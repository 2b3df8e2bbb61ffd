"""The recipes for CI as programs: their steps, read from the files that users copy, run as the CI runs them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
GITHUB = ROOT / ".github" / "workflows" / "preview.yml"
GITLAB = re.compile(r"```yaml\n# \.gitlab-ci\.yml\n(.*?)```", re.DOTALL)
_EXPRESSION = re.compile(r"\$\{\{\s*(.+?)\s*\}\}")
# Programs that reach the CI's own server; here each writes down how it was called and what it was given.
STAND_IN = """\
#!/usr/bin/env bash
printf '%s\\n' "$*" >> "$CALLS"
for word in "$@"; do
  case "$word" in body=@* | body@*) cat "${word#*@}" >> "$CALLS" ;; esac
done
case "$*" in *--jq*) printf '%s' "$EARLIER" ;; esac
"""


@dataclass
class Run:
    """What a job did."""

    outcomes: dict[str, str] = field(default_factory=dict)  # of each step that ran, by its name
    output: str = ""


def clone(folder: Path) -> Path:
    """A copy of what is committed and of what is not, with this clone's Python packages."""
    target = folder / "clone"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    packages = target / ".venv"
    packages.mkdir()
    for entry in (ROOT / ".venv").iterdir():
        if not entry.name.startswith(".installed-"):
            (packages / entry.name).symlink_to(entry)
    # As `make setup` marks what it has installed, so that it does not install over this clone's.
    subprocess.run(["make", "--silent", "--eval=mark: ; touch $(READY)", "mark"], cwd=target, check=True)
    return target


def github(job: str, where: Path, values: Mapping[str, str], environment: Mapping[str, str]) -> Run:
    """Run a job's own steps in order: after a failure only those that run `always()`. Actions are others' to test.

    `values` are those of the expressions, `secrets.KUBECONFIG` for example.
    """
    workflow = yaml.safe_load(GITHUB.read_text(encoding="utf-8"))
    body = workflow["jobs"][job]
    handed = where.parent / f"github-env-{job}"
    handed.touch()
    done, known = Run(), dict(values)
    for number, step in enumerate(body["steps"]):
        failed = "failure" in done.outcomes.values()
        if "run" not in step or (failed and "always()" not in step.get("if", "")):
            continue
        variables = {**workflow.get("env", {}), **body.get("env", {}), **step.get("env", {})}
        settings = {name: _expanded(value, known) for name, value in variables.items()}
        shell = ["bash", "-e", "-c", _expanded(step["run"], known)]
        finished = _run(shell, where, {**environment, **_handed(handed), **settings, "GITHUB_ENV": str(handed)})
        outcome = "failure" if finished.returncode else "success"
        done.outcomes[step.get("name", step["run"])] = outcome
        known[f"steps.{step.get('id', number)}.outcome"] = outcome
        done.output += finished.stdout
    return done


def gitlab(job: str, where: Path, environment: Mapping[str, str]) -> Run:
    """Run a job of the recipe: before_script and script as one shell, then after_script as another."""
    (text,) = GITLAB.findall((ROOT / "docs" / "ci.md").read_text(encoding="utf-8"))
    recipe = yaml.safe_load(text)
    script = "\n".join([*recipe["default"]["before_script"], *recipe[job]["script"]])
    finished = _run(["bash", "-e", "-c", script], where, environment)
    status = "failed" if finished.returncode else "success"
    done = Run({"script": status}, finished.stdout)
    if after := recipe[job].get("after_script"):
        told = _run(["bash", "-e", "-c", "\n".join(after)], where, {**environment, "CI_JOB_STATUS": status})
        done.outcomes["after_script"] = "failed" if told.returncode else "success"
        done.output += told.stdout
    return done


def _run(command: list[str], where: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=where, env=dict(environment), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=600,
    )  # fmt: skip


def _expanded(text: Any, known: Mapping[str, str]) -> str:
    return _EXPRESSION.sub(lambda found: known.get(found[1], ""), str(text))


def _handed(file: Path) -> dict[str, str]:
    """What earlier steps wrote to GITHUB_ENV."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines)


def stand_ins(folder: Path, *names: str) -> str:
    """PATH with programs that only write down how they were called."""
    folder.mkdir()
    for name in names:
        (folder / name).write_text(STAND_IN, encoding="utf-8")
        (folder / name).chmod(0o755)
    return os.pathsep.join([str(folder), os.environ["PATH"]])
