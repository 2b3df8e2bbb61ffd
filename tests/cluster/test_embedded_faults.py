"""What breaks heals, what is half made is finished, and what is taken down leaves nothing. On a second cluster."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from cluster.embedded import assembly, cgroups, state
from cluster.embedded.layout import CLONE, Root
from tests.cluster.conftest import (
    PATIENCE,
    Embedded,
    claim,
    eventually,
    server_pod,
    service,
    wait_ready,
)
from tests.cluster.host_traces import HOST_TRACES, namespaces_of, processes_in
from tests.ports import free_port

pytestmark = [pytest.mark.cluster]

SERVERS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "containerd",
    "kubelet",
    "kube-proxy",
    "forwarder",
    "seaweedfs",
    "coredns",
    "node-local-provisioner",
    "kwok",
    "traefik",
)
TEAM = "faults"


@pytest.fixture(scope="module")
def traces() -> dict[str, set[str]]:
    """The host as it was before the second cluster."""
    return {name: look() for name, look in HOST_TRACES.items()}


@pytest.fixture(scope="module")
def spare(traces: dict[str, set[str]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """A second cluster, whose first `up` was killed at five points and finished by the sixth; gone afterwards."""
    embedded, port = Embedded(Root.at(tmp_path_factory.mktemp("spare") / "root")), free_port()
    try:
        for seconds in (0.2, 0.5, 1.0, 2.0, 5.0):
            kill_up(embedded, port, seconds)
            if seconds == 1.0 and (running := state.supervisor(embedded.root)):
                os.kill(running.pid, signal.SIGKILL)  # as when the machine's memory ran out
        embedded.up("--gateway-port", port)
        yield embedded
    finally:
        embedded.run("down", check=False)


def kill_up(embedded: Embedded, port: int, seconds: float) -> None:
    """Kill an `up`, and not the supervisor that it may have started."""
    command = [sys.executable, "-m", "cluster", "--root", str(embedded.root.path), "up", "--gateway-port", str(port)]
    process = subprocess.Popen(command, cwd=CLONE, stdout=subprocess.DEVNULL, start_new_session=True)
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture(scope="module")
def broken(spare: Embedded) -> Embedded:
    """The second cluster with a pod on a volume, behind a Service: what must live through every fault."""
    spare.make_namespace(TEAM)
    spare.apply(claim("data", TEAM), server_pod("web", TEAM, volume="data"), service("web", TEAM))
    wait_ready(spare, TEAM, "web")
    spare.kubectl("exec", "-n", TEAM, "web", "--", "python3.11", "-c", "open('/data/word','w').write('kept')")
    return spare


def web_answers(embedded: Embedded) -> bool:
    address = embedded.get("service", "web", "-n", TEAM)["spec"]["clusterIP"]
    return embedded.inside("curl", "-s", "--max-time", "2", f"http://{address}/word", check=False) == "kept"


def test_up_killed_at_any_point_is_finished_by_the_next(spare):
    """From the first file to the last component; the next `up` does not care where the first one died."""
    assert spare.run("status").returncode == 0


def test_every_server_of_the_plan_is_tried(broken):
    planned = {one.name for one in assembly.assemble(broken.plan) if not one.task}

    assert planned == set(SERVERS)


@pytest.mark.parametrize("name", SERVERS)
def test_killed_component_is_back_after_up(broken, name):
    before = broken.components()[name].pid
    broken.inside("kill", "-KILL", str(before))
    eventually("its death is seen", lambda: broken.components()[name].pid != before)
    broken.up()

    after = broken.components()[name]
    assert after.serves
    assert after.pid not in (None, before)
    assert eventually("the pod answers", lambda: web_answers(broken))


def test_killed_supervisor_is_back_after_up_with_all_that_was_stored(broken):
    token = broken.get("namespace", TEAM)["metadata"]["uid"]
    os.kill(broken.supervisor, signal.SIGKILL)
    eventually("it is gone", lambda: state.supervisor(broken.root) is None)
    ports = broken.plan.ports
    broken.up()

    assert broken.get("namespace", TEAM)["metadata"]["uid"] == token
    assert broken.plan.ports == ports, "the host's ports are kept"
    wait_ready(broken, TEAM, "web")
    assert eventually("the pod answers from its volume", lambda: web_answers(broken))


def test_lost_objects_of_the_cluster_are_made_again_by_up(broken):
    broken.kubectl("delete", "storageclass/node-local")
    broken.kubectl("delete", "-n", "substrate-system", "gateway/substrate", "service/s3")
    broken.up()

    broken.kubectl("get", "storageclass/node-local")
    broken.kubectl(
        "wait",
        "-n",
        "substrate-system",
        "gateway/substrate",
        "--for=condition=Programmed",
        f"--timeout={PATIENCE:.0f}s",
    )


def test_component_that_cannot_start_is_named_with_its_log(tmp_path):
    """A binary that fails at once stands for every wrong flag and every broken build."""
    failing = tmp_path / "coredns"
    failing.write_text("#!/bin/sh\necho 'no such flag: --oops'\nexit 3\n")
    failing.chmod(0o755)
    broken = Embedded(Root.at(tmp_path / "root"))
    environment = os.environ | {"SUBSTRATE_TOOL_COREDNS": str(failing)}
    try:
        done = broken.run("up", "--gateway-port", free_port(), check=False, environment=environment)
    finally:
        broken.run("down", check=False)

    assert done.returncode == 1
    assert "coredns ended with status 3" in done.stderr
    assert "no such flag: --oops" in done.stderr
    assert str(broken.root.log("coredns")) in done.stderr
    assert "Traceback" not in done.stderr


def test_port_in_use_is_named_with_its_holder_and_nothing_is_made(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = Embedded(Root.at(tmp_path / "root"))
        done = refused.up("--gateway-port", str(port), check=False)

    assert done.returncode == 1
    assert f"port {port} on 127.0.0.1" in done.stderr
    assert f"pid {os.getpid()}" in done.stderr
    assert "--gateway-port" in done.stderr
    assert not refused.root.state.exists()
    assert not [branch for branch in cgroups.branches(refused.root.key) if branch.exists()]


def test_down_twice_is_no_error(tmp_path):
    nothing = Embedded(Root.at(tmp_path / "root"))

    assert "there is no cluster to end" in nothing.run("down").stdout


def test_down_ends_only_its_own_cluster(cluster, broken):
    """Two clusters of one machine know nothing of each other."""
    other = cluster.supervisor
    broken.run("down", "--keep-data")
    assert cluster.supervisor == other
    broken.up()
    wait_ready(broken, TEAM, "web")

    assert eventually("data and objects were kept", lambda: web_answers(broken))
    assert broken.run("status").returncode == 0


def test_down_leaves_nothing_on_the_host(broken, traces):
    own = namespaces_of(str(broken.supervisor)) - namespaces_of("self")
    running = len(processes_in(own))
    branches = [branch for branch in cgroups.branches(broken.root.key) if branch.exists()]
    broken.run("down")

    assert len(own) == 3
    assert branches, "the test looks for cgroups where they are"
    assert not any(branch.exists() for branch in branches)
    assert running > len(SERVERS), "the test looks for processes where they are"
    assert processes_in(own) == set()
    for name, look in HOST_TRACES.items():
        assert look() - traces[name] == set(), name
    left = {path.name for path in broken.root.path.iterdir()}
    assert left == {".lock", "logs"}, "logs stay, to be read afterwards"
