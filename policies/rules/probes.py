"""A model's pods are asked before they serve, may take their time to load and to end. Imports the rule and resources.

The time that a load may take is nobody's to guess: the annotation substrate.dev/cold-start-budget says it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from policies.cel import ANSWERING, Validation, each_container, of_models
from policies.resources.arguments import option
from policies.resources.makers import Field
from policies.resources.plain import Object, dig, known, mapping, sequence, text, whole
from policies.resources.pods import Container, Pod, labelled, words_of
from policies.resources.quantities import seconds
from policies.resources.runtimes import RUNTIMES
from policies.resources.subject import Subject
from policies.resources.workloads import DOMAIN, servers
from policies.rule import Flaw, NotApplicable, Said, Severity, rule

BUDGET = f"{DOMAIN}/cold-start-budget"
WHY_READINESS = (
    "a server opens its port minutes before its model answers, or is deemed ready as soon as its process runs: each "
    "start, update and drain then sends requests to a pod that cannot answer"
)
LINK = "https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/"
WHY_BUDGET = (
    "the kubelet ends a container whose start-up or liveness probe gives up, so a load that takes longer begins anew, "
    "for ever, and the slower the storage is that day the surer"
)
WHY_GRACE = (
    "after its grace period a pod is killed, whatever it is doing: what a request had waited for is lost, and clients "
    "see broken connections at each update and drain"
)
LINK_GRACE = "https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination"
# Nothing is sent to them, and they end by themselves.
BATCH = frozenset({"Job", "CronJob", "ScaledJob", "JobSet", "RayJob"})
DEFAULT_GRACE = 30
# For an engine's exit after all that: SIGKILL must not be what ends a healthy server.
MARGIN = 5
# Options by which engines say how long they finish requests after SIGTERM.
_DRAINS = frozenset({"--shutdown-timeout", "--graceful-termination-timeout", "--exit-timeout-secs"})
_PYTHON_SLEEP = re.compile(r"\bsleep\((\d+(?:\.\d+)?)\)")


_FIX_READINESS = (
    "add a readinessProbe that asks what answers only once the model does, as /health of vLLM and llama.cpp, "
    "/v2/health/ready of Triton"
)
_READINESS_CEL = Validation(
    ANSWERING,
    # Which of several containers is the server is the pack's to tell: none has a probe here.
    of_models("variables.podSpec.containers.exists(container, has(container.readinessProbe))"),
    "no container of a model's pod has a readinessProbe",
    _FIX_READINESS,
)
_GRACE_CEL = Validation(
    ANSWERING,
    each_container(
        f"container.?lifecycle.?preStop.?sleep.?seconds.orValue(0) + {MARGIN}"
        f" <= variables.podSpec.?terminationGracePeriodSeconds.orValue({DEFAULT_GRACE})"
    ),
    "terminationGracePeriodSeconds is over before the preStop hook's sleep and the exit are",
    f"set it to the sleep and {MARGIN} s at least, and beyond the longest answer",
)


@rule("no-readiness", Severity.HIGH, WHY_READINESS, LINK, cel=(_READINESS_CEL,))
def no_readiness(subject: Subject) -> Iterator[Flaw]:
    """A pod none of whose servers has a readiness probe."""
    for pod in _answering(subject):
        probes = [known(one.body.get("readinessProbe")) for one, _ in servers(pod, subject.settings)]
        if not any(probes) and pod.leaves_out(Field.READINESS, None):
            named = ", ".join(str(one) for one, _ in servers(pod, subject.settings))
            yield Flaw(f"{named} of {pod.path} has no readinessProbe", _FIX_READINESS)


@rule("startup-budget", Severity.HIGH, WHY_BUDGET, LINK)
def startup_budget(subject: Subject) -> Iterator[Said]:
    """A probe that gives up before the load's budget is over; not applicable where nobody says the budget."""
    for pod in _answering(subject):
        for container, _ in servers(pod, subject.settings):
            if patience := _patience(container):
                yield from _short(subject, pod, container, *patience)


@rule("grace", Severity.MEDIUM, WHY_GRACE, LINK_GRACE, cel=(_GRACE_CEL,))
def grace(subject: Subject) -> Iterator[Flaw]:
    """A grace period that is over before the preStop hook and the engine's own drain are."""
    for pod in _answering(subject):
        written = whole(pod.spec.get("terminationGracePeriodSeconds"))
        if written is None and Field.GRACE in pod.filled:
            continue
        given = DEFAULT_GRACE if written is None else written
        needed = max((_to_end(container) for container in pod.containers), default=0.0) + MARGIN
        if given < needed:
            default = ", the default," if written is None else ""
            yield Flaw(
                f"{pod.path}.terminationGracePeriodSeconds is {given}{default} and preStop hook, drain and exit take "
                f"{needed:g}",
                f"set {pod.path}.terminationGracePeriodSeconds to {needed:g} at least, and beyond the longest answer",
            )


RULES = (no_readiness, startup_budget, grace)


def _answering(subject: Subject) -> list[Pod]:
    """The pods to which requests are sent."""
    if subject.obj.kind in BATCH:
        return []
    return [pod for pod in subject.models if not pod.follows]


def _patience(container: Container) -> tuple[str, int] | None:
    """The probe that ends a container which does not start, and after how many seconds; None where none does."""
    for name in ("startupProbe", "livenessProbe"):
        probe = mapping(container.body.get(name))
        if probe:
            period, failures = _number(probe, "periodSeconds", 10), _number(probe, "failureThreshold", 3)
            return name, _number(probe, "initialDelaySeconds", 0) + period * failures
    return None


def _number(probe: Object, name: str, default: int) -> int:
    """A field of a probe; the API takes zero for its default."""
    return whole(probe.get(name)) or default


def _short(subject: Subject, pod: Pod, container: Container, probe: str, patience: int) -> Iterator[Said]:
    written = _budget(subject, pod)
    budget = seconds(written)
    if written is None and subject.obj.kind in RUNTIMES:
        return  # of whichever model it serves: it is judged with each
    if budget is None:
        what = "is missing" if written is None else "is no duration"
        yield NotApplicable(f'annotation {BUDGET} {what}: write how long a load may take, as "600s"')
    elif patience < budget:
        lone = "" if probe == "startupProbe" else ", which no startupProbe holds back,"
        yield Flaw(
            f"{probe} of {container}{lone} gives up after {patience} s, and the load may take {budget:g} s",
            f"let periodSeconds times failureThreshold of a startupProbe of {container} be {budget:g} at least",
        )


def _budget(subject: Subject, pod: Pod) -> str | None:
    told = (text(holder.annotations.get(BUDGET)) for holder in reversed(labelled(subject.obj, [pod])))
    return next((one for one in told if one), None)


def _to_end(container: Container) -> float:
    """Seconds that the preStop hook sleeps and the engine then drains, as far as they are written."""
    said = option(container, _DRAINS)
    drain = seconds(said.value) if said and said.value else None
    return _sleeps(dig(container.body, "lifecycle", "preStop")) + (drain or 0)


def _sleeps(hook: Any) -> float:
    own = whole(dig(hook, "sleep", "seconds"))
    if own is not None:
        return own
    parts = sequence(dig(hook, "exec", "command"))
    words = words_of(parts)
    found = [seconds(after) for word, after in pairwise(words) if word.rpartition("/")[2] == "sleep"]
    python = [float(one) for part in parts for one in _PYTHON_SLEEP.findall(text(part) or "")]
    return sum(one for one in found if one) + sum(python)
