"""What scales a server, resolved: its signals, targets, speed, and what wakes it. Pure; imports catalogue, facts, fit.

The figures come from docs/decisions/scaling.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from substrate import fit, queries
from substrate.catalog import resolve
from substrate.catalog.model import Catalog
from substrate.catalog.scaling import Wake
from substrate.facts.engines import Metrics
from substrate.facts.signals import Signal
from substrate.plan.reach import FRONT_DOOR, STARTING_PORT, cluster_host, pods_of, workload_of
from substrate.plan.scaling import KNATIVE, BehaviourPlan, MonitoringPlan, ScalingPlan, SignalPlan, WakePlan
from substrate.plan.types import ServerPlan
from substrate.values import Duration

# On a real trace 16 in flight met the latency best (performance.md 3.3 to 3.5); of what a replica serves at once, 0.7
# leaves room for those that come while the next one starts.
IN_FLIGHT, OF_PARALLEL = 16, 0.7
# A guard against bursts: a quarter of what a replica serves at once, 2 of a small one, 5 of a large one.
LEAST_WAITING, MOST_WAITING, WAITING_OF_PARALLEL = 2, 5, 0.25
OF_CACHE, OF_GPU, FIRST_TOKEN = 0.8, 0.8, Duration(2)
# DCGM tells percents, of each GPU.
GPU_PERCENT = 100
UP_PODS, UP_PERCENT, UP_PERIOD = 4, 100, Duration(15)
DOWN_WINDOW, IDLE = Duration(300), Duration(300)
# Of the HTTP add-on, as its chart names them.
INTERCEPTOR, INTERCEPTOR_PORT = "keda-add-ons-http-interceptor-proxy", 8080
EXTERNAL_SCALER, EXTERNAL_SCALER_PORT = "keda-add-ons-http-external-scaler", 9090
# From a request at the interceptor to a pod that is scheduled: the add-on asks for counts every second, KEDA hears of
# one that was 0 at once, and the kubelet starts what it has the image of.
WAKING = Duration(5)


def monitoring(catalog: Catalog) -> MonitoringPlan | None:
    """What observes the stack; None where nobody says."""
    written = catalog.monitoring
    if written is None:
        return None
    return MonitoringPlan(
        written.prometheus, written.namespace, dict(written.labels), written.runbooks, written.dashboards
    )


def planned(catalog: Catalog, server: ServerPlan) -> ScalingPlan | None:
    """What scales this server; None where nothing does: the stack asks for none, or its engine tells nothing."""
    name, block = server.model.name, catalog.autoscaling
    on_knative = resolve.on_knative(catalog, name)
    signals = tuple(_signals(catalog, server))
    wake = None if on_knative or server.min_replicas else _wake(catalog, server)
    # What holds the requests of a model at zero counts them, whatever the engine tells.
    if not (signals or wake) or not (block or on_knative):
        return None
    written = resolve.scaling_of(catalog, name)
    return ScalingPlan(
        through=KNATIVE if on_knative or block is None else str(block.through),
        prometheus=catalog.monitoring.prometheus if catalog.monitoring else None,
        series=series_of(server),
        signals=signals,
        min=server.min_replicas,
        max=max(1, server.max_replicas),
        behaviour=BehaviourPlan(
            up_pods=UP_PODS,
            up_percent=UP_PERCENT,
            up_period=UP_PERIOD,
            down_window=written.scale_down_window or DOWN_WINDOW,
            idle=None if server.min_replicas else written.idle or IDLE,
        ),
        wake=wake,
    )


def series_of(server: ServerPlan) -> dict[str, str]:
    """The label, as Prometheus writes it, that all pods of the server's engine carry and no others'."""
    label, value = pods_of(server)
    return {queries.pod_label(label): value}


def selected(server: ServerPlan) -> queries.Pods:
    """The series of a server's engine: those of its own pods, not of a transformer before them."""
    return queries.Pods({"namespace": server.namespace, **series_of(server)})


def _signals(catalog: Catalog, server: ServerPlan) -> Iterator[SignalPlan]:
    """The metric that the model is scaled on, and beside it what waits, where the engine tells that too."""
    name = server.model.name
    signal, metrics = resolve.signal_of(catalog, name), resolve.metrics_of(catalog, name)
    if resolve.on_knative(catalog, name):
        yield _signal(catalog, server, Signal.IN_FLIGHT, "", None)
        return
    if signal is None or metrics is None:
        return
    yield _signal(catalog, server, signal, _query(catalog, server, signal, metrics), None)
    guard = queries.waiting(metrics, selected(server))
    if guard and signal is not Signal.WAITING:
        yield _signal(catalog, server, Signal.WAITING, guard, _guard(catalog, name))


def _signal(catalog: Catalog, server: ServerPlan, signal: Signal, query: str, target: float | None) -> SignalPlan:
    target = _target(catalog, server.model.name, signal) if target is None else target
    tokens = signal is Signal.TOKENS_IN_FLIGHT
    asked = Signal.KV_CACHE if tokens else signal
    return SignalPlan(
        name=str(signal),
        metric=queries.adapted(server.engine.name, asked),
        query=query,
        target=target,
        average=signal is not Signal.TIME_TO_FIRST_TOKEN,
        # The adapter's rules know no model's cache: of tokens it asks for the share that they are of it.
        adapted=target / _capacity(catalog, server.model.name) if tokens else target,
    )


def _query(catalog: Catalog, server: ServerPlan, signal: Signal, metrics: Metrics) -> str:
    pods = selected(server)
    asked: dict[Signal, Callable[[], str | None]] = {
        Signal.IN_FLIGHT: lambda: queries.in_flight(metrics, pods),
        Signal.WAITING: lambda: queries.waiting(metrics, pods),
        Signal.KV_CACHE: lambda: queries.kv_cache(metrics, pods),
        Signal.TOKENS_IN_FLIGHT: lambda: queries.tokens_in_flight(metrics, pods, _capacity(catalog, server.model.name)),
        Signal.TIME_TO_FIRST_TOKEN: lambda: queries.first_token_or_none(metrics, pods),
        Signal.GPU: lambda: queries.gpu_use(server.namespace, workload_of(server)),
    }
    return asked[signal]() or ""


def _target(catalog: Catalog, name: str, signal: Signal) -> float:
    """As written, in the unit of the query; else the default."""
    written = resolve.scaling_of(catalog, name).target
    whole_gpus = GPU_PERCENT * resolve.gpus_of(catalog, name)
    if written is not None:
        return float(written) * (whole_gpus if signal is Signal.GPU else 1)
    defaults: dict[Signal, Callable[[], float]] = {
        Signal.IN_FLIGHT: lambda: _in_flight(catalog, name),
        Signal.WAITING: lambda: _guard(catalog, name),
        Signal.KV_CACHE: lambda: OF_CACHE,
        Signal.TOKENS_IN_FLIGHT: lambda: round(OF_CACHE * _capacity(catalog, name)),
        Signal.TIME_TO_FIRST_TOKEN: lambda: FIRST_TOKEN,
        Signal.GPU: lambda: OF_GPU * whole_gpus,
    }
    return float(defaults[signal]())


def _in_flight(catalog: Catalog, name: str) -> int:
    """Requests of one replica: as written where they are what it is scaled on."""
    written = resolve.scaling_of(catalog, name)
    if isinstance(written.target, int) and resolve.signal_of(catalog, name) is Signal.IN_FLIGHT:
        return written.target
    return max(1, min(IN_FLIGHT, int(OF_PARALLEL * resolve.parallel_of(catalog, name))))


def _guard(catalog: Catalog, name: str) -> float:
    parallel = resolve.parallel_of(catalog, name)
    default = min(MOST_WAITING, max(LEAST_WAITING, int(WAITING_OF_PARALLEL * parallel)))
    return float(resolve.scaling_of(catalog, name).waiting or default)


def _capacity(catalog: Catalog, name: str) -> int:
    """Tokens that a replica's KV cache has room for."""
    return fit.kv_capacity(fit.load_of(catalog, name))


def _wake(catalog: Catalog, server: ServerPlan) -> WakePlan | None:
    block, door = catalog.autoscaling, catalog.front_door
    if block is None or door is None or block.wake is not Wake.HTTP_ADD_ON:
        return None
    startup = server.startup
    return WakePlan(
        namespace=block.namespace,
        service=INTERCEPTOR,
        port=INTERCEPTOR_PORT,
        scaler=f"{EXTERNAL_SCALER}.{block.namespace}:{EXTERNAL_SCALER_PORT}",
        starting_host=cluster_host(FRONT_DOOR, door.namespace),
        starting_port=STARTING_PORT,
        idle=resolve.scaling_of(catalog, server.model.name).idle or IDLE,
        held=Duration(startup.budget + WAKING),
        first_request=Duration(startup.expected + WAKING),
        target=_in_flight(catalog, server.model.name),
    )
