"""PID 1 of the cluster's namespaces: has every component kept running, reaps, says how it stands, ends everything.

    python -m cluster.embedded.supervisor ROOT api=3 gateway=4 s3=5

Started by `up` with listening sockets as inherited descriptors. SIGTERM ends everything; SIGHUP forgets failures, cuts
waiting short and runs the tasks again. Imports cluster.embedded.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cluster.embedded import assembly, cgroups, configs, files, mounts, network
from cluster.embedded.components.node import KUBELET
from cluster.embedded.identity import Process
from cluster.embedded.keeper import Keeper, Spawner
from cluster.embedded.layout import CLONE, Inside, Root
from cluster.embedded.linux import Clone, unshare
from cluster.embedded.plan import Plan

_POD_GRACE = 2.0  # seconds that pods get to end on SIGTERM
_SAFE_DESCRIPTOR = 100  # listeners are moved above all numbers that components are given


class Supervisor:
    """Keeps every component of a plan running until it is told to stop."""

    def __init__(self, root: Root, plan: Plan, spawner: Spawner) -> None:
        self._root, self._plan, self._spawner = root, plan, spawner
        self._began, self._healed = time.time(), 0
        self._fingerprint = assembly.fingerprint(plan)
        self._stopping = asyncio.Event()
        self._keepers: dict[str, Keeper] = {}
        for component in assembly.assemble(plan):
            after = [self._keepers[name] for name in component.after]
            self._keepers[component.name] = Keeper(component, after, spawner, self._publish)

    async def run(self) -> None:
        """Until SIGTERM; then pods get a short grace."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._spawner.reap)
        loop.add_signal_handler(signal.SIGTERM, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._heal)
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(keeper.keep()) for keeper in self._keepers.values()]
        stopping = asyncio.create_task(self._stopping.wait())
        done, _ = await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await self._end_pods()
        for task in done:
            task.result()  # a keeper only ends by a fault of ours: let it be seen

    def _heal(self) -> None:
        """Whoever reads that it was heard reads too that the tasks are not done: they have not begun yet."""
        for keeper in self._keepers.values():
            keeper.retry()
        self._healed += 1
        self._publish()

    async def _end_pods(self) -> None:
        """First the kubelet, which would start them again."""
        self._keepers[KUBELET].kill()
        running = cgroups.processes(self._plan.key)
        for pid in running:
            _terminate(pid)
        deadline = time.monotonic() + _POD_GRACE
        while running and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
            running = cgroups.processes(self._plan.key)

    def _publish(self) -> None:
        status = {
            "fingerprint": self._fingerprint,
            "since": self._began,
            "healed": self._healed,
            "components": {name: keeper.report() for name, keeper in self._keepers.items()},
        }
        try:
            files.write(self._root.status, json.dumps(status, indent=2) + "\n")
        except OSError as error:  # a full disk must not end the cluster
            print(f"{self._root.status} cannot be written: {error.strerror}", file=sys.stderr, flush=True)


def main(arguments: list[str]) -> None:
    """Enter new namespaces and become their PID 1; the process that was started ends once that is on record."""
    root = Root.at(Path(arguments[0]))
    plan = Plan.read(root.plan)
    if plan is None:
        sys.exit(f"{root.plan} is missing: the supervisor is started by `python -m cluster up`")
    listeners = _held(arguments[1:])
    unshare(Clone.NEWNS | Clone.NEWNET | Clone.NEWPID)
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        _record(child, root.supervisor)
        os.write(writer, b"!")
        os._exit(0)
    os.close(writer)
    if os.read(reader, 1):  # nothing comes if the record could not be made: then nobody could end us
        try:
            _supervise(root, plan, listeners)
        finally:
            sys.stderr.flush()
            os._exit(0)  # at once: the kernel ends all other processes of this pid namespace


def _record(pid: int, path: Path) -> None:
    process = Process.of(pid)
    assert process is not None, "it waits for us"
    process.write(path)


def _supervise(root: Root, plan: Plan, listeners: Mapping[str, int]) -> None:
    mounts.arrange(root.state, _needed(root, plan))
    network.arrange(plan.binary("ip"))
    snapshotter = "overlayfs" if mounts.overlay_works(Inside.TEMPORARY) else "native"
    for name, text in configs.render(plan, snapshotter).items():
        files.write(Inside.CONFIG / name, text)
    mounts.resolve_by(Inside.CONFIG / "processes-resolv.conf")
    _raise_limits()
    spawner = Spawner(root.logs, _environment(plan), listeners)

    async def run() -> None:
        await Supervisor(root, plan, spawner).run()

    asyncio.run(run())


def _held(arguments: Iterable[str]) -> dict[str, int]:
    """`api=3` -> {"api": 100}: the listeners out of the way of the numbers that components get."""
    named = (argument.partition("=") for argument in arguments)
    return {name: fcntl.fcntl(int(number), fcntl.F_DUPFD_CLOEXEC, _SAFE_DESCRIPTOR) for name, _, number in named}


def _needed(root: Root, plan: Plan) -> list[Path]:
    archives = [Path(image.archive).parent for image in plan.images]
    binaries = [Path(path).parent for path in plan.binaries.values()]
    return [root.path, CLONE, *mounts.interpreter_paths(), *archives, *binaries]


def _environment(plan: Plan) -> dict[str, str]:
    """All that components inherit: nothing of the user's, no proxy, no kubeconfig."""
    return {
        "PATH": plan.search_path(),
        "HOME": str(Inside.TEMPORARY),
        "TMPDIR": str(Inside.TEMPORARY),
        "LANG": "C.UTF-8",
        "PYTHONPATH": plan.clone,
        "PYTHONUNBUFFERED": "1",
        "KUBE_FEATURE_WatchListClient": "false",  # client-go asks for none; the API server has none to give
        # A quarter less CPU in the API server, whose garbage are the definitions; half a GB more at most.
        "GOGC": "400",
        "GOMEMLIMIT": "1536MiB",
    }


def _raise_limits() -> None:
    """As many open files as the system allows, for containerd and what it starts."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _terminate(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    main(sys.argv[1:])
