"""The product's claim: one model block has one shape on every stack."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from substrate.manifests import autoscaling, cluster, kserve, model, network, serving, staging
from substrate.plan import ServerPlan, StackPlan
from tests.shape.differences import ALLOWED, ALLOWED_KINDS
from tests.stacks import STACKS, document, plan_document, server

NAME = "portable"
# The pool, store and team that the block is put on: a stack's own names are values, not shape.
HOMES = {
    "local": ("cpu", "node-local", "home"),
    "homelab": ("engine-01", "store-01", "home"),
    "fleet": ("l4", "parallel", "search"),
}

blocks = st.fixed_dictionaries(
    {
        "context": st.integers(512, 4096),
        "parallel": st.integers(1, 4),
        "tier": st.sampled_from(["hot", "standard", "longTail"]),
        "servedName": st.from_regex(r"[a-z][a-z0-9.-]{0,20}[a-z]", fullmatch=True),
        "size": st.integers(50, 500),
        "digest": st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
        "log": st.sampled_from(["none", "requests", "both"]),
    }
)


FOUNDATIONS = ("plain", "kserve")


def block(drawn: dict[str, Any], stack: str, foundation: str) -> dict[str, Any]:
    pool, store, team = HOMES[stack]
    return {
        "pool": pool,
        "team": team,
        "engine": "llama.cpp",
        "foundation": foundation,
        **{key: drawn[key] for key in ("context", "parallel", "tier", "servedName")},
        "logging": {"sink": "http://events.audit/", "log": drawn["log"]},
        "architecture": {"parameters": "135M", "layers": 30, "kvHeads": 3, "headDim": 64, "quantization": "q4_1"},
        "weights": {
            "from": "s3://models/portable/",
            "store": store,
            "files": {"model.gguf": {"sha256": drawn["digest"], "size": f"{drawn['size']}Mi"}},
        },
    }


def planned(drawn: dict[str, Any], stack: str, foundation: str) -> StackPlan:
    """The stack with this model alone, so that the pools have room whatever was drawn."""
    data = document(stack)
    data["config"]["substrate:models"] = {NAME: block(drawn, stack, foundation)}
    data["config"].setdefault("substrate:defaults", {})["images"] = {
        "payload-logger": "registry.local/payload-logger:0.1.0"
    }
    with tempfile.TemporaryDirectory() as folder:
        return plan_document(data, Path(folder), stack)


def manifests(plan: StackPlan) -> list[dict[str, Any]]:
    one: ServerPlan = server(plan, NAME)
    claim = next(claim for claim in plan.claims if claim.namespace == one.namespace)
    volumes = [staging.nfs_volume(claim)] if claim.nfs else []
    staged = [staging.claim(claim), staging.config_map(claim, claim.weights[0]), staging.job(claim, claim.weights[0])]
    (team,) = (each for each in plan.namespaces if each.name == one.namespace)
    closed = [cluster.namespace(team), *network.policies(team)]
    return [*closed, *volumes, *staged, *model.faces(one), *workload(plan, one), *autoscaling.objects(one)]


def workload(plan: StackPlan, one: ServerPlan) -> list[dict[str, Any]]:
    if one.kserve is None or plan.kserve is None:
        return [serving.deployment(one)]
    return [*map(kserve.serving_runtime, plan.kserve.runtimes), kserve.inference_service(one, one.kserve)]


def paths(value: Any, at: str = "") -> Iterator[str]:
    """Every leaf's field path; list indexes are dropped, an empty list or mapping counts as nothing."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, f"{at}.{key}" if at else key)
    elif isinstance(value, list):
        for inner in value:
            yield from paths(inner, f"{at}[]")
    else:
        yield at


def shape(plan: StackPlan) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for manifest in manifests(plan):
        found.setdefault(manifest["kind"], set()).update(paths(manifest))
    return found


@pytest.mark.parametrize("foundation", FOUNDATIONS)
@settings(max_examples=25, deadline=None)
@given(drawn=blocks)
def test_the_same_block_has_the_same_kinds_and_fields_on_every_stack(foundation, drawn):
    shapes = {stack: shape(planned(drawn, stack, foundation)) for stack in STACKS}
    kinds = set.union(*(set(found) for found in shapes.values())) - set(ALLOWED_KINDS)

    for stack, found in shapes.items():
        assert set(found) - set(ALLOWED_KINDS) == kinds, stack
    for kind in kinds:
        everywhere = set.union(*(found[kind] for found in shapes.values()))
        differing = {path for path in everywhere if not all(path in found[kind] for found in shapes.values())}
        assert differing <= {path for listed, path in ALLOWED if listed == kind}, kind


@pytest.mark.parametrize(("kind", "path"), ALLOWED)
def test_each_allowed_difference_really_occurs(kind, path):
    """A list that is longer than the truth would hide the next difference."""
    drawn = {
        "context": 1024,
        "parallel": 1,
        "tier": "hot",
        "servedName": "x",
        "size": 100,
        "digest": "a" * 64,
        "log": "both",
    }
    foundation = "kserve" if kind == "InferenceService" else "plain"
    present = [path in shape(planned(drawn, stack, foundation))[kind] for stack in STACKS]

    assert any(present) and not all(present)


@pytest.mark.parametrize("stack", STACKS)
def test_a_switch_of_foundation_changes_the_workload_and_nothing_else(stack):
    drawn = {
        "context": 1024,
        "parallel": 1,
        "tier": "hot",
        "servedName": "x",
        "size": 100,
        "digest": "a" * 64,
        "log": "both",
    }
    plain, on_kserve = ({m["kind"]: m for m in manifests(planned(drawn, stack, each))} for each in FOUNDATIONS)
    shared = set(plain) & set(on_kserve)

    assert set(plain) - shared == {"Deployment"}
    assert set(on_kserve) - shared == {"ClusterServingRuntime", "InferenceService"}
    for kind in shared:
        changed = [path for path, one, other in leaves(plain[kind], on_kserve[kind]) if one != other]
        # A scaler is named by the workload that it scales.
        named = (
            {"metadata.name", "spec.scaleTargetRef.name"}
            if kind in ("ScaledObject", "HorizontalPodAutoscaler")
            else set()
        )
        assert set(changed) <= {"metadata.labels.substrate.dev/foundation", *named}, kind


def leaves(one: Any, other: Any, at: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in {*one, *other}:
            yield from leaves(one.get(key), other.get(key), f"{at}.{key}" if at else key)
    else:
        yield at, one, other
