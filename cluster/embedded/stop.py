"""Ends a cluster and removes what it leaves: cgroups, state, the files that lead to it. Imports cluster.embedded."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

from cluster.embedded import cgroups, state
from cluster.embedded.errors import ClusterError
from cluster.embedded.layout import Root

_PATIENCE = 10.0  # seconds: the pods' grace, and the time to end some fifty processes
_KILL_PATIENCE = 30.0


def down(root: Root, keep_data: bool = False) -> bool:
    """End the cluster; unless `keep_data`, remove all of its state. True if there was anything. Raises ClusterError."""
    with root.lock():
        found = stop(root) or root.state.exists()
        clear_traces(root)
        if not keep_data:
            _remove_state(root)
        return found


def stop(root: Root) -> bool:
    """End the supervisor, and with it every process, mount, interface and rule. True if it ran. Raises ClusterError."""
    process = state.supervisor(root)
    if process is None:
        return False
    process.signal(signal.SIGTERM)
    if not process.wait(_PATIENCE):
        process.signal(signal.SIGKILL)
        if not process.wait(_KILL_PATIENCE):
            raise ClusterError(f"the supervisor, pid {process.pid}, does not end", log=root.log("supervisor"))
    return True


def clear_traces(root: Root) -> None:
    """What a supervisor that ended or was killed leaves outside its namespaces: cgroups, its word on how it stands."""
    cgroups.remove(root.key)
    for file in (root.supervisor, root.status):
        file.unlink(missing_ok=True)


def _remove_state(root: Root) -> None:
    _check_no_mounts(root.state)
    for file in (root.kubeconfig, root.s3_env):
        file.unlink(missing_ok=True)
    if root.state.exists():
        shutil.rmtree(root.state)


def mounted_below(folder: Path, table: str) -> list[str]:
    """Which mounts of a table like /proc/self/mounts lie at or below `folder`."""
    targets = (line.split()[1].encode().decode("unicode_escape") for line in table.splitlines())
    return [target for target in targets if Path(target).is_relative_to(folder)]


def _check_no_mounts(folder: Path) -> None:
    """Nothing of ours is mounted in the host's namespace; what someone else mounted there must not be emptied."""
    found = mounted_below(folder, Path("/proc/self/mounts").read_text())
    if found:
        raise ClusterError(
            f"{found[0]} is a mount that the cluster did not make", remedy=f"umount {found[0]}, then again"
        )
