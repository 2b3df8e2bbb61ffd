"""What a cluster could leave on its host: traces by kind, processes of its namespaces. Standard library only.

Of cgroups, which carry a cluster's key, the test looks at its own: others' come and go meanwhile.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

HOST_TRACES: dict[str, Callable[[], set[str]]] = {
    "mounts": lambda: set(Path("/proc/self/mounts").read_text().splitlines()),
    "links": lambda: lines("ip", "-oneline", "link"),
    "addresses": lambda: lines("ip", "-oneline", "address"),
    "routes": lambda: lines("ip", "route", "show", "table", "all"),
    "network namespaces": lambda: lines("ip", "netns"),
    "nftables": lambda: lines("nft", "list", "ruleset"),
    "iptables": lambda: {line for line in lines("iptables-save") if not line.startswith("#")},
    "folders of the system": lambda: {
        str(path) for folder in ("/run", "/var/lib", "/var/log", "/etc", "/opt") for path in Path(folder).iterdir()
    },
    "sockets of SeaweedFS's usual ports": lambda: {
        f"{path} {path.stat().st_ctime_ns}"
        for port in (18080, 18333, 18888, 19333)
        for path in Path("/tmp").glob(f"*{port}.sock")
    },
    "kernel settings": lambda: {
        f"{name} {Path('/proc/sys', name).read_text()}"
        for name in ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops", "net/ipv4/ip_forward")
    },
}


def lines(*command: str) -> set[str]:
    return set(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines())


def processes_in(namespaces: set[str]) -> set[str]:
    """Pids on the host of all that runs in one of these pid or network namespaces."""
    found = set()
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and namespaces & namespaces_of(process.name):
            found.add(process.name)
    return found


def namespaces_of(pid: str) -> set[str]:
    try:
        return {str(Path(f"/proc/{pid}/ns/{kind}").readlink()) for kind in ("pid", "net", "mnt")}
    except OSError:
        return set()
