"""The controller of KServe's LLMInferenceServices, beside the extra `kserve`, which it needs. Imports that extra.

The objects are the release's own (charts/kserve-llmisvc-resources and kserve-runtime-configs).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cluster.embedded import addons
from cluster.embedded.components.component import Component, task
from cluster.embedded.definitions import apply_all, establish
from cluster.embedded.extras.extra import Extra
from cluster.embedded.extras.kserve import LEFT_OUT, NAMESPACE, Ports, adapted, controller
from cluster.embedded.extras.release import documents, patient_api
from cluster.embedded.layout import Inside
from cluster.embedded.plan import Plan

NAME = "kserve-llm"
MANAGER, RESOURCES, PRESETS = "kserve-llm-manager", "kserve-llm-resources", "kserve-presets"
_PORTS = Ports(webhook=9446, metrics=9447, probe=9448)
_INSTALL = 300.0  # seconds
_PRESETS = f"/apis/serving.kserve.io/v1alpha2/namespaces/{NAMESPACE}/llminferenceserviceconfigs"


def objects(resources: Path, authority: bytes) -> Iterator[addons.Object]:
    """All that the controller needs but the definitions, in the order of its making."""
    for item in documents(_file(resources)):
        if item["kind"] not in (*LEFT_OUT, "CustomResourceDefinition"):
            yield adapted(item, authority, _PORTS.webhook, "kserve/llmisvc-controller")


def _file(resources: Path) -> Path:
    return resources / "llmisvc" / "resources.yaml"


def _install(plan: Plan) -> None:
    """The definitions of what it makes for routers and schedulers too: it asks for them at its start."""
    api = patient_api()
    resources = Path(plan.binary(RESOURCES))
    establish(api, addons.definitions(_file(resources)))
    apply_all(api, objects(resources, (Inside.PKI / "ca.crt").read_bytes()))


def _presets(plan: Plan) -> None:
    """What it merges every service into. Once it runs: its own webhook judges them."""
    api = patient_api()
    apply_all(api, documents(Path(plan.binary(PRESETS)) / "llmisvcconfigs" / "resources.yaml"))


def _components(plan: Plan) -> tuple[Component, ...]:
    return (
        Component(NAME, task(plan.python, NAME), after=("kserve",), task=True, expected=3, timeout=_INSTALL),
        controller(plan, MANAGER, _PORTS, NAME),
        Component(PRESETS, task(plan.python, PRESETS), after=(MANAGER,), task=True, expected=2, timeout=_INSTALL),
    )


EXTRA = Extra(
    NAME,
    needs=("kserve",),
    binaries=(MANAGER, RESOURCES, PRESETS),
    components=_components,
    tasks={NAME: _install, PRESETS: _presets},
    objects={
        NAME: (f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/llmisvc-controller-manager",),
        PRESETS: (f"{_PRESETS}/kserve-config-llm-template",),
    },
)
