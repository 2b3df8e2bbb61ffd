"""The real API server, with our admission policies, refuses what the pack refuses and nothing else, on one corpus.

The policies warn here, since of several refusals the server tells only the first; that they refuse is its own test.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from cluster import tools
from policies.admission import manifests
from policies.rule import Level
from policies.rules import RULES
from policies.settings import Settings
from tests.cluster.conftest import Embedded, completed, eventually
from tests.policies.admission_corpus import (
    CORPUS,
    MUTATED,
    NAMESPACE,
    PACK_ALONE,
    REFUSED_BY_THE_API,
    SERVER_ALONE,
    by_the_pack,
    matching,
    written,
)
from tests.policies.judging import Manifest

pytestmark = [pytest.mark.cluster, pytest.mark.extras("kserve", "kserve-llm")]

IN_CEL = tuple(rule for rule in RULES if rule.cel)
WARNING = Settings(levels={rule.name: Level.ADVISORY for rule in IN_CEL})
_TOLD = re.compile(r"^Warning: Validation failed for ValidatingAdmissionPolicy 'substrate-([\w-]+)'", re.MULTILINE)


def definition(group: str, version: str, kind: str) -> Manifest:
    """A custom resource that holds anything, of a system that is not installed here."""
    plural = f"{kind.lower()}s"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    served = {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
            "versions": [served],
        },
    }


DEFINITIONS = (
    definition("keda.sh", "v1alpha1", "ScaledObject"),
    definition("serving.yatai.ai", "v2alpha1", "BentoDeployment"),
)


@pytest.fixture(scope="module")
def cluster(foundations: Embedded) -> Iterator[Embedded]:
    """The shared cluster with the policies as warnings, until the module is done."""
    policies = manifests(RULES, WARNING)
    made = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}, *DEFINITIONS, *policies]
    try:
        foundations.apply(*made)
        names = [f"crd/{one['metadata']['name']}" for one in DEFINITIONS]
        foundations.kubectl("wait", *names, "--for=condition=Established", "--timeout=60s")
        eventually("the policies are in force", lambda: _in_force(foundations))
        yield foundations
    finally:
        listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": made})
        foundations.kubectl("delete", "--ignore-not-found", "--wait=false", "--filename=-", stdin=listed, check=False)


def _in_force(cluster: Embedded) -> bool:
    """Each policy by itself: the server takes them up one by one."""
    told = [judged(cluster, MUTATED[name]) for name in ("hpa on cpu", "hot at zero", "image nginx", "yatai")]
    return all(told) and bool(judged(cluster, MUTATED["runtime of several models"]))


def judged(cluster: Embedded, manifest: Manifest) -> set[str]:
    """The rules by which the server would refuse the object."""
    done = create(cluster, manifest)
    assert done.returncode == 0, f"{manifest}\n{done.stderr}"
    return set(_TOLD.findall(done.stderr))


def create(cluster: Embedded, manifest: Manifest) -> Any:
    command = [str(tools.path("kubectl")), "--kubeconfig", str(cluster.kubeconfig)]
    command += ["create", "--dry-run=server", "--output=name", "--filename=-"]
    return completed(command, check=False, stdin=json.dumps(written(manifest)))


@pytest.mark.parametrize(
    "name", [name for name, manifest in CORPUS.items() if matching(manifest) and name not in REFUSED_BY_THE_API]
)
def test_server_refuses_by_the_same_rules_as_the_pack(cluster: Embedded, name: str) -> None:
    pack, server = by_the_pack(CORPUS[name]), judged(cluster, CORPUS[name])

    assert server - pack == SERVER_ALONE.get(name, set())
    assert pack - server == PACK_ALONE.get(name, set())


def test_refused_object_is_not_made_and_the_person_is_told_why(cluster: Embedded) -> None:
    """At the rules' own level."""
    rules = [rule for rule in IN_CEL if rule.name == "moving-image"]
    cluster.apply(*manifests(rules, Settings()))
    moving, pinned = MUTATED["pod's image"], MUTATED["pod's pinned image"]

    refused = eventually("the policy refuses", lambda: (done := create(cluster, moving)).returncode and done)

    assert "ValidatingAdmissionPolicy 'substrate-moving-image'" in refused.stderr
    assert "fix: pin the tag of every image" in refused.stderr and rules[0].link in refused.stderr
    assert create(cluster, pinned).returncode == 0
