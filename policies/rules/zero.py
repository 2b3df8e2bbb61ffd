"""Only the long tail goes to zero, and only where something wakes it. Imports the rule and the resources.

A count of 0 that a person wrote, in `replicas` or in a pause, is a model that is switched off: nobody waits for it.
What a scaler brings to 0 somebody waits for.
"""

from __future__ import annotations

from collections.abc import Iterator

from policies.resources.objects import KubernetesObject
from policies.resources.plain import dig, text
from policies.resources.pods import KSERVE_GROUP, labelled
from policies.resources.queries import queries
from policies.resources.replicas import KEDA_PAUSED, Count, counts
from policies.resources.scalers import HTTP_SCALED_OBJECT, SCALED_JOB, is_scaler
from policies.resources.stack import Stack
from policies.resources.subject import Subject
from policies.resources.tier import LONG_TAIL, TIER
from policies.resources.workloads import DOMAIN
from policies.rule import Flaw, NotApplicable, Severity, stack_rule
from policies.rules.scalers import KSERVE_CLASS, KSERVE_MODE

WOKEN_BY = f"{DOMAIN}/woken-by"
KNATIVE_CLASS = "autoscaling.knative.dev/class"
_KNATIVE_MODES = ("Knative", "Serverless")

WHY = (
    "at zero pods there is no series of theirs, so a scaler that reads their metrics sees no load and never starts the "
    "first one: every request fails until somebody scales it by hand"
)
WHY_TIER = (
    "whoever asks it first after a quiet hour waits for a whole cold start, which only tier longTail is promised to do"
)
LINK = "https://keda.sh/docs/latest/concepts/scaling-deployments/#activating-and-scaling-thresholds"


@stack_rule("zero-without-waker", Severity.HIGH, WHY, LINK)
def zero_without_waker(subject: Subject, stack: Stack) -> Iterator[Flaw | NotApplicable]:
    """A count of zero that nothing wakes, or of a tier that is promised more; a hot one is hot-floor's to tell of."""
    zeros = _zeros(subject.obj)
    if not zeros:
        return
    workloads = [subject, *(stack.workloads_of(subject) if is_scaler(subject.obj) else [])]
    if not any(one.served for one in workloads) or any(one.hot for one in workloads):
        return
    tier = next((told for one in workloads if (told := _tier(one))), LONG_TAIL)
    woken = True if any(_documented(one) for one in workloads) else _woken(subject, stack)
    for count in zeros:
        if tier != LONG_TAIL:
            fix = f"set {count.path} to at least 1, or {TIER}: {LONG_TAIL} and something that wakes it"
            yield Flaw(f"{count}, and the model's tier is {tier}", fix, WHY_TIER)
        elif woken is None:
            yield NotApplicable(f"annotation {KSERVE_MODE}, which says whether anything wakes it from zero, is missing")
        elif not woken:
            yield Flaw(f"{count}, and nothing wakes it: {_asked(subject.obj)}", _fix(count))


RULES = (zero_without_waker,)


def _zeros(obj: KubernetesObject) -> list[Count]:
    """The places by which a scaler may bring the object, or its target, to zero."""
    if is_scaler(obj) and obj.kind != SCALED_JOB:
        return [count for count in counts(obj) if count.replicas == 0 and KEDA_PAUSED not in count.path]
    if obj.group == "serving.knative.dev" and not _least_is_one(dig(obj.body, "spec", "template", "metadata")):
        return [count for count in counts(obj) if count.replicas == 0]
    if obj.group == KSERVE_GROUP and (obj.kind != "InferenceService" or _scaled_by_kserve(obj)):
        # A written `replicas` of an LLMInferenceService is a person's; what idles is a scaler's.
        return [count for count in counts(obj) if count.replicas == 0 and not count.path.endswith("replicas")]
    return []


def _scaled_by_kserve(obj: KubernetesObject) -> bool:
    """Not with a scaler of somebody else's or with none; and the HPA that it makes keeps 1, whatever the least is."""
    chosen, mode = text(obj.annotations.get(KSERVE_CLASS)), text(obj.annotations.get(KSERVE_MODE))
    return chosen == "keda" or (chosen in (None, "kpa.autoscaling.knative.dev") and mode in (None, *_KNATIVE_MODES))


def _least_is_one(metadata: object) -> bool:
    """Knative's HPA class never goes to zero."""
    return (text(dig(metadata, "annotations", KNATIVE_CLASS)) or "").startswith("hpa.")


def _woken(subject: Subject, stack: Stack) -> bool | None:
    """Whether something sees a request while there is no pod; None where that is not told."""
    obj = subject.obj
    if obj.group == "serving.knative.dev" or obj.kind == HTTP_SCALED_OBJECT:
        return True
    if obj.kind == "InferenceService" and text(obj.annotations.get(KSERVE_CLASS)) != "keda":
        mode = text(obj.annotations.get(KSERVE_MODE))
        return None if mode is None else mode in _KNATIVE_MODES
    beside = stack.scalers_beside(subject) if is_scaler(obj) else []
    return any(not query.of_the_pods for query in queries(obj)) or any(
        one.obj.kind == HTTP_SCALED_OBJECT for one in beside
    )


def _documented(subject: Subject) -> bool:
    return any(text(holder.annotations.get(WOKEN_BY)) for holder in labelled(subject.obj, subject.pods))


def _tier(subject: Subject) -> str | None:
    """The tier that an object or its pods name."""
    holders = labelled(subject.obj, subject.pods)
    told = (text(values.get(TIER)) for holder in holders for values in (holder.labels, holder.annotations))
    return next((tier for tier in told if tier), None)


def _asked(obj: KubernetesObject) -> str:
    asked = ", ".join(f"{query.place} ({query.kind})" for query in queries(obj))
    return f"all that it reads are metrics of the pods themselves, {asked}" if asked else "it reads nothing"


def _fix(count: Count) -> str:
    return (
        f"set {count.path} to at least 1; or add a trigger that sees requests while there is no pod (the gateway's "
        f"count, KEDA's HTTP add-on), and say so with annotation {WOKEN_BY} where it is not in this stack"
    )
