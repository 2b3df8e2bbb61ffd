"""What a stack asks of KServe: for each model, and of the install. Pure; imports the catalogue, facts, plan's types."""

from __future__ import annotations

from collections.abc import Collection

from substrate.catalog import resolve
from substrate.catalog.kserve import KServeCluster, Part
from substrate.catalog.model import Catalog, KServe
from substrate.catalog.types import DeploymentMode
from substrate.facts.kserve import INFERENCE_SERVICE
from substrate.plan.types import (
    KnativeGatewayPlan,
    KServeInstallPlan,
    KServePlan,
    KServePlatformPlan,
    PartPlan,
    RuntimePlan,
    ServerPlan,
)


def of_model(catalog: Catalog, stack: str, name: str) -> KServePlan:
    written = catalog.models[name].kserve or KServe()
    hardware = "gpu" if resolve.gpus_of(catalog, name) else "cpu"
    gateway = catalog.cluster.knative_gateway
    behind = gateway if written.mode is DeploymentMode.KNATIVE else None
    return KServePlan(
        mode=str(written.mode),
        runtime=f"{stack}-{resolve.engine_of(catalog, name).replace('.', '-')}-{hardware}",
        canary_traffic_percent=written.canary_traffic_percent,
        gateway=KnativeGatewayPlan(behind.service, behind.namespace, behind.port) if behind else None,
        resource=str(written.resource),
        parts=tuple(
            _part(each, part, resolve.part_replicas(catalog, name, part)) for each, part in written.parts.items()
        ),
    )


def _part(name: str, part: Part, replicas: int) -> PartPlan:
    return PartPlan(
        name=name,
        image=part.image,
        command=tuple(part.command),
        args=tuple(part.args),
        environment=dict(part.env),
        millicores=part.cpus,
        memory=part.memory,
        replicas=replicas,
        health_path=part.health_path,
    )


def platform(written: KServeCluster, servers: Collection[ServerPlan]) -> KServePlatformPlan | None:
    """What KServe must be for these servers, with a runtime for each engine and kind of hardware that one names.

    None where no server runs on it and the stack does not install it.
    """
    users = {server.name: (server.kserve, server) for server in servers if server.kserve}
    if not users and written.install is None:
        return None
    named = [(plan.runtime, each) for plan, each in users.values() if plan.resource == INFERENCE_SERVICE]
    behind = {each.namespace: plan.gateway for plan, each in users.values() if plan.gateway}
    install = written.install
    return KServePlatformPlan(
        namespace=written.namespace,
        knative=next(iter(behind.values()), None),
        teams=tuple(sorted(behind)),
        runtimes=_runtimes(named),
        resources=tuple(sorted({plan.resource for plan, _ in users.values()})),
        install=KServeInstallPlan(install.chart, install.crds, install.version) if install else None,
        scaled=any(server.scaled for _, server in users.values()),
    )


def _runtimes(named: Collection[tuple[str, ServerPlan]]) -> tuple[RuntimePlan, ...]:
    """One for each name that servers give."""
    users = {name: [server for other, server in named if other == name] for name, _ in named}
    return tuple(
        RuntimePlan(
            name,
            servers[-1].engine,
            {rule: why for server in servers for rule, why in sorted(server.exemptions.items())},
        )
        for name, servers in sorted(users.items())
    )
