"""Manifests in files are read as the API would read them, and a finding stands where a person has to write."""

from __future__ import annotations

import json
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from policies.files.places import spot
from policies.files.reading import Input, read

WORKLOAD = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: llama
  annotations:
    substrate.dev/min-replicas: "2"
spec:
  replicas: 1
  template:
    spec:
      initContainers:
        - name: fetch
          image: busybox
      containers:
        - name: engine
          image: nginx
          volumeMounts:
            - {name: cache, mountPath: /cache}
            - {name: weights, mountPath: /models}
"""


def given(tmp_path: Path, text: str, name: str = "given.yaml") -> Input:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return read([str(file)])


def names(found: Input) -> list[str]:
    return [str(located.obj) for located in found.objects]


def test_every_document_and_every_item_of_a_list_is_an_object(tmp_path: Path) -> None:
    several = "# Source: chart\n---\nkind: Service\napiVersion: v1\nmetadata: {name: a}\n---\n---\n" + json.dumps(
        {"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b"}}]}
    )
    listed = '{"apiVersion": "apps/v1", "kind": "DeploymentList", "items": [{"metadata": {"name": "c"}}]}'

    assert names(given(tmp_path, several)) == ["Service a", "Pod b"]
    assert names(given(tmp_path, listed, "listed.json")) == ["Deployment c"]


def test_folder_is_read_with_all_below_it_and_counts_what_is_no_object(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "a.yml").write_text(WORKLOAD)
    (tmp_path / "b.json").write_text('{"apiVersion": "v1", "kind": "Secret", "data": {"key": "c2VjcmV0"}}')
    (tmp_path / "values.yaml").write_text("image: nginx\n")
    (tmp_path / "kustomization.yaml").write_text("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n")
    (tmp_path / "notes.txt").write_text("- not looked at")

    found = read([str(tmp_path)])

    assert names(found) == ["Deployment llama"]
    assert (found.files, found.others, found.secrets, found.unreadable) == (4, 2, 1, [])


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(WORKLOAD.encode())))

    assert names(read(["-"])) == ["Deployment llama"]


def test_values_are_those_that_the_api_would_see(tmp_path: Path) -> None:
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: &m {name: a, at: 1:30, day: 2027-03-31, mode: 0644, on: on, no: 'no'}\n"
        "other: {<<: *m, name: b}\nempty:\n"
    )
    (located,) = given(tmp_path, text).objects

    body = located.obj.body
    assert body["metadata"] == {
        "name": "a", "at": "1:30", "day": "2027-03-31", "mode": 420, "on": True, "no": "no",
    }  # fmt: skip
    assert body["other"]["name"] == "b" and body["other"]["at"] == "1:30" and body["empty"] is None


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 10)}]\n" for before, after in zip("abcdef", "bcdefg", strict=True)
)
BROKEN: dict[str, tuple[str, str, str, str]] = {
    "tab": ("a:\n\tb: 1\n", ":2:1", "this is a tab", "write spaces"),
    "missing space": ("kind:Pod\na: 1\n", ":2:2", "this is not YAML", "a key's colon needs a space"),
    "template": ("kind: Pod\n{{- if .Values.on }}\na: 1\n{{- end }}\n", ":3:1", "", "helm template RELEASE CHART"),
    "template as value": ("kind: Pod\nname: {{ .Values.name }}\n", ":2:", "a key is a plain word", "helm template"),
    "key twice": ("kind: Pod\nkind: Job\n", ":2:1", "key kind is written twice", "keep one"),
    "no anchor": ("a: *b\n", ":1:4", "no anchor", "write the value out"),
    "anchor in itself": ("a: &a {b: *a}\n", ":1:11", "within its own anchor", "write the value out"),
    "foreign tag": ("a: !vault |\n  x\n", ":1:4", "tag", "remove it"),
    "too deep": ("a: " + "[" * 100_000, ":1:103", "nested more than 100 deep", ""),
    "too much": (BOMB, "", "stand for too much", "write the values out"),
    "nothing": ("# only this\n---\n", "", "holds nothing", "rendered"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "place", "what", "fix"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_file_is_told_by_place_and_with_the_way_out(
    tmp_path: Path, text: str, place: str, what: str, fix: str
) -> None:
    (unreadable,) = given(tmp_path, text).unreadable

    assert f"given.yaml{place}" in unreadable.place
    assert what in unreadable.what and fix in unreadable.fix


def test_what_stands_before_the_broken_part_is_judged_all_the_same(tmp_path: Path) -> None:
    found = given(tmp_path, f"{WORKLOAD}---\na: [\n")

    assert names(found) == ["Deployment llama"] and len(found.unreadable) == 1


@pytest.mark.parametrize("name", ["missing.yaml", "binary.yaml", "empty"])
def test_what_cannot_be_opened_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "empty").mkdir()

    (unreadable,) = read([str(tmp_path / name)]).unreadable

    assert name in unreadable.file and unreadable.fix


def test_input_without_an_object_is_no_pass(tmp_path: Path) -> None:
    (unreadable,) = given(tmp_path, "image: nginx\n").unreadable

    assert "no Kubernetes object" in unreadable.what


PLACES = {
    "spec.replicas is 1": 8,
    "spec.minReplicas is 1": 7,  # its block, where it would have to be written
    "image of container engine is nginx": 16,
    "image of init container fetch is busybox": 13,
    "volumeMounts[weights] of container engine at /models is writable": 19,
    "container engine has no startupProbe": 15,
    "annotation substrate.dev/min-replicas is 2": 6,
    "annotation substrate.dev/other is missing; spec.replicas is 1": 5,
    "spec.template.spec.containers[0].image is nginx (container engine)": 16,
    "image of container nobody is nginx": 1,
    "it is a resource of Yatai": 1,
}


@pytest.mark.parametrize(("said", "line"), PLACES.items())
def test_finding_stands_at_the_field_that_it_names(tmp_path: Path, said: str, line: int) -> None:
    (located,) = given(tmp_path, WORKLOAD).objects

    assert spot(located.node, said)[0] == line
