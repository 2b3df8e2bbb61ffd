"""What a plan tells llama-server, told to the real one: its parser takes it, and its metrics are the facts' metrics."""

from __future__ import annotations

import re
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from cluster import tools
from substrate.facts.engines import ENGINES, LLAMA_CPP
from substrate.facts.metrics import BY_ENGINE
from substrate.facts.options import llama_cpp
from substrate.plan import ServerPlan
from tests.engine.option_lists import of_llama_server
from tests.engine_plans import generated, shipped
from tests.ports import free_port
from tests.registry import assert_known

pytestmark = pytest.mark.engine

WRONG = (
    ["--no-such-flag"],
    ["--ctx-size=4096"],
    ["--ctx-size", "many"],
    ["--no-metrics"],
    ["--cache-type-k", "q9"],
    ["stray"],
)
# Read from left to right, it ends the program once all before it was accepted: nothing is loaded, no port is opened.
DRY = "--version"


@pytest.fixture(scope="module")
def program() -> str:
    return str(tools.path("llama-server"))


@pytest.fixture(scope="module")
def plans() -> tuple[ServerPlan, ...]:
    return (*generated(LLAMA_CPP), *shipped(LLAMA_CPP))


def run(program: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False)


def accepted(program: str, arguments: list[str]) -> bool:
    finished = run(program, [*arguments, DRY])
    return finished.returncode == 0 and "version:" in finished.stdout + finished.stderr


def told(server: ServerPlan, **other: str) -> list[str]:
    """The plan's arguments, with the values that only a pod can have replaced: `model="/x"`."""
    arguments = list(server.engine.args)
    for name, value in other.items():
        arguments[arguments.index(f"--{name}") + 1] = value
    return arguments


def test_the_real_parser_takes_the_arguments_of_every_plan(program: str, plans: tuple[ServerPlan, ...]) -> None:
    assert len(plans) > 200
    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda server: accepted(program, list(server.engine.args)), plans))
    assert [server.engine.args for server, ok in zip(plans, taken, strict=True) if not ok] == []


@pytest.mark.parametrize("wrong", WRONG, ids=" ".join)
def test_the_same_way_of_asking_refuses_what_is_wrong(
    program: str, plans: tuple[ServerPlan, ...], wrong: list[str]
) -> None:
    assert not accepted(program, [*plans[0].engine.args, *wrong])


def test_what_extra_args_may_hold_is_taken_behind_a_plans_own(program: str, plans: tuple[ServerPlan, ...]) -> None:
    """A sample of what the rule lets through, spellings included: tests/catalog/test_rules_arguments.py."""
    extra = ["--ubatch_size", "256", "-fa", "on", "--keep", "-1", "-ctk", "q8_0", "-ctv", "q8_0", "--no-context-shift"]
    assert accepted(program, [*plans[0].engine.args, *extra, "--jinja", "--control-vector-layer-range", "4", "8"])


def test_with_all_its_arguments_read_only_the_model_is_missed(program: str, plans: tuple[ServerPlan, ...]) -> None:
    """Beyond the parser there are checks of how arguments go together; past those it looks for the file."""
    for server in plans[:: len(plans) // 12]:
        arguments = told(server, model="/nowhere/model.gguf", host="127.0.0.1", port=str(free_port()))
        finished = run(program, arguments)
        assert finished.returncode == 1
        assert "failed to load model" in finished.stderr
        assert not re.search("invalid argument|error while handling", finished.stderr)


def test_the_checked_in_list_is_what_the_real_program_prints(program: str) -> None:
    """Renew it: llama-server --help | python -m tests.engine.option_lists llama.cpp"""
    assert of_llama_server(run(program, ["--help"]).stdout).split("\n") == llama_cpp.OPTIONS.lstrip("\n").split("\n")


def test_the_list_lacks_no_option_that_the_programs_own_completion_offers(program: str) -> None:
    """Another way to the same list: what a shell would complete. Removed options are still offered there."""
    script = run(program, ["--completion-bash"]).stdout
    offered = set(re.search(r'opts="([^"]*)"', script)[1].split())  # type: ignore[index]
    assert len(offered) > 300
    missing = offered - set(re.findall(r"(?<!\S)-\S+", llama_cpp.OPTIONS))
    help_text = run(program, ["--help"]).stdout
    assert [each for each in missing if not re.search(rf"{re.escape(each)}\b.*\s+.*has been removed", help_text)] == []


@contextmanager
def serving(program: str, arguments: list[str], port: int, log: Path) -> Iterator[str]:
    with log.open("w") as output:
        process = subprocess.Popen([program, *arguments], stdout=output, stderr=subprocess.STDOUT)
    try:
        address = f"http://127.0.0.1:{port}"
        until_ready(process, f"{address}/health", log)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=30)


def until_ready(process: subprocess.Popen[bytes], url: str, log: Path, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"not ready after {seconds:.0f} s:\n{log.read_text()}")


def test_the_local_plan_serves_and_exports_the_metrics_that_scaling_reads(program: str, tmp_path: Path) -> None:
    (server,) = shipped(LLAMA_CPP)[:1]
    weights, port = tools.path("smollm2-135m.gguf"), free_port()
    arguments = told(server, model=str(weights), host="127.0.0.1", port=str(port))
    with serving(program, arguments, port, tmp_path / "log") as address:
        models = urllib.request.urlopen(f"{address}/v1/models", timeout=10).read().decode()
        scraped = urllib.request.urlopen(f"{address}/metrics", timeout=10).read().decode()
    assert f'"{server.model.served_name}"' in models
    assert_known(scraped, LLAMA_CPP)
    metrics = ENGINES[LLAMA_CPP].metrics
    for metric in filter(None, (metrics.running, metrics.waiting, metrics.generated)):
        assert f"# TYPE {metric.name} {metric.kind}\n" in scraped
        assert re.search(rf"^{re.escape(metric.name)} [0-9.]+$", scraped, re.MULTILINE), "a label, or no sample"
    assert metrics.kv_cache_usage is None and "kv_cache" not in scraped
    exported = re.findall(r"^# TYPE (\S+) (\S+)$", scraped, re.MULTILINE)
    listed = {metric.name: metric.kind for metric in BY_ENGINE[LLAMA_CPP].metrics}
    assert exported and {name: listed.get(name) for name, _ in exported} == dict(exported)
