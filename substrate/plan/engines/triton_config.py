"""A TritonPlan as its config.pbtxt: the message inference.ModelConfig. Pure; imports the plan's values and the emitter.

Every field is written that nothing completes at the start: the server runs with --disable-auto-complete-config.
"""

from __future__ import annotations

from substrate.plan.engines import pbtxt
from substrate.plan.repository import BatchingPlan, StepPlan, TensorPlan, TritonPlan

LATEST = -1  # of a step's model: whichever version is there

# vLLM places its own model on the GPUs, and answers a request as often as it likes.
_PLACES_ITSELF = "vllm"


def text(name: str, plan: TritonPlan) -> str:
    """The file for a model whose folder is `name`."""
    return pbtxt.text(config(name, plan))


def config(name: str, plan: TritonPlan) -> pbtxt.Message:
    return {
        "name": name,
        **({"backend": plan.backend} if plan.backend else {"platform": "ensemble"}),
        "max_batch_size": plan.max_batch_size,
        "input": [tensor(each) for each in plan.inputs],
        "output": [tensor(each) for each in plan.outputs],
        **({"instance_group": [instances(plan)]} if plan.backend else {}),
        **({"dynamic_batching": batching(plan.batching)} if plan.batching else {}),
        **({"ensemble_scheduling": {"step": [step(each) for each in plan.steps]}} if plan.steps else {}),
        **({"model_transaction_policy": {"decoupled": True}} if plan.backend == _PLACES_ITSELF else {}),
        "parameters": pbtxt.entries({key: {"string_value": value} for key, value in plan.parameters.items()}),
    }


def tensor(plan: TensorPlan) -> pbtxt.Message:
    return {"name": plan.name, "data_type": data_type(plan.data_type), "dims": plan.dims}


def data_type(protocol: str) -> pbtxt.Word:
    """The configuration's word for the protocol's: BYTES is TYPE_STRING there, the others differ by a prefix."""
    return pbtxt.Word("TYPE_STRING" if protocol == "BYTES" else f"TYPE_{protocol}")


def instances(plan: TritonPlan) -> pbtxt.Message:
    """Without a list of GPUs, `count` copies on each that the pod has."""
    if plan.backend == _PLACES_ITSELF:
        return {"kind": pbtxt.Word("KIND_MODEL"), "count": plan.instances}
    return {"kind": pbtxt.Word("KIND_GPU" if plan.on_gpu else "KIND_CPU"), "count": plan.instances}


def batching(plan: BatchingPlan) -> pbtxt.Message:
    queue = {"default_queue_policy": {"max_queue_size": plan.queue_size}} if plan.queue_size else {}
    delay = {"max_queue_delay_microseconds": round(plan.queue_delay * 1e6)} if plan.queue_delay else {}
    return {"preferred_batch_size": plan.preferred_sizes, **delay, **queue}


def step(plan: StepPlan) -> pbtxt.Message:
    return {
        "model_name": plan.model,
        "model_version": LATEST,
        "input_map": pbtxt.entries(plan.inputs),
        "output_map": pbtxt.entries(plan.outputs),
    }
