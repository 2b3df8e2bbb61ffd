"""What the real Envoy tells of the models behind it is what rules count failures by."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from cluster import tools
from substrate.facts.metrics.gateways import ENVOY
from substrate.manifests import envoy
from tests.engine.test_front_door_config import running, shipped

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """After one request to a model that is not there."""
    folder = tmp_path_factory.mktemp("door")
    (model,) = shipped("local").models
    with running(str(tools.path("envoy")), shipped("local"), folder) as client:
        refused = client.post("/v1/chat/completions", json={"messages": [], "model": model.served_name})
        assert refused.status_code == 503
        return httpx.get(f"http://127.0.0.1:{metrics_port(folder)}/metrics").text


def metrics_port(folder: Path) -> int:
    bootstrap = json.loads((folder / "etc" / envoy.BOOTSTRAP).read_text())
    (listener,) = (each for each in bootstrap["static_resources"]["listeners"] if each["name"] == "metrics")
    return int(listener["address"]["socket_address"]["port_value"])


def test_a_model_that_is_not_there_is_counted_as_a_failure_under_its_name(page: str) -> None:
    (model,) = shipped("local").models
    found = [
        sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.labels == {"envoy_response_code_class": "5", "envoy_cluster_name": model.name}
        and family.name == "envoy_cluster_upstream_rq_xx"
    ]
    assert found == [1]


def test_what_is_listed_of_envoy_has_the_kind_and_labels_that_it_tells(page: str) -> None:
    """It tells hundreds more, which nothing of ours reads. Not by families: `_rq` and `_rq_total` would be one."""
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", page, re.MULTILINE))
    for metric in ENVOY.metrics:
        assert kinds.get(metric.name) == metric.kind.value, metric.name
        told = re.findall(rf"^{metric.name}(?:_bucket|_sum|_count)?{{(.*)}} ", page, re.MULTILINE)
        labels = {label for labels in told for label in re.findall(r'(\w+)="', labels)}
        assert labels - {"le"} == set(metric.labels), metric.name
