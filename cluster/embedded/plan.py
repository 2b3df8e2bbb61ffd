"""What a supervisor is started with: binaries, image archives, ports. Imports the standard library only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from cluster.embedded import files
from cluster.embedded.errors import ClusterError
from cluster.embedded.ports import Ports

BINARIES = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "containerd",
    "containerd-shim-runc-v2",
    "ctr",
    "runc",
    "cni-plugins",
    "ip",
    "nft",
    "conntrack",
    "kubelet",
    "kube-proxy",
    "coredns",
    "node-local-provisioner",
    "kwok",
    "traefik",
    "weed",
    "kubectl",
    "gateway-api-crds",
)
IMAGES = ("pause", "llama.cpp", "stager")


@dataclass(frozen=True)
class Image:
    """An image to import: the reference that pods name, the digest of its manifest, and the OCI archive on the host."""

    reference: str
    digest: str
    archive: str


@dataclass(frozen=True)
class Plan:
    """All that differs from one cluster to another; written down by `up`, read by the supervisor and its tasks.

    `extras` names what was asked for beyond the core, of `cluster.embedded.extras`; `controllers` are further flags of
    kube-controller-manager, `horizontal-pod-autoscaler-sync-period=1s`.
    """

    key: str
    python: str
    clone: str
    binaries: Mapping[str, str]
    images: tuple[Image, ...]
    ports: Ports
    extras: tuple[str, ...] = ()
    controllers: tuple[str, ...] = ()

    def binary(self, name: str) -> str:
        return self.binaries[name]

    def search_path(self) -> str:
        """PATH for the components: the binaries' own folders, then the system's."""
        folders = {str(Path(path).parent): None for name, path in self.binaries.items() if name not in _FOLDERS}
        return ":".join([*folders, "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"])

    def write(self, path: Path) -> None:
        files.write(path, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> Plan | None:
        """What `write` wrote; None where there is none. Raises ClusterError for one that this version cannot read."""
        try:
            text = path.read_text()
        except FileNotFoundError:
            return None
        try:
            fields = json.loads(text)
            fields["images"] = tuple(Image(**image) for image in fields["images"])
            fields["ports"] = Ports(**fields["ports"])
            for name in ("extras", "controllers"):
                fields[name] = tuple(fields.get(name, ()))
            return cls(**fields)
        except (ValueError, TypeError, KeyError) as error:
            raise ClusterError(
                f"{path} was written by another version ({error})", remedy="python -m cluster down, then up again"
            ) from error


_FOLDERS = ("cni-plugins", "gateway-api-crds")
