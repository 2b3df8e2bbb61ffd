"""Who reaches the pods of a namespace, and what they reach. Pure; imports the catalogue, facts and the plan's files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from substrate.catalog import resolve
from substrate.catalog.model import Catalog, Weights
from substrate.catalog.types import NetworkPolicies
from substrate.facts.addresses import host_and_port, names_a_service, namespace_in
from substrate.plan.logging import logging_plan
from substrate.plan.servers import namespace_of
from substrate.plan.types import DestinationPlan, NetworkPlan

# A store of objects answers on either, and sends on to another host of its own by HTTPS.
WEB = (80, 443)


def network_of(catalog: Catalog, team: str) -> NetworkPlan | None:
    """The team's; None where the stack asks for no NetworkPolicies."""
    shared = shared_network(catalog)
    if shared is None:
        return None
    own = namespace_of(catalog, team)
    names = sorted(name for name in catalog.models if resolve.team_of(catalog, name) == team)
    weights = [block for name in names if (block := catalog.models[name].weights)]
    sinks = [logging.sink for name in names if (logging := logging_plan(catalog, name))]
    return replace(
        shared,
        sources=_united(found for block in weights for found in _sources(block, own)),
        sinks=_united(found for sink in sinks for found in _sink(sink, own)),
    )


def shared_network(catalog: Catalog) -> NetworkPlan | None:
    """What no team changes: all that there is of the front door's. None as above."""
    cluster = catalog.cluster
    if cluster.network_policies is NetworkPolicies.NONE:
        return None
    return NetworkPlan(
        gateway=cluster.gateway.pods_namespace or cluster.gateway.namespace,
        knative=cluster.knative_gateway.namespace if cluster.knative_gateway else None,
        sources=(),
        sinks=(),
    )


def _sources(block: Weights, own: str) -> Iterator[DestinationPlan]:
    """Of an object store its endpoint; a file lies on the volume, which the node mounts."""
    scheme = block.from_.partition("://")[0]
    if scheme == "file":
        return
    yield DestinationPlan(None, WEB)
    if url := block.endpoint or (block.from_ if scheme == "https" else None):
        host, port = host_and_port(url)
        yield DestinationPlan(None, (port,))  # a Service of the cluster may stand for a store outside it
        yield from _inside(host, own)


def _sink(url: str, own: str) -> Iterator[DestinationPlan]:
    """Model servers send there, so nothing outside is admitted where the host is a Service's whole name."""
    host, port = host_and_port(url)
    yield from _inside(host, own)
    if not names_a_service(host):
        yield DestinationPlan(None, (port,))


def _inside(host: str, own: str) -> Iterator[DestinationPlan]:
    """A Service's pods listen on ports of their own, so its namespace is admitted on all."""
    if namespace := namespace_in(host, own):
        yield DestinationPlan(namespace, ())


def _united(found: Iterator[DestinationPlan]) -> tuple[DestinationPlan, ...]:
    """Each namespace once, and the ports outside together."""
    each = set(found)
    inside = sorted({one.namespace for one in each if one.namespace})
    ports = sorted({port for one in each if not one.namespace for port in one.ports})
    outside = [DestinationPlan(None, tuple(ports))] if ports else []
    return (*(DestinationPlan(namespace, ()) for namespace in inside), *outside)
