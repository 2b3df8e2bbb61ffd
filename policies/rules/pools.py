"""What a pool's models always hold fits into the pool. Imports the rule and the resources."""

from __future__ import annotations

from collections.abc import Iterator

from policies.resources.pools import POOL_GPUS, Pool, not_told, pool_name
from policies.resources.running import gpus_of
from policies.resources.runtimes import RUNTIMES
from policies.resources.stack import Stack
from policies.resources.subject import Subject
from policies.rule import Flaw, NotApplicable, Severity, stack_rule

WHY = (
    "the last of them find no GPU and stay Pending: which models serve is decided by the order in which they were "
    "made, and a hot one may be among those that do not"
)
LINK = "https://kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus/"
TOLD = 8  # workloads of a message; more are counted


@stack_rule("beyond-the-pool", Severity.HIGH, WHY, LINK)
def beyond_the_pool(subject: Subject, stack: Stack) -> Iterator[Flaw | NotApplicable]:
    """Told of the last model of a pool that has too few GPUs, once."""
    if not asks_for_gpus(subject) or not subject.served:
        return
    pool = stack.pools.get(pool_name(subject) or "")
    if pool is None or pool.gpus is None:
        yield NotApplicable(not_told(subject))
    elif pool.held > pool.gpus and subject is _last_model(pool):
        yield Flaw(_found(pool), f"lower their least replicas, or add nodes to the pool and correct {POOL_GPUS}")


RULES = (beyond_the_pool,)


def asks_for_gpus(subject: Subject) -> bool:
    """Whether its own pods do; a runtime is a form for the pods of others."""
    return subject.obj.kind not in RUNTIMES and any(gpus_of(pod) for pod in subject.pods)


def _last_model(pool: Pool) -> Subject | None:
    return next((member for member, held in reversed(pool.members) if held and member.served), None)


def _found(pool: Pool) -> str:
    largest = sorted((member for member in pool.members if member[1]), key=lambda member: -member[1])
    each = ", ".join(f"{member} {held}" for member, held in largest[:TOLD])
    each += f" and {len(largest) - TOLD} more" if len(largest) > TOLD else ""
    return f"pool {pool.name} has {pool.gpus} GPUs, and its workloads always hold {pool.held} ({each})"
