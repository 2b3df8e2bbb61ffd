"""What runs a model: the engine and its arguments, what it asks for, how it starts. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from substrate.values import Bytes, Cores, Duration


@dataclass(frozen=True)
class EnginePlan:
    """How the engine's container runs: everything that differs between engines.

    `command` is None where the image's own entry point is right, `metrics_path` where the engine exports no metrics,
    `metrics_port` where they are on `port`, `grpc_port` where it speaks no gRPC. `files` are small texts beside the
    weights, by name, which the container finds in `CONFIG_MOUNT`, or where `places` says; `folders` are empty ones.
    `of_the_pod` are variables that hold a field of the pod, by its path, `of_secrets` those that stand under their own
    name in a Secret. `pull_secret` is None where anybody may pull the image.
    """

    name: str
    image: str
    port: int
    health_path: str
    metrics_path: str | None
    args: tuple[str, ...]
    environment: Mapping[str, str]
    pre_stop: Mapping[str, object]
    shared_memory: Bytes | None
    command: tuple[str, ...] | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    of_the_pod: Mapping[str, str] = field(default_factory=dict)
    of_secrets: Mapping[str, str] = field(default_factory=dict)
    pull_secret: str | None = None
    grpc_port: int | None = None
    metrics_port: int | None = None


@dataclass(frozen=True)
class ResourcesPlan:
    """What a replica asks for. Memory is request and limit alike; the CPU has no limit, so a burst is not throttled."""

    cpus: Cores
    memory: Bytes
    gpus: int
    gpu_resource: str | None


@dataclass(frozen=True)
class StartupPlan:
    """The cold start: `expected` = bytes / read speed + engine start; `budget` is what the startup probe allows."""

    read: Duration
    engine: Duration
    expected: Duration
    budget: Duration
    progress_deadline: Duration
