"""Where everything of one cluster lies: on the host, inside its namespaces, on its network. Standard library only."""

from __future__ import annotations

import fcntl
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster.embedded.errors import ClusterError

CLONE = Path(__file__).resolve().parents[2]
CONTEXT = "substrate-local"
IMPORTED = "imported"
_LOCK_PATIENCE = 900.0  # seconds: the longest that another `up`, first build included, is waited for


class Network:
    """Addresses inside the cluster's network namespace; the same in every cluster, since none can see another."""

    NODE_NAME = "engine-local"
    BRIDGE = "node0"
    NODE = "10.99.0.1"
    NODE_PREFIX = 24
    PODS = "10.244.0.0/24"
    SERVICES = "10.96.0.0/16"
    KUBERNETES_SERVICE = "10.96.0.1"
    DOMAIN = "cluster.local"
    API_PORT = 6443
    GATEWAY_PORT = 8080
    S3_PORT = 8333


class Inside:
    """Paths as the cluster's processes see them: short, fixed, and on mounts that the host does not have."""

    STATE = Path("/var/lib/substrate")
    PKI = STATE / "pki"
    VOLUMES = STATE / "volumes"
    OBJECTS = STATE / "seaweedfs"
    TEMPORARY = STATE / "tmp"
    RUN = Path("/run/substrate")
    CONFIG = RUN / "config"
    CONTAINERD = Path("/run/containerd/containerd.sock")


@dataclass(frozen=True)
class Root:
    """The folder on the host that holds all of one cluster; `.substrate` in the clone unless another is named."""

    path: Path

    @classmethod
    def at(cls, path: Path | None = None) -> Root:
        return cls((path or CLONE / ".substrate").absolute())

    @property
    def key(self) -> str:
        """Eight hex digits that tell this cluster's cgroups and ports from another clone's."""
        return hashlib.sha256(str(self.path).encode()).hexdigest()[:8]

    @property
    def state(self) -> Path:
        """All that `down` removes: etcd's data, images and containers, volumes, certificates."""
        return self.path / "cluster"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def bin(self) -> Path:
        return self.path / "bin"

    @property
    def kubeconfig(self) -> Path:
        return self.path / "kubeconfig"

    @property
    def s3_env(self) -> Path:
        return self.path / "s3.env"

    @property
    def pki(self) -> Path:
        return self.state / "pki"

    @property
    def plan(self) -> Path:
        """What the running supervisor was started with."""
        return self.state / "plan.json"

    @property
    def status(self) -> Path:
        """What the supervisor last said of its components."""
        return self.state / "status.json"

    @property
    def imported(self) -> Path:
        """Digests of the images that containerd was given."""
        return self.state / IMPORTED

    @property
    def supervisor(self) -> Path:
        """Which process the supervisor is."""
        return self.state / "supervisor.json"

    def log(self, component: str) -> Path:
        return self.logs / f"{component}.log"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Only one `up` or `down` at a time for a root. Raises ClusterError when another does not end."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("w") as handle:
            _acquire(handle.fileno(), self.path)
            yield


def _acquire(descriptor: int, path: Path) -> None:
    deadline = time.monotonic() + _LOCK_PATIENCE
    waiting = False
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise ClusterError(
                    f"another `python -m cluster` has been at work on {path} for {_LOCK_PATIENCE:.0f} s",
                    remedy="see what it does, end it, and run this again",
                ) from None
        if not waiting:
            print(f"waiting for another `python -m cluster` that is at work on {path}", flush=True)
            waiting = True
        time.sleep(0.1)
