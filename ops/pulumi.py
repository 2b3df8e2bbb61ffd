"""Pulumi's CLI as functions: select, recover from a killed run, preview, update. Imports the standard library only."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ops.console import Failure, say

PACK = "policies"
# What the SDK prints when a rule met an unknown value: the rule did not run, so nobody may read a pass into it.
UNKNOWN = "can't run policy"
_STACK = "pulumi:pulumi:Stack"


def call(*args: str, check: bool = True) -> str:
    """Run quietly and return what was printed; a failure carries it."""
    done = subprocess.run(["pulumi", *args, "--non-interactive"], capture_output=True, text=True)
    if check and done.returncode:
        raise Failure(f"pulumi {' '.join(args)} failed:\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


def stream(args: Sequence[str]) -> tuple[int, str]:
    """Run with its output shown as it comes, and kept; a line that only repeats the one before is shown once."""
    command = ["pulumi", *args, "--non-interactive", "--color=auto"]
    kept: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line not in kept[-1:]:
                print(line, end="", flush=True)
            kept.append(line)
    return process.returncode, "".join(kept)


def select(stack: str) -> None:
    backend_folder(os.environ.get("PULUMI_BACKEND_URL", "")).mkdir(parents=True, exist_ok=True)
    call("stack", "select", "--create", stack)


def backend_folder(url: str) -> Path:
    """The folder of a file backend; the current one for any other, which needs no folder."""
    return Path(urlsplit(url).path) if url.startswith("file://") else Path()


@dataclass(frozen=True)
class State:
    """What the backend has of a stack, read at once: each question that Pulumi's CLI is asked takes a second."""

    exported: Mapping[str, Any]

    @property
    def resources(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._deployment.get("resources") or []
        return found

    @property
    def pending(self) -> int:
        """How many resources a run that was killed had begun to handle."""
        return len(self._deployment.get("pending_operations") or [])

    @property
    def outputs(self) -> dict[str, Any]:
        """What the program exports; nothing before the first update."""
        own = (resource for resource in self.resources if resource["type"] == _STACK)
        return next((resource.get("outputs", {}) for resource in own), {})

    @property
    def namespaces(self) -> list[str]:
        """Those that its resources are in, for a look at what went wrong in them."""
        found = (resource.get("inputs", {}).get("metadata", {}) for resource in self.resources)
        return sorted(
            {metadata["namespace"] for metadata in found if isinstance(metadata, dict) and "namespace" in metadata}
        )

    @property
    def _deployment(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.exported.get("deployment") or {}
        return found


def state(stack: str) -> State:
    return State(json.loads(call("stack", "export", "--stack", stack) or "{}"))


def recover(stack: str) -> State:
    """Make a stack usable again after a run that was killed: its lock, and what it had begun to create."""
    unlock(stack)
    found = state(stack)
    if not found.pending:
        return found
    say(f"    an earlier run was killed while it handled {found.pending} resource(s): asking the cluster what exists")
    call("refresh", "--stack", stack, "--yes", "--skip-preview", "--clear-pending-creates")
    return state(stack)


def unlock(stack: str) -> None:
    """Remove locks of processes that no longer live on this machine; say who holds a live one."""
    folder = backend_folder(os.environ.get("PULUMI_BACKEND_URL", "")) / ".pulumi" / "locks"
    locks = list(folder.glob(f"**/{stack}/*.json")) if folder.is_dir() else []
    for holder in map(read_lock, locks):
        if holder and alive(holder):
            raise Failure(
                f"stack {stack} is being updated by process {holder['pid']} of {holder.get('username', 'someone')} "
                f"since {holder.get('timestamp', 'a while')}: wait for it to end"
            )
    if locks:
        say(f"    removing the lock of a run that was killed ({len(locks)} stale)")
        call("cancel", "--stack", stack, "--yes")


def read_lock(path: Path) -> dict[str, Any] | None:
    """A lock's content; None when a kill left it empty."""
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return content


def alive(holder: dict[str, Any]) -> bool:
    """Whether a lock's process lives; one of another machine counts as living, since nobody here can tell."""
    if holder.get("hostname") not in (None, socket.gethostname()):
        return True
    try:
        name, _, rest = Path(f"/proc/{holder.get('pid')}/stat").read_text().partition(" (")[2].rpartition(") ")
    except OSError:
        return False
    # A killed process that nobody has collected yet (Z) holds nothing any more.
    return name.startswith("pulumi") and rest[0] not in "ZX"


def preview(stack: str) -> None:
    """Everything is judged before anything is made: an update stops at the first violation, half way."""
    code, text = stream(["preview", "--refresh", "--stack", stack, "--policy-pack", PACK, "--suppress-permalink=true"])
    if UNKNOWN in text:
        raise Failure("a policy could not be decided in the preview (see above): make the value it names a plain one")
    if code:
        raise Failure("the preview was refused (see above); nothing was changed")


def update(stack: str) -> None:
    """Update without a second preview, under the same pack."""
    code, _ = stream(
        [
            "up",
            "--refresh",
            "--stack",
            stack,
            "--yes",
            "--skip-preview",
            "--policy-pack",
            PACK,
            "--suppress-permalink=true",
        ]
    )
    if code:
        raise Failure("the update stopped (see above)")


def context(stack: str) -> str:
    """The kubeconfig context that the stack names."""
    return call("config", "get", "--path", "substrate:cluster.context", "--stack", stack).strip()
