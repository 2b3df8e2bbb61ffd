"""KServe is told what it would otherwise take from its install. Imports the rule and the resources."""

from __future__ import annotations

from collections.abc import Iterator

from policies.cel import INFERENCE_SERVICE, Validation, listed, quoted
from policies.resources.objects import KubernetesObject
from policies.resources.plain import Object, dig, known, mapping, mappings, text
from policies.resources.pods import KSERVE_CONTAINERS, KSERVE_GROUP
from policies.resources.replicas import KSERVE_COMPONENTS
from policies.resources.stack import Stack
from policies.resources.subject import Subject
from policies.rule import Flaw, NotApplicable, Said, Severity, rule, stack_rule

MODE = "serving.kserve.io/deploymentMode"
WITHOUT_KNATIVE = ("Standard", "RawDeployment")
SHIPPED = "kserve-"  # so begin the names of KServe's own runtimes
CANARY = "canaryTrafficPercent"
_FIX_CANARY = (
    f"write {MODE}: Knative; or serve the new weights as an InferenceService of their own and split the requests in an "
    "HTTPRoute"
)

WHY_MODE = (
    "without it the install decides, and installs differ: KServe's own manifests say Serverless, its chart Knative, "
    "its code Standard; an upgrade changed it under running models (kserve#4191), and it cannot be changed afterwards"
)
WHY_CANARY = (
    "only Knative keeps the revision before: in Standard mode KServe passes over the percentage without a word "
    "(kserve#5335), and all requests move to the new model at once"
)
WHY_LIMITS = (
    "KServe then takes the runtime's own, which in those that it ships is 1 CPU and 2Gi: a language model is killed "
    "for memory while it loads, or answers at the speed of one core"
)
LINK_MODES = "https://kserve.github.io/website/docs/admin-guide/overview#deployment-modes"
LINK_CANARY = "https://github.com/kserve/kserve/issues/5335"
LINK_RUNTIMES = "https://github.com/kserve/kserve/tree/master/config/runtimes"


@rule("kserve-mode", Severity.HIGH, WHY_MODE, LINK_MODES)
def kserve_mode(subject: Subject) -> Iterator[Flaw]:
    """An InferenceService of a language model that does not say how it runs."""
    obj = subject.obj
    if not _is_inference_service(obj) or obj.patch or text(obj.annotations.get(MODE)):
        return
    if served := subject.served:
        yield Flaw(f"annotation {MODE} is missing ({served})", f"write {MODE}: Standard, or Knative")


_CANARY_CEL = Validation(
    (INFERENCE_SERVICE,),
    f"!(variables.annotations[?{quoted(MODE)}].orValue('') in {listed(WITHOUT_KNATIVE)})"
    f" || ![{', '.join(f'object.?spec.?{name}.?{CANARY}' for name in KSERVE_COMPONENTS)}]"
    ".exists(share, share.hasValue())",
    f"{CANARY} is set, and annotation {MODE} is {' or '.join(WITHOUT_KNATIVE)}",
    _FIX_CANARY,
)


@rule("canary-in-standard", Severity.HIGH, WHY_CANARY, LINK_CANARY, cel=(_CANARY_CEL,))
def canary_in_standard(subject: Subject) -> Iterator[Said]:
    """A share of the requests that nothing splits."""
    if not _is_inference_service(subject.obj):
        return
    written = [name for name in KSERVE_COMPONENTS if known(dig(subject.obj.spec, name, CANARY)) is not None]
    if not written:
        return
    mode = text(subject.obj.annotations.get(MODE))
    if not mode:
        yield NotApplicable(f"whether {CANARY} has an effect hangs on the mode: write annotation {MODE}")
    elif mode in WITHOUT_KNATIVE:
        for name in written:
            yield Flaw(
                f"spec.{name}.{CANARY} is set, and annotation {MODE} is {mode}",
                _FIX_CANARY,
            )


@stack_rule("kserve-default-limits", Severity.HIGH, WHY_LIMITS, LINK_RUNTIMES)
def kserve_default_limits(subject: Subject, stack: Stack) -> Iterator[Said]:
    """A model whose memory neither it nor its runtime says. Of a runtime of another stack that is not known."""
    if not _is_inference_service(subject.obj) or subject.obj.patch:
        return
    predictor = mapping(subject.obj.spec.get("predictor"))
    for key in KSERVE_CONTAINERS:
        model = mapping(predictor.get(key))
        if not model or _memory(model) or not subject.served or _said_by_runtime(subject, stack):
            continue
        named = text(model.get("runtime"))
        if named and not named.startswith(SHIPPED) and stack.runtime_of(subject) is None:
            yield NotApplicable(f"runtime {named} is not in this stack: write the model's own resources.limits.memory")
            continue
        told = "has no resources" if not mapping(model.get("resources")) else "has no resources.limits.memory"
        yield Flaw(
            f"spec.predictor.{key} {told} ({subject.served})",
            f"write spec.predictor.{key}.resources with requests and limits of cpu and memory: weights, KV cache and "
            "/dev/shm count",
        )


RULES = (kserve_mode, canary_in_standard, kserve_default_limits)


def _is_inference_service(obj: KubernetesObject) -> bool:
    return obj.kind == "InferenceService" and obj.group == KSERVE_GROUP


def _memory(container: Object) -> bool:
    return known(dig(container, "resources", "limits", "memory")) is not None


def _said_by_runtime(subject: Subject, stack: Stack) -> bool:
    """Whether the runtime that the model names is of this stack and says the memory."""
    runtime = stack.runtime_of(subject)
    return runtime is not None and any(map(_memory, mappings(runtime.obj.spec.get("containers"))))
