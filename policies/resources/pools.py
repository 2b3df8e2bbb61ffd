"""Pools of GPUs: which workloads of a stack share one, how many GPUs it has, and how many they always hold.

Imports this package. A program tells of a pool by `substrate.dev/pool` (a node selector of the pods, or a label) and by
the annotation `substrate.dev/pool-gpus` on a workload of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from policies.resources.plain import mapping, text, whole
from policies.resources.pods import labelled
from policies.resources.running import Running
from policies.resources.subject import Subject
from policies.resources.workloads import DOMAIN

POOL, POOL_GPUS = f"{DOMAIN}/pool", f"{DOMAIN}/pool-gpus"


@dataclass
class Pool:
    """One pool as far as a stack shows it. `gpus` is None where no workload says how many there are."""

    name: str
    gpus: int | None
    members: list[tuple[Subject, int]]  # and the GPUs that each always holds

    @property
    def held(self) -> int:
        """GPUs that all its workloads hold at their least."""
        return sum(gpus for _, gpus in self.members)


def pools_of(runs: Iterable[tuple[Subject, list[Running]]]) -> dict[str, Pool]:
    """The pools by name. Raises UnknownValueError where a count or a place is not known: the sum would be too small."""
    found: dict[str, Pool] = {}
    for subject, running in runs:
        asked = [one for one in running if one.gpus]
        name = pool_name(subject) if asked else None
        if name is None:
            continue
        pool = found.setdefault(name, Pool(name, None, []))
        pool.members.append((subject, sum(one.gpus * one.replicas for one in asked)))
        # Of two numbers the larger: the other is of before a node was added, and would refuse what fits.
        pool.gpus = max((gpus for gpus in (pool.gpus, pool_gpus(subject)) if gpus is not None), default=None)
    for pool in found.values():
        pool.members.sort(key=lambda member: str(member[0]))  # the engine hands them over in any order
    return found


def pool_name(subject: Subject) -> str | None:
    """The pool that a workload's pods run on."""
    selected = (text(mapping(pod.spec.get("nodeSelector")).get(POOL)) for pod in subject.pods)
    labels = (text(holder.labels.get(POOL)) for holder in labelled(subject.obj, subject.pods))
    return next((name for name in (*selected, *labels) if name), None)


def pool_gpus(subject: Subject) -> int | None:
    """How many GPUs the workload says that its pool has."""
    told = (whole(holder.annotations.get(POOL_GPUS)) for holder in labelled(subject.obj, subject.pods))
    return next((gpus for gpus in told if gpus is not None), None)


def not_told(subject: Subject) -> str:
    """Why nothing can be said of a workload's pool: one reason for all that say nothing."""
    if pool_name(subject) is None:
        return f"which pool its GPUs are of is not told (node selector or label {POOL}, annotation {POOL_GPUS})"
    return f"annotation {POOL_GPUS}, how many GPUs its pool has, is missing"
