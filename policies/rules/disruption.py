"""Disruption budgets protect hot models and let a drain end. Imports the rule and the resources."""

from __future__ import annotations

import math
from collections.abc import Iterator

from policies.resources.evictions import BUDGET, Watched, is_budget
from policies.resources.plain import text, whole
from policies.resources.stack import Stack
from policies.resources.subject import Subject
from policies.rule import Flaw, Level, Severity, stack_rule

LINK = "https://kubernetes.io/docs/tasks/run-application/configure-pdb/"
WHY_NONE = (
    "a drain of nodes, as every upgrade of a cluster is one, may evict all replicas at once: the model then answers "
    "nothing for a whole cold start"
)
WHY_BLOCKS = (
    "a drain waits for ever for an eviction that is never allowed: the node is not upgraded, or somebody forces it and "
    "the requests in flight are lost"
)
WHY_UNHEALTHY = (
    "by default a replica that is not ready may only be evicted while enough others are: one that crashes or loads "
    "holds up the drain of its node"
)


@stack_rule("no-disruption-budget", Severity.MEDIUM, WHY_NONE, LINK)
def no_disruption_budget(subject: Subject, stack: Stack) -> Iterator[Flaw]:
    """A hot model of two replicas or more whose pods no budget of the stack selects."""
    if not subject.pods or not subject.hot or not subject.served:
        return
    for running in stack.running(subject):
        if running.replicas < 2 or running.labels is None or stack.evictions.budgets_over(subject, running):
            continue
        pods = f"the {running.replicas} pods of {running.part or 'it'}"
        yield Flaw(
            f"no {BUDGET} of the stack selects {pods} (hot: {subject.hot.why})",
            f"add a {BUDGET} with maxUnavailable: 1 and unhealthyPodEvictionPolicy: AlwaysAllow, whose selector "
            "matches the pods' labels",
        )


@stack_rule("budget-blocks-drain", Severity.MEDIUM, WHY_BLOCKS, LINK)
def budget_blocks_drain(subject: Subject, stack: Stack) -> Iterator[Flaw]:
    """A budget over a language model's pods that allows no eviction at the least number of them."""
    watched = _models(subject, stack)
    if watched and (found := _blocks(subject, sum(max(1, one.running.replicas) for one in watched))):
        fix = "write maxUnavailable: 1 in place of it, which lets a drain end at any number of replicas"
        yield Flaw(f"{found}, so no pod of {watched[0].workload} may ever be evicted", fix)


@stack_rule("unhealthy-blocks-drain", Severity.LOW, WHY_UNHEALTHY, LINK, Level.ADVISORY)
def unhealthy_blocks_drain(subject: Subject, stack: Stack) -> Iterator[Flaw]:
    """A budget over a language model's pods that counts a pod which is not ready as one to be kept."""
    watched = _models(subject, stack)
    if watched and text(subject.obj.spec.get("unhealthyPodEvictionPolicy")) != "AlwaysAllow":
        found = f"spec.unhealthyPodEvictionPolicy is not AlwaysAllow, and it selects pods of {watched[0].workload}"
        yield Flaw(found, "set spec.unhealthyPodEvictionPolicy to AlwaysAllow")


RULES = (no_disruption_budget, budget_blocks_drain, unhealthy_blocks_drain)


def _models(budget: Subject, stack: Stack) -> list[Watched]:
    """What a budget watches over, where a language model is among it."""
    if not is_budget(budget.obj) or budget.obj.patch:
        return []
    watched = stack.evictions.watched_by(budget)
    return watched if any(one.workload.served for one in watched) else []


def _blocks(budget: Subject, pods: int) -> str | None:
    """What forbids every eviction among so many pods, as the start of a sentence. The API rounds both shares up."""
    most, least = text(budget.obj.spec.get("maxUnavailable")), text(budget.obj.spec.get("minAvailable"))
    if most is not None:
        return f"spec.maxUnavailable is {most}" if _of(most, pods) == 0 else None
    kept = _of(least, pods)
    return f"spec.minAvailable is {least} of {pods}" if kept is not None and kept >= pods else None


def _of(amount: str | None, pods: int) -> int | None:
    """A number, or a percentage of the pods; None for neither."""
    if amount is None or not amount.endswith("%"):
        return whole(amount)
    share = whole(amount.removesuffix("%"))
    return None if share is None else math.ceil(share * pods / 100)
