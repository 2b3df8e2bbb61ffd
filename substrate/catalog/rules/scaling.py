"""What a model is scaled on: whether anything does it, tells it, and can ask it. Imports the resolvers and facts."""

from __future__ import annotations

from collections.abc import Iterator

from substrate.catalog import resolve
from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Diagnostic, Path, Severity
from substrate.catalog.locate import Locator
from substrate.catalog.model import Catalog
from substrate.catalog.rules.capacity import written
from substrate.catalog.scaling import SECTION, Through, Wake
from substrate.catalog.types import Foundation, Tier
from substrate.facts.accelerators import ACCELERATORS, Vendor
from substrate.facts.signals import Signal
from substrate.values import Duration, Share

MONITORING_HELP = "add `substrate:monitoring: {prometheus: http://prometheus.monitoring:9090}`, with your Prometheus"
_KINDS = {
    **dict.fromkeys((Signal.IN_FLIGHT, Signal.WAITING), (int, "a number of requests, as 16")),
    Signal.TOKENS_IN_FLIGHT: (int, "a number of tokens, as 40000"),
    **dict.fromkeys((Signal.KV_CACHE, Signal.GPU), (Share, "a share, as 80%")),
    Signal.TIME_TO_FIRST_TOKEN: (Duration, "a time, as 2s"),
}


def block_of(catalog: Catalog, name: str, where: Locator) -> Path:
    """Where a model's `scaling` stands: in its server's block, else in its own."""
    path: Path = ("servers", resolve.server_of(catalog, name) or "", "scaling")
    return path if where.has(path) else ("models", name, "scaling")


def led(catalog: Catalog) -> Iterator[str]:
    """One model for each server, on a pool that is there."""
    return (
        name for name, model in catalog.models.items() if resolve.leads(catalog, name) and model.pool in catalog.pools
    )


def something_scales(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """A target that nothing reads looks like a setting and is none."""
    if catalog.autoscaling or where.has((SECTION,)):
        return
    for name in led(catalog):
        path = block_of(catalog, name, where)
        if where.has(path) and not resolve.on_knative(catalog, name):
            yield where.report(
                Code.NOTHING_SCALES,
                path,
                f"model `{name}` says what its replicas follow, and nothing in this stack scales them",
                at=where.key(path),
                help="add `substrate:autoscaling: {through: keda}`, or remove the block",
            )


def something_measures(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Every scaler asks Prometheus."""
    if catalog.autoscaling and not catalog.monitoring and not where.has(("monitoring",)):
        yield where.report(
            Code.MONITORING_MISSING,
            (SECTION,),
            "the models are scaled by what Prometheus knows of them, and the stack names no Prometheus",
            at=where.key((SECTION,)),
            help=f"{MONITORING_HELP}, or remove `substrate:autoscaling`",
        )


def waking_is_kedas(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """The HTTP add-on counts the requests that it holds and tells KEDA; nobody else can ask it."""
    block = catalog.autoscaling
    if block and block.wake is Wake.HTTP_ADD_ON and block.through is not Through.KEDA:
        yield where.report(
            Code.WAKE_WITHOUT_KEDA,
            (SECTION, "wake"),
            "the HTTP add-on wakes a model by KEDA, and this stack scales through prometheus-adapter",
            notes=["a HorizontalPodAutoscaler never starts the first replica"],
            help="write `through: keda`, or remove `wake` and keep `min: 1`",
            also=[((SECTION, "through"), "the scaler")],
        )


def waking_can_refuse(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Who waited for a model in vain is told so by the front door; the add-on alone says 502 and an error of Go's."""
    block = catalog.autoscaling
    if block and block.wake and not catalog.front_door and not where.has(("frontDoor",)):
        yield where.report(
            Code.WAKE_WITHOUT_DOOR,
            (SECTION, "wake"),
            "what wakes a model holds its requests, and nothing would answer those that wait in vain",
            notes=["the front door answers them with 503, Retry-After and an error in OpenAI's form"],
            help="add `substrate:frontDoor: {}`, or remove `wake`",
        )


def zero_is_behind_nothing(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Requests are held until the model's Service has a pod, and a transformer that always runs is one."""
    for name, model in catalog.models.items():
        transformer = model.kserve.transformer if model.kserve else None
        on_kserve = resolve.foundation_of(catalog, name) is Foundation.KSERVE
        if not transformer or not on_kserve or resolve.on_knative(catalog, name):
            continue
        if resolve.replicas_of(catalog, name).min == 0 and resolve.tier_of(catalog, name) is Tier.LONG_TAIL:
            yield where.report(
                Code.ZERO_BEHIND_A_PART,
                written(where, name, "replicas", "min"),
                f"model `{name}` would go to zero behind a transformer, which would answer in its place",
                help="write `min: 1`, or `mode: Knative`, or remove the transformer",
                also=[(("models", name, "kserve", "transformer"), "its transformer")],
            )


def metric_is_exported(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """A query for what the engine does not export answers nothing for ever."""
    if not catalog.autoscaling:
        return
    for name in led(catalog):
        asked, offered = resolve.scaling_of(catalog, name).metric, resolve.signals_of(catalog, name)
        if asked is None or asked is Signal.GPU or asked in offered:
            continue
        path = (*block_of(catalog, name, where), "metric")
        yield where.report(
            Code.METRIC_NOT_EXPORTED,
            path,
            f"model `{name}` would be scaled on {asked}, which its engine does not tell",
            notes=[_why(catalog, name, asked)],
            help=_instead(catalog, name, offered),
            also=[(written(where, name, "engine"), f"its engine is {resolve.engine_of(catalog, name)}")],
        )


def _why(catalog: Catalog, name: str, asked: Signal) -> str:
    metrics, engine = resolve.metrics_of(catalog, name), resolve.engine_of(catalog, name)
    if metrics is None:
        return f"{engine} has no page of metrics for a server of several models"
    if asked is Signal.TOKENS_IN_FLIGHT and metrics.kv_cache_usage:
        return "how many tokens its KV cache holds follows from `architecture`, which its block has not"
    return f"what {engine} exports: {metrics.source}"


def _instead(catalog: Catalog, name: str, offered: tuple[Signal, ...]) -> str:
    able = [*offered, *([Signal.GPU] if _on_nvidia(catalog, name) else [])]
    return f"write one of: {', '.join(able)}" if able else "write `max` as its `min`, and remove `scaling`"


def something_is_exported(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Room to grow is a promise that nobody keeps where the engine tells nothing."""
    if not catalog.autoscaling:
        return
    for name in led(catalog):
        least, most = resolve.replicas_of(catalog, name)
        counted = least == 0 and catalog.autoscaling.wake is not None  # by what holds its requests
        if resolve.on_knative(catalog, name) or least >= most or counted or resolve.signal_of(catalog, name):
            continue
        yield where.report(
            Code.METRIC_NOT_EXPORTED,
            written(where, name, "replicas", "max"),
            f"model `{name}` may grow from {least} to {most} replicas, and its engine tells nothing to scale it on",
            notes=[_why(catalog, name, Signal.IN_FLIGHT)],
            help=f"write `max: {max(1, least)}`, or another engine",
            also=[(written(where, name, "engine"), f"its engine is {resolve.engine_of(catalog, name)}")],
        )


def gpu_is_told_of(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """The use of a GPU comes from NVIDIA's exporter, by the pod's name and not by its labels."""
    if not catalog.autoscaling:
        return
    for name in led(catalog):
        if resolve.scaling_of(catalog, name).metric is not Signal.GPU or _on_nvidia(catalog, name):
            continue
        path = (*block_of(catalog, name, where), "metric")
        pool = catalog.models[name].pool
        yield where.report(
            Code.METRIC_NOT_EXPORTED,
            path,
            f"model `{name}` would be scaled on its GPUs' use, and pool `{pool}` has none of NVIDIA's",
            notes=["the use of a GPU is what NVIDIA's dcgm-exporter tells"],
            help=_instead(catalog, name, resolve.signals_of(catalog, name)),
            also=[(("pools", pool, "accelerator"), "its pool")],
        )


def _on_nvidia(catalog: Catalog, name: str) -> bool:
    pool = catalog.pools[catalog.models[name].pool]
    return ACCELERATORS[pool.accelerator].vendor is Vendor.NVIDIA


def the_scaler_can_ask(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Knative counts requests by itself, and an adapter tells series apart by their labels alone."""
    adapter = catalog.autoscaling is not None and catalog.autoscaling.through is Through.PROMETHEUS_ADAPTER
    for name in led(catalog):
        asked = resolve.scaling_of(catalog, name).metric
        path = (*block_of(catalog, name, where), "metric")
        if resolve.on_knative(catalog, name) and asked not in (None, Signal.IN_FLIGHT):
            yield where.report(
                Code.NOT_BY_THIS_SCALER,
                path,
                f"model `{name}` runs in Knative mode, where Knative scales it on the requests that it counts itself",
                help="write `metric: inFlight`, or `mode: Standard`",
                also=[(("models", name, "kserve", "mode"), "its mode")],
            )
        elif adapter and asked is Signal.GPU:
            yield where.report(
                Code.NOT_BY_THIS_SCALER,
                path,
                f"model `{name}` would be scaled on its GPUs' use, which prometheus-adapter can not ask for",
                notes=["dcgm-exporter knows the pods of a GPU by name, and an adapter selects by labels"],
                help="write `through: keda`, or another metric",
                also=[((SECTION, "through"), "the scaler")],
            )


def target_is_of_its_metric(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Requests are counted, caches filled to a share, answers waited for."""
    for name in led(catalog):
        block, signal = resolve.scaling_of(catalog, name), resolve.signal_of(catalog, name)
        if block.target is None or signal is None:
            continue
        kind, expected = _KINDS[signal]
        if not isinstance(block.target, kind):
            yield where.report(
                Code.SCALING_TARGET,
                (*block_of(catalog, name, where), "target"),
                f"model `{name}` is scaled on {signal}, and its target is of another kind",
                help=f"write {expected}",
                also=[((*block_of(catalog, name, where), "metric"), "the metric")],
            )


def guard_is_told(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """What waits guards against bursts only where somebody says what waits."""
    for name in led(catalog):
        path = (*block_of(catalog, name, where), "waiting")
        told = Signal.WAITING in resolve.signals_of(catalog, name) and not resolve.on_knative(catalog, name)
        if where.has(path) and not told:
            yield where.report(
                Code.METRIC_NOT_EXPORTED,
                path,
                f"`waiting` has no effect on model `{name}`, of which nobody tells how many requests wait",
                at=where.key(path),
                notes=[
                    "Knative holds what waits, and counts it with the rest"
                    if resolve.on_knative(catalog, name)
                    else _why(catalog, name, Signal.WAITING)
                ],
                help="remove it",
            )


def target_is_held_at_once(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Beyond `parallel` requests queue before anything grows; that may be meant."""
    for name in led(catalog):
        block, parallel = resolve.scaling_of(catalog, name), resolve.parallel_of(catalog, name)
        in_flight = resolve.signal_of(catalog, name) is Signal.IN_FLIGHT
        if in_flight and isinstance(block.target, int) and block.target > parallel:
            path = (*block_of(catalog, name, where), "target")
            yield where.report(
                Code.TARGET_OVER_PARALLEL,
                path,
                f"model `{name}` grows at {block.target} requests a replica, which serves {parallel} at once",
                notes=["the others wait for a replica that nobody has asked for yet"],
                help=f"write a target of {parallel} or less, best about 0.7 of it, or a larger `parallel`",
                also=[(written(where, name, "parallel"), f"{parallel} at once")],
                severity=Severity.WARNING,
            )


def idle_leads_to_zero(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    for name in led(catalog):
        path = (*block_of(catalog, name, where), "idle")
        if where.has(path) and resolve.replicas_of(catalog, name).min > 0:
            yield where.report(
                Code.IDLE_WITHOUT_ZERO,
                path,
                f"`idle` has no effect on model `{name}`, which always keeps a replica",
                at=where.key(path),
                help="write `replicas: {min: 0}` for a model of the long tail, or remove `idle`",
                also=[(written(where, name, "replicas", "min"), "its least")],
            )
