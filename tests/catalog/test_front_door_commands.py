"""What the command line says of a front door: the extra that the embedded cluster needs, and its keys as a Secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from stacks import stack

from cluster.embedded import extras
from substrate.cli import keys, needs


def needed(capsys: pytest.CaptureFixture[str], folder: Path, data: dict[str, object]) -> list[str]:
    file = folder / "Pulumi.test.yaml"
    file.write_text(json.dumps({"config": {f"substrate:{key}": value for key, value in data.items()}}))
    assert needs.run(file, None) == 0
    return capsys.readouterr().out.split()


def test_cluster_is_asked_for_a_front_door_where_the_stack_has_one(capsys, tmp_path) -> None:
    assert "front-door" not in needed(capsys, tmp_path, stack())
    found = needed(capsys, tmp_path, stack(("frontDoor", {})))

    assert extras.chosen(set(found) - {"plain", "llama.cpp"}) == ("front-door",)


def test_keys_are_written_as_envoy_reads_them(capsys) -> None:
    assert keys.run(["ann=sk-1\n", "\n", "bob=sk=2\n"]) == 0
    (resource,) = json.loads(capsys.readouterr().out)["resources"]
    policies = resource["typed_config"]["rules"]["policies"]
    said = {
        client: [each["header"]["string_match"]["exact"] for each in policy["principals"]]
        for client, policy in policies.items()
    }

    assert said == {"ann": ["Bearer sk-1", "sk-1"], "bob": ["Bearer sk=2", "sk=2"]}


def test_line_that_is_no_key_is_named_by_its_number_and_never_shown(capsys) -> None:
    assert keys.run(["ann=sk-secret-1\n", "ann=sk-secret-2\n", "bob: sk-secret-3\n", "eve=sk secret\n"]) == 1
    shown = capsys.readouterr()

    assert shown.out == ""
    assert [line.partition(":")[2].partition(":")[0] for line in shown.err.splitlines()] == ["2", "3", "4"]
    assert "secret" not in shown.err


def test_no_key_at_all_is_a_mistake_and_not_an_open_door(capsys) -> None:
    assert keys.run([]) == 1
    assert "nobody would be let in" in capsys.readouterr().err
