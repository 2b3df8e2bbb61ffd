"""What scales what: HorizontalPodAutoscalers and KEDA's objects, and the workload each one drives. Imports `objects`.

A target is named by kind, namespace and name, as in scaleTargetRef, without the API group, which authors leave out.
"""

from __future__ import annotations

from dataclasses import dataclass

from policies.resources.objects import KubernetesObject
from policies.resources.plain import mapping, text
from policies.resources.pods import KSERVE_GROUP

HPA, SCALED_OBJECT, SCALED_JOB, HTTP_SCALED_OBJECT = (
    "HorizontalPodAutoscaler", "ScaledObject", "ScaledJob", "HTTPScaledObject",
)  # fmt: skip
_GROUPS = {HPA: "autoscaling", SCALED_OBJECT: "keda.sh", SCALED_JOB: "keda.sh", HTTP_SCALED_OBJECT: "http.keda.sh"}


@dataclass(frozen=True)
class Target:
    """What a scaler drives."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


def is_scaler(obj: KubernetesObject) -> bool:
    return _GROUPS.get(obj.kind) == obj.group


def target_of(obj: KubernetesObject) -> Target | None:
    """The target of a scaler, None where it names none (a ScaledJob makes its own). Raises UnknownValueError."""
    reference = mapping(obj.spec.get("scaleTargetRef"))
    name = text(reference.get("name"))
    if not is_scaler(obj) or name is None:
        return None
    return Target(text(reference.get("kind")) or "Deployment", obj.namespace, name)


def targets_made_by(obj: KubernetesObject) -> list[Target]:
    """What a scaler may point at to reach this object: itself, or the Deployment that KServe makes of it."""
    name = obj.name
    if name is None:
        return []
    made = [Target(obj.kind, obj.namespace, name)]
    if obj.group == KSERVE_GROUP and obj.kind == "InferenceService":
        made += [
            Target("Deployment", obj.namespace, f"{name}-{suffix}") for suffix in ("predictor", "predictor-default")
        ]
    if obj.group == KSERVE_GROUP and obj.kind == "LLMInferenceService":
        made.append(Target("Deployment", obj.namespace, f"{name}-kserve"))
    return made
