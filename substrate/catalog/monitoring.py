"""The block `substrate:monitoring`: the Prometheus that observes a stack's models. Imports pydantic and the types."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from substrate.catalog import fields
from substrate.catalog.types import Block, DnsLabel, ServerUrl

SECTION = "monitoring"
RUNBOOKS = "docs/runbooks"  # of this repository
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"

LabelKey = Annotated[
    str,
    AfterValidator(
        fields.text_matching(rf"([a-z0-9]([a-z0-9.-]{{0,251}}[a-z0-9])?/)?{_LABEL}", "a label's key", "release")
    ),
]
LabelValue = Annotated[
    str, AfterValidator(fields.text_matching(rf"({_LABEL})?", "a label's value", "kube-prometheus-stack"))
]
Link = Annotated[
    str,
    AfterValidator(
        fields.text_matching(
            r"https?://[A-Za-z0-9][A-Za-z0-9.:-]*(/[A-Za-z0-9._~/-]*)?", "a link", "https://docs.example/runbooks"
        )
    ),
    WithJsonSchema({"type": "string", "pattern": "^https?://"}),
]


class Monitoring(Block):
    """What reads the models' metrics; scalers ask it too."""

    prometheus: ServerUrl = Field(
        description="where it answers queries, as programs inside the cluster reach it",
        examples=["http://prometheus.monitoring:9090"],
    )
    namespace: DnsLabel = Field(
        "monitoring", description="where its rules and dashboards go; it exists, and its pods read the models"
    )
    labels: dict[LabelKey, LabelValue] = Field(
        default_factory=dict,
        description="by which it selects monitors and rules",
        examples=["{release: kube-prometheus-stack}"],
    )
    runbooks: Link = Field(
        RUNBOOKS,
        description="what the alerts' links to their runbooks begin with; default: this repository's docs/runbooks",
    )
    dashboards: bool = Field(True, description="Grafana's dashboards as ConfigMaps labelled grafana_dashboard")
