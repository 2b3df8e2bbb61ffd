"""What the facts say of each engine's metrics, and how names are found in a query."""

from __future__ import annotations

import re

import pytest

from substrate.facts.engines import ENGINES
from substrate.facts.metrics import BY_ENGINE, REGISTRIES, asked_for, gone, is_exported, meant, outlives, slip

VLLM = BY_ENGINE["vllm"]


def names(query: str) -> list[str]:
    return [name for _, name in asked_for(query)]


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda registry: registry.engine)
def test_every_metric_is_listed_once_with_its_unit_and_where_it_was_read(registry) -> None:
    series = [name for metric in registry.metrics for name in metric.series()]

    assert len(series) == len(set(series))
    assert all(metric.unit for metric in registry.metrics)
    assert registry.source and registry.since and registry.read


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda registry: registry.engine)
def test_what_is_gone_is_not_exported_and_what_stands_for_it_is(registry) -> None:
    for metric in registry.gone:
        assert not any(is_exported(registry, name) for name in metric.series())
        assert metric.instead in {one.name for one in registry.metrics}, metric


def test_metrics_that_scaling_reads_are_among_those_that_the_engine_exports() -> None:
    exported = {one.name: one for registry in REGISTRIES for one in registry.metrics}
    for engine in ENGINES.values():
        metrics = engine.metrics
        for metric in filter(None, (metrics.running, metrics.waiting, metrics.kv_cache_usage, metrics.generated)):
            listed = exported[metric.name]
            assert (listed.kind, listed.unit) == (metric.kind, metric.unit)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("vllm:num_requests_running", ["vllm:num_requests_running"]),
        ("sum(rate(vllm:prompt_tokens_total[1m]))", ["vllm:prompt_tokens_total"]),
        ("vllm:a + vllm:a - vllm:b", ["vllm:a", "vllm:b"]),
        ("tgi_queue_size / nv_inference_count", ["nv_inference_count", "tgi_queue_size"]),
        ('histogram_quantile(0.9, vllm:x_bucket{model_name="vllm:y"})', ["vllm:x_bucket"]),
        ('{__name__=~"vllm:num_requests_(running|waiting)"}', []),
        ("label_replace(up, 'a', 'vllm:x', 'b', `vllm:y`)", []),
        ("sum by (tgi_request_id) (up) and on(nv_gpu_uuid) up", []),
        ("vllm:num_requests_running:sum5m + cluster:vllm:load + myvllm:x", []),
        ("nv_trt_llm_request_metrics + nv_cache_util + tgi_version", []),
    ],
)
def test_names_in_a_query_are_found_and_nothing_else_is_taken_for_one(query: str, found: list[str]) -> None:
    assert names(query) == found


@pytest.mark.parametrize(
    "name",
    [
        "vllm:num_requests_waiting",
        "vllm:time_to_first_token_seconds_bucket",
        "vllm:time_to_first_token_seconds_sum",
        "vllm:request_success_total",
        "vllm:request_success_created",
        "vllm:kvcr_operations",
    ],
)
def test_prometheus_own_endings_and_what_plug_ins_add_are_exported(name: str) -> None:
    assert is_exported(VLLM, name)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("vllm:prompt_tokens", "vllm:prompt_tokens_total"),
        ("vllm:num_request_waiting", "vllm:num_requests_waiting"),
        ("vllm:time_to_first_token_seconds", "vllm:time_to_first_token_seconds_sum"),
    ],
)
def test_a_slip_leads_to_the_name_that_was_meant(name: str, near: str) -> None:
    assert not is_exported(VLLM, name) and slip(VLLM, name) == near


def test_what_is_far_from_every_name_is_no_slip() -> None:
    assert slip(VLLM, "vllm:requests_by_tenant") is None
    assert meant(VLLM, "vllm:zzz") is None


def test_what_the_router_in_front_exports_is_exported_and_is_there_without_an_engine() -> None:
    assert is_exported(VLLM, "vllm:num_incoming_requests_total") and outlives("vllm:num_incoming_requests_total")
    assert not outlives("vllm:num_requests_waiting") and not outlives("vllm:generation_tokens_total")


def test_a_name_of_older_releases_says_what_took_its_place() -> None:
    old = gone("vllm:gpu_cache_usage_perc")

    assert old and old.instead == "vllm:kv_cache_usage_perc" and re.match(r"0\.\d+", old.until or "")
