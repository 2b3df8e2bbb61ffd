"""Catalogue -> TritonPlan: how Triton serves a model. Pure; imports the catalogue and plan.repository."""

from __future__ import annotations

from collections.abc import Iterable

from substrate.catalog import resolve
from substrate.catalog.model import Catalog
from substrate.catalog.triton import DynamicBatching, EnsembleStep, Load, Tensor, Triton
from substrate.plan.repository import BatchingPlan, StepPlan, TensorPlan, TritonPlan


def triton_of(catalog: Catalog, name: str) -> TritonPlan | None:
    """How Triton serves a model; None for a model of another engine."""
    block = catalog.models[name].triton
    if block is None:
        return None
    return TritonPlan(
        backend=str(block.backend) if block.backend else None,
        max_batch_size=block.max_batch_size,
        inputs=_tensors(block.inputs),
        outputs=_tensors(block.outputs),
        batching=_batching(block.dynamic_batching),
        instances=block.instances,
        on_gpu=resolve.gpus_of(catalog, name) > 0,
        steps=tuple(_step(catalog, step) for step in _steps(block)),
        parameters=block.parameters,
        loaded=block.load is Load.START,
    )


def _steps(block: Triton) -> list[EnsembleStep]:
    return block.ensemble.steps if block.ensemble else []


def _tensors(tensors: Iterable[Tensor]) -> tuple[TensorPlan, ...]:
    return tuple(TensorPlan(tensor.name, str(tensor.data_type), tuple(tensor.dims)) for tensor in tensors)


def _batching(block: DynamicBatching | None) -> BatchingPlan | None:
    if block is None:
        return None
    return BatchingPlan(tuple(block.preferred_batch_sizes), block.max_queue_delay, block.max_queue_size)


def _step(catalog: Catalog, step: EnsembleStep) -> StepPlan:
    of = catalog.models[step.model].triton
    inputs, outputs = (of.inputs, of.outputs) if of else ([], [])
    return StepPlan(
        resolve.served_name_of(catalog, step.model),
        resolve.joined(step.input_map, inputs),
        resolve.joined(step.output_map, outputs),
    )
