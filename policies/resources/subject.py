"""An object with what the rules ask of it, each found once. Imports this package and the settings.

Every property raises UnknownValueError where the answer hangs on a value that only the update will know.
"""

from __future__ import annotations

from functools import cached_property

from policies.resources import tier
from policies.resources.objects import KubernetesObject
from policies.resources.pods import Pod, pods_of
from policies.resources.workloads import Evidence, evidence, is_stager
from policies.settings import Settings


class Subject:
    """What is judged."""

    def __init__(self, obj: KubernetesObject, settings: Settings) -> None:
        self.obj = obj
        self.settings = settings

    @cached_property
    def pods(self) -> list[Pod]:
        """Every pod spec in it, whatever its kind."""
        return pods_of(self.obj)

    @cached_property
    def served(self) -> Evidence | None:
        """Why it counts as serving a language model; None for an ordinary workload."""
        return evidence(self.obj, self.pods, self.settings)

    @cached_property
    def models(self) -> list[Pod]:
        """The pods in which a language model is served: none of an ordinary workload, or of the Job that stages."""
        if not self.pods or not self.served or is_stager(self.obj, self.pods):
            return []
        return [pod for pod in self.pods if not pod.routes]

    @cached_property
    def hot(self) -> tier.Hot | None:
        """Why its model is hot, and its floor; None for any other tier, or none."""
        return tier.hot(self.obj, self.pods, self.settings)

    def __str__(self) -> str:
        return str(self.obj)
