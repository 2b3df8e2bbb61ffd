"""A model as Triton serves it: backend or ensemble, tensors, batching. Imports pydantic, fields and the types.

The words are Triton's own in camelCase; data types are those of its protocol, which clients send.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from substrate.catalog import fields
from substrate.catalog.types import Block, DnsLabel, NotNegative, Positive, Span


class Backend(StrEnum):
    """What runs a model's files. Backends of pickles and shared libraries are not here: such files are not staged."""

    ONNXRUNTIME = "onnxruntime"
    TENSORRT = "tensorrt"
    PYTHON = "python"
    VLLM = "vllm"
    FIL = "fil"


class DataType(StrEnum):
    """A tensor's elements."""

    BOOL = "BOOL"
    UINT8 = "UINT8"
    UINT16 = "UINT16"
    UINT32 = "UINT32"
    UINT64 = "UINT64"
    INT8 = "INT8"
    INT16 = "INT16"
    INT32 = "INT32"
    INT64 = "INT64"
    FP16 = "FP16"
    BF16 = "BF16"
    FP32 = "FP32"
    FP64 = "FP64"
    BYTES = "BYTES"


class Load(StrEnum):
    """When a server loads a model."""

    START = "start"
    ON_DEMAND = "onDemand"


BackendField = Annotated[Backend, BeforeValidator(fields.choice(Backend))]
DataTypeField = Annotated[DataType, BeforeValidator(fields.choice(DataType))]
LoadField = Annotated[Load, BeforeValidator(fields.choice(Load))]
TensorName = Annotated[str, AfterValidator(fields.tensor_name)]
ParameterName = Annotated[str, AfterValidator(fields.parameter_name)]
# Triton's own sign for a dimension of any length; 0 is refused by a rule, which can say what else to write.
ANY_LENGTH = -1
Dimension = Annotated[int, Field(strict=True, ge=ANY_LENGTH)]


class Tensor(Block):
    """One input or output."""

    name: TensorName = Field(examples=["measurements"])
    data_type: DataTypeField = Field(examples=["FP32"])
    dims: list[Dimension] = Field(
        min_length=1, description="without the batch where maxBatchSize is above 0; -1 for any length", examples=["[4]"]
    )


class DynamicBatching(Block):
    """Requests that come together run together."""

    preferred_batch_sizes: list[Positive] = Field(default_factory=list, description="sizes that are run at once")
    max_queue_delay: Span | None = Field(
        None, description="how long a request waits for others; default: none waits", examples=["5ms"]
    )
    max_queue_size: Positive | None = Field(None, description="requests beyond it are refused; default: none is")


class EnsembleStep(Block):
    """One model of an ensemble. A map left out joins tensors of the same name."""

    model: DnsLabel = Field(description="a model of the same server", examples=["iris-scale"])
    input_map: dict[TensorName, TensorName] | None = Field(None, description="the model's input: the ensemble's tensor")
    output_map: dict[TensorName, TensorName] | None = Field(
        None, description="the model's output: the ensemble's tensor"
    )


class Ensemble(Block):
    """Models of one server that answer together: tensors go from one to the next inside it."""

    steps: list[EnsembleStep] = Field(min_length=1, examples=["[{model: iris-scale}, {model: iris-classify}]"])


class Triton(Block):
    """How Triton serves a model: exactly one of `backend` and `ensemble`."""

    backend: BackendField | None = Field(None, description="what runs the model's files", examples=["onnxruntime"])
    ensemble: Ensemble | None = Field(None, description="models of the same server, one after the other")
    max_batch_size: NotNegative = Field(0, description="rows of one execution; 0: the model knows no batches")
    dynamic_batching: DynamicBatching | None = Field(None, description="joins requests up to maxBatchSize")
    inputs: list[Tensor] = Field(min_length=1, examples=["[{name: x, dataType: FP32, dims: [4]}]"])
    outputs: list[Tensor] = Field(min_length=1, examples=["[{name: y, dataType: FP32, dims: [3]}]"])
    instances: Positive = Field(1, description="copies in each replica (on each of its GPUs) that run side by side")
    parameters: dict[ParameterName, str] = Field(
        default_factory=dict, description="what the backend itself reads", examples=['{threads: "2"}']
    )
    load: LoadField = Field(
        Load.START, description="onDemand: the long tail, loaded and unloaded by Triton's own model control API"
    )
