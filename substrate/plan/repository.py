"""A model as Triton's repository holds it. Values only; imports substrate's values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from substrate.values import Duration


@dataclass(frozen=True)
class TensorPlan:
    """An input or output; `data_type` as the protocol spells it, -1 in `dims` for any length."""

    name: str
    data_type: str
    dims: tuple[int, ...]


@dataclass(frozen=True)
class BatchingPlan:
    """How requests are joined; None where the server's own default holds."""

    preferred_sizes: tuple[int, ...]
    queue_delay: Duration | None
    queue_size: int | None


@dataclass(frozen=True)
class StepPlan:
    """One model of an ensemble, by its served name. The maps lead from its tensors to the ensemble's."""

    model: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


@dataclass(frozen=True)
class TritonPlan:
    """What a model's config.pbtxt says. `backend` is None for an ensemble, which alone has `steps`.

    `loaded` is False for a model that the server loads when it is told to.
    """

    backend: str | None
    max_batch_size: int
    inputs: tuple[TensorPlan, ...]
    outputs: tuple[TensorPlan, ...]
    batching: BatchingPlan | None
    instances: int
    on_gpu: bool
    steps: tuple[StepPlan, ...]
    parameters: Mapping[str, str]
    loaded: bool
