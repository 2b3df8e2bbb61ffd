"""Shows how a cluster stands, and its logs. Imports cluster.embedded."""

from __future__ import annotations

import os
import time
from pathlib import Path

from cluster.embedded import state, verify
from cluster.embedded.errors import ClusterError, tail
from cluster.embedded.layout import Root
from cluster.embedded.plan import Plan
from cluster.embedded.ports import HOST

_LOG_LINES = 200


def show(root: Root) -> bool:
    """Print a table of the components and what does not hold; True when the cluster is whole."""
    plan, said = Plan.read(root.plan), state.read(root)
    process = state.supervisor(root)
    if plan is None or process is None:
        print(f"the cluster of {root.path} does not run")
        return False
    if said is None:
        print(f"the cluster of {root.path} is starting")
        return False
    for one in said.components.values():
        pid = f"pid {one.pid}" if one.pid else ""
        again = f"started {one.starts} times" if one.starts > 1 else ""
        print(f"{one.name:<24} {one.state:<9} {_age(one.since):>8}  {pid:<9} {again} {one.problem}".rstrip())
    found = verify.problems(root, plan)
    for problem in found:
        print(f"! {problem.what} (log: {root.log(problem.component)})")
    print(f"supervisor: pid {process.pid} on the host, up {_age(said.since)}; pids above are inside its namespace")
    print(
        f"API https://{HOST}:{plan.ports.api}  Gateway http://{HOST}:{plan.ports.gateway}  S3 http://{HOST}:{plan.ports.s3}"
    )
    return said.complete and not found


def logs(root: Root, component: str | None, follow: bool) -> None:
    """Print the last lines of one component's log, or name all logs. Raises ClusterError for a wrong name."""
    known = sorted(path.stem for path in root.logs.glob("*.log"))
    if component is None:
        print("\n".join(str(root.log(name)) for name in known) or f"there are no logs in {root.logs}")
        return
    if component not in known:
        raise ClusterError(
            f"there is no log of {component!r} in {root.logs}", remedy=f"name one of: {', '.join(known)}"
        )
    print("\n".join(tail(root.log(component), _LOG_LINES)))
    if follow:
        _follow(root.log(component))


def _follow(log: Path) -> None:
    with log.open() as file:
        file.seek(0, os.SEEK_END)
        while True:
            line = file.readline()
            print(line, end="", flush=True) if line else time.sleep(0.2)


def _age(since: float) -> str:
    seconds = int(time.time() - since)
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
