"""What TGI and Ollama are told: the request's context, the requests at once, the GPUs, and what ends them."""

from __future__ import annotations

import subprocess

import pytest

from substrate.facts.engines import ENGINES as FACTS
from substrate.facts.engines import MetricKind
from substrate.plan.engines import ENGINES, Placement, Serving
from substrate.plan.engines.ollama import SERVE
from substrate.values import ComputeCapability, Digest
from tests.engine_plans import generated

CPU = Placement(gpus=0, cpus=4, compute_capability=None, bf16=True)
L4 = Placement(gpus=1, cpus=4, compute_capability=ComputeCapability(8, 9), bf16=True)
MI300X = Placement(gpus=2, cpus=4, compute_capability=None, bf16=True)
DIGEST = Digest("a" * 64)
SERVING = Serving(
    "qwen", ("tokenizer.json", "q.gguf"), 8192, 4, "/models", {"q.gguf": DIGEST, "tokenizer.json": DIGEST}
)


def test_tgi_gets_the_whole_context_for_each_request() -> None:
    args = ENGINES["tgi"].args(SERVING, L4)
    assert "--max-total-tokens=8192" in args
    assert "--max-input-tokens=8191" in args, "an answer has at least one token"


def test_tgi_batches_no_more_than_parallel_and_refuses_beyond_four_batches() -> None:
    args = ENGINES["tgi"].args(SERVING, L4)
    assert {"--max-batch-size=4", "--max-concurrent-requests=16"} <= set(args)


def test_tgi_shards_over_the_gpus_of_a_replica() -> None:
    for server in generated("tgi"):
        assert f"--num-shard={max(1, server.resources.gpus)}" in server.engine.args


def test_tgi_drains_within_the_grace_period() -> None:
    tgi = ENGINES["tgi"]
    drain = next(arg for arg in tgi.args(SERVING, L4) if arg.startswith("--graceful-termination-timeout="))
    sleep = tgi.pre_stop()["sleep"]
    assert isinstance(sleep, dict)
    assert sleep["seconds"] + int(drain.partition("=")[2]) < tgi.grace()


@pytest.mark.parametrize(
    ("engine", "placement", "ending"),
    [
        ("tgi", L4, ":3.3.7"),
        ("tgi", MI300X, ":3.3.7-rocm"),
        ("tgi", CPU, ":3.3.7-intel-cpu"),
        ("ollama", L4, ":0.17.4"),
        ("ollama", MI300X, ":0.17.4-rocm"),
        ("ollama", CPU, ":0.17.4"),
    ],
)
def test_the_image_is_the_one_for_the_hardware(engine: str, placement: Placement, ending: str) -> None:
    assert ENGINES[engine].image(placement).endswith(ending)


def test_ollama_gets_the_context_of_one_request_and_the_number_of_them() -> None:
    """It multiplies the two itself: seen as n_ctx 2048 for 1024 tokens and two requests."""
    environment = ENGINES["ollama"].environment(SERVING, L4)
    assert (environment["OLLAMA_CONTEXT_LENGTH"], environment["OLLAMA_NUM_PARALLEL"]) == ("8192", "4")
    assert ENGINES["ollama"].args(SERVING, L4)[3] == "PARAMETER num_ctx 8192"


def test_ollama_links_the_staged_file_by_the_digest_that_was_verified() -> None:
    assert ENGINES["ollama"].args(SERVING, L4)[:3] == ("/models/q.gguf", DIGEST, "qwen")
    for server in generated("ollama"):
        by_path = {file.path: file.sha256 for file in server.model.weights.files}
        path, digest = server.engine.args[:2]
        assert by_path[path.removeprefix("/models/")] == digest


def test_ollama_is_ready_only_where_the_model_has_its_name() -> None:
    for server in generated("ollama"):
        assert server.engine.health_path == f"/v1/models/{server.model.served_name}"
        assert server.engine.args[2] == server.model.served_name


def test_ollamas_script_is_one_that_a_shell_can_read() -> None:
    finished = subprocess.run(["/bin/sh", "-n"], input=SERVE, capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, "")


def test_ollamas_script_is_the_same_for_every_model() -> None:
    """What differs comes as arguments, which no shell reads."""
    assert {server.engine.command for server in generated("ollama")} == {("/bin/sh", "-c", SERVE, "ollama")}


def test_ollama_waits_for_the_longest_answer_before_it_is_ended() -> None:
    ollama = ENGINES["ollama"]
    sleep = ollama.pre_stop()["sleep"]
    assert isinstance(sleep, dict)
    assert 30 <= sleep["seconds"] < ollama.grace()


@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "ollama"])
def test_the_images_own_entry_point_serves_where_no_command_is_needed(engine: str) -> None:
    assert ENGINES[engine].command is None


@pytest.mark.parametrize("engine", FACTS)
def test_metrics_are_named_where_the_engine_has_a_page_of_them(engine: str) -> None:
    metrics = FACTS[engine].metrics
    of_tokens = [metrics.running, metrics.generated] if FACTS[engine].has_kv_cache else []
    named = [*of_tokens, metrics.waiting]
    assert all(named) if ENGINES[engine].metrics_path else not any(named)
    assert metrics.source


@pytest.mark.parametrize("engine", FACTS)
def test_a_metric_has_the_kind_that_its_use_needs(engine: str) -> None:
    metrics = FACTS[engine].metrics
    now = [each for each in (metrics.running, metrics.waiting, metrics.kv_cache_usage) if each]
    assert all(each.kind is MetricKind.GAUGE for each in now)
    assert metrics.generated is None or metrics.generated.kind is not MetricKind.GAUGE
    assert metrics.kv_cache_usage is None or metrics.kv_cache_usage.unit == "ratio"
