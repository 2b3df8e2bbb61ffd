"""The same bento has the same kinds and fields on a laptop's CPU, on one old GPU and on a fleet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from substrate.manifests import bento, model, staging
from substrate.plan import StackPlan
from tests.shape.differences import ALLOWED, ALLOWED_KINDS
from tests.shape.test_portable import HOMES, NAME, paths
from tests.stacks import STACKS, document, plan_document, server

WEIGHTS = {"from": "s3://bentos/iris/", "files": {"bento.yaml": {"sha256": "a" * 64, "size": "1Mi"}}}
STAGES = {"score": {"service": "Score"}, "entry": {"service": "Pipeline", "depends": ["score"]}}
BLOCKS: dict[str, dict[str, Any]] = {
    "held by its image": {"bento": {"image": "registry.example/iris:1.0.0"}},
    "staged": {"weights": WEIGHTS},
    "in stages": {"weights": WEIGHTS, "bento": {"stages": STAGES}},
}
# Beside a GPU a framework's processes hand tensors on in /dev/shm, which is the pod's memory.
SHARED_MEMORY = {("Deployment", "spec.template.spec.volumes[].emptyDir.medium")}


def planned(stack: str, block: dict[str, Any], folder: Path) -> StackPlan:
    pool, store, team = HOMES[stack]
    weights = {"weights": {**block["weights"], "store": store}} if "weights" in block else {}
    data = document(stack)
    data["config"]["substrate:models"] = {
        NAME: {**block, **weights, "pool": pool, "team": team, "foundation": "bentoml"}
    }
    return plan_document(data, folder, stack)


def shape(plan: StackPlan) -> dict[str, set[str]]:
    one = server(plan, NAME)
    assert one.bento
    staged = [part(claim, claim.weights[0]) for claim in plan.claims for part in (staging.config_map, staging.job)]
    objects = [*staged, *model.faces(one), *bento.stage_objects(one, one.bento), bento.deployment(one, one.bento)]
    found: dict[str, set[str]] = {}
    for manifest in objects:
        found.setdefault(manifest["kind"], set()).update(paths(manifest))
    return found


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_bento_has_the_same_kinds_and_fields_on_every_stack(block, tmp_path):
    shapes = {stack: shape(planned(stack, block, tmp_path)) for stack in STACKS}
    kinds = set(shapes["local"])

    assert all(set(found) - set(ALLOWED_KINDS) == kinds for found in shapes.values())
    for kind in kinds:
        everywhere = set.union(*(found[kind] for found in shapes.values()))
        differing = {(kind, path) for path in everywhere if not all(path in found[kind] for found in shapes.values())}
        assert differing <= set(ALLOWED) | SHARED_MEMORY


@pytest.mark.parametrize("stack", STACKS)
def test_url_of_a_bento_is_like_any_models(stack, tmp_path):
    plan = planned(stack, BLOCKS["staged"], tmp_path)

    assert server(plan, NAME).model.url == f"http://127.0.0.1:8080/{NAME}"
