"""The plan as series: what a stack means to have, beside what it has. Pure; imports the plan's types and this package.

A rule whose expression is a number writes it down with the server's labels. Alerts and dashboards compare with these,
so a threshold is the plan's own and no rule is another one for another model.
"""

from __future__ import annotations

from collections.abc import Iterator

from substrate.facts.signals import Signal
from substrate.manifests import staging
from substrate.manifests.observability.series import IDENTITY, SERVER, Record
from substrate.plan.reach import workload_of
from substrate.plan.types import ClaimPlan, ServerPlan

# The default of vLLM's production stack, and the upper end of GKE's advice (performance.md 3.1).
_WAITING = 5.0
_OF_IDENTITY = ("workload", "scraped")
_OF_MODEL = (*SERVER, "model")
_OF_JOB = ("stack", "namespace", "team", "model", "job_name")
# Between a staging Job's start and its first byte: its image comes, and its pod finds a node.
_STAGING_START_SECONDS = 300


def records(stack: str, server: ServerPlan) -> Iterator[Record]:
    """What is known of a server before it runs."""
    told = labels(stack, server)
    yield Record(
        IDENTITY, "info", "1, with what is known of a server", (*SERVER, *_OF_IDENTITY), "vector(1)",
        {**told, "workload": workload_of(server), "scraped": str(server.engine.metrics_path is not None).lower()},
    )  # fmt: skip
    numbers = {
        "substrate:replicas:min": ("replicas", "its floor", server.min_replicas),
        "substrate:replicas:max": ("replicas", "its ceiling", server.max_replicas),
        "substrate:requests:parallel": ("requests", "what a replica serves at once", parallel(server)),
        "substrate:cold_start:expected_seconds": ("seconds", "predicted start", server.startup.expected),
        "substrate:cold_start:budget_seconds": ("seconds", "what the startup probe allows", server.startup.budget),
        "substrate:cold_start:deadline_seconds": ("seconds", "with its image's pull", server.startup.progress_deadline),
        "substrate:waiting:limit": ("requests", "a replica lets wait", waiting_limit(server)),
    }
    for name, (unit, meaning, number) in numbers.items():
        yield Record(name, unit, meaning, SERVER, f"vector({number:g})", told)
    for model in server.models:
        yield Record("substrate:model", "info", "1, one a model", _OF_MODEL, "vector(1)", {**told, "model": model.name})


def of_staging(stack: str, claim: ClaimPlan) -> Iterator[Record]:
    """How long each staging Job may take, by its name: its bytes at the slowest sensible source."""
    for weights in claim.weights:
        told = {"stack": stack, "namespace": claim.namespace, "team": claim.team, "model": weights.model}
        job = {**told, "job_name": staging.job_name(weights)}
        timeout = weights.timeout + _STAGING_START_SECONDS
        yield Record("substrate:staging_job", "info", "1, one a set of weights", _OF_JOB, "vector(1)", job)
        yield Record("substrate:staging:timeout_seconds", "seconds", "allowed", _OF_JOB, f"vector({timeout:g})", job)
        yield Record("substrate:staging:bytes", "bytes", "to stage", _OF_JOB, f"vector({int(weights.bytes)})", job)


def labels(stack: str, server: ServerPlan) -> dict[str, str]:
    """Those of SERVER."""
    return {
        "stack": stack,
        "namespace": server.namespace,
        "team": server.team,
        "server": server.name,
        "tier": server.tier,
        "engine": server.engine.name,
        "foundation": server.foundation,
    }


def waiting_limit(server: ServerPlan) -> float:
    """What its scaler lets wait for a replica; of one that is scaled on something else, what others do by default."""
    signals = server.scaling.signals if server.scaling else ()
    return next((signal.target for signal in signals if signal.name == Signal.WAITING), _WAITING)


def parallel(server: ServerPlan) -> int:
    """Of a server of several models each has its own slots; the largest is what one of them can be asked."""
    return max(model.parallel for model in server.models)
