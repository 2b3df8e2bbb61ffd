"""Runs public scanners over folders of manifests, and reads what they found. Imports `cluster.tools`.

Exit codes say little (trivy ends with 0, kubernetes-validate passes kinds that it does not know): findings are read.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from cluster import tools
from cluster.tools.packages import DebianPython

KUBERNETES = "1.36"  # the embedded cluster's
_TIMEOUT = 240  # seconds
_VALIDATED = re.compile(r"(?P<level>INFO|WARN|ERROR)\s+(?P<file>\S+\.yaml) (?P<says>.*)")


class Finding(NamedTuple):
    """A failed check of an object; `name` is the stem of the object's file."""

    check: str
    folder: str
    name: str


class Report(NamedTuple):
    """What a scanner said: what failed, and how many files it passed judgement on, good or bad."""

    findings: frozenset[Finding]
    judged: frozenset[tuple[str, str]]  # folder, name


@dataclass(frozen=True)
class Scanners:
    """The scanners, on manifests below `root`: one folder a stack. They see no variable of ours."""

    python: DebianPython
    root: Path
    home: Path

    def checkov(self) -> Report:
        """All folders as one: of several, it reads the first again and again."""
        options = ("--framework", "kubernetes", "--output", "json", "--skip-download", "--compact")
        told = json.loads(self._module("checkov.main", "-d", str(self.root), *options))["results"]
        assert not told["parsing_errors"]
        failed = [(one["check_id"], one["file_path"]) for one in told["failed_checks"]]
        return _report(failed, [one["file_path"] for one in told["passed_checks"]])

    def trivy(self) -> Report:
        options = ("--skip-check-update", "--skip-version-check", "--format", "json", "--quiet")
        told = json.loads(self._run([str(tools.path("trivy")), "config", *options, str(self.root)]))["Results"]
        failed = [(found["ID"], one["Target"]) for one in told for found in one.get("Misconfigurations", [])]
        return _report(failed, [one["Target"] for one in told if one["MisconfSummary"]["Successes"]])

    def pipeline_check(self) -> Report:
        """A folder at a time: two stacks may have a namespace of one name. Without its Namespace it has no place."""
        options = ("--pipeline", "kubernetes", "--output", "json", "--k8s-path")
        failed: list[tuple[str, str]] = []
        for folder in self._folders():
            for one in json.loads(self._module("pipeline_check", *options, str(folder)))["findings"]:
                places = [place["path"] for place in one.get("locations", ())] or [str(folder / "somewhere")]
                failed += [(one["check_id"], place) for place in places if not one["passed"]]
        return _report(failed, ())

    def kubernetes_validate(self) -> Report:
        files = sorted(str(file) for file in self.root.glob("*/*.yaml"))
        told = self._module("kubernetes_validate", "--strict", "-k", KUBERNETES, *files)
        lines = [line for line in map(_VALIDATED.fullmatch, told.splitlines()) if line]
        failed = [("schema", line["file"]) for line in lines if line["level"] == "ERROR"]
        return _report(failed, [line["file"] for line in lines if line["level"] == "INFO"])

    def _folders(self) -> list[Path]:
        return sorted(self.root.iterdir())

    def _module(self, name: str, *arguments: str) -> str:
        site = {"PYTHONPATH": str(tools.path("scanners"))}
        return self._run([str(self.python.program), "-m", name, *arguments], self.python.environment | site)

    def _run(self, argv: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
        """What it prints. Raises AssertionError, with its own words, where that is nothing."""
        env = {"PATH": "/usr/bin:/bin", "HOME": str(self.home), **(environment or {})}
        done = subprocess.run(
            argv, cwd=self.home, env=env, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
        assert done.stdout.strip(), f"{argv[:3]} ended with {done.returncode}: {done.stderr[-2000:]}"
        return done.stdout


def write(made: Iterable[Mapping[str, Any]], folder: Path) -> None:
    """One file an object, its stem `<kind>.<namespace>.<name>`. JSON is YAML, and holds no type of ours."""
    folder.mkdir(parents=True)
    for manifest in made:
        metadata = manifest["metadata"]
        name = f"{manifest['kind']}.{metadata.get('namespace', '')}.{metadata['name']}.yaml"
        assert not (folder / name).exists(), name
        (folder / name).write_text(json.dumps(manifest, indent=1))


def _report(failed: Iterable[tuple[str, str]], passed: Iterable[str]) -> Report:
    findings = frozenset(Finding(check, *_place(file)) for check, file in failed)
    return Report(findings, frozenset({_place(file) for file in passed} | {one[1:] for one in findings}))


def _place(file: str) -> tuple[str, str]:
    return Path(file).parent.name, Path(file).stem
