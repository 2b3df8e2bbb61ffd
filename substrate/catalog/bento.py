"""The block `bento`: what BentoML serves, and how its services run. Imports pydantic, fields, codes and the types.

Which service answers is the bento's own choice (`service:` of its bentofile): BentoML unpickles what anyone sends to
any other, so no key selects one.
"""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, WithJsonSchema

from substrate.catalog.codes import Code
from substrate.catalog.fields import FieldError, positive_span
from substrate.catalog.showing import shown
from substrate.catalog.types import (
    Block,
    Capacity,
    CoresField,
    DnsLabel,
    Image,
    NotNegative,
    Positive,
    SetElsewhere,
    Span,
)

IDENTIFIER = "^[A-Za-z_][A-Za-z0-9_]*$"
# BentoML reads these, where a service's name is expected, as settings of all services (finalize_config of 1.4.40).
SETTINGS_OF_ALL = frozenset(
    {"batching", "resources", "workers", "traffic", "backlog", "max_runner_connections", "logging", "metrics"}
    | {"http", "grpc", "ssl", "runner_probe", "monitoring", "tracing"}
)


def service_name(text: str) -> str:
    """A service is a Python class, or what its decorator calls it; BentoML passes over a name that it does not know."""
    if not text.isascii() or not text.isidentifier() or keyword.iskeyword(text):
        raise FieldError(
            Code.SERVICE_NAME,
            f"`{shown(text)}` is not the name of a BentoML service",
            help="write the name of the Python class under @bentoml.service, as IrisClassifier",
            expects="a name",
        )
    if text in SETTINGS_OF_ALL:
        why = "BentoML takes this word for a setting of all services, and the service of that name gets none"
        raise FieldError(
            Code.SERVICE_NAME,
            f"no service can be called `{text}`",
            notes=(why,),
            help="write the service's name, and the setting below it",
        )
    return text


ServiceName = Annotated[
    str, AfterValidator(service_name), WithJsonSchema({"type": "string", "pattern": IDENTIFIER, "maxLength": 253})
]
_IN_DECORATOR = SetElsewhere(
    Code.BATCHING_IS_BUILT_IN,
    "BentoML reads how calls are batched from the bento alone, and nothing from where it is deployed",
    "write it in the bento, @bentoml.api(batchable=True, max_batch_size=32, max_latency_ms=2000), and build it anew",
)
_BATCHING: Mapping[str, SetElsewhere] = {
    **dict.fromkeys(("batching", "batchable", "batchDim", "batch_dim"), _IN_DECORATOR),
    **dict.fromkeys(("maxBatchSize", "max_batch_size", "maxLatency", "maxLatencyMs", "max_latency_ms"), _IN_DECORATOR),
}


class BentoService(Block):
    """What of a service's decorator is set anew where the bento is deployed."""

    set_elsewhere: ClassVar[Mapping[str, SetElsewhere]] = _BATCHING

    workers: Positive | None = Field(None, description="processes of a pod; one that dies is not replaced")
    timeout: Annotated[Span, AfterValidator(positive_span)] | None = Field(
        None, description="a request that takes longer is answered with 504", examples=["30s"]
    )
    max_concurrency: Positive | None = Field(
        None, description="requests at once of a pod; one more is answered with 429", examples=["32"]
    )


class Stage(Block):
    """One service of a pipeline, in pods of its own. The stage that no other depends on is the entry."""

    service: ServiceName = Field(description="the bento's service that runs in it", examples=["Score"])
    depends: list[DnsLabel] = Field(
        default_factory=list, description="the stages that it asks, by name", examples=["[prepare, score]"]
    )
    replicas: Positive | None = Field(None, description="default 1; the entry's are the model's own `replicas`")
    cpus: CoresField | None = Field(
        None, description="cores of one replica, as 2 or 250m; default: the model's", examples=["250m"]
    )
    gpus: NotNegative | None = Field(None, description="GPUs of one replica; default 0")
    memory: Capacity | None = Field(None, description="memory of one replica; default: the bento's", examples=["1Gi"])


class Bento(Block):
    """A bento on the foundation bentoml: held by `image`, or staged as the model's `weights`."""

    set_elsewhere: ClassVar[Mapping[str, SetElsewhere]] = {
        **_BATCHING,
        "yatai": SetElsewhere(
            Code.ENDED,
            "Yatai has had no release since 2024-05 and serves no bento of BentoML 1.2 or newer",
            "remove it: `foundation: bentoml` makes the Deployment itself",
        ),
    }

    image: Image | None = Field(
        None,
        description="an image that holds the bento, as `bentoml containerize` makes it; instead of weights",
        examples=["registry.example/iris:1.0.0"],
    )
    memory: Capacity | None = Field(
        None, description="memory of one replica; default: twice the files, and 512Mi", examples=["1Gi"]
    )
    services: dict[ServiceName, BentoService] = Field(
        default_factory=dict, description="settings by service", examples=["{IrisClassifier: {timeout: 30s}}"]
    )
    stages: dict[DnsLabel, Stage] = Field(
        default_factory=dict,
        description="a pipeline of services, each in pods of its own",
        examples=["{score: {service: Score}, entry: {service: Pipeline, depends: [score]}}"],
    )
