"""The parts of the embedded cluster, each by itself: no root, no cluster, no tools."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from cluster.embedded import addons, assembly, cgroups, configs, pki, s3, stop, up
from cluster.embedded.errors import ClusterError
from cluster.embedded.identity import Process
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


def test_flags_of_the_controllers_are_kept_and_start_a_running_cluster_anew(plan, tmp_path):
    asked = replace(plan, controllers=up._flags("a-period=2s", "b=1", "a-period=1s"))
    asked.write(tmp_path / "plan.json")

    assert Plan.read(tmp_path / "plan.json") == asked
    (controllers,) = (one for one in assembly.assemble(asked) if one.name == "kube-controller-manager")
    assert controllers.command[-2:] == ("--a-period=1s", "--b=1"), "of two, the last"
    assert assembly.fingerprint(asked) != assembly.fingerprint(plan)


def test_plan_of_another_version_is_named(tmp_path):
    (tmp_path / "plan.json").write_text('{"images": [], "ports": {"api": 1}}')

    with pytest.raises(ClusterError, match="another version"):
        Plan.read(tmp_path / "plan.json")


def test_every_component_comes_after_all_that_it_waits_for(plan):
    seen: set[str] = set()
    for component in assembly.assemble(plan):
        assert set(component.after) <= seen, component.name
        seen.add(component.name)


def test_change_of_a_command_or_a_setting_makes_a_running_cluster_out_of_date(plan, monkeypatch):
    before = assembly.fingerprint(plan)
    assert assembly.fingerprint(plan) == before
    monkeypatch.setattr(configs, "corefile", lambda: "other")

    assert assembly.fingerprint(plan) != before


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
