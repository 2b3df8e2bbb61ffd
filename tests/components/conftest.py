"""Components under Pulumi's mocks, with every registration's options visible, not only its inputs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks


@dataclass(frozen=True)
class Registration:
    """One resource as the engine would be told of it."""

    type: str
    name: str
    inputs: dict[str, Any]
    parent: str
    dependencies: tuple[str, ...]
    retain_on_delete: bool
    create_timeout: str
    urn: str


class Nodes(mocks.Mocks):
    """Every resource echoes its inputs; a node that is patched has the given taints and GPUs."""

    def __init__(self, taints: list[dict[str, str]], gpus: int) -> None:
        self.node = {"spec": {"taints": taints}, "status": {"allocatable": {"nvidia.com/gpu": str(gpus)}}}

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        node = args.typ == "kubernetes:core/v1:NodePatch"
        return args.resource_id or args.name, {**args.inputs, **self.node} if node else args.inputs

    def call(self, args: mocks.MockCallArgs) -> dict[str, Any]:
        raise AssertionError(f"nothing of ours calls a function: {args.token}")


class Recorder(mocks.MockMonitor):
    def __init__(self, nodes: Nodes) -> None:
        super().__init__(nodes)
        self.seen: list[Registration] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        response = super().RegisterResource(request)
        if request.type != "pulumi:pulumi:Stack":
            self.seen.append(
                Registration(
                    request.type,
                    request.name,
                    mocks.rpc.deserialize_properties(request.object),
                    request.parent,
                    tuple(request.dependencies),
                    request.retainOnDelete,
                    request.customTimeouts.create,
                    response.urn,
                )
            )
        return response


@pytest.fixture(autouse=True)
def event_loop() -> Iterator[None]:
    """A loop of the test's own: Pulumi takes the thread's, and any `asyncio.run` before it leaves none behind."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    loop.close()
    asyncio.set_event_loop(None)


@pytest.fixture
def build() -> Callable[..., list[Registration]]:
    """`build(program, taints=..., gpus=...)` runs a program and returns what it registered, in order."""

    def run(
        program: Callable[[], Any], taints: list[dict[str, str]] | None = None, gpus: int = 8
    ) -> list[Registration]:
        present = [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}] if taints is None else taints
        recorder = Recorder(Nodes(present, gpus))
        mocks.set_mocks(recorder.mocks, monitor=recorder, project="substrate", stack="test")

        @pulumi.runtime.test
        def inside() -> None:
            program()

        inside()
        return recorder.seen

    return run
