"""What each engine, and each exporter beside, exports: names, kinds, units, labels. Imports their own files.

Dated data: each file says which release it was read of, and where. `asked_for` finds the names in a query; `meant`
says what somebody who wrote a name that is not exported may have meant.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

from substrate.facts.metrics import (
    bentoml,
    dcgm,
    gateways,
    keda,
    kube_state_metrics,
    llama_cpp,
    payload_logger,
    prometheus,
    sglang,
    tgi,
    triton,
    vllm,
)
from substrate.facts.metrics.types import Gone, Registry

REGISTRIES: tuple[Registry, ...] = (
    vllm.REGISTRY, llama_cpp.REGISTRY, triton.REGISTRY, tgi.REGISTRY, sglang.REGISTRY, bentoml.REGISTRY,
)  # fmt: skip
# What rules, alerts and dashboards read beside: of objects, GPUs, scalers and what stands before the models.
EXPORTERS: tuple[Registry, ...] = (
    kube_state_metrics.REGISTRY, dcgm.REGISTRY, keda.REGISTRY, gateways.ENVOY, gateways.TRAEFIK,
    payload_logger.REGISTRY, prometheus.REGISTRY, prometheus.KUBELET,
)  # fmt: skip
BY_ENGINE: Mapping[str, Registry] = {registry.engine: registry for registry in REGISTRIES}

_EXPORTED = {series: metric for registry in REGISTRIES for metric in registry.metrics for series in metric.series()}
_BESIDE = {series for registry in REGISTRIES for metric in registry.beside for series in metric.series()}
_GONE = {series: metric for registry in REGISTRIES for metric in registry.gone for series in metric.series()}
_NAMES = {registry.engine: [name for name in _EXPORTED if re.match(registry.prefix, name)] for registry in REGISTRIES}

# Of a query: what is not a metric's name. Texts, label matchers, and the labels that an aggregation keeps or joins by.
_TEXTS = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`""")
_LABELS = re.compile(r"\{[^}]*\}|\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", re.IGNORECASE)
_ASKED = {registry.engine: re.compile(rf"(?<![A-Za-z0-9_:]){registry.prefix}[A-Za-z0-9_:]+") for registry in REGISTRIES}
# Nearer than this two names are one and a slip: a letter, a plural, a missing `_total`.
_SLIP = 0.85


def asked_for(query: str) -> list[tuple[Registry, str]]:
    """The metrics of engines in a query, each once; a name with a further colon is a recording rule's and left out."""
    bare = _LABELS.sub(" ", _TEXTS.sub(" ", query))
    found = [(registry, name) for registry in REGISTRIES for name in _ASKED[registry.engine].findall(bare)]
    return [pair for pair in dict.fromkeys(found) if ":" not in pair[1].partition(":")[2]]


def is_exported(registry: Registry, name: str) -> bool:
    """Whether a name in a query stands for what the engine exports, or a program in front of it, or a plug-in may."""
    return name in _EXPORTED or name in _BESIDE or any(name.startswith(beginning) for beginning in registry.open)


def outlives(name: str) -> bool:
    """Whether a name stands for something that is exported where no engine runs: by what is in front of it alone."""
    return name in _BESIDE and name not in _EXPORTED


def gone(name: str) -> Gone | None:
    """The metric of older releases that a name stands for."""
    return _GONE.get(name)


def meant(registry: Registry, name: str, cutoff: float = 0.6) -> str | None:
    """The nearest name that the engine exports; None where none is near."""
    near = difflib.get_close_matches(name, _NAMES[registry.engine], n=1, cutoff=cutoff)
    return near[0] if near else None


def slip(registry: Registry, name: str) -> str | None:
    """The name that was all but written: so near that nobody can have meant another metric."""
    return meant(registry, name, _SLIP)
