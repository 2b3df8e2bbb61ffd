"""What the blocks are made of: scalars as they are written, names, choices. Imports pydantic, values, the checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

from substrate.catalog import addresses, fields, image_names
from substrate.catalog.codes import Code
from substrate.catalog.fields import LABEL_LENGTH, LABEL_PATTERN, SIZE_PATTERN
from substrate.facts.accelerators import ACCELERATORS
from substrate.facts.ended import ENDED_FOUNDATIONS, ENDED_MODES
from substrate.values import Bytes, Cores, Digest, Duration

_SIZE_SCHEMA = WithJsonSchema({"type": "string", "pattern": SIZE_PATTERN})
Size = Annotated[Bytes, BeforeValidator(fields.size), _SIZE_SCHEMA]
Capacity = Annotated[Bytes, BeforeValidator(fields.size), AfterValidator(fields.positive_size), _SIZE_SCHEMA]
Span = Annotated[
    Duration,
    BeforeValidator(fields.parsed(Duration, Code.BAD_DURATION, "a duration", fields.duration_help)),
    WithJsonSchema({"type": "string"}),
]
Sha256 = Annotated[
    Digest, BeforeValidator(fields.sha256), WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{64}$"})
]
DnsLabel = Annotated[
    str,
    AfterValidator(fields.dns_label),
    WithJsonSchema({"type": "string", "pattern": LABEL_PATTERN, "maxLength": LABEL_LENGTH}),
]
NodeName = Annotated[str, AfterValidator(fields.node_name)]
ServerUrl = Annotated[str, AfterValidator(addresses.http_url)]
FilePath = Annotated[str, AfterValidator(addresses.file_path)]
Image = Annotated[str, AfterValidator(image_names.image)]
CoresField = Annotated[
    Cores,
    BeforeValidator(fields.cores),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": "^[1-9][0-9]{0,5}m$"}]}),
]
Positive = Annotated[int, Field(strict=True, ge=1)]
Percent = Annotated[int, Field(strict=True, ge=0, le=100)]
NotNegative = Annotated[int, Field(strict=True, ge=0)]


@dataclass(frozen=True, slots=True)
class SetElsewhere:
    """A key that people expect in a block and that is set in another place, or no more: why, and what to write."""

    code: Code
    why: str
    help: str


class Block(BaseModel):
    """A mapping in the stack file: camelCase, no unknown key, immutable once read."""

    # Keys that are refused with more to say than that they are unknown.
    set_elsewhere: ClassVar[Mapping[str, SetElsewhere]] = {}

    # Built when first read: most blocks are only ever read as a part of another.
    model_config = ConfigDict(
        defer_build=True,
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        arbitrary_types_allowed=True,
        strict=True,
    )


class Tier(StrEnum):
    HOT = "hot"
    STANDARD = "standard"
    LONG_TAIL = "longTail"


class Foundation(StrEnum):
    PLAIN = "plain"
    BENTOML = "bentoml"
    TRITON = "triton"
    KSERVE = "kserve"


class EngineName(StrEnum):
    VLLM = "vllm"
    LLAMA_CPP = "llama.cpp"
    TGI = "tgi"
    OLLAMA = "ollama"
    TRITON = "triton"
    BENTOML = "bentoml"
    NIM = "nim"


class DeploymentMode(StrEnum):
    """KServe's two ways to run a model."""

    STANDARD = "Standard"
    KNATIVE = "Knative"


class Downtime(StrEnum):
    """Whether a switch of foundation may take a model away while it lasts."""

    REFUSE = "refuse"
    ALLOW = "allow"


class NetworkPolicies(StrEnum):
    """What a team's namespace is closed by."""

    DEFAULT_DENY = "defaultDeny"
    NONE = "none"


class Permission(StrEnum):
    """What a model may do only where its block says so by name."""

    TRUST_REMOTE_CODE = "trust-remote-code"


class AccessMode(StrEnum):
    ONCE = "ReadWriteOnce"
    MANY = "ReadWriteMany"


class TaintEffect(StrEnum):
    NO_SCHEDULE = "NoSchedule"
    NO_EXECUTE = "NoExecute"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"


TierField = Annotated[Tier, BeforeValidator(fields.choice(Tier))]
FoundationField = Annotated[Foundation, BeforeValidator(fields.choice(Foundation, ENDED_FOUNDATIONS))]
EngineField = Annotated[EngineName, BeforeValidator(fields.choice(EngineName))]
DeploymentModeField = Annotated[DeploymentMode, BeforeValidator(fields.choice(DeploymentMode, ENDED_MODES))]
PermissionField = Annotated[Permission, BeforeValidator(fields.choice(Permission))]
NetworkPoliciesField = Annotated[NetworkPolicies, BeforeValidator(fields.choice(NetworkPolicies))]
DowntimeField = Annotated[Downtime, BeforeValidator(fields.choice(Downtime))]
AccessModeField = Annotated[AccessMode, BeforeValidator(fields.choice(AccessMode))]
TaintEffectField = Annotated[TaintEffect, BeforeValidator(fields.choice(TaintEffect))]
# A NIM's image is its model's own.
IMAGE_NAMES = (
    *(name for name in EngineName if name is not EngineName.NIM),
    image_names.STAGER,
    image_names.ENVOY,
    image_names.PAYLOAD_LOGGER,
)
ImageName = Annotated[
    str,
    AfterValidator(image_names.image_name(tuple(str(name) for name in IMAGE_NAMES))),
    WithJsonSchema({"type": "string", "enum": [str(name) for name in IMAGE_NAMES]}),
]
AcceleratorName = Annotated[
    str, AfterValidator(fields.accelerator), WithJsonSchema({"type": "string", "enum": list(ACCELERATORS)})
]
