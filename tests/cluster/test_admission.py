"""The real API server, with our admission policies, refuses what the pack refuses and nothing else, on one corpus.

The policies warn here, since of several refusals the server tells only the first; that they refuse is its own test.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster import tools
from policies.admission import manifests
from policies.rule import Level
from policies.rules import RULES
from policies.settings import Settings
from substrate.manifests import kserve as built
from tests.cluster import kserve_objects as kserve
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
from tests.stacks import document, plan_document, server

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


@pytest.fixture(scope="module")
def denying(cluster: Embedded) -> Embedded:
    """The policies at the rules' own levels. Last in this file: what follows would find them so."""
    cluster.apply(*manifests(RULES, Settings()))
    wrong = [MUTATED[name] for name in ("root", "links by label", "hot at zero", "image nginx")]
    eventually("the policies deny", lambda: all(create(cluster, one).returncode for one in wrong))
    return cluster


def on_kserve(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The local stack's model moved there, in this namespace, on no node; and its runtime."""
    data = document("local")
    (name,) = data["config"]["substrate:models"]
    data["config"]["substrate:models"][name]["foundation"] = "kserve"
    plan = plan_document(data, folder, "local")
    one = server(plan, name)
    assert one.kserve and plan.kserve
    service = built.inference_service(one, one.kserve)
    (runtime,) = map(built.serving_runtime, plan.kserve.runtimes)
    service["metadata"]["namespace"] = NAMESPACE
    service["spec"]["predictor"]["nodeSelector"] = {"nowhere": "here"}
    own = {"kind": "ServingRuntime", "metadata": {**runtime["metadata"], "namespace": NAMESPACE}}
    return service, {**runtime, **own}


def test_deployment_that_kserve_makes_of_a_model_of_ours_is_admitted(denying: Embedded, tmp_path: Path) -> None:
    service, runtime = on_kserve(tmp_path)
    denying.apply(runtime, service)

    assert kserve.made(denying, "deployment", f"{service['metadata']['name']}-predictor", NAMESPACE)


def test_deployment_that_kserve_makes_of_a_lax_runtime_is_denied_and_its_service_says_why(
    denying: Embedded, tmp_path: Path
) -> None:
    """The service passes the pack where the runtime is not in its stack."""
    service, runtime = on_kserve(tmp_path)
    service["metadata"]["name"] = "lax"
    runtime["metadata"]["name"] = service["spec"]["predictor"]["model"]["runtime"] = "lax"
    # Of its own container the service says all that matters; a second one is the runtime's alone.
    runtime["spec"]["containers"].append({"name": "beside", "image": runtime["spec"]["containers"][0]["image"]})
    denying.apply(runtime, service)

    def told() -> str:
        events = denying.get("events", "-n", NAMESPACE)["items"]
        of_service = [one["message"] for one in events if one["involvedObject"]["name"] == "lax"]
        return "\n".join([*of_service, kserve.why_not_ready(denying, "lax", NAMESPACE)])

    assert eventually("it says why", lambda: "'substrate-restricted-pod'" in told(), told)
    assert not denying.kubectl("get", "deployment", "lax-predictor", "-n", NAMESPACE, "--ignore-not-found")
