"""Whatever an engine calls it, the same series is recorded of it: evaluated by the real promtool, engine by engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from substrate.manifests.observability import rules
from substrate.plan import StackPlan
from tests.engine.alert_cases import MONITORING, always, growing, written
from tests.engine.test_promtool_alerts import rule_file, run, series_of
from tests.stacks import plan_of

pytestmark = pytest.mark.engine


@dataclass(frozen=True)
class Told:
    """What a pod of a server tells, and what is recorded of it five minutes later."""

    namespace: str
    server: str
    says: Mapping[str, str]
    recorded: Mapping[str, float]
    labels: Mapping[str, str] | None = None


VLLM = {
    'vllm:num_requests_running{model_name="m",engine="0"}': always(5),
    'vllm:num_requests_waiting{model_name="m",engine="0"}': always(2),
    'vllm:kv_cache_usage_perc{model_name="m",engine="0"}': always(0.5),
    'vllm:generation_tokens_total{model_name="m",engine="0"}': growing(100),
}
OF_VLLM = {
    "substrate:running": 5, "substrate:waiting": 2, "substrate:in_flight": 7, "substrate:kv_cache_usage": 0.5,
    "substrate:generated_tokens:rate1m": 100,
}  # fmt: skip
CASES = {
    "vllm": Told("assist", "llama-3-3-70b-assist", VLLM, OF_VLLM),
    # Two engines of a pod (data parallel) are one replica: requests add up, the fuller cache counts.
    "vllm, two engines": Told(
        "assist", "llama-3-3-70b-assist",
        {**VLLM, **{name.replace('"0"', '"1"'): values for name, values in VLLM.items()}},
        {**OF_VLLM, "substrate:in_flight": 14, "substrate:running": 10, "substrate:waiting": 4,
         "substrate:generated_tokens:rate1m": 200},
    ),
    "vllm on KServe behind a transformer": Told(
        "assist", "llama-3-1-8b-assist", VLLM, OF_VLLM, {"substrate_dev_model": "llama-3-1-8b-assist.predictor"}
    ),
    "llama.cpp": Told(
        "assist", "qwen2-5-7b-fallback",
        {
            "llamacpp:requests_processing": always(3),
            "llamacpp:requests_deferred": always(4),
            "llamacpp:tokens_predicted_total": growing(20),
        },
        {"substrate:running": 3, "substrate:waiting": 4, "substrate:in_flight": 7,
         "substrate:generated_tokens:rate1m": 20},
    ),
    # Fifty requests a second of a tenth of a second each are five at once.
    "triton": Told(
        "search", "bge-reranker-v2-m3",
        {
            'nv_inference_pending_request_count{model="m",version="1"}': always(2),
            'nv_inference_request_duration_us{model="m",version="1"}': growing(50 * 0.1 * 1e6),
            'nv_inference_request_success{model="m",version="1"}': growing(49),
            'nv_inference_request_failure{model="m",version="1",reason="BACKEND"}': growing(1),
        },
        {"substrate:waiting": 2, "substrate:in_flight": 5, "substrate:requests:rate5m": 50,
         "substrate:errors:rate5m": 1},
    ),
    "bentoml": Told(
        "research", "e5-large-embed",
        {
            'bentoml_service_request_in_progress{service_name="s",endpoint="/encode"}': always(6),
            'bentoml_service_request_total{service_name="s",endpoint="/encode",http_response_code="200"}': growing(9),
            'bentoml_service_request_total{service_name="s",endpoint="/encode",http_response_code="500"}': growing(1),
            'bentoml_service_request_total{service_name="s",endpoint="/readyz",http_response_code="200"}': growing(4),
        },
        {"substrate:running": 6, "substrate:in_flight": 6, "substrate:requests:rate5m": 10,
         "substrate:errors:rate5m": 1},
    ),
    "tgi": Told(
        "research", "mixtral-8x7b",
        {
            "tgi_batch_current_size": always(8),
            "tgi_queue_size": always(1),
            "tgi_request_generated_tokens_sum": growing(70),
            "tgi_request_count": growing(8),
        },
        {"substrate:running": 8, "substrate:waiting": 1, "substrate:in_flight": 9,
         # No failure was ever counted: that is none, not unknown.
         "substrate:requests:rate5m": 8, "substrate:errors:rate5m": 0,
         "substrate:generated_tokens:rate1m": 70},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def plan() -> StackPlan:
    return replace(plan_of("fleet"), monitoring=MONITORING)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_an_engine_tells_is_recorded_in_the_words_of_all(case: Told, plan: StackPlan, tmp_path: Path) -> None:
    checked = run(rules_of(plan, case.namespace, tmp_path), [unit(case)])

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_pod_that_is_no_servers_is_in_nobodys_sum(plan: StackPlan, tmp_path: Path) -> None:
    """A stage of a bento's pipeline has neither label: what it does is done for the entry, which counts it."""
    case = CASES["bentoml"]
    stage = {"substrate_dev_model": ""}
    checked = run(
        rules_of(plan, case.namespace, tmp_path),
        [unit(replace(case, labels=stage, recorded=dict.fromkeys(case.recorded)))],
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


def rules_of(plan: StackPlan, namespace: str, folder: Path) -> Path:
    (team,) = (each for each in plan.namespaces if each.name == namespace)
    return rule_file(folder / "rules.yaml", [rules.of_team(plan, team, MONITORING)])


def unit(case: Told) -> dict[str, Any]:
    pod = {"namespace": case.namespace, "pod": "p", "substrate_dev_model": case.server, **(case.labels or {})}
    series = {_labelled(name, pod): values for name, values in case.says.items()}
    asked = [
        {"expr": f'sum({name}{{server="{case.server}"}})', "eval_time": "5m", "exp_samples": _samples(value)}
        for name, value in case.recorded.items()
    ]
    return {**series_of(series), "promql_expr_test": asked}


def _samples(value: float | None) -> list[dict[str, Any]]:
    return [] if value is None else [{"labels": "{}", "value": value}]


def _labelled(series: str, pod: Mapping[str, str]) -> str:
    """Its own labels and those of the scrape."""
    name, _, own = series.partition("{")
    bare = written("", {label: value for label, value in pod.items() if value})
    return f"{name}{bare[:-1]},{own}" if own else f"{name}{bare}"
