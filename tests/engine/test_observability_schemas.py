"""The operator's own definitions take what is made for it, field by field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from cluster import tools
from substrate.manifests import observability
from tests.engine.alert_cases import MONITORING
from tests.stacks import STACKS, plan_of

pytestmark = pytest.mark.engine

KINDS = ("PodMonitor", "PrometheusRule")


def closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """With every field that is not named refused: the API server would drop it and say nothing."""
    made: dict[str, Any] = {
        key: closed(value) if isinstance(value, Mapping) else value for key, value in schema.items()
    }
    if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        made["additionalProperties"] = False
    if isinstance(pattern := schema.get("pattern"), str):  # Go lets a flag stand behind the anchor
        made["pattern"] = pattern.replace("^(?i)", "(?i)^")
    if schema.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
    return made


@pytest.fixture(scope="module")
def schemas() -> dict[str, dict[str, Any]]:
    folder = Path(tools.path("prometheus-crds"))
    return {kind: schema(next(folder.rglob(f"*_{kind.lower()}s.yaml"))) for kind in KINDS}


def schema(path: Path) -> dict[str, Any]:
    (version,) = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)["spec"]["versions"]
    return closed(version["schema"]["openAPIV3Schema"]["properties"]["spec"])


@pytest.mark.parametrize("stack", STACKS)
def test_the_operators_definitions_take_every_object(stack: str, schemas) -> None:
    plan = replace(plan_of(stack), monitoring=MONITORING)
    made = [*observability.readers(plan, MONITORING), *observability.judges(plan, MONITORING)]
    for each in (one for one in made if one["kind"] in KINDS):
        jsonschema.validate(each["spec"], schemas[each["kind"]])


def test_a_field_that_does_not_exist_is_found(schemas) -> None:
    plan = replace(plan_of("local"), monitoring=MONITORING)
    (monitor, *_) = observability.readers(plan, MONITORING)
    monitor["spec"]["podMetricsEndpoints"][0]["relabelling"] = []
    with pytest.raises(jsonschema.ValidationError, match="relabelling"):
        jsonschema.validate(monitor["spec"], schemas["PodMonitor"])
