"""The life of one component: wait for what it needs, start, see that it serves, start again. Imports components."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from cluster.embedded.components.component import FIRST_DOOR, Component

_PROBE_PAUSE = 0.1  # seconds between two questions whether a starting component serves
_FIRST_DELAY, _LONGEST_DELAY = 0.5, 15.0  # seconds before a start after a failure; doubles each time
_LONG_ENOUGH = 30.0  # seconds of service after which earlier failures are forgotten
_LOG_LIMIT = 20 * 1024**2  # bytes; a longer log is put aside before the next start


class State(StrEnum):
    """Where a component stands."""

    WAITING = "waiting"  # for another component
    STARTING = "starting"
    SERVING = "serving"
    FAILED = "failed"  # and will be started again


class Child:
    """A process that was started: its pid in the cluster's pid namespace, and a future for how it ended."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.started = time.time()
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()


class Spawner:
    """Starts processes and hears of their ends. All in one thread: no end can be missed between the two."""

    def __init__(self, logs: Path, environment: Mapping[str, str], listeners: Mapping[str, int]) -> None:
        self._logs, self._environment, self._listeners = logs, environment, listeners
        self._children: dict[int, Child] = {}

    def spawn(self, component: Component) -> Child:
        """Start a component in a session of its own, its output in its log. Raises OSError."""
        pid = os.posix_spawn(
            component.command[0],
            component.command,
            {**self._environment, **component.environment},
            file_actions=self._descriptors(component),
            setsid=True,
            setsigmask=(),
            setsigdef=(signal.SIGPIPE, signal.SIGXFSZ),  # Python ignores them, and ignoring is inherited
        )
        self._children[pid] = Child(pid)
        return self._children[pid]

    def reap(self) -> None:
        """Take leave of every process that ended, orphans of the components included: PID 1 inherits those."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            child = self._children.pop(pid, None)
            if child and not child.ended.done():
                child.ended.set_result(os.waitstatus_to_exitcode(status))

    def _descriptors(self, component: Component) -> list[tuple[Any, ...]]:
        log = self._logs / f"{component.name}.log"
        _put_aside_when_long(log)
        doors = enumerate(component.doors, start=FIRST_DOOR)
        return [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
            *((os.POSIX_SPAWN_DUP2, self._listeners[door], number) for number, door in doors),
        ]


class Keeper:
    """Keeps one component running for ever; `serves` is set while it does its work."""

    def __init__(
        self, component: Component, after: Sequence[Keeper], spawner: Spawner, changed: Callable[[], None]
    ) -> None:
        self.component, self._after, self._spawner, self._changed = component, after, spawner, changed
        self.serves = asyncio.Event()
        self._hurry = asyncio.Event()
        self._state, self._problem = State.WAITING, ""
        self._since, self._starts, self._failures = time.time(), 0, 0
        self._child: Child | None = None

    async def keep(self) -> None:
        while True:
            self._enter(State.WAITING)
            for other in self._after:
                await other.serves.wait()
            try:
                problem = await self._once()
            except OSError as error:
                problem = f"cannot be started: {error.strerror}"
            self.serves.clear()
            if problem is not None:
                await self._back_off(problem)

    def retry(self) -> None:
        """Forget failures, cut a back-off short, and run a task that is done once more; from now on it is not done."""
        self._failures = 0
        self._hurry.set()
        if self.component.task and self.serves.is_set():
            self.serves.clear()
            self._enter(State.WAITING)

    def kill(self) -> None:
        if self._child and not self._child.ended.done():
            os.kill(self._child.pid, signal.SIGKILL)

    def report(self) -> dict[str, Any]:
        """The component's line in the status file."""
        running = self._child is not None and not self._child.ended.done()
        return {
            "state": self._state,
            "pid": self._child.pid if self._child and running else None,
            "since": self._since,
            "starts": self._starts,
            "failures": self._failures,
            "problem": self._problem,
        }

    async def _once(self) -> str | None:
        """Start it and stay until it ends; what went wrong, or None where a task shall only run again."""
        self._hurry.clear()
        self._child = child = self._spawner.spawn(self.component)
        self._starts += 1
        self._enter(State.STARTING)
        try:
            if self.component.task:
                return await self._run_task(child)
            return await self._run_server(child)
        except TimeoutError:
            self.kill()
            await child.ended
            return f"did not serve within {self.component.timeout:.0f} s and was ended"

    async def _run_task(self, child: Child) -> str | None:
        code = await asyncio.wait_for(asyncio.shield(child.ended), self.component.timeout)
        if code != 0:
            return _ending(code)
        self._serve()
        await self._hurry.wait()
        return None

    async def _run_server(self, child: Child) -> str:
        async with asyncio.timeout(self.component.timeout):
            while not child.ended.done() and not await asyncio.to_thread(self.component.ready, child.started):
                await asyncio.wait({child.ended}, timeout=_PROBE_PAUSE)
        if not child.ended.done():
            self._serve()
        served = time.monotonic()
        code = await asyncio.shield(child.ended)
        if time.monotonic() - served > _LONG_ENOUGH:
            self._failures = 0
        return _ending(code)

    def _serve(self) -> None:
        self._enter(State.SERVING)
        self.serves.set()

    async def _back_off(self, problem: str) -> None:
        self._problem = problem
        delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2**self._failures)
        self._failures += 1
        self._hurry.clear()
        self._enter(State.FAILED)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), delay)

    def _enter(self, state: State) -> None:
        self._state, self._since = state, time.time()
        if state is State.SERVING:
            self._problem = ""
        self._changed()


def _ending(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with status {code}"


def _put_aside_when_long(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.rename(log.with_suffix(".log.1"))
