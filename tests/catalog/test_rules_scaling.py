"""Scaling: what a stack may ask of it, what is refused, and where the refusal points."""

from __future__ import annotations

from typing import Any

import pytest
from stacks import SAFETENSORS, catalog, codes, report, stack

from substrate.catalog import resolve
from substrate.facts.signals import Signal

PROMETHEUS = ("monitoring", {"prometheus": "http://prometheus.monitoring:9090"})
KEDA = ("autoscaling", {"through": "keda"})
ADAPTER = ("autoscaling", {"through": "prometheus-adapter"})
WAKING = ("autoscaling", {"through": "keda", "wake": "http-add-on"})
ON_VLLM = ("models/m/weights/files", SAFETENSORS)


def scaled(*changes: tuple[str, Any], **scaling: Any) -> list[str]:
    written = [("models/m/scaling", scaling)] if scaling else []
    return codes(PROMETHEUS, KEDA, *written, *changes)


def test_a_stack_that_names_its_prometheus_may_scale_without_another_word() -> None:
    assert scaled() == []


def test_scaling_without_anything_that_measures_is_refused_at_the_block() -> None:
    (found,) = report(stack(KEDA)).diagnostics

    assert (found.code, found.path) == ("SB1602", ("autoscaling",))
    assert "substrate:monitoring" in (found.help or "")


def test_a_target_that_nothing_follows_is_refused() -> None:
    assert codes(PROMETHEUS, ("models/m/scaling", {"target": 2})) == ["SB1601"]


def test_a_misspelt_metric_is_refused_with_the_nearest() -> None:
    (found,) = report(stack(PROMETHEUS, KEDA, ("models/m/scaling", {"metric": "inflight"}))).diagnostics

    assert found.code == "SB0106"
    assert "did you mean `inFlight`?" in (found.advice or "")


@pytest.mark.parametrize("metric", ["kvCache", "tokensInFlight", "timeToFirstToken"])
def test_a_metric_that_the_engine_does_not_export_is_refused_with_those_that_it_does(metric: str) -> None:
    (found,) = report(stack(PROMETHEUS, KEDA, ("models/m/scaling", {"metric": metric}))).diagnostics

    assert (found.code, found.path) == ("SB1603", ("models", "m", "scaling", "metric"))
    assert "inFlight, waiting" in (found.help or "")


@pytest.mark.parametrize("metric", [str(signal) for signal in Signal])
def test_vllm_on_a_gpu_of_nvidias_tells_every_metric(metric: str) -> None:
    assert scaled(ON_VLLM, metric=metric) == []


def test_tokens_in_flight_need_the_size_of_a_token() -> None:
    assert scaled(ON_VLLM, ("models/m/architecture", None), metric="tokensInFlight") == ["SB0604", "SB1603"]


def test_an_engine_that_tells_nothing_may_not_be_given_room_to_grow() -> None:
    ollama = ("models/m/engine", "ollama")

    assert scaled(ollama, ("models/m/replicas", {"min": 1, "max": 3})) == ["SB1603"]
    assert scaled(ollama) == []


def test_a_gpus_use_is_asked_of_nvidias_alone_and_not_through_the_adapter() -> None:
    amd = ("pools/gpu/accelerator", "mi300x")

    assert "SB1603" in scaled(amd, metric="gpu")
    assert codes(PROMETHEUS, ADAPTER, ("models/m/scaling", {"metric": "gpu"})) == ["SB1606"]


@pytest.mark.parametrize(
    ("metric", "target"),
    [("inFlight", "80%"), ("kvCache", 16), ("timeToFirstToken", 2), ("waiting", "2s"), ("gpu", 80), ("gpu", "2s")],
)
def test_a_target_of_another_kind_than_its_metric_is_refused(metric: str, target: int | str) -> None:
    assert scaled(ON_VLLM, metric=metric, target=target) == ["SB1604"]


@pytest.mark.parametrize("target", [0, -1, "16 requests", "0s", "120%", 10**12])
def test_what_is_no_target_at_all_is_refused(target: object) -> None:
    assert scaled(target=target) == ["SB1604"]


@pytest.mark.parametrize("target", [True, [16]])
def test_a_value_of_another_type_is_told_what_belongs_there(target: object) -> None:
    assert scaled(target=target) == ["SB0103"]


def test_a_target_that_no_replica_holds_at_once_is_warned_of() -> None:
    assert scaled(("models/m/parallel", 4), target=5) == ["SB1605"]
    assert scaled(("models/m/parallel", 4), target=4) == []


def test_a_window_longer_than_kubernetes_looks_back_is_refused() -> None:
    assert scaled(scaleDownWindow="2h") == ["SB0107"]
    assert scaled(scaleDownWindow="1h") == []


def test_more_replicas_than_the_pools_gpus_are_refused() -> None:
    assert scaled(("models/m/replicas", {"min": 1, "max": 9})) == ["SB0404"]
    assert scaled(("models/m/replicas", {"min": 1, "max": 8})) == []


def test_more_replicas_than_the_pools_cores_are_refused_with_the_reckoning() -> None:
    """Two of 1.5 cores on a node of four: the core that is left over on each holds no fifth."""
    pool = {"accelerator": "cpu", "nodes": ["one", "two"], "nodeCpus": 4, "nodeMemory": "64Gi"}
    on_cores = (("pools/cores", pool), ("models/m/pool", "cores"), ("models/m/cpus", "1500m"))
    most = ("models/m/replicas", {"min": 1, "max": 5})
    (refused,) = report(stack(*on_cores, most)).diagnostics

    assert refused.code == "SB0404"
    assert refused.notes[0] == "2 nodes x (4 cores a node // 1.5 cores a replica) = 4 replicas"
    assert not report(stack(*on_cores, ("models/m/replicas", {"min": 1, "max": 4}))).diagnostics


def zero(*changes: tuple[str, Any], tier: str = "longTail") -> list[str]:
    door = ("frontDoor", {})
    return codes(PROMETHEUS, door, ("models/m/replicas", {"min": 0, "max": 2}), ("models/m/tier", tier), *changes)


def test_zero_is_for_the_long_tail_and_only_where_something_wakes_it() -> None:
    assert zero(WAKING) == []
    assert zero(KEDA) == ["SB0403"]
    assert zero() == ["SB0403"]
    assert zero(WAKING, tier="standard") == ["SB0403"]
    assert zero(WAKING, tier="hot") == ["SB0402"]


def test_the_refusal_of_zero_says_what_would_wake_it() -> None:
    data = stack(PROMETHEUS, KEDA, ("models/m/replicas", {"min": 0}), ("models/m/tier", "longTail"))
    (found,) = report(data).diagnostics

    assert "wake: http-add-on" in (found.help or "")


def test_only_keda_is_told_by_the_add_on() -> None:
    both = ("autoscaling", {"through": "prometheus-adapter", "wake": "http-add-on"})

    assert codes(PROMETHEUS, ("frontDoor", {}), both) == ["SB1607"]


def test_who_waits_in_vain_is_answered_by_the_front_door_which_waking_therefore_needs() -> None:
    (found,) = report(stack(PROMETHEUS, WAKING)).diagnostics

    assert (found.code, found.path) == ("SB1609", ("autoscaling", "wake"))
    assert "substrate:frontDoor" in (found.help or "")


def test_an_idle_time_without_zero_has_no_effect() -> None:
    assert scaled(idle="10m") == ["SB1608"]


ON_KNATIVE = (
    ("cluster/knativeGateway", {"service": "kourier-internal", "namespace": "kourier-system"}),
    ("models/m/foundation", "kserve"),
    ("models/m/kserve", {"mode": "Knative"}),
)


def test_knative_scales_and_wakes_by_itself() -> None:
    assert zero(*ON_KNATIVE) == []
    assert codes(*ON_KNATIVE, ("models/m/scaling", {"target": 2})) == []


def test_knative_counts_requests_and_nothing_else() -> None:
    assert codes(*ON_KNATIVE, ("models/m/scaling", {"metric": "waiting"})) == ["SB1606"]


def test_knative_counts_what_waits_with_the_rest() -> None:
    assert codes(*ON_KNATIVE, ("models/m/scaling", {"waiting": 2})) == ["SB1603"]


def two(*changes: tuple[str, Any]) -> list[str]:
    other = {**stack()["models"]["m"], "context": 2048}
    return codes(PROMETHEUS, KEDA, ("models/n", other), ("servers", {"s": {"models": ["m", "n"]}}), *changes)


def test_a_server_says_what_its_replicas_follow_and_its_models_do_not() -> None:
    assert two(("models/n/scaling", {"target": 2})) == ["SB0801"]
    # llama.cpp's router has no one page of metrics.
    assert two(("servers/s/scaling", {"metric": "inFlight"})) == ["SB1603"]
    assert two(("servers/s/replicas", {"min": 1, "max": 2})) == ["SB1603"]
    assert two() == []


def test_what_a_model_follows_is_its_engines_best() -> None:
    assert resolve.signal_of(catalog(PROMETHEUS, KEDA), "m") is Signal.IN_FLIGHT
    assert resolve.signal_of(catalog(PROMETHEUS, KEDA, ("models/m/engine", "ollama")), "m") is None


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("prometheus", "http://prometheus:9090/api", "SB0116"),
        ("namespace", "Monitoring", "SB0111"),
        ("labels", {"release": "a b"}, "SB0113"),
        ("runbooks", "ftp://x", "SB0113"),
        ("dashboards", "yes please", "SB0103"),
    ],
)
def test_what_observes_is_checked_key_by_key(key: str, value: object, code: str) -> None:
    observed = {"prometheus": "http://prometheus.monitoring:9090", key: value}

    assert codes(("monitoring", observed)) == [code]
