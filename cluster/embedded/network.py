"""The cluster's network namespace, from inside: the node's bridge, routes that cannot leave. Standard library only."""

from __future__ import annotations

import subprocess
from pathlib import Path

from cluster.embedded.errors import ClusterError
from cluster.embedded.layout import Network

_COMMANDS = f"""link set lo up
link add {Network.BRIDGE} type bridge
addr add {Network.NODE}/{Network.NODE_PREFIX} dev {Network.BRIDGE}
link set {Network.BRIDGE} up
route add {Network.SERVICES} dev {Network.BRIDGE}
route add unreachable {Network.PODS}
"""


def arrange(ip: str) -> None:
    """Set up the new, empty network namespace of this process with the program `ip`. Raises ClusterError."""
    done = subprocess.run([ip, "-batch", "-"], input=_COMMANDS, capture_output=True, text=True, check=False, timeout=30)
    if done.returncode != 0:
        raise ClusterError(f"the network namespace could not be set up: {done.stderr.strip()}")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1\n")
