"""The block `scaling` of a model, and `substrate:autoscaling`: what replicas follow, and what moves them.

Imports the fields and facts. What an engine exports, and what a scaler can ask, the rules know.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from substrate.catalog import fields
from substrate.catalog.codes import Code
from substrate.catalog.fields import FieldError
from substrate.catalog.showing import shown
from substrate.catalog.types import Block, DnsLabel, Positive, Span
from substrate.facts.signals import Signal
from substrate.values import Duration, Share

SECTION = "autoscaling"
LONGEST_WINDOW = Duration(3600)  # the API server's bound on stabilizationWindowSeconds
_MOST = 10**9
_TARGET_HELP = "write a number of requests or tokens as 16, a share as 80%, or a time as 2s"


class Through(StrEnum):
    """What moves the replicas, and asks Prometheus for it."""

    KEDA = "keda"
    PROMETHEUS_ADAPTER = "prometheus-adapter"


class Wake(StrEnum):
    """What starts the first replica of a model at zero, and holds its requests meanwhile."""

    HTTP_ADD_ON = "http-add-on"


Target = int | Share | Duration


def target(raw: object) -> Target:
    """Whole numbers count requests or tokens; shares and times say so themselves."""
    if isinstance(raw, Share | Duration):
        return raw
    if isinstance(raw, int) and not isinstance(raw, bool) and 1 <= raw <= _MOST:
        return raw
    if isinstance(raw, str) and len(raw) <= fields.NUMBER_LENGTH:
        for kind, form in ((Share, r".*%"), (Duration, r".*[smh]")):
            if re.fullmatch(form, raw):
                return _parsed(kind, raw)
    message = f"`{shown(raw)}` is not a target" if isinstance(raw, str) else "this is no target"
    raise FieldError(Code.SCALING_TARGET, message, help=_TARGET_HELP, expects="a target")


def _parsed(kind: type[Share] | type[Duration], raw: str) -> Target:
    try:
        value = kind.parse(raw)
    except ValueError:
        value = kind(0)
    if value > 0:
        return value
    raise FieldError(Code.SCALING_TARGET, f"`{shown(raw)}` is not a target", help=_TARGET_HELP, expects="a target")


def window(value: Duration) -> Duration:
    if value <= LONGEST_WINDOW:
        return value
    message = f"a window of {value} is more than the hour that Kubernetes looks back"
    raise FieldError(Code.OUT_OF_RANGE, message, help="write 1h or less")


SignalField = Annotated[Signal, BeforeValidator(fields.choice(Signal))]
ThroughField = Annotated[Through, BeforeValidator(fields.choice(Through))]
WakeField = Annotated[Wake, BeforeValidator(fields.choice(Wake))]
TargetField = Annotated[
    Target,
    BeforeValidator(target),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": "^[0-9.]+(%|ms|s|m|h)$"}]}
    ),
]
Window = Annotated[Span, AfterValidator(window)]


class Scaling(Block):
    """What the replicas of a model follow between their least and their most. Every key has a default."""

    metric: SignalField | None = Field(
        None, description="default: inFlight, requests that are computed or wait; waiting where an engine tells no more"
    )
    target: TargetField | None = Field(
        None,
        description="of one replica, in the metric's unit: requests, tokens, a share of the KV cache or GPU; "
        "of timeToFirstToken the 95th percentile. Default: 16 requests, and less where `parallel` holds fewer",
        examples=["16", "80%", "2s"],
    )
    waiting: Positive | None = Field(
        None, description="requests that wait for each replica from which on one is added, whatever the metric says"
    )
    scale_down_window: Window | None = Field(
        None, description="a replica goes when none was needed for so long; default 300s", examples=["300s"]
    )
    idle: Annotated[Span, AfterValidator(fields.positive_span)] | None = Field(
        None, description="a model of least 0 goes to zero after so long without a request; default 5m", examples=["5m"]
    )


class Autoscaling(Block):
    """What scales the models of a stack; without the block nothing does."""

    through: ThroughField = Field(
        Through.KEDA, description="keda, or prometheus-adapter: a HorizontalPodAutoscaler of an external metric"
    )
    wake: WakeField | None = Field(
        None, description="what wakes a model at zero; without it no model may go there, but on Knative"
    )
    namespace: DnsLabel = Field("keda", description="where KEDA and its HTTP add-on run")
