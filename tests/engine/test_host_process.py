"""The language host as a process: it starts as the engine starts it, and leaves nothing behind. Needs no CLI."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from pulumi.runtime.proto import language_pb2 as pb
from pulumi.runtime.proto import language_pb2_grpc

from cluster.pulumi_host import commands
from cluster.pulumi_host.installation import CLONE, EXECUTABLE, install

PATIENCE_SECONDS = 30  # a bound on waiting for what must happen, not a measurement
PACK = "import os, time\nprint(4242, flush=True)\nprint(os.getpid(), os.getcwd(), flush=True)\ntime.sleep(600)\n"


@contextlib.contextmanager
def started(directory: Path) -> Iterator[tuple[subprocess.Popen[str], language_pb2_grpc.LanguageRuntimeStub]]:
    """The installed executable in a process group of its own, as the engine makes it, and a client of it."""
    host = subprocess.Popen(
        [directory / EXECUTABLE, "-v=3", "127.0.0.1:1"], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert host.stdout is not None
        port = int(host.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield host, language_pb2_grpc.LanguageRuntimeStub(channel)
    finally:
        host.kill()
        host.wait()


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie that nobody waits for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A folder that starts like a policy pack, says who it is, and stays."""
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "__main__.py").write_text(PACK, encoding="utf-8")
    return folder


def request(pack: Path, kind: str = "analyzer") -> pb.RunPluginRequest:
    info = pb.ProgramInfo(root_directory=str(pack), program_directory=str(pack), entry_point=".")
    environment = [f"{name}={value}" for name, value in os.environ.items()]
    return pb.RunPluginRequest(pwd="/", args=["127.0.0.1:1"], env=environment, info=info, kind=kind)


def test_pack_is_started_in_its_folder_and_its_output_passed_on_as_it_comes(host_directory: Path, pack: Path) -> None:
    with started(host_directory) as (_, client):
        stream = client.RunPlugin(request(pack))

        assert next(stream).stdout == b"4242\n"
        pid, folder = next(stream).stdout.decode().split()
        assert folder == str(pack) and alive(int(pid))
        stream.cancel()
        assert until(lambda: not alive(int(pid)))


def test_interrupt_ends_host_and_pack_without_a_word(host_directory: Path, pack: Path) -> None:
    with started(host_directory) as (host, client):
        stream = client.RunPlugin(request(pack))
        next(stream)
        pid = int(next(stream).stdout.split()[0])

        os.kill(host.pid, signal.SIGINT)

        assert host.wait(PATIENCE_SECONDS) == 0
        assert host.stdout is not None and host.stdout.read() == ""
        assert until(lambda: not alive(pid))


def test_host_and_pack_do_not_outlive_a_killed_engine(host_directory: Path, pack: Path) -> None:
    engine_program = (
        "import subprocess, sys, time\n"
        "host = subprocess.Popen([sys.argv[1], 'x'], stdout=subprocess.PIPE, text=True, start_new_session=True)\n"
        "print(host.pid, host.stdout.readline(), end='', flush=True)\n"
        "time.sleep(600)\n"
    )
    command = [sys.executable, "-c", engine_program, str(host_directory / EXECUTABLE)]
    engine = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert engine.stdout is not None
    host_pid, port = map(int, engine.stdout.readline().split())
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stream = language_pb2_grpc.LanguageRuntimeStub(channel).RunPlugin(request(pack))
        next(stream)
        pack_pid = int(next(stream).stdout.split()[0])

        engine.kill()
        engine.wait()

        assert until(lambda: not alive(host_pid) and not alive(pack_pid))


def test_plugin_that_is_no_pack_is_refused_in_words(host_directory: Path, pack: Path) -> None:
    with started(host_directory) as (_, client), pytest.raises(grpc.RpcError) as refused:
        list(client.RunPlugin(request(pack, kind="resource")))

    assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert "Install the official Pulumi" in refused.value.details()


def test_pack_without_its_virtual_environment_is_refused_in_words(host_directory: Path, pack: Path) -> None:
    wanted = request(pack)
    wanted.info.options.update({"virtualenv": "../nowhere"})
    with started(host_directory) as (_, client), pytest.raises(grpc.RpcError) as refused:
        list(client.RunPlugin(wanted))

    assert f"{pack.parent}/nowhere" in refused.value.details()


def test_installing_again_replaces_the_executable(tmp_path: Path) -> None:
    install(tmp_path / "bin")
    install(tmp_path / "bin")

    (only,) = (tmp_path / "bin").iterdir()
    assert only.name == EXECUTABLE and os.access(only, os.X_OK)
    assert str(CLONE) in only.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ({"PYTHONPATH": str(CLONE)}, {}),
        ({"PYTHONPATH": f"{CLONE}:/given"}, {"PYTHONPATH": "/given"}),
        ({"PYTHONPATH": f"/given:{CLONE}"}, {"PYTHONPATH": f"/given:{CLONE}"}),
        ({"A": "1"}, {"A": "1"}),
    ],
)
def test_program_gets_the_users_python_path_and_not_the_hosts(given: dict[str, str], left: dict[str, str]) -> None:
    assert commands.own_path_removed(given) == left


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (0, pb.RunResponse()),
        (32, pb.RunResponse(bail=True)),
        (1, pb.RunResponse(error="Program exited with non-zero exit code: 1")),
        (-9, pb.RunResponse(error="Program was ended by signal 9")),
    ],
)
def test_engine_is_told_how_a_program_ended(status: int, expected: pb.RunResponse) -> None:
    assert commands.run_response(status) == expected
