"""The recipe for llama.cpp's server, from the source in a Python package. Imports the standard library only."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster.tools import pins
from cluster.tools.cache import Workspace
from cluster.tools.process import Runner
from cluster.tools.recipe import Recipe
from cluster.tools.wheels import pip_download

_CMAKE_FLAGS = (
    "-DCMAKE_BUILD_TYPE=Release",
    "-DBUILD_SHARED_LIBS=OFF",
    "-DGGML_NATIVE=OFF",  # the binary goes into an image: it must run on other processors than the builder's
    "-DGGML_OPENMP=OFF",
    "-DLLAMA_OPENSSL=OFF",
    "-DLLAMA_BUILD_TESTS=OFF",
    "-DLLAMA_BUILD_EXAMPLES=OFF",
    "-DLLAMA_BUILD_APP=OFF",
    "-DLLAMA_BUILD_UI=OFF",
    "-DLLAMA_USE_PREBUILT_UI=OFF",  # on by default, and a download
    "-DCMAKE_EXE_LINKER_FLAGS=-static-libstdc++ -static-libgcc -s",
)


@dataclass(frozen=True)
class LlamaServer(Recipe):
    """llama.cpp's server from the source in a Python package: linked to libc and libm only."""

    package: str = "llama-cpp-python"

    @property
    def version(self) -> str:
        return pins.wheel(self.package).version

    @property
    def doing(self) -> str:
        return "fetching the source with pip, building llama-server with cmake"

    def parts(self) -> Mapping[str, bytes]:
        return {"pin": pins.wheel(self.package).text.encode(), "flags": json.dumps(_CMAKE_FLAGS).encode()}

    @property
    def asks(self) -> tuple[str, ...]:
        return ("g++", "-dumpfullversion")

    def requires(self) -> tuple[str, ...]:
        return ("cmake", "ninja", "g++")

    def build(self, space: Workspace, runner: Runner) -> None:
        source = self._unpack(pip_download(self.package, "--no-binary", space, runner), space.work, runner)
        built = space.work / "built"
        cmake, ninja = str(runner.tool("cmake")), str(runner.tool("ninja"))
        generator = ("-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={ninja}")
        runner.run([cmake, *generator, "-S", str(source), "-B", str(built), *_CMAKE_FLAGS], cwd=space.work)
        # Not by `cmake --build`, which ends only when ninja does: a build that is stopped would go on.
        runner.run([ninja, "-C", str(built), "llama-server"], cwd=space.work)
        shutil.copy2(built / "bin" / "llama-server", space.out / "llama-server")
        shutil.copyfile(source / "LICENSE", space.out / "LICENSE")

    def _unpack(self, sdist: Path, into: Path, runner: Runner) -> Path:
        with tarfile.open(sdist) as archive:
            archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python 3.11.4 and newer have it
            for member in archive:
                archive.extract(member, into)
                runner.step.tick("unpacking the source")
        return next(into.glob("llama_cpp_python-*")) / "vendor" / "llama.cpp"
