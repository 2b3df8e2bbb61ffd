"""The life of a component, with shells for components: no root, no cluster, no tools."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cluster.embedded.components.component import Component
from cluster.embedded.keeper import Keeper, Spawner, State

# --- the life of a component --------------------------------------------------------------------------------------


async def kept(tmp_path: Path, *shapes: Component, until: Callable[[dict[str, Keeper]], Any]) -> dict[str, Keeper]:
    """Keep components running until something holds."""
    spawner = Spawner(tmp_path, {"PATH": os.environ["PATH"]}, {})
    keepers: dict[str, Keeper] = {}
    for shape in shapes:
        keepers[shape.name] = Keeper(shape, [keepers[name] for name in shape.after], spawner, lambda: None)
    asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, spawner.reap)
    tasks = [asyncio.create_task(keeper.keep()) for keeper in keepers.values()]
    try:
        async with asyncio.timeout(60):
            while not until(keepers):
                await asyncio.sleep(0.02)
        return keepers
    finally:
        for task in tasks:
            task.cancel()
        for keeper in keepers.values():
            keeper.kill()


def keep(tmp_path: Path, *shapes: Component, until: Callable[[dict[str, Keeper]], Any]) -> dict[str, Keeper]:
    return asyncio.run(kept(tmp_path, *shapes, until=until))


def shell_component(name: str, script: str, **more: Any) -> Component:
    return Component(name, ("/bin/sh", "-c", script), **more)


def test_component_that_dies_is_started_again_and_says_why(tmp_path):
    keepers = keep(tmp_path, shell_component("dies", "exit 7"), until=lambda all: all["dies"].report()["starts"] >= 3)
    report = keepers["dies"].report()

    assert report["problem"] == "ended with status 7"
    assert report["failures"] >= 2


def test_component_that_dies_at_once_is_never_said_to_serve(tmp_path):
    """Without a question to ask it, it must have run for a while."""
    states: list[str] = []

    def third(all: dict[str, Keeper]) -> bool:
        states.append(all["dies"].report()["state"])
        return bool(all["dies"].report()["starts"] >= 3)

    keep(tmp_path, shell_component("dies", "sleep 0.2; exit 1"), until=third)

    assert State.SERVING not in states


def test_component_starts_only_once_what_it_needs_serves(tmp_path):
    flag = tmp_path / "flag"
    first = shell_component("first", "sleep 60", ready=lambda _: flag.exists())
    second = shell_component("second", "sleep 60", after=("first",))
    seen: list[str] = []

    def both(all: dict[str, Keeper]) -> bool:
        seen.append(all["second"].report()["state"])
        if all["first"].report()["state"] == State.STARTING and len(seen) > 20:
            flag.touch()
        return bool(all["second"].report()["state"] == State.SERVING)

    keep(tmp_path, first, second, until=both)

    assert set(seen[:20]) == {State.WAITING}


def test_task_runs_once_and_again_when_told(tmp_path):
    log = tmp_path / "once.log"

    def twice(all: dict[str, Keeper]) -> bool:
        if all["once"].report()["starts"] == 1 and all["once"].serves.is_set():
            all["once"].retry()
        return bool(all["once"].report()["starts"] == 2 and all["once"].serves.is_set())

    keep(tmp_path, shell_component("once", "echo done", task=True), until=twice)

    assert log.read_text() == "done\ndone\n"


def test_task_that_is_told_to_run_again_is_not_done_from_that_moment_on(tmp_path):
    """Who asked for it looks at once; the keeper has not had its turn by then."""
    said: list[tuple[bool, str]] = []

    def told(all: dict[str, Keeper]) -> bool:
        if all["once"].serves.is_set() and not said:
            all["once"].retry()
            said.append((all["once"].serves.is_set(), all["once"].report()["state"]))
        return bool(all["once"].report()["starts"] == 2 and all["once"].serves.is_set())

    keep(tmp_path, shell_component("once", "echo done", task=True), until=told)

    assert said == [(False, State.WAITING)]


def test_server_that_is_told_to_try_again_serves_on(tmp_path):
    keepers = keep(tmp_path, shell_component("serves", "sleep 60"), until=lambda all: all["serves"].serves.is_set())
    keepers["serves"].retry()

    assert keepers["serves"].serves.is_set()


def test_component_that_never_serves_is_ended_and_named_late(tmp_path):
    never = shell_component("never", "sleep 600", ready=lambda _: False, timeout=0.3)
    keepers = keep(tmp_path, never, until=lambda all: all["never"].report()["problem"])

    assert "did not serve within" in keepers["never"].report()["problem"]


def test_command_that_is_not_there_is_a_problem_not_the_end_of_the_supervisor(tmp_path):
    gone = Component("gone", ("/no/such/program",))
    keepers = keep(tmp_path, gone, until=lambda all: all["gone"].report()["problem"])

    assert keepers["gone"].report()["problem"] == "cannot be started: No such file or directory"
