"""The parts of the embedded cluster, each by itself: no root, no cluster, no tools."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from cluster.embedded import addons, cgroups, components, configs, pki, ports, preflight, s3, shell, stop
from cluster.embedded.components.component import Component
from cluster.embedded.errors import ClusterError, tail
from cluster.embedded.identity import Process
from cluster.embedded.keeper import Keeper, Spawner, State
from cluster.embedded.layout import CLONE, Root
from cluster.embedded.plan import BINARIES, IMAGES, Image, Plan
from cluster.embedded.ports import Ports


@pytest.fixture
def plan() -> Plan:
    return Plan(
        key="0123abcd",
        python="/usr/bin/python3",
        clone="/clone",
        binaries={name: f"/tools/{name}/{name}" for name in BINARIES},
        images=tuple(Image(f"substrate.local/{name}:1", "sha256:0", f"/images/{name}.tar") for name in IMAGES),
        ports=Ports(api=1, gateway=2, s3=3),
    )


# --- which process is ours ----------------------------------------------------------------------------------------


def test_reused_pid_is_neither_alive_nor_signalled():
    own = Process.of(os.getpid())
    assert own is not None
    reused = Process(own.pid, own.started + 1, own.boot)
    received: list[int] = []
    previous = signal.signal(signal.SIGUSR1, lambda number, _: received.append(number))
    try:
        reused.signal(signal.SIGUSR1)
        own.signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, previous)

    assert not reused.alive()
    assert own.alive()
    assert received == [signal.SIGUSR1], "only the true one is hit"


def test_process_of_an_earlier_boot_is_not_ours():
    own = Process.of(os.getpid())
    assert own is not None

    assert not Process(own.pid, own.started, "an-earlier-boot").alive()


def test_zombie_is_dead():
    child = subprocess.Popen(["sleep", "60"])
    process = Process.of(child.pid)
    assert process is not None and process.alive()
    child.kill()

    assert process.wait(30)
    assert not process.alive(), "nobody reaped it yet"
    child.wait()


def test_record_of_a_process_is_read_back_or_is_none(tmp_path):
    own = Process.of(os.getpid())
    assert own is not None
    own.write(tmp_path / "record")
    (tmp_path / "broken").write_text('{"pid": 1')

    assert Process.read(tmp_path / "record") == own
    assert Process.read(tmp_path / "broken") is None
    assert Process.read(tmp_path / "missing") is None


# --- ports --------------------------------------------------------------------------------------------------------


def test_ports_are_the_same_every_time_for_a_clone_and_others_for_another():
    first, second = Ports.choose("00000001", {}), Ports.choose("000003e8", {})

    assert first == Ports.choose("00000001", {})
    assert first.gateway == second.gateway == 8080
    assert len({first.api, first.s3, second.api, second.s3}) == 4


def test_port_asked_for_wins():
    assert Ports.choose("00000001", {"api": 7, "gateway": 8, "s3": 9}) == Ports(7, 8, 9)


def test_doors_open_all_or_none():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = Ports.choose("00000001", {"gateway": taken.getsockname()[1]})
        with pytest.raises(ClusterError, match=rf"gateway, is in use by pid {os.getpid()} ") as refused:
            ports.listen(free)
    assert refused.tb is not None, "its frames keep alive what was not closed"
    opened = ports.listen(free)

    assert set(opened) == {"api", "gateway", "s3"}, "a door that stayed open would be in use now"
    for listener in opened.values():
        listener.close()


# --- the way in ---------------------------------------------------------------------------------------------------


@pytest.fixture
def forwarded():
    """Start the forwarder to a server that a test gives; answers with the port to connect to."""
    started: list[Any] = []

    def start(serve: Callable[[socket.socket], None] | None) -> int:
        target = socket.create_server(("127.0.0.1", 0))
        address = target.getsockname()
        if serve:
            threading.Thread(target=accept_for_ever, args=(target, serve), daemon=True).start()
        else:
            target.close()
        door = socket.create_server(("127.0.0.1", 0))
        command = [sys.executable, "-m", "cluster.embedded.forward", f"{door.fileno()}={address[0]}:{address[1]}"]
        started.append(subprocess.Popen(command, cwd=CLONE, pass_fds=[door.fileno()]))
        started.append(target)
        port = door.getsockname()[1]
        door.close()
        return int(port)

    yield start
    for one in started:
        if isinstance(one, subprocess.Popen):
            one.kill()
            one.wait()
        else:
            one.close()


def accept_for_ever(listener: socket.socket, serve: Callable[[socket.socket], None]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def read_all(connection: socket.socket) -> bytes:
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    return received


def test_end_of_a_request_reaches_the_server_while_its_answer_is_open(forwarded):
    def count(connection: socket.socket) -> None:
        with connection:
            connection.sendall(f"{len(read_all(connection))}".encode())

    with connect(forwarded(count)) as client:
        client.sendall(b"x" * 3_000_000)
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"3000000"


def test_bytes_are_passed_on_as_they_come(forwarded):
    def echo_lines(connection: socket.socket) -> None:
        with connection, connection.makefile("rwb") as lines:
            for line in lines:
                lines.write(line)
                lines.flush()

    with connect(forwarded(echo_lines)) as client, client.makefile("rwb") as lines:
        for word in (b"one\n", b"two\n", b"three\n"):
            lines.write(word)
            lines.flush()
            assert lines.readline() == word


def test_server_learns_that_its_client_is_gone(forwarded):
    gone = threading.Event()

    def stream(connection: socket.socket) -> None:
        try:
            while True:
                connection.sendall(b"token " * 1000)
        except OSError:
            gone.set()

    with connect(forwarded(stream)) as client:
        client.recv(10)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    assert gone.wait(30), "a cancelled answer must not be generated to its end"


def test_client_is_let_go_when_the_server_is_not_there(forwarded):
    with connect(forwarded(None)) as client, pytest.raises(ConnectionResetError):
        client.recv(10)
        client.sendall(b"x")
        client.recv(10)


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


def test_component_that_never_serves_is_ended_and_named_late(tmp_path):
    never = shell_component("never", "sleep 600", ready=lambda _: False, timeout=0.3)
    keepers = keep(tmp_path, never, until=lambda all: all["never"].report()["problem"])

    assert "did not serve within" in keepers["never"].report()["problem"]


def test_command_that_is_not_there_is_a_problem_not_the_end_of_the_supervisor(tmp_path):
    gone = Component("gone", ("/no/such/program",))
    keepers = keep(tmp_path, gone, until=lambda all: all["gone"].report()["problem"])

    assert keepers["gone"].report()["problem"] == "cannot be started: No such file or directory"


# --- S3 -----------------------------------------------------------------------------------------------------------


def test_signature_is_the_one_that_botocore_makes(monkeypatch):
    keys, now = s3.Keys("AKIDEXAMPLE", "secret"), datetime(2026, 11, 24, 6, 0, 0, tzinfo=UTC)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_: now.replace(tzinfo=None))
    request = AWSRequest("PUT", "http://127.0.0.1:8333/models/a%20b/c.gguf", headers={"Host": "127.0.0.1:8333"})
    request.context["payload_signing_enabled"] = False
    signer = S3SigV4Auth(Credentials(keys.access_key, keys.secret_key), "s3", s3.REGION)
    monkeypatch.setattr(signer, "payload", lambda _: "UNSIGNED-PAYLOAD")
    monkeypatch.setattr(signer, "_should_sha256_sign_payload", lambda _: False)
    signer.add_auth(request)

    signed = s3.sign(keys, "PUT", "127.0.0.1:8333", "/models/a%20b/c.gguf", now)
    assert signed["authorization"] == request.headers["Authorization"]


def test_anyone_may_read_models_and_nothing_else():
    anonymous = s3.configuration(s3.Keys.random())["identities"][1]

    assert anonymous == {"name": "anonymous", "actions": ["Read:models", "List:models"]}


# --- plan, components, configuration ------------------------------------------------------------------------------


def test_plan_is_read_back_as_it_was_written(plan, tmp_path):
    plan.write(tmp_path / "plan.json")

    assert Plan.read(tmp_path / "plan.json") == plan
    assert Plan.read(tmp_path / "missing.json") is None


def test_plan_of_another_version_is_named(tmp_path):
    (tmp_path / "plan.json").write_text('{"images": [], "ports": {"api": 1}}')

    with pytest.raises(ClusterError, match="another version"):
        Plan.read(tmp_path / "plan.json")


def test_every_component_comes_after_all_that_it_waits_for(plan):
    seen: set[str] = set()
    for component in components.assemble(plan):
        assert set(component.after) <= seen, component.name
        seen.add(component.name)


def test_change_of_a_command_or_a_setting_makes_a_running_cluster_out_of_date(plan, monkeypatch):
    before = components.fingerprint(plan)
    assert components.fingerprint(plan) == before
    monkeypatch.setattr(configs, "corefile", lambda: "other")

    assert components.fingerprint(plan) != before


def test_reverse_zones_are_those_of_services_and_pods():
    assert "cluster.local 96.10.in-addr.arpa 0.244.10.in-addr.arpa {" in configs.corefile()


def test_kubelet_touches_neither_images_nor_the_users_disk(plan):
    kubelet = configs.kubelet(plan)

    assert kubelet["imageGCHighThresholdPercent"] == 100
    assert all(not limit.endswith("%") for name, limit in kubelet["evictionHard"].items() if "available" in name)


def test_every_helper_has_a_role_of_its_own_without_wildcards():
    bindings = {item["metadata"]["name"]: item for item in addons.roles() if item["kind"] == "ClusterRoleBinding"}
    roles = [item for item in addons.roles() if item["kind"] == "ClusterRole"]
    users = {binding["subjects"][0]["name"] for binding in bindings.values()}

    assert {f"substrate:{name}" for name in pki.ADDONS} <= users
    assert not [role for role in roles for rule in role["rules"] if "*" in rule["resources"] + rule["verbs"]]


def test_only_the_administrator_is_in_the_masters_group():
    masters = [one.name for one in pki.CERTIFICATES if one.organisation == "system:masters"]

    assert masters == ["admin"]


# --- cgroups and mounts -------------------------------------------------------------------------------------------


def test_controllers_are_passed_down_on_cgroups_version_2(tmp_path, monkeypatch):
    """On a plain folder: what is written is what the kernel would be told last."""
    monkeypatch.setattr(cgroups, "MOUNT", tmp_path)
    branch = tmp_path / "substrate-0123abcd"
    branch.mkdir()
    for folder in (tmp_path, branch):
        (folder / "cgroup.controllers").write_text("cpu memory pids\n")
        (folder / "cgroup.subtree_control").write_text("cpu memory\n")
    cgroups.make("0123abcd")

    assert cgroups.branches("0123abcd") == [branch]
    assert (branch / "cgroup.subtree_control").read_text() == "+pids"


def test_cpuset_of_version_1_is_filled_from_above(tmp_path, monkeypatch):
    """It starts empty, and then no process may enter."""
    monkeypatch.setattr(cgroups, "MOUNT", tmp_path)
    branch = tmp_path / "cpuset" / "substrate-0123abcd"
    branch.mkdir(parents=True)
    for name, value in (("cgroup.procs", ""), ("cpuset.cpus", "0-1\n"), ("cpuset.mems", "0\n")):
        (branch.parent / name).write_text(value)
        (branch / name).write_text("")
    cgroups.make("0123abcd")

    assert (branch / "cpuset.cpus").read_text() == "0-1\n"
    assert (branch / "cpuset.mems").read_text() == "0\n"


def test_mounts_of_others_below_the_state_are_seen():
    targets = ("/proc", "/a/b\\040c/cluster/volumes", "/a/b\\040c/clusters")
    table = "".join(f"source {target} ext4 rw 0 0\n" for target in targets)

    assert stop.mounted_below(Path("/a/b c/cluster"), table) == ["/a/b c/cluster/volumes"]


# --- what a user is told ------------------------------------------------------------------------------------------


def test_other_systems_are_told_the_other_way(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")

    with pytest.raises(ClusterError) as told:
        preflight.check()
    assert "this is darwin" in str(told.value)
    assert "make up CLUSTER=existing KUBECONFIG=" in str(told.value)


def test_users_without_root_are_told_the_other_way(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(ClusterError) as told:
        preflight.check()
    assert "needs root" in str(told.value)
    assert "make up CLUSTER=existing KUBECONFIG=" in str(told.value)


def test_missing_program_is_named_with_its_package(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None if name == "openssl" else f"/usr/bin/{name}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    with pytest.raises(ClusterError, match="openssl is not on PATH"):
        preflight.check()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("up", "--gateway-port", "70000"), "'70000' is not a port"),
        (("exec", "--", "true"), "does not run"),
        (("logs", "etcs"), "there is no log of 'etcs'"),
        (("put-model", "/no/such/file", "key"), "/no/such/file is not a file"),
        (("frobnicate",), "invalid choice"),
    ],
)
def test_mistakes_are_told_in_words_and_end_with_an_error(tmp_path, arguments, said):
    command = [sys.executable, "-m", "cluster", "--root", str(tmp_path / "root"), *arguments]
    done = subprocess.run(command, cwd=CLONE, capture_output=True, text=True, timeout=60)

    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_existing_cluster_is_the_one_that_kubeconfig_names(tmp_path, monkeypatch):
    (tmp_path / "mine").write_text("{}")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "mine"))

    assert shell.environment(Root.at(tmp_path / "root"), existing=True)["KUBECONFIG"] == str(tmp_path / "mine")


def test_existing_cluster_without_a_kubeconfig_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "missing"))

    with pytest.raises(ClusterError, match="KUBECONFIG=/path/to/kubeconfig"):
        shell.environment(Root.at(tmp_path / "root"), existing=True)


def test_path_names_our_folder_once_and_first(tmp_path, monkeypatch):
    root = Root.at(tmp_path / "root")
    monkeypatch.setenv("PATH", f"/usr/bin:{root.bin}:/bin")

    assert shell.environment(root)["PATH"] == f"{root.bin}:/usr/bin:/bin"


def test_exports_survive_any_character():
    exports = shell.exports({"ODD": "a 'b' $c\n"})
    done = subprocess.run(["bash", "-c", f'{exports}printf %s "$ODD"'], capture_output=True, text=True, check=True)

    assert done.stdout == "a 'b' $c\n"


def test_error_shows_the_end_of_the_log_and_where_it_is(tmp_path):
    log = tmp_path / "etcd.log"
    log.write_text("".join(f"line {number}\n" for number in range(10_000)))
    told = str(ClusterError("etcd ended", remedy="see to it", log=log))

    assert told.splitlines()[0] == "etcd ended"
    assert "  | line 9999" in told
    assert "line 9000" not in told
    assert f"log: {log}" in told
    assert tail(tmp_path / "missing.log") == []
