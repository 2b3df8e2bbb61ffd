"""What a stack file may say of KServe itself, and of the containers that stand beside a model on it.

Imports pydantic, fields and the types.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from substrate.catalog import fields
from substrate.catalog.codes import Code
from substrate.catalog.showing import shown
from substrate.catalog.types import Block, Capacity, DnsLabel, Image, Positive
from substrate.facts import kserve


class KServeResource(StrEnum):
    """The two kinds of object that KServe makes a model from."""

    INFERENCE_SERVICE = kserve.INFERENCE_SERVICE
    LLM_INFERENCE_SERVICE = kserve.LLM_INFERENCE_SERVICE


KServeResourceField = Annotated[KServeResource, BeforeValidator(fields.choice(KServeResource))]
VariableName = Annotated[
    str, AfterValidator(fields.text_matching("[A-Za-z_][A-Za-z0-9_]*", "the name of a variable", "LOG_LEVEL"))
]
HttpPath = Annotated[
    str, AfterValidator(fields.text_matching("/[A-Za-z0-9._~/-]*", "the path of a URL", "/v2/health/ready"))
]
Version = Annotated[str, AfterValidator(fields.text_matching(r"v?[0-9]+\.[0-9]+\.[0-9]+", "a version", "v0.19.0"))]
Chart = Annotated[
    str,
    AfterValidator(
        fields.text_matching(
            r"(?:(?:oci|https)://[A-Za-z0-9.-]+(?::[0-9]{1,5})?/|/|\./)[A-Za-z0-9._/+-]+",
            "the location of a chart",
            "oci://host/path, https://host/chart.tgz, or a path that starts with / or ./",
        )
    ),
]


def cores(raw: object) -> int:
    """Thousandths of a core, written as a number of cores or as Kubernetes writes them: 2, 500m."""
    if isinstance(raw, int) and not isinstance(raw, bool) and raw > 0:
        return raw * 1000
    if isinstance(raw, str) and re.fullmatch("[1-9][0-9]{0,5}m", raw):
        return int(raw[:-1])
    message = f"`{shown(str(raw))}` is not a number of cores"
    raise fields.FieldError(Code.BAD_SIZE, message, help="write 2, or 500m for half a core")


Cores = Annotated[int, BeforeValidator(cores), WithJsonSchema({"type": ["integer", "string"], "pattern": "^[0-9]+m$"})]


class Part(Block):
    """A container of your own beside a model: KServe gives it a Deployment and a Service."""

    image: Image = Field(description="tag or digest required", examples=["registry.example/prompts:1.2.0"])
    command: list[str] = Field(default_factory=list, description="in place of the image's entry point")
    args: list[str] = Field(
        default_factory=list,
        description="KServe adds --model_name, --predictor_host and --http_port 8080, which the program must take",
    )
    env: dict[VariableName, str] = Field(default_factory=dict, description="no secrets: they would stand in the file")
    cpus: Cores = Field(1000, description="cores of one replica: 2, or 500m", examples=["500m"])
    memory: Capacity = Field(description="of one replica, request and limit alike", examples=["512Mi"])
    replicas: Positive | None = Field(None, description="default: the model's least, which a hot model's floor is too")
    health_path: HttpPath = Field("/", description="answers 200 when it can serve; `/` does in KServe's own library")


class KServeInstall(Block):
    """KServe from its official charts. The stack that installs it also removes it."""

    chart: Chart = Field(
        description="kserve-resources: oci://, https:// or a path",
        examples=["oci://ghcr.io/kserve/charts/kserve-resources"],
    )
    crds: Chart = Field(
        description="kserve-crd, the definitions, likewise", examples=["oci://ghcr.io/kserve/charts/kserve-crd"]
    )
    version: Version = Field(description="of both charts", examples=["v0.19.0"])


class KServeCluster(Block):
    """KServe in the cluster: where it is, and whether this stack installs it; without `install` it is only checked."""

    namespace: DnsLabel = kserve.NAMESPACE
    install: KServeInstall | None = None
