"""A scaler asks for metrics that the engine exports. Imports the rule, the resources and the facts on metrics.

Only names that begin as an engine's own are judged. A name is refused where the list of the engine's release lacks it,
and for a release that nobody has read only where it is a slip of the pen; else the rule says that it cannot tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from policies.resources.plain import dig, mappings, text
from policies.resources.queries import ADAPTED, Query, queries
from policies.resources.scalers import is_scaler
from policies.resources.stack import Stack
from policies.resources.subject import Subject
from policies.resources.workloads import engine_of_image
from policies.rule import Flaw, NotApplicable, Severity, stack_rule
from policies.rules.images import tag_of
from substrate.facts.metrics import BY_ENGINE, gone, is_exported, meant, slip
from substrate.facts.metrics.types import Registry

WHY = (
    "there is no such series, so the query answers nothing and the scaler takes that for no load: the replicas stay at "
    "their least however many requests wait"
)
LINK = "https://keda.sh/docs/latest/scalers/prometheus/"
# Each exports its own metrics and no other engine's; Triton passes on what vLLM counts inside it.
_ALONE = frozenset({"vllm", "llama.cpp", "tgi", "sglang"})


@stack_rule("unknown-metric", Severity.HIGH, WHY, LINK)
def unknown_metric(subject: Subject, stack: Stack) -> Iterator[Flaw | NotApplicable]:
    """Each metric that no engine of this name exports, or not the engine that is scaled."""
    asked = [(query, *pair) for query in queries(subject.obj) for pair in query.of_engines]
    if not asked:
        return
    workloads = stack.workloads_of(subject) if is_scaler(subject.obj) else [subject]
    for query, registry, name in asked:
        if is_exported(registry, name) or (query.renamed and _by_adapter(registry, name)):
            yield from _of_another_engine(query, registry, name, workloads)
        elif name not in _recorded(stack):
            yield from _not_listed(query, registry, name, workloads)


RULES = (unknown_metric,)


def _not_listed(
    query: Query, registry: Registry, name: str, workloads: list[Subject]
) -> Iterator[Flaw | NotApplicable]:
    if query.renamed and ":" not in name:
        return  # an adapter names its metrics as it likes, and none of its names holds a colon by itself
    release, then = _release(registry, workloads), gone(name)
    if then is None:
        yield from _never_there(query, registry, name, release)
    elif release is None or (_of(then.until) is None and not _was_read(registry, release)):
        yield NotApplicable(
            f"whether {name} is exported hangs on the engine's release, which is not told: {registry.engine} "
            f"{registry.read} has {then.instead} instead"
        )
    elif _was_read(registry, release) or release[: len(_of(then.until) or ())] > (_of(then.until) or ()):
        yield Flaw(
            f"{query.place} asks for {name}, which {registry.engine} does not export any more",
            f"ask for {then.instead} instead",
        )


def _never_there(
    query: Query, registry: Registry, name: str, release: tuple[int, ...] | None
) -> Iterator[Flaw | NotApplicable]:
    known = release is not None and _was_read(registry, release)
    near = meant(registry, name) if known else slip(registry, name)
    if known or near:
        fix = f"ask for {near} instead" if near else f"take a metric of {registry.source}"
        yield Flaw(f"{query.place} asks for {name}, which {registry.engine} does not export", fix)
    else:
        yield NotApplicable(
            f"whether {registry.engine} exports {name} is not known for its release: {registry.read} was read"
        )


def _of_another_engine(query: Query, registry: Registry, name: str, workloads: list[Subject]) -> Iterator[Flaw]:
    for workload in workloads:
        served = workload.served
        if served and served.engine in _ALONE and registry.engine in _ALONE and served.engine != registry.engine:
            if any(other.engine == served.engine for other, _ in query.of_engines):
                continue  # it asks for the engine's own metrics too
            yield Flaw(
                f"{query.place} asks for {name} of {registry.engine}, and {workload} runs {served.engine} ({served})",
                f"ask for metrics of {served.engine}: {_own(served.engine)}",
            )


def _own(engine: str) -> str:
    return ", ".join(metric.name for metric in BY_ENGINE[engine].metrics[:2])


def _recorded(stack: Stack) -> set[str]:
    """Names that recording rules of the stack make."""
    groups = [group for rule in stack.all_of("PrometheusRule") for group in mappings(rule.obj.spec.get("groups"))]
    return {text(dig(one, "record")) or "" for group in groups for one in mappings(group.get("rules"))}


def _by_adapter(registry: Registry, name: str) -> bool:
    """Whether prometheus-adapter makes this name of one that is exported: it takes a counter's ending off."""
    return any(is_exported(registry, f"{name}{ending}") for ending in ADAPTED)


def _release(registry: Registry, workloads: list[Subject]) -> tuple[int, ...] | None:
    """The engine's release by the tag of its image; None where it is not told, or there are two."""
    images = (container.image or "" for one in workloads for pod in one.pods for container in pod.containers)
    tags = [tag_of(image.partition("@")[0]) for image in images if engine_of_image(image) == registry.engine]
    found = {_of(tag, registry.since) for tag in tags}
    return found.pop() if len(found) == 1 else None


def _of(tag: str | None, like: str = "0.0") -> tuple[int, ...] | None:
    """The numbers of `v0.32.0-cu129` or, as llama.cpp counts its builds, of `server-cuda-b6942`."""
    match = re.search(r"(?<![a-z0-9])b(\d+)(?!\d)" if like.startswith("b") else r"^v?(\d+(?:\.\d+)+)", tag or "")
    return tuple(map(int, match[1].split("."))) if match else None


def _was_read(registry: Registry, release: tuple[int, ...]) -> bool:
    return (_of(registry.since, registry.since) or ()) <= release <= (_of(registry.read, registry.since) or ())
