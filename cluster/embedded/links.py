"""The programs that a shell for the cluster gets beside the user's own. Imports cluster.tools, cluster.pulumi_host."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from cluster import pulumi_host, tools

_PROVIDER = "pulumi-resource-kubernetes"
LOGGING = "SUBSTRATE_PULUMI_LOGS"


def put(folder: Path, pulumi_home: Path | None) -> bool:
    """Fill `folder`, to come first on PATH, with what the user has not; True if its Pulumi was built here.

    `pulumi_home` is Substrate's own PULUMI_HOME, None where the user's is used: its plugins are then left alone.
    Raises the errors of cluster.tools.
    """
    folder.mkdir(parents=True, exist_ok=True)
    built_here = not tools.official_pulumi()
    _symlink(folder / "kubectl", _unless_on_path("kubectl"))
    if built_here:
        beside(folder / "pulumi", tools.path("pulumi"))
        pulumi_host.install(folder)
    else:
        _symlink(folder / "pulumi", _unless_on_path("pulumi"))
    in_home = None if pulumi_home is None else _in_home(pulumi_home)
    provider = tools.path(_PROVIDER) if built_here else None
    _symlink(folder / _PROVIDER, None if in_home else provider)
    if in_home:
        in_home.parent.mkdir(parents=True, exist_ok=True)
        _symlink(in_home, provider)
    return built_here


def unlogged(pulumi_home: Path) -> None:
    """Keep Pulumi from logging, compressed and encrypted, all that its engine passes on: half of its CPU time.

    It offers no setting for that (3.259); it goes on without where it cannot make the folder `logs`.
    """
    logs = pulumi_home / "logs"
    if os.environ.get(LOGGING):
        if logs.is_file():
            logs.unlink()
        return
    if logs.is_dir():
        shutil.rmtree(logs)
    pulumi_home.mkdir(parents=True, exist_ok=True)
    logs.write_text(
        f"While this file is here Pulumi writes no logs of its own. {LOGGING}=1 in the environment brings them.\n"
    )


def _in_home(pulumi_home: Path) -> Path:
    """Where Pulumi keeps the provider: found there it is no plugin 'from $PATH', of which every run would warn."""
    return pulumi_home / "plugins" / f"resource-kubernetes-v{tools.tool(_PROVIDER).version}" / _PROVIDER


def _unless_on_path(name: str) -> Path | None:
    """None where a shell finds the tool anyway; PATH's own is never a cached or a named one."""
    found = tools.find(name)
    return None if found is None or found.source is tools.Source.PATH else found.path


def beside(target: Path, program: Path) -> None:
    """`program` itself in the folder of `target`: Pulumi looks for its language hosts beside its resolved path."""
    if target.exists() and not target.is_symlink() and _same(target, program):
        return
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    try:
        draft.hardlink_to(program)
    except OSError:  # another file system
        shutil.copy2(program, draft)
    draft.replace(target)


def _same(one: Path, other: Path) -> bool:
    """One file, or a copy that kept size and time."""
    a, b = one.stat(), other.stat()
    return os.path.samestat(a, b) or (a.st_size, a.st_mtime_ns) == (b.st_size, b.st_mtime_ns)


def _symlink(link: Path, target: Path | None) -> None:
    link.unlink(missing_ok=True)
    if target is not None:
        link.symlink_to(target)
