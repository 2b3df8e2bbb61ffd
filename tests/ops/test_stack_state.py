"""What `make up` reads of a stack's state, from one export."""

from __future__ import annotations

import json

import pytest

from ops import pulumi

NAMESPACED = {"type": "kubernetes:core/v1:Service", "inputs": {"metadata": {"name": "a", "namespace": "home"}}}
WHOLE = [
    {"type": "pulumi:pulumi:Stack", "outputs": {"frontDoor": "http://127.0.0.1:8080/v1"}},
    {"type": "pulumi:providers:kubernetes", "inputs": {"context": "here"}},
    {"type": "kubernetes:core/v1:Namespace", "inputs": {"metadata": {"name": "home"}}},
    NAMESPACED,
    {**NAMESPACED, "inputs": {"metadata": {"name": "b", "namespace": "monitoring"}}},
]


def read(monkeypatch: pytest.MonkeyPatch, *exports: str) -> list[tuple[str, ...]]:
    """The calls that are made, of which each export is answered by the next of those texts."""
    left, made = list(exports), []

    def call(*arguments: str, **_: bool) -> str:
        made.append(arguments)
        return left.pop(0) if "export" in arguments else ""

    monkeypatch.setattr(pulumi, "call", call)
    monkeypatch.setattr(pulumi, "unlock", lambda stack: None)
    return made


def test_outputs_and_namespaces_are_those_of_the_export(monkeypatch: pytest.MonkeyPatch) -> None:
    read(monkeypatch, json.dumps({"deployment": {"resources": WHOLE}}))
    found = pulumi.state("local")

    assert found.outputs == {"frontDoor": "http://127.0.0.1:8080/v1"}
    assert found.namespaces == ["home", "monitoring"]
    assert found.pending == 0


@pytest.mark.parametrize("export", ["", "{}", '{"deployment": null}', '{"deployment": {}}'])
def test_stack_that_was_never_updated_has_nothing(monkeypatch: pytest.MonkeyPatch, export: str) -> None:
    read(monkeypatch, export)
    found = pulumi.recover("local")

    assert (found.outputs, found.namespaces, found.pending) == ({}, [], 0)


def test_run_that_was_killed_is_recovered_and_the_state_is_the_one_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    killed = {"deployment": {"pending_operations": [{}, {}], "resources": WHOLE[:1]}}
    made = read(monkeypatch, json.dumps(killed), json.dumps({"deployment": {"resources": WHOLE}}))
    found = pulumi.recover("local")

    assert [arguments[0] for arguments in made] == ["stack", "refresh", "stack"]
    assert found.namespaces == ["home", "monitoring"]
