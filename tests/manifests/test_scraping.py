"""Metrics are found in the same way on every engine and foundation: three annotations of the pod."""

from __future__ import annotations

import pytest

from substrate.manifests import kserve, labels, serving
from tests.engine_plans import generated
from tests.plan.test_several import pair
from tests.stacks import plan_document, plan_of, server

EXPECTED = {
    "vllm": ("8000", "/metrics"),
    "llama.cpp": ("8080", "/metrics"),
    "tgi": ("8080", "/metrics"),
    "triton": ("8002", "/metrics"),
}


@pytest.mark.parametrize("engine", EXPECTED)
def test_pod_says_where_its_engines_metrics_are(engine: str) -> None:
    for one in generated(engine)[:20]:
        annotations = labels.pod_annotations(one)
        assert annotations["prometheus.io/scrape"] == "true"
        assert (annotations["prometheus.io/port"], annotations["prometheus.io/path"]) == EXPECTED[engine]


def test_engine_without_metrics_is_not_scraped() -> None:
    assert labels.scraping(generated("ollama")[0]) == {}


def test_plain_and_kserve_say_the_same() -> None:
    fleet = {one.name: one for one in plan_of("fleet").servers}
    on_kserve, plain = fleet["llama-3-1-8b-assist"], fleet["qwen2-5-14b-assist"]
    assert on_kserve.kserve
    said = [
        kserve.predictor(on_kserve, on_kserve.kserve)["annotations"],
        serving.template(plain)["metadata"]["annotations"],
    ]
    scraped = [{key: value for key, value in each.items() if key.startswith("prometheus.io/")} for each in said]
    assert scraped[0] == scraped[1] == labels.scraping(plain)


def test_router_of_several_models_has_no_one_page_for_them(tmp_path) -> None:
    assert labels.scraping(server(plan_document(pair(), tmp_path), "small")) == {}
