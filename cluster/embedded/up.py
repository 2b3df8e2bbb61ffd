"""Brings the cluster up, whatever state it is in, and says how it goes. Imports cluster.tools and cluster.images."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from cluster.embedded import assembly, cgroups, extras, files, pki, ports, preflight, s3, state, stop, verify
from cluster.embedded.errors import OTHER_WAY, ClusterError
from cluster.embedded.identity import Process
from cluster.embedded.layout import CLONE, Root
from cluster.embedded.plan import BINARIES, IMAGES, Image, Plan
from cluster.embedded.waiting import Report, wait_until_complete

_START_TIMEOUT = 30.0  # seconds until the supervisor has its namespaces and says how it stands


@dataclass(frozen=True)
class Wishes:
    """The ports on 127.0.0.1 that the user asked for, None where any will do; what to add to what there is.

    That is the extras, and flags of kube-controller-manager.
    """

    api: int | None = None
    gateway: int | None = None
    s3: int | None = None
    extras: tuple[str, ...] = ()
    controllers: tuple[str, ...] = ()

    def given_ports(self) -> dict[str, int]:
        wished = {"api": self.api, "gateway": self.gateway, "s3": self.s3}
        return {name: port for name, port in wished.items() if port is not None}


def up(root: Root, wishes: Wishes, stream: TextIO = sys.stdout) -> Plan:
    """Start what does not run, heal what broke, wait until all of it serves.

    Safe at any time: on nothing, on a whole cluster, on one that was killed or left half made. Raises ClusterError and
    the errors of cluster.tools.
    """
    preflight.check()
    report = Report(root, stream)
    with root.lock():
        plan = _plan(root, wishes)
        process = state.supervisor(root)
        if process and _out_of_date(root, plan):
            report.say("the running cluster was started by another version or with other ports: starting it anew")
            stop.stop(root)
            process = None
        if process is None:
            process = _start(root, plan, report)
        else:
            plan.write(root.plan)
            faults = _faults(root, plan)
            if not faults:
                report.say("everything serves already")
                return plan
            report.say(f"the cluster runs; healing it: {', '.join(faults)}")
            _heal(root, process, report)
        wait_until_complete(root, plan, process, report)
        return plan


def _faults(root: Root, plan: Plan) -> list[str]:
    """What does not do its work, in words; empty when the cluster is whole."""
    status = state.read(root)
    if status is None:
        return ["it is still starting"]
    missing = [f"{one.name} is {one.state}" for one in status.components.values() if not one.serves]
    return missing or [problem.what for problem in verify.problems(root, plan)]


def _heal(root: Root, process: Process, report: Report) -> None:
    """Tell the supervisor to try again at once, and wait until it heard: its last word may be of before."""
    before = state.read(root)
    report.known(one.name for one in before.components.values() if one.serves) if before else None
    process.signal(signal.SIGHUP)
    deadline = time.monotonic() + _START_TIMEOUT
    while before and process.alive() and (now := state.read(root)) and now.healed == before.healed:
        if time.monotonic() > deadline:
            raise ClusterError("the supervisor does not answer", log=root.log("supervisor"))
        time.sleep(0.05)


def _plan(root: Root, wishes: Wishes) -> Plan:
    """What the cluster shall be, tools and images got ready; ports stay what they were unless others are asked for."""
    from cluster import images, tools
    from cluster.images import oci

    before = Plan.read(root.plan)
    wanted = extras.chosen({*(before.extras if before else ()), *wishes.extras})
    chosen = [extras.extra(name) for name in wanted]
    binaries = tools.ensure([*BINARIES, *(binary for one in chosen for binary in one.binaries)])
    archives = images.ensure([*IMAGES, *(image for one in chosen for image in one.images)])
    kept = {"api": before.ports.api, "gateway": before.ports.gateway, "s3": before.ports.s3} if before else {}
    return Plan(
        key=root.key,
        python=sys.executable,
        clone=str(CLONE),
        binaries={name: str(path) for name, path in binaries.items()},
        images=tuple(Image(images.reference(name), oci.digest(file), str(file)) for name, file in archives.items()),
        ports=ports.Ports.choose(root.key, {**kept, **wishes.given_ports()}),
        extras=wanted,
        controllers=_flags(*(before.controllers if before else ()), *wishes.controllers),
    )


def _flags(*given: str) -> tuple[str, ...]:
    """Of a flag that is given more than once, the last."""
    return tuple(sorted({flag.partition("=")[0]: flag for flag in given}.values()))


def _out_of_date(root: Root, plan: Plan) -> bool:
    before, status = Plan.read(root.plan), state.read(root)
    changed = status is not None and status.fingerprint != assembly.fingerprint(plan)
    return changed or before is None or before.ports != plan.ports


def _start(root: Root, plan: Plan, report: Report) -> Process:
    """The supervisor in its new namespaces, started on the state that is on disk, or on none."""
    listeners = ports.listen(plan.ports)
    try:
        _prepare(root, plan, report)
        return _launch(root, {name: listener.fileno() for name, listener in listeners.items()})
    finally:
        for listener in listeners.values():
            listener.close()  # the supervisor has its own


def _prepare(root: Root, plan: Plan, report: Report) -> None:
    """All that the supervisor finds on disk."""
    stop.clear_traces(root)  # of a supervisor that was killed
    root.logs.mkdir(parents=True, exist_ok=True)
    root.state.mkdir(parents=True, exist_ok=True)
    if pki.ensure(root.pki):
        report.say("certificates made")
    if not (root.state / "s3.json").exists():
        files.write(root.state / "s3.json", json.dumps(s3.configuration(s3.Keys.random())) + "\n", mode=0o600)
    cgroups.make(root.key)
    plan.write(root.plan)
    _write_for_user(root.kubeconfig, pki.kubeconfig(root.pki, "admin", f"https://{ports.HOST}:{plan.ports.api}"))
    endpoint = f"http://{ports.HOST}:{plan.ports.s3}"
    _write_for_user(root.s3_env, s3.environment(s3.Keys.of(root.state / "s3.json"), endpoint))


def _launch(root: Root, listeners: Mapping[str, int]) -> Process:
    log = root.log("supervisor")
    arguments = [f"{name}={number}" for name, number in listeners.items()]
    with log.open("ab") as output:
        launcher = subprocess.Popen(
            [sys.executable, "-m", "cluster.embedded.supervisor", str(root.path), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=tuple(listeners.values()),
            start_new_session=True,
            cwd="/",
            env={"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(CLONE)},
        )
    if launcher.wait(_START_TIMEOUT) != 0:
        raise ClusterError("the supervisor could not enter its namespaces", remedy=OTHER_WAY, log=log)
    process = Process.read(root.supervisor)
    if process is None:
        raise ClusterError("the supervisor did not say which process it is", log=log)
    return process


def _write_for_user(path: Path, text: str) -> None:
    files.write(path, text, mode=0o600)
    files.give_to_caller(path)
