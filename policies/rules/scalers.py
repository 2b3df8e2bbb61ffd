"""A scaler's two ends are in order, its target is there, and no other scales it. Imports the rule and the resources."""

from __future__ import annotations

from collections.abc import Iterator

from policies.cel import SCALED_JOB as CEL_SCALED_JOB
from policies.cel import SCALED_OBJECT as CEL_SCALED_OBJECT
from policies.cel import Validation
from policies.resources.objects import KubernetesObject
from policies.resources.plain import mappings, text
from policies.resources.queries import queries
from policies.resources.replicas import KEDA_MOST, Bounds, bounds, takes_scaler
from policies.resources.scalers import HTTP_SCALED_OBJECT, SCALED_OBJECT, Target, is_scaler, target_of
from policies.resources.stack import Stack
from policies.resources.subject import Subject
from policies.rule import Flaw, NotApplicable, Severity, rule, stack_rule

KSERVE_CLASS, KSERVE_MODE = "serving.kserve.io/autoscalerClass", "serving.kserve.io/deploymentMode"
_OWN_CLASSES = ("hpa", "keda")
_MODES_OF_DEPLOYMENTS = ("Standard", "RawDeployment")
_NO_SCALED_OBJECT = "httpscaledobject.keda.sh/skip-scaledobject-creation"
_TAKES_OVER = "scaledobject.keda.sh/transfer-hpa-ownership"

WHY_BOUNDS = (
    "the API server, KEDA's or KServe's webhook refuses it, in the middle of an update, or the controller takes the "
    "larger number for neither: nothing is scaled as written"
)
WHY_TWO = (
    "each of them sets the count of replicas that it wants and undoes the other's: replicas come and go every 15 "
    "seconds, and each one that comes reads its weights again"
)
WHY_NO_TARGET = (
    "a scaler whose target is not there does nothing and says so in its status only: the model that it was written for "
    "stays at the replicas that it started with"
)
LINK = "https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/"


_BOUNDS_CEL = Validation(
    (CEL_SCALED_OBJECT, CEL_SCALED_JOB),  # an HPA's the API compares by itself
    f"object.spec.?minReplicaCount.orValue(0) <= object.spec.?maxReplicaCount.orValue({KEDA_MOST})",
    f"minReplicaCount (0 where it is not set) is above maxReplicaCount ({KEDA_MOST} where it is not set)",
    "raise maxReplicaCount, or lower minReplicaCount",
)


@rule("min-above-max", Severity.MEDIUM, WHY_BOUNDS, LINK, cel=(_BOUNDS_CEL,))
def min_above_max(subject: Subject) -> Iterator[Flaw]:
    """Of any scaler, a model's or not: what nobody accepts is no matter of taste."""
    for bound in bounds(subject.obj):
        if bound.most and bound.least.replicas > bound.most.replicas:
            yield Flaw(f"{bound.least}, and {bound.most}", _raise(bound))


@stack_rule("two-scalers", Severity.HIGH, WHY_TWO, LINK)
def two_scalers(subject: Subject, stack: Stack) -> Iterator[Flaw]:
    """Told of the last scaler of a target, and of one beside the scaler that KServe makes itself."""
    if not is_scaler(subject.obj):
        return
    beside = stack.scalers_beside(subject)
    others = [one for one in beside if one is not subject and _fight(one.obj, subject.obj)]
    if others and beside[-1] is subject and _of_a_model([subject, *others], stack):
        names = ", ".join(map(str, others))
        yield Flaw(f"it scales {target_of(subject.obj)}, and so does {names}", "keep one of them, with all the metrics")
    for workload in stack.workloads_of(subject):
        if workload.served and (made := _made_by_kserve(workload.obj)):
            fix = f"set {KSERVE_CLASS}: external on {workload}, or remove this scaler"
            yield Flaw(f"it scales {workload}, for which KServe makes a scaler of its own ({made})", fix)


@stack_rule("scaler-without-target", Severity.MEDIUM, WHY_NO_TARGET, LINK)
def scaler_without_target(subject: Subject, stack: Stack) -> Iterator[Flaw | NotApplicable]:
    """Refused only where a model that nothing scales is all but named: the target may be another stack's."""
    target = target_of(subject.obj) if is_scaler(subject.obj) else None
    if target is None or stack.workloads_of(subject) or not _of_a_model([subject], stack):
        return
    near = [one for one in stack.subjects if _near(one.obj, target) and one.served and not stack.scalers_of(one)]
    near.sort(key=str)
    if not near:
        yield NotApplicable("its target is not in this stack, so only what it says itself could be judged")
        return
    fix = f"point spec.scaleTargetRef at {near[0]}, if that is what is meant"
    yield Flaw(f"spec.scaleTargetRef is {target}, which is not in this stack, and {near[0]} is", fix)


RULES = (min_above_max, two_scalers, scaler_without_target)


def _raise(bound: Bounds) -> str:
    path = bound.most.path if bound.most else ""
    return f"set {path} to {bound.least.replicas} or more, or lower {bound.least.path}"


def _of_a_model(scalers: list[Subject], stack: Stack) -> bool:
    """Whether a language model is behind the scalers, by their labels, their metrics or their target."""
    return any(
        one.served
        or any(query.of_engines for query in queries(one.obj))
        or any(workload.served for workload in stack.workloads_of(one))
        for one in scalers
    )


def _fight(one: KubernetesObject, other: KubernetesObject) -> bool:
    """Whether two scalers of a target undo each other: not where one of KEDA's is made to work with the other."""
    for first, second in ((one, other), (other, one)):
        if first.kind == HTTP_SCALED_OBJECT and second.kind == SCALED_OBJECT:
            kinds = [text(trigger.get("type")) for trigger in mappings(second.spec.get("triggers"))]
            if text(first.annotations.get(_NO_SCALED_OBJECT)) == "true" or "external-push" in kinds:
                return False
        if first.kind == SCALED_OBJECT and text(first.annotations.get(_TAKES_OVER)) == "true":
            return False
    return True


def _made_by_kserve(obj: KubernetesObject) -> str | None:
    """Why KServe scales an InferenceService's Deployments itself; None where it leaves that to others, or may."""
    if obj.kind != "InferenceService":
        return None
    chosen = text(obj.annotations.get(KSERVE_CLASS))
    if chosen in _OWN_CLASSES:
        return f"annotation {KSERVE_CLASS} is {chosen}"
    mode = text(obj.annotations.get(KSERVE_MODE))
    return f"mode {mode} and no annotation {KSERVE_CLASS}" if chosen is None and mode in _MODES_OF_DEPLOYMENTS else None


def _near(obj: KubernetesObject, target: Target) -> bool:
    """Whether an object is what a target must mean: but for the kind, the namespace or one letter it is that."""
    name = obj.name
    if not takes_scaler(obj) or name is None:
        return False
    here, same = obj.namespace == target.namespace, name == target.name
    return (same and (here or obj.kind == target.kind)) or (
        here and obj.kind == target.kind and _one_letter_apart(name, target.name)
    )


def _one_letter_apart(one: str, other: str) -> bool:
    """Whether a letter was left out, added, changed, or exchanged with the next. A digit tells two models apart."""
    short, long = sorted((one, other), key=len)
    start = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    rest, longer = short[start:], long[start:]
    if len(short) < len(long):
        apart, touched = rest == longer[1:], longer[:1]
    elif rest[1:] == longer[1:]:
        apart, touched = True, rest[:1] + longer[:1]
    else:
        apart, touched = rest[:2] == longer[1::-1] and rest[2:] == longer[2:], rest[:2]
    return apart and len(short) >= 4 and not any(mark.isdigit() for mark in touched)
