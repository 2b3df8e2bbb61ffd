"""The cache: a folder is complete or not there, whoever is killed and whoever builds at the same time."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from cluster.tools import Progress, cache
from cluster.tools.cache import Key, fingerprint
from cluster.tools.catalogue.kubernetes import COREDNS, KUBERNETES
from cluster.tools.golang import GoProgram
from cluster.tools.progress import Step

BUILDS = 'echo built > "$out/coredns"'


def wait_for(file: Path) -> None:
    deadline = time.monotonic() + 30
    while not file.exists():
        assert time.monotonic() < deadline, f"{file} never appeared"
        time.sleep(0.02)


def published(machine) -> list[str]:
    return [path.name for path in machine.tools.iterdir() if not path.name.startswith(".")]


def test_a_second_clone_builds_nothing(machine):
    machine.go(BUILDS)
    first, second = machine.run("ensure", "coredns"), machine.run("ensure", "coredns")
    assert (first.code, second.code, machine.builds()) == (0, 0, 1)
    assert "done in" in first.out
    assert second.out == ""
    assert machine.run("path", "coredns").out.strip().endswith("/coredns")


def test_another_compiler_another_folder(machine):
    machine.go(BUILDS)
    machine.run("ensure", "coredns")
    machine.go(BUILDS, version="go1.27.1")
    assert machine.run("path", "coredns").code == 1
    assert machine.run("ensure", "coredns").code == 0
    assert len(published(machine)) == 2


def test_what_was_built_stays_usable_when_go_is_gone(machine):
    machine.go(BUILDS)
    machine.run("ensure", "coredns")
    (machine.programs / "go").unlink()
    assert machine.run("path", "coredns").out.strip().endswith("/coredns")
    assert machine.run("ensure", "coredns").code == 0


@pytest.mark.parametrize("name", ["go.mod", "go.sum", "main.go"])
def test_every_pinned_file_is_part_of_the_key(tmp_path, monkeypatch, name):
    monkeypatch.setattr("cluster.tools.golang.TOOLCHAIN", tmp_path)
    module = tmp_path / "thing"
    module.mkdir()
    for file in ("go.mod", "go.sum", "main.go"):
        (module / file).write_text("go 1.26.0\n")
    recipe = GoProgram("thing", ("thing",), 1, 1, release="1", module="thing", packages=(".",))
    before = recipe.sources()
    (module / name).write_text("go 1.26.0\n// changed\n")
    assert recipe.sources() != before


def test_linker_flags_are_part_of_the_key():
    fields = {"release": "1", "module": "coredns", "packages": COREDNS.packages}
    plain = GoProgram("coredns", ("coredns",), 1, 1, **fields)
    other = GoProgram("coredns", ("coredns",), 1, 1, **fields, ldflags="-X a.b=c")
    assert plain.sources() != other.sources()


def test_a_fingerprint_tells_apart_what_runs_together():
    assert fingerprint({"a": b"bc", "d": b""}) != fingerprint({"a": b"b", "cd": b""})


def test_the_folder_is_named_by_name_version_and_recipe():
    assert str(Key("kwok", "0.8.0", "0123456789abcdef")) == "kwok-0.8.0-01234567"
    assert str(KUBERNETES.key()).startswith("kubernetes-1.36.2-")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_build_ends_its_children_and_leaves_nothing(machine, number):
    machine.go(f'echo half > "$out/coredns"; echo $$ > {machine.folder}/pid; exec sleep 60')
    process = machine.start("ensure", "coredns")
    wait_for(machine.folder / "pid")
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert "Traceback" not in err
    assert not Path(f"/proc/{(machine.folder / 'pid').read_text().strip()}").exists()
    assert machine.leftovers() == published(machine) == []


def test_a_build_killed_outright_leaves_nothing_that_looks_complete_and_the_next_run_completes(machine):
    machine.go(f'echo half > "$out/coredns"; echo $$ > {machine.folder}/pid; exec sleep 60')
    process = machine.start("ensure", "coredns")
    wait_for(machine.folder / "pid")
    process.kill()
    process.communicate(timeout=30)
    assert published(machine) == []
    assert machine.run("path", "coredns").code == 1
    child = Path(f"/proc/{(machine.folder / 'pid').read_text().strip()}")
    deadline = time.monotonic() + 30
    while child.exists() and "zombie" not in (child / "status").read_text():
        assert time.monotonic() < deadline, "the orphaned build lives on"
        time.sleep(0.05)
    machine.go(BUILDS)
    assert machine.run("ensure", "coredns").code == 0
    assert machine.leftovers() == []


def test_two_clones_at_once_build_once_and_the_other_says_that_it_waits(machine):
    machine.go(f"touch {machine.folder}/building; while [ ! -e {machine.folder}/go-on ]; do sleep 0.05; done; {BUILDS}")
    first = machine.start("ensure", "coredns")
    wait_for(machine.folder / "building")
    second = machine.start("ensure", "coredns")
    said = second.stdout.readline()
    (machine.folder / "go-on").touch()
    first.communicate(timeout=30)
    second.communicate(timeout=30)
    assert "waiting for another build of coredns" in said
    assert (first.returncode, second.returncode, machine.builds()) == (0, 0, 1)


def test_a_build_that_makes_too_little_is_not_published(machine):
    machine.go('echo other > "$out/something-else"')
    ended = machine.run("ensure", "coredns")
    assert ended.code == 1
    assert "made no coredns" in ended.err
    assert published(machine) == []


def test_a_folder_that_lost_a_file_is_built_again(machine):
    machine.go(BUILDS)
    machine.run("ensure", "coredns")
    Path(machine.run("path", "coredns").out.strip()).unlink()
    assert machine.run("path", "coredns").code == 1
    assert machine.run("ensure", "coredns").code == 0
    assert machine.builds() == 2
    assert Path(machine.run("path", "coredns").out.strip()).read_text() == "built\n"


def test_a_failure_inside_a_workspace_publishes_nothing(own_cache):
    key = Key("thing", "1", "0" * 64)
    with pytest.raises(RuntimeError), cache.building(key, "", Step("thing", None, Progress())) as space:
        (space.out / "thing").write_text("half")
        raise RuntimeError
    assert list((own_cache / "tools").iterdir()) == []


def test_the_time_it_took_is_noted(machine):
    machine.go(BUILDS)
    machine.run("ensure", "coredns")
    row = next(line for line in machine.run("list").out.splitlines() if line.startswith("coredns"))
    assert row.split()[1] == "1.15.0"
    assert float(row.split()[-1]) >= 0
