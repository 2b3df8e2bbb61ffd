"""Waits for a cluster to serve, telling each step as it is done. Imports cluster.embedded."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TextIO

from cluster.embedded import assembly, state, verify
from cluster.embedded.components.component import Component
from cluster.embedded.errors import ClusterError
from cluster.embedded.identity import Process
from cluster.embedded.layout import Root
from cluster.embedded.plan import Plan
from cluster.embedded.state import Status

_PAUSE = 0.1  # seconds between two looks
_HEARTBEAT = 10.0  # seconds without news after which what is waited for is named
_TOO_MANY_FAILURES = 5  # a component that failed that often is given up on
_VERIFY_TIMEOUT = 60.0  # seconds from the last component serving until what they make together is there


class Report:
    """Lines with the time since `up` began."""

    def __init__(self, root: Root, stream: TextIO) -> None:
        self.root, self._stream = root, stream
        self._began = self._spoke = time.monotonic()
        self._told: set[str] = set()

    def say(self, text: str) -> None:
        self._spoke = time.monotonic()
        print(f"[{self._spoke - self._began:5.1f} s] {text}", file=self._stream, flush=True)

    def known(self, names: Iterable[str]) -> None:
        """These served before `up` came: no news."""
        self._told |= set(names)

    def news(self, component: Component) -> None:
        """Say once that a component serves."""
        if component.name not in self._told:
            self._told.add(component.name)
            done = "done" if component.task else "serves"
            self.say(
                f"{component.name} {done} (usually {component.expected:.0f} s; log: {self.root.log(component.name)})"
            )

    def silence(self, waiting_for: str) -> None:
        """Say what is waited for, when nothing was said for long."""
        if time.monotonic() - self._spoke > _HEARTBEAT:
            self.say(f"still waiting for {waiting_for}")


def wait_until_complete(root: Root, plan: Plan, process: Process, report: Report) -> None:
    """Until every component serves and what they make together is there.

    Raises ClusterError that names the component, with the last lines of its log.
    """
    wanted = assembly.assemble(plan)
    deadline = time.monotonic() + sum(component.timeout for component in wanted if component.expected > 1)
    while not _all_serve(root, wanted, process, report):
        if time.monotonic() > deadline:
            raise _gave_up(root, wanted)
        time.sleep(_PAUSE)
    _verify(root, plan, report)


def _all_serve(root: Root, wanted: tuple[Component, ...], process: Process, report: Report) -> bool:
    if not process.alive():
        raise ClusterError("the supervisor ended", log=root.log("supervisor"))
    status = state.read(root)
    if status is None:
        report.silence(f"the supervisor (log: {root.log('supervisor')})")
        return False
    for component in wanted:
        if status.components[component.name].serves:
            report.news(component)
    _check_failures(root, status)
    report.silence(_pending(root, wanted, status))
    return status.complete


def _check_failures(root: Root, status: Status) -> None:
    for one in status.components.values():
        if one.failures >= _TOO_MANY_FAILURES:
            raise ClusterError(f"{one.name} {one.problem}, {one.failures} times in a row", log=root.log(one.name))


def _pending(root: Root, wanted: tuple[Component, ...], status: Status) -> str:
    started = [component for component in wanted if status.components[component.name].state in ("starting", "failed")]
    now = time.time()
    return ", ".join(
        f"{component.name} ({now - status.components[component.name].since:.0f} s, usually {component.expected:.0f} s; "
        f"log: {root.log(component.name)})"
        for component in started
    )


def _gave_up(root: Root, wanted: tuple[Component, ...]) -> ClusterError:
    status = state.read(root)
    late = [one for one in wanted if status is None or not status.components[one.name].serves]
    return ClusterError(f"{late[0].name if late else 'the cluster'} does not serve", log=root.log(late[0].name))


def _verify(root: Root, plan: Plan, report: Report) -> None:
    deadline = time.monotonic() + _VERIFY_TIMEOUT
    while problems := verify.problems(root, plan):
        if time.monotonic() > deadline:
            raise ClusterError(f"{problems[0].what} after {_VERIFY_TIMEOUT:.0f} s", log=root.log(problems[0].component))
        report.silence("; ".join(problem.what for problem in problems))
        time.sleep(_PAUSE)
