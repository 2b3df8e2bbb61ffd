"""A bento's block -> how its server runs, and its stages. Pure; imports the catalogue, facts and the plan's files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

from substrate.catalog import resolve
from substrate.catalog.bento import Bento, BentoService, Stage
from substrate.catalog.model import Catalog
from substrate.facts.bentoml import BENTO_MOUNT, DEFAULT_TIMEOUT, IMAGE_USER, PORT
from substrate.plan.engines import bentoml
from substrate.plan.types import BentoPlan, ResourcesPlan, ServerPlan, StagePlan
from substrate.values import Bytes, Cores, Duration


def planned(catalog: Catalog, server: ServerPlan) -> ServerPlan:
    """The server as its model's bento asks for it. With stages, the server is the entry's."""
    name = server.model.name
    block = catalog.models[name].bento or Bento()
    entry = resolve.entry_of(block.stages) if block.stages else None
    inner = tuple(_stage(server, block, stage, cpus=resolve.cpus_of(catalog, name)) for stage in _inner(block))
    return replace(
        server,
        models=(replace(server.model, mount=BENTO_MOUNT),),
        engine=replace(
            server.engine,
            image=block.image or server.engine.image,
            args=entry_arguments(inner) if entry else server.engine.args,
            environment={**server.engine.environment, "BENTOML_CONFIG_OVERRIDES": overrides(block)},
        ),
        resources=_resources(server, block, block.stages[entry] if entry else None, server.resources.cpus),
        grace=bentoml.grace(longest(block.services)),
        bento=BentoPlan(user=IMAGE_USER if block.image else None, stages=inner),
    )


def _inner(block: Bento) -> Iterator[str]:
    """All stages but the entry, by name, so that the order in the stack file changes nothing."""
    return (stage for stage in sorted(block.stages) if stage != resolve.entry_of(block.stages))


def overrides(block: Bento) -> str:
    """BENTOML_CONFIG_OVERRIDES. Set directly under `services` a value loses to the decorator, so each has its service.

    The readiness of a stage says nothing of those that it asks: with one of them dead, /readyz would hang for as long
    as a request may take, and every replica of every stage would leave its Service with it.
    """
    probe: dict[str, object] = {"runner_probe": {"enabled": False}}
    named = {*block.services, *(stage.service for stage in block.stages.values())}
    settings = {name: {**probe, **_settings(block.services.get(name, BentoService()))} for name in named}
    return json.dumps({"services": {**probe, **settings}}, sort_keys=True, separators=(",", ":"))


def _settings(service: BentoService) -> dict[str, object]:
    traffic = {"timeout": service.timeout, "max_concurrency": service.max_concurrency}
    written = {key: value for key, value in traffic.items() if value is not None}
    workers = {} if service.workers is None else {"workers": service.workers}
    return {**workers, **({"traffic": written} if written else {})}


def longest(services: Mapping[str, BentoService]) -> Duration:
    """What a request may take at most. A service that is not named keeps its decorator's, which nobody here knows."""
    return Duration(max([DEFAULT_TIMEOUT, *(service.timeout for service in services.values() if service.timeout)]))


def stage_arguments(service: str, depends: Mapping[str, str]) -> tuple[str, ...]:
    """One service alone; `depends` maps the services that it asks to their URLs."""
    asked = (f"--depends={other}={url}" for other, url in sorted(depends.items()))
    return ("start-http-server", f"--service-name={service}", f"--port={PORT}", *asked)


def entry_arguments(inner: tuple[StagePlan, ...]) -> tuple[str, ...]:
    """The bento's own entry, which alone refuses pickles: so no service is named.

    It starts those that are not mapped beside itself, so all stages are, and not only those that it asks.
    """
    asked = sorted((stage.service, stage.url) for stage in inner)
    return ("start-http-server", f"--port={PORT}", *(f"--depends={service}={url}" for service, url in asked))


def _stage(server: ServerPlan, block: Bento, name: str, cpus: Cores) -> StagePlan:
    stage = block.stages[name]
    depends = {block.stages[other].service: _url(server, other) for other in stage.depends}
    return StagePlan(
        name=_name(server, name),
        stage=name,
        service=stage.service,
        url=_url(server, name),
        args=stage_arguments(stage.service, depends),
        asked_by=tuple(other for other in _inner(block) if name in block.stages[other].depends),
        asked_by_entry=name in block.stages[resolve.entry_of(block.stages)].depends,
        replicas=stage.replicas or 1,
        resources=_resources(server, block, stage, cpus),
    )


def _name(server: ServerPlan, stage: str) -> str:
    return f"{server.name}-{server.foundation}-{stage}"


def _url(server: ServerPlan, stage: str) -> str:
    return f"http://{_name(server, stage)}.{server.namespace}:{PORT}"


def _resources(server: ServerPlan, block: Bento, stage: Stage | None, cpus: Cores) -> ResourcesPlan:
    """A stage's own numbers, else the bento's. A bento without stages has the GPUs of its model."""
    weights = server.model.weights
    default = bentoml.memory(weights.bytes if weights else Bytes(0))
    asked = (stage and stage.memory) or block.memory or default
    gpus = (stage.gpus or 0) if stage else server.resources.gpus
    shared = server.engine.shared_memory if gpus else None
    return ResourcesPlan(
        cpus=(stage and stage.cpus) or cpus,
        memory=Bytes(Bytes(asked).mebibytes * 1024**2 + (shared or 0)),
        gpus=gpus,
        gpu_resource=server.resources.gpu_resource if gpus else None,
    )
