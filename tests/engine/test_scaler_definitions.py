"""The scalers' objects against the real definitions of KEDA and its HTTP add-on, which know each of their fields."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from cluster import tools
from substrate.manifests import autoscaling
from tests.stacks import document, plan_document, plan_of

pytestmark = pytest.mark.engine

DEFINITIONS = {
    "ScaledObject": ("keda-config", "keda.sh_scaledobjects.yaml"),
    "HTTPScaledObject": ("http-add-on-config", "http.keda.sh_httpscaledobjects.yaml"),
}


def closed(schema: Any) -> Any:
    """The API server drops what a schema does not name, without a word: here it is an error."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: closed(value) for key, value in schema.items()}
    if isinstance(made.get("properties"), dict) and not made.get("x-kubernetes-preserve-unknown-fields"):
        made.setdefault("additionalProperties", False)
    return made


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    found = {}
    for kind, (tool, file) in DEFINITIONS.items():
        folder = tools.ensure([tool])[tool]
        definition = yaml.safe_load((folder / "crd" / "bases" / file).read_text())
        (version,) = [each for each in definition["spec"]["versions"] if each["served"]]
        schema = version["schema"]["openAPIV3Schema"]
        schema["properties"]["metadata"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        found[kind] = closed(schema)
    return found


def made(plan: Any) -> list[dict[str, Any]]:
    objects = [each for server in plan.servers for each in autoscaling.objects(server)]
    return [each for each in objects if each["kind"] in DEFINITIONS]


def test_every_scaler_of_the_fleet_is_what_keda_and_its_add_on_define(schemas: dict[str, Any]) -> None:
    objects = made(plan_of("fleet"))

    assert {each["kind"] for each in objects} == set(DEFINITIONS)
    for each in objects:
        jsonschema.validate(each, schemas[each["kind"]])


@pytest.mark.parametrize("metric", ["inFlight", "waiting", "kvCache", "tokensInFlight", "timeToFirstToken", "gpu"])
def test_a_scaler_of_any_metric_is_what_keda_defines(schemas: dict[str, Any], tmp_path: Path, metric: str) -> None:
    data = document("fleet")
    data["config"]["substrate:models"]["qwen2-5-14b-assist"]["scaling"] = {"metric": metric}
    for each in made(plan_document(data, tmp_path, "fleet")):
        jsonschema.validate(each, schemas[each["kind"]])


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("ScaledObject", {"minReplicas": 1}),
        ("ScaledObject", {"maxReplicaCount": "2"}),
        ("HTTPScaledObject", {"host": "x"}),
        ("HTTPScaledObject", {"replicas": {"min": "0"}}),
    ],
)
def test_the_same_way_of_asking_refuses_what_they_do_not_define(
    schemas: dict[str, Any], kind: str, change: dict[str, Any]
) -> None:
    (one, *_) = [each for each in made(plan_of("fleet")) if each["kind"] == kind]
    wrong = {**one, "spec": {**one["spec"], **change}}

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schemas[kind])
