"""Payload logging: what of a model's and the stack's block holds, and what a model that logs needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from stacks import catalog, codes, report, stack

from substrate import fit
from substrate.catalog import resolve
from substrate.catalog.diagnostics import Severity
from substrate.catalog.logging import Logging
from substrate.cli import needs
from substrate.values import Bytes

SINK = "http://events.audit/"
IMAGE = {"payload-logger": "registry.local/payload-logger:0.1.0"}


def of_model(default: dict[str, Any] | None, own: dict[str, Any] | None) -> Logging | None:
    defaults = {"images": IMAGE, **({"logging": default} if default is not None else {})}
    changes: list[tuple[str, Any]] = [("defaults", defaults)]
    if own is not None:
        changes.append(("models/m/logging", own))
    return resolve.logging_of(catalog(*changes), "m")


def test_nothing_is_logged_where_nobody_says_so() -> None:
    assert of_model(None, None) is None


def test_a_model_says_no_to_what_the_stack_says() -> None:
    assert of_model({"sink": SINK}, {"log": "none"}) is None


def test_a_stack_may_name_the_sink_alone_and_its_models_say_yes() -> None:
    quiet = {"sink": SINK, "log": "none"}
    asked = of_model(quiet, {"log": "both"})

    assert of_model(quiet, None) is None
    assert asked and asked.sink == SINK


def test_a_model_changes_one_key_and_keeps_the_others() -> None:
    found = of_model({"sink": SINK, "log": "requests", "maxPayload": "2Mi", "secretRef": "keys"}, {"sample": "0.7%"})

    assert found
    assert (found.sink, found.log, found.secret_ref) == (SINK, "requests", "keys")
    assert (found.sample, found.max_payload) == (0.007, Bytes.parse("2Mi"))


def test_a_model_hides_more_than_the_stack_and_never_less() -> None:
    found = of_model({"sink": SINK, "redact": ["user", "messages.content"]}, {"redact": ["prompt", "user"]})

    assert found and found.redact == ["user", "messages.content", "prompt"]


@pytest.mark.parametrize("path", ["messages.content", "*", "choices.*.text", "tools.$defs.x-note", "a_b.0"])
def test_paths_of_json_fields_are_taken(path: str) -> None:
    found = of_model({"sink": SINK, "redact": [path]}, None)

    assert found and found.redact == [path]


@pytest.mark.parametrize("path", ["", ".", "messages.", ".content", "messages..content", "messages[0].content", "a b"])
def test_paths_that_the_logger_would_read_otherwise_are_refused(path: str) -> None:
    assert codes(("defaults", {"images": IMAGE, "logging": {"sink": SINK, "redact": [path]}})) == ["SB1105"]


@pytest.mark.parametrize(
    "sink", ["http://s", "https://s:8443/a/b", "http://[::1]:80/", "http://broker.knative-eventing/"]
)
def test_addresses_of_sinks_are_taken(sink: str) -> None:
    found = of_model({"sink": sink}, None)

    assert found and found.sink == sink


@pytest.mark.parametrize("sink", ["ftp://s/", "http:///x", "http://s:0/", "http://s/#x", "http://s/a b", "https://s\n"])
def test_addresses_that_are_none_are_refused(sink: str) -> None:
    assert codes(("defaults", {"images": IMAGE, "logging": {"sink": sink}})) == ["SB0116"]


def test_a_sink_that_the_defaults_forgot_is_asked_for_once() -> None:
    block = stack()["models"]["m"]
    assert codes(("defaults", {"images": IMAGE, "logging": {}}), ("models/n", block)) == ["SB1101"]


def test_a_stack_that_logs_is_told_how_to_build_the_image() -> None:
    (found,) = report(stack(("models/m/logging", {"sink": SINK}))).diagnostics
    assert found.code == "SB1102"
    assert "podman build -f cluster/toolchain/payload-logger/Containerfile" in str(found.help)
    assert "substrate.local/payload-logger:0.1.0" in str(found.help)


def test_a_stack_whose_models_all_say_no_needs_no_image() -> None:
    assert codes(("defaults", {"logging": {"sink": SINK}}), ("models/m/logging", {"log": "none"})) == []


def test_grpc_of_triton_is_said_not_to_be_logged() -> None:
    defaults = {"images": IMAGE, "logging": {"sink": SINK}, "engine": "triton"}
    warned = [each for each in report(stack(("defaults", defaults))).diagnostics if each.code == "SB1103"]

    assert [each.severity for each in warned] == [Severity.WARNING]
    assert "gRPC" in warned[0].message


@pytest.mark.parametrize("log", ["none", "both"])
def test_a_cluster_gets_the_loggers_images_where_a_model_logs(log, tmp_path, capsys) -> None:
    file = tmp_path / "Pulumi.local.yaml"
    block = f"  substrate:defaults:\n    logging: {{sink: 'http://s/', log: {log}}}"
    file.write_text(Path("Pulumi.local.yaml").read_text().replace("  substrate:defaults:", block))

    assert needs.run(file, None) == 0
    asked = capsys.readouterr().out.split()
    logger = ["payload-logging"] if log == "both" else []
    assert asked == ["front-door", "llama.cpp", *logger, "plain", "prometheus", "prometheus-adapter"]


@pytest.mark.parametrize(("other", "said"), [({"log": "requests"}, ["SB1401"]), ({"log": "both"}, [])])
def test_models_of_one_server_are_logged_alike(other, said) -> None:
    """Its pod has one logger, which does not know them apart."""
    block = {**stack()["models"]["m"], "logging": other}
    changes = [("models/n", block), ("servers", {"pair": {"models": ["m", "n"]}})]

    assert codes(("defaults", {"images": IMAGE, "logging": {"sink": SINK}}), *changes) == said


CPUS = {"accelerator": "cpu", "nodes": ["c1"], "nodeCpus": 8}


@pytest.mark.parametrize(("log", "spare", "said"), [("none", 0, []), ("both", 32, []), ("both", 31, ["SB0603"])])
def test_memory_of_a_node_of_cpus_has_room_for_what_logs(log, spare, said) -> None:
    """32 MiB beside the engine; a GPU's memory is the engine's alone."""
    changes: list[tuple[str, Any]] = [("models/m/pool", "cpu"), ("models/m/logging", {"log": log})]
    defaults = {"images": IMAGE, "logging": {"sink": SINK}}
    needed = fit.of(catalog(("pools/cpu", {**CPUS, "nodeMemory": "64Gi"}), changes[0]), "m").need
    pool = {**CPUS, "nodeMemory": f"{needed + spare * 1024**2}B"}

    assert codes(("pools/cpu", pool), ("defaults", defaults), *changes) == said
