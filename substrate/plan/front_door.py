"""The front door of a stack, resolved: which models stand behind it, where it runs, what it may hold. Pure.

The figures come from docs/decisions/front-door.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from substrate.catalog.front_door import FrontDoor
from substrate.catalog.image_names import ENVOY
from substrate.catalog.model import Catalog
from substrate.plan.engines.base import OPENAI
from substrate.plan.network import shared_network
from substrate.plan.reach import SERVICE_PORT, cluster_host, knative_host, wake_host
from substrate.plan.types import FrontDoorPlan, PoolPlan, ServerPlan, StartingPlan, TaintPlan, UpstreamPlan
from substrate.values import Bytes

IMAGE = "envoyproxy/envoy:distroless-v1.40.0"
# A body costs 1.7 times its size while it is read, and what is new is refused from 40 % of the memory on.
BODIES_HELD = 128
# 68 MiB at rest, and every model costs some of it: below this the door would be shut before anybody came.
LEAST_MEMORY = Bytes(512 * 1024**2)
CPU, NO_CPU = "100m", "0"


def resolve(
    catalog: Catalog, servers: Collection[ServerPlan], pools: Sequence[PoolPlan], pod_security_version: str
) -> FrontDoorPlan | None:
    """The front door of these servers; None where the stack asks for none."""
    written, gateway = catalog.front_door, catalog.cluster.gateway
    if written is None:
        return None
    return FrontDoorPlan(
        url=f"{catalog.cluster.base_url}/v1",
        namespace=written.namespace,
        pod_security_version=pod_security_version,
        network=shared_network(catalog),
        image=catalog.defaults.images.get(ENVOY, IMAGE),
        replicas=written.replicas,
        cpu=_cpu(pools),
        memory=_memory(written),
        max_body=written.max_body,
        keys_secret=written.keys_secret_ref,
        taints=_taints(pools),
        gateway_name=gateway.name,
        gateway_namespace=gateway.namespace,
        authenticated_by=gateway.authenticated_by,
        models=tuple(upstream for server in servers for upstream in _upstreams(server)),
        starting=tuple(starting for server in servers for starting in _starting(server)),
    )


def _cpu(pools: Sequence[PoolPlan]) -> str:
    """Nothing where a pool's cores are counted out to models to the last one: what took some would strand a replica."""
    return CPU if all(pool.gpu_resource for pool in pools) else NO_CPU


def _memory(written: FrontDoor) -> Bytes:
    return max(LEAST_MEMORY, Bytes(BODIES_HELD * written.max_body))


def _taints(pools: Sequence[PoolPlan]) -> tuple[TaintPlan, ...]:
    """Tolerated, since a cluster may have no node but those of its pools; avoided where it has."""
    return tuple(dict.fromkeys(pool.taint for pool in pools if pool.taint))


def _upstreams(server: ServerPlan) -> Iterator[UpstreamPlan]:
    """Each of a server's models that an OpenAI client can ask, and where it is in the cluster.

    Knative splits requests between revisions, and holds those for a model at zero, in its own gateway and nowhere else.
    The HTTP add-on holds them in its interceptor.
    """
    gateway = server.kserve.gateway if server.kserve else None
    wake = server.scaling.wake if server.scaling else None
    for model in (each for each in server.models if each.endpoint == OPENAI):
        if gateway:
            host = cluster_host(gateway.service, gateway.namespace)
            yield UpstreamPlan(model.name, model.served_name, host, gateway.port, knative_host(server))
        elif wake:
            host = cluster_host(wake.service, wake.namespace)
            yield UpstreamPlan(model.name, model.served_name, host, wake.port, wake_host(server, model))
        else:
            host = cluster_host(model.name, server.namespace)
            yield UpstreamPlan(model.name, model.served_name, host, SERVICE_PORT, None)


def _starting(server: ServerPlan) -> Iterator[StartingPlan]:
    """Who was held for as long as a cold start may take asks again after what one is expected to take."""
    wake = server.scaling.wake if server.scaling else None
    if wake is not None:
        for model in server.models:
            yield StartingPlan(model.name, wake_host(server, model), wake.held, server.startup.expected)
