"""The stack as a person has it: a copy of the project to edit, the CLIs in their environment, the models' URLs."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cluster.conftest import PATIENCE

ROOT = Path(__file__).parent.parent.parent
# What makes pods anew, before the pods themselves.
MAKERS = (
    "inferenceservices.serving.kserve.io",
    "llminferenceservices.serving.kserve.io",
    "deployments.apps",
    "pods",
)
STAGING_LABEL = "app.kubernetes.io/component=stager"


def shell_environment(*options: str) -> dict[str, str]:
    """What `eval "$(make -s env)"` gives a shell; `--root` names another cluster than the main one."""
    script = f'eval "$({sys.executable} -m cluster {shlex.join(options)} env)" && env -0'
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return dict(pair.split("=", 1) for pair in done.stdout.split("\0") if "=" in pair)


def assert_unchanged(preview: str) -> None:
    assert re.search(r"Resources:\s+\d+ unchanged", preview), preview
    assert not re.search(r"\d+ to (create|update|replace|delete)", preview), preview


def copy_project(folder: Path) -> Path:
    """The tracked files (and new ones that git does not ignore), with the environment linked, to be edited freely."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, files):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


@dataclass
class Project:
    """A project folder and the environment that its commands run in."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=shell_environment)
    _outputs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def run(self, *command: str, check: bool = True, timeout: float = 3 * PATIENCE) -> subprocess.CompletedProcess[str]:
        if command[0] != "kubectl":
            self._outputs.clear()
        done = subprocess.run(
            command, cwd=self.folder, env=dict(self.environment), capture_output=True, text=True, timeout=timeout
        )
        if check:
            assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done

    def up(self, stack: str = "local", *options: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "ops.up", stack, *options, check=check)

    def unchanged(self, stack: str = "local") -> None:
        """Asserts that an update would find everything as the program has it: a preview that reads the cluster."""
        assert_unchanged(self.up(stack, "--preview").stdout)

    def pulumi(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run("pulumi", *arguments, "--non-interactive", check=check)

    def remove(self, stack: str, *namespaces: str) -> None:
        """The stack, and the namespaces with the claims, which a destroy leaves. No pod is left time to drain."""
        for kind in MAKERS:
            for namespace in namespaces:
                gone = (kind, "--all", f"--namespace={namespace}", "--grace-period=0", "--force", "--wait=false")
                self.kubectl("delete", *gone, check=False)  # a cluster may not have the kind
        self.pulumi("destroy", "--stack", stack, "--yes", "--skip-preview")
        self.kubectl("delete", "namespace", "--ignore-not-found", *namespaces)

    def kubectl(self, *arguments: str, check: bool = True) -> str:
        return self.run("kubectl", *arguments, check=check).stdout

    def objects(self, *arguments: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = json.loads(self.kubectl("get", *arguments, "--output=json"))["items"]
        return items

    def endpoints(self, stack: str = "local") -> dict[str, str]:
        found: dict[str, str] = self.output("endpoints", stack)
        return found

    def output(self, name: str, stack: str = "local") -> Any:
        """Asked for once after each update: Pulumi's CLI takes half a second."""
        if stack not in self._outputs:
            shown = self.pulumi("stack", "output", "--json", "--stack", stack).stdout
            self._outputs[stack] = json.loads(shown)
        return self._outputs[stack][name]

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text()
        assert old in text, f"{name} does not hold {old!r}"
        path.write_text(text.replace(old, new, 1))
