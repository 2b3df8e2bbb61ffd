"""Where the vendors' files are, and what the pack says of them. Imports the tools and the pack's reading of files."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cluster import tools
from policies.files.judging import At, Verdict, judge
from policies.files.reading import Input, read
from policies.judge import Finding
from policies.resources.subject import Subject
from policies.rules import RULES
from policies.settings import settings_from


@dataclass(frozen=True)
class Source:
    """One thing that a vendor ships. `folders` are those of the tool's output; () is all that no other source has."""

    name: str
    tool: str
    where: str  # in the vendor's repository
    folders: tuple[str, ...] = ()
    but: tuple[str, ...] = ()
    built: bool = False  # a kustomization, read as kubectl renders it

    @property
    def release(self) -> str:
        return tools.tool(self.tool).version


SOURCES = (
    Source("KServe samples, `v1beta1`", "kserve-samples", "docs/samples/v1beta1", ("v1beta1",)),
    Source("KServe samples, `llmisvc`", "kserve-samples", "docs/samples/llmisvc", ("llmisvc",)),
    Source("KServe samples, the others", "kserve-samples", "docs/samples", but=("v1beta1", "llmisvc")),
    Source("KServe serving runtimes", "kserve-runtimes", "config/runtimes", built=True),
    Source(
        "KServe presets of LLMInferenceService",
        "kserve-presets",
        "charts/kserve-runtime-configs/files/llmisvcconfigs",
        ("llmisvcconfigs",),
    ),
    Source("KubeRay samples", "kuberay-samples", "ray-operator/config/samples"),
)


@dataclass(frozen=True)
class Judged:
    """A source, and the pack's verdict on all of it as one stack."""

    source: Source
    verdict: Verdict
    root: Path

    @property
    def given(self) -> Input:
        return self.verdict.given

    @property
    def findings(self) -> list[tuple[str, Finding]]:
        """(file below the source's folder, finding), in the files' order."""
        return [(self.below(at), finding) for at, finding in self.verdict.findings]

    @property
    def models(self) -> list[Subject]:
        """The objects that the pack takes for servers of a language model."""
        settings = settings_from({})
        subjects = (Subject(one.obj, settings) for one in self.given.objects)
        return [subject for subject in subjects if subject.served]

    def below(self, at: At) -> str:
        return Path(at.file).relative_to(self.root).as_posix()


def judged(scratch: Path) -> Iterator[Judged]:
    """Every source, fetched where it is not there yet; `scratch` takes what is rendered. Raises ToolError."""
    places = tools.ensure(sorted({source.tool for source in SOURCES} | {"kubectl"}))
    for source in SOURCES:
        root = _rendered(places["kubectl"], places[source.tool], scratch) if source.built else places[source.tool]
        given = read([str(folder) for folder in _folders(source, root)])
        yield Judged(source, judge(given, RULES, {}, {}), root)


def _folders(source: Source, root: Path) -> list[Path]:
    if source.but:
        inside = (path for path in root.iterdir() if path.is_dir() and path.name not in source.but)
        return sorted(path for path in inside if any(path.rglob("*.y*ml")))
    return [root / folder for folder in source.folders] or [root]


def _rendered(kubectl: Path, folder: Path, scratch: Path) -> Path:
    done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=True)
    (scratch / "kustomization.rendered.yaml").write_text(done.stdout, encoding="utf-8")
    return scratch
