"""The escape hatch: which arguments of a model's own pass, which do not and why, and what the tables must cover."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from stacks import GGUF, SAFETENSORS, SHA, report, stack

from substrate.catalog import load
from substrate.catalog.diagnostics import Diagnostic, Severity
from substrate.catalog.types import Permission
from substrate.facts.options import Option, engines, options_of
from substrate.facts.options.reserved import RESERVED
from substrate.plan import plan_stack

GRAMMAR = {**GGUF, "rules/answer.gbnf": {"sha256": SHA.replace("5", "7"), "size": "1Ki"}}
TEMPLATE = {**SAFETENSORS, "chat.jinja": {"sha256": SHA.replace("5", "7"), "size": "1Ki"}}
OWN_IMAGE = ("defaults", {"images": {"vllm": "vllm/vllm-openai:v0.33.0"}})


def said(engine: str, arguments: list[str], *changes: tuple[str, Any]) -> list[Diagnostic]:
    """What is said of a model with these arguments; TGI's age aside."""
    gguf = engine in ("llama.cpp", "ollama")
    files: list[tuple[str, Any]] = [("models/m/weights/files", GGUF if gguf else SAFETENSORS)]
    asked: list[tuple[str, Any]] = [("models/m/engine", engine), ("models/m/extraArgs", arguments)]
    found = report(stack(*files, *asked, *changes)).diagnostics
    return [each for each in found if each.code != "SB0607"]


FREE: list[tuple[str, list[str]]] = [
    ("vllm", ["--enable-prefix-caching", "--max-num-batched-tokens=4096"]),
    ("vllm", ["--max-num-batched-tokens", "4096"]),
    ("vllm", ["--max_num_batched_tokens=4096"]),
    ("vllm", ["--no-enable-prefix-caching", "-q", "awq", "--seed=-1", "--seed", "-1"]),
    ("vllm", ["--cudagraph-capture-sizes", "1", "2", "4", "--enforce-eager"]),
    ("vllm", ["--compilation-config.cudagraph_mode", "FULL", "-cc.mode=3"]),
    ("vllm", ['--limit-mm-per-prompt={"image": 2}']),
    ("vllm", ["--no-trust-remote-code", "--no-trust-request-chat-template"]),
    ("vllm", ["--otlp-traces-endpoint=http://collector.observability:4317"]),
    ("vllm", ["--generation-config=vllm", "--chat-template={{ messages[0]['content'] }}"]),
    ("llama.cpp", ["--ubatch-size", "256", "-fa", "on"]),
    ("llama.cpp", ["--ubatch_size", "256", "--keep", "-1", "-ctk", "q8_0", "-ctv", "q8_0"]),
    ("llama.cpp", ["--no-context-shift", "--jinja", "--reasoning-format", "none"]),
    ("llama.cpp", ["--control-vector-layer-range", "4", "8"]),
    ("tgi", ["--json-output", "--max-batch-prefill-tokens=4096", "--kv-cache-dtype", "fp8_e5m2"]),
]


@pytest.mark.parametrize(("engine", "arguments"), FREE, ids=lambda value: " ".join(value) if value else "")
def test_a_free_argument_passes_without_a_word(engine: str, arguments: list[str]) -> None:
    assert [each.message for each in said(engine, arguments)] == []


@pytest.mark.parametrize(
    ("engine", "arguments", "code", "index"),
    [
        ("vllm", ["--enforce-eager", "--port=1"], "SB0901", 1),
        ("vllm", ["--config", "/models/x.yaml"], "SB0901", 0),
        ("vllm", ["--gpu-memory-utilization=0.99"], "SB0901", 0),
        ("vllm", ["--device_memory_utilization=0.99"], "SB0901", 0),
        ("vllm", ["-dp", "2"], "SB0901", 0),
        ("vllm", ["--disable-log-stats"], "SB0901", 0),
        ("vllm", ["--tokenizer=org/repo"], "SB0907", 0),
        ("vllm", ["--lora-modules", "a=org/repo"], "SB0907", 0),
        ("vllm", ['--default-mm-loras={"image": "org/repo"}'], "SB0907", 0),
        ("vllm", ["--kv-transfer-config.kv_connector_module_path", "evil.module"], "SB0903", 0),
        ("vllm", ['--model-loader-extra-config={"tensorizer_uri": "s3://bucket/x"}'], "SB0903", 0),
        ("vllm", ["--hf-token"], "SB0903", 0),
        ("vllm", ["--"], "SB0906", 0),
        ("vllm", ["--max-num-batched-tokens", "-q", "awq"], "SB0905", 0),
        ("vllm", ["-O3"], "SB0902", 0),
        ("llama.cpp", ["-m", "/models/other.gguf"], "SB0901", 0),
        ("llama.cpp", ["-a", "other"], "SB0901", 0),
        ("llama.cpp", ["--no-webui"], "SB0901", 0),
        ("llama.cpp", ["--models-dir", "/models"], "SB0901", 0),
        ("llama.cpp", ["--version"], "SB0901", 0),
        ("llama.cpp", ["--control-vector-layer-range", "4"], "SB0905", 0),
        ("llama.cpp", ["--metrics", "--jinja"], "SB0901", 0),
        ("llama.cpp", ["--verbose", "5"], "SB0906", 1),
        ("tgi", ["-p", "80"], "SB0901", 0),
        ("tgi", ["--ngrok"], "SB0903", 0),
        ("tgi", ["--max_batch_size=4"], "SB0902", 0),
        ("tgi", ["--lora-adapters=org/repo"], "SB0907", 0),
    ],
)
def test_an_argument_that_is_not_free_is_refused_at_its_place(
    engine: str, arguments: list[str], code: str, index: int
) -> None:
    (found,) = said(engine, arguments)
    assert (found.code, found.path[-1], found.severity) == (code, index, Severity.ERROR)
    assert found.advice


def test_every_argument_that_is_wrong_is_reported_in_one_run() -> None:
    found = said("vllm", ["--port=1", "stray", "--nonsense", "5", "--enforce-eager=1", "--seed="])
    assert [each.code for each in found] == ["SB0901", "SB0906", "SB0902", "SB0905", "SB0905"]


@pytest.mark.parametrize("engine", ["vllm", "tgi"])
def test_the_permission_allows_the_flag_and_sets_nothing(engine: str) -> None:
    allowed = ("models/m/permissions", ["trust-remote-code"])
    assert said(engine, ["--trust-remote-code"], allowed) == []
    assert said(engine, [], allowed) == []
    (refused,) = said(engine, ["--trust-remote-code"])
    assert refused.code == "SB0904"
    assert "does not set it" in (refused.help or "")


def test_the_permission_allows_nothing_else() -> None:
    allowed = ("models/m/permissions", ["trust-remote-code"])
    assert [each.code for each in said("vllm", ["--middleware=x.y", "--trust-request-mm-kwargs"], allowed)] == [
        "SB0903",
        "SB0903",
    ]


def test_a_file_of_the_set_may_be_named_where_it_is_mounted() -> None:
    files = ("models/m/weights/files", GRAMMAR)
    assert said("llama.cpp", ["--grammar-file", "/models/rules/answer.gbnf"], files) == []
    (refused,) = said("llama.cpp", ["--grammar-file", "/models/rules/other.gbnf"], files)
    assert refused.code == "SB0907"
    assert said("vllm", ["--chat-template=/models/chat.jinja"], ("models/m/weights/files", TEMPLATE)) == []


def test_on_kserve_the_files_lie_where_kserve_mounts_them() -> None:
    changes = [("models/m/foundation", "kserve"), ("models/m/weights/files", TEMPLATE)]
    assert said("vllm", ["--chat-template=/mnt/models/chat.jinja"], *changes) == []
    (refused,) = said("vllm", ["--chat-template=/models/chat.jinja"], *changes)
    assert "/mnt/models/" in (refused.help or "")


def test_an_image_of_another_release_may_know_a_flag_that_resembles_none() -> None:
    (found,) = said("vllm", ["--monokernel"], OWN_IMAGE)
    assert (found.code, found.severity) == ("SB0902", Severity.WARNING)
    assert [each.severity for each in said("vllm", ["--monokernel"])] == [Severity.ERROR]


@pytest.mark.parametrize("argument", ["--trust-remote", "--trust-remote-cod", "--max-model-le=9"])
def test_an_image_of_another_release_opens_no_way_around_by_an_abbreviation(argument: str) -> None:
    (found,) = said("vllm", [argument], OWN_IMAGE)
    assert found.severity is Severity.ERROR


def test_the_arguments_come_after_the_plans_own(tmp_path: Path) -> None:
    data = stack(("models/m/extraArgs", ["--ubatch-size", "256"]))
    file = tmp_path / "Pulumi.test.yaml"
    file.write_text(json.dumps({"config": {f"substrate:{key}": value for key, value in data.items()}}))
    (server,) = plan_stack(load(file), "test").servers
    assert server.engine.args[-2:] == ("--ubatch-size", "256")
    assert server.engine.args[0] == "--model"


def test_tgi_serves_and_is_said_to_have_ended() -> None:
    found = report(stack(("models/m/weights/files", SAFETENSORS), ("models/m/engine", "tgi")))
    assert found.catalog is not None
    (warning,) = found.diagnostics
    assert (warning.code, warning.severity) == ("SB0607", Severity.WARNING)
    assert "2026-03" in warning.message
    assert warning.help == "write `engine: vllm`, which serves the same weights"


def test_the_warning_comes_once_for_a_default() -> None:
    files = ("models/m/weights/files", SAFETENSORS)
    other = {"pool": "gpu", "context": 4096, "weights": {"from": "s3://bucket/x/", "files": SAFETENSORS}}
    found = report(stack(files, ("models/other", other), ("defaults", {"engine": "tgi"}))).diagnostics
    assert [str(each.code) for each in found].count("SB0607") == 1


def test_ollama_serves_a_gguf_without_a_word_and_only_one_file() -> None:
    part = {"sha256": SHA, "size": "1Gi"}
    parts = {f"m-0000{n}-of-00002.gguf": part for n in (1, 2)}
    assert report(stack(("models/m/engine", "ollama"))).diagnostics == []
    found = report(stack(("models/m/engine", "ollama"), ("models/m/weights/files", parts))).diagnostics
    assert [each.code for each in found] == ["SB0507"]


def test_ollama_counts_every_slot_and_tgi_one_request() -> None:
    """16 slots of 262,144 tokens do not fit an L40S; paged, one request of them does."""
    wide = [("models/m/context", 262144), ("models/m/parallel", 16)]
    assert [each.code for each in report(stack(("models/m/engine", "ollama"), *wide)).diagnostics] == ["SB0603"]
    paged = [("models/m/engine", "tgi"), ("models/m/weights/files", SAFETENSORS)]
    assert [each.code for each in report(stack(*paged, *wide)).diagnostics] == ["SB0607"]


# --- the tables against the lists


def named(engine: str) -> dict[str, Option]:
    options = options_of(engine)
    assert options is not None
    return {option.name: option for option in options.options.values()}


@pytest.mark.parametrize("engine", engines())
def test_every_reserved_name_is_an_option_of_the_release(engine: str) -> None:
    reserved = RESERVED[engine]
    tables = (reserved.keys, reserved.plan, reserved.unsafe, reserved.permissions, reserved.files)
    assert [name for table in tables for name in table if name not in named(engine)] == []


@pytest.mark.parametrize("engine", engines())
def test_no_option_is_reserved_twice(engine: str) -> None:
    reserved = RESERVED[engine]
    tables = [set(reserved.keys), set(reserved.plan), set(reserved.unsafe), set(reserved.permissions)]
    assert sum(map(len, tables)) == len(set().union(*tables))


def test_every_permission_is_one_that_the_catalogue_knows() -> None:
    needed = {permission for reserved in RESERVED.values() for permission in reserved.permissions.values()}
    assert needed == {str(permission) for permission in Permission}


# Words that name a danger, and the options that have such a word in them and none of the danger.
DANGEROUS = re.compile(
    r"trust|api-?key|token$|ssl|tls|cors|origin|url|-hf|repo|revision|plugin|middleware|-cls\b|processor|mcp|tool|rpc|"
    r"agent|proxy|docker|ngrok|media-path|save-path|file$|-dir$|remote|credential|host|-port$|address|addr$|webui|embeds"
)
HARMLESS = {
    "vllm": {
        # How an answer is read or an input prepared; nothing leaves the pod.
        "--enable-auto-tool-choice", "--exclude-tools-when-tool-choice-none", "--tool-call-parser",
        "--tool-strict-level", "--mm-processor-kwargs", "--mm-processor-cache-gb", "--mm-processor-cache-type",
        "--mm-processor-device",
        # Settings of what was staged.
        "--hf-overrides", "--max-lora-cls-labels",
    },
    # About the memory of the host.
    "llama.cpp": {"--no-host"},
    "tgi": set(),
    "ollama": set(),
}  # fmt: skip


@pytest.mark.parametrize("engine", engines())
def test_every_option_with_a_dangerous_name_was_thought_about(engine: str) -> None:
    """When a list is renewed, a new flag of this kind is refused or named harmless here; never let through unseen."""
    reserved = RESERVED[engine]
    taken = {*reserved.keys, *reserved.plan, *reserved.unsafe, *reserved.permissions, *reserved.files}
    suspicious = {name for name in named(engine) if DANGEROUS.search(name)}
    assert suspicious - taken == HARMLESS[engine]


@pytest.mark.parametrize("engine", engines())
def test_every_list_has_its_date_release_and_source(engine: str) -> None:
    options = options_of(engine)
    assert options is not None
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", options.date)
    assert options.release and options.source and options.how_to_list


def test_a_list_reads_the_forms_that_options_have() -> None:
    options = options_of("vllm")
    assert options is not None
    assert options.find("-tp") is options.find("--tensor_parallel_size")
    lora, eager, token = (options.find(name) for name in ("--lora-modules", "--enforce-eager", "--hf-token"))
    assert lora and eager and token
    assert [(each.least, each.most) for each in (lora, eager, token)] == [(1, None), (0, 0), (0, 1)]
