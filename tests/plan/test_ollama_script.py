"""What the script in front of Ollama does, with a program in Ollama's place that keeps its names in files as it does.

The real one (0.17.4, built from its source) was told the same by hand; it is in no registry that the tests may ask.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from substrate.catalog import check
from substrate.catalog.codes import Code
from substrate.plan import ServerPlan
from tests.plan.test_several import FIRST, SECOND, pair
from tests.stacks import document, plan_document, server

SERVED = ("smollm2-135m-instruct", "twin")
OLLAMA = f"""#!{sys.executable}
import os, pathlib, shutil, signal, sys
command, *rest = sys.argv[1:]
log, up = pathlib.Path(os.environ["HOME"], "log"), pathlib.Path(os.environ["HOME"], "up")
def at(name):
    name = name if "/" in name else "library/" + name
    return pathlib.Path(os.environ["OLLAMA_MODELS"], "manifests/registry.ollama.ai", name, "latest")
def say(*words):
    with log.open("a") as file:
        print(*words, file=file)
if command == os.environ.get("FAILS"):
    sys.exit(1)
if command == "serve":
    def end(*_):
        say("ended")
        up.unlink()
        sys.exit()
    signal.signal(signal.SIGTERM, end)
    up.touch()
    while True:
        signal.pause()
if not up.exists():
    sys.exit(1)
if command == "create":
    at(rest[0]).parent.mkdir(parents=True)
    shutil.copy(rest[2], at(rest[0]))
if command == "cp":
    at(rest[1]).parent.mkdir(parents=True)
    shutil.copy(at(rest[0]), at(rest[1]))
if command != "list":
    say(command, *rest)
"""


def two(**changes: Any) -> dict[str, Any]:
    """The local stack with its model twice, in one server of Ollama's."""
    data = pair(**{"engine": "ollama", **changes})
    models = data["config"]["substrate:models"]
    models[FIRST]["engine"] = "ollama"
    models[SECOND]["weights"]["files"]["model.gguf"]["sha256"] = "b2" * 32
    return data


def tight() -> dict[str, Any]:
    """In 1 GiB one is there, the other waits for its turn."""
    data = two()
    data["config"]["substrate:pools"]["cpu"]["nodeMemory"] = "1Gi"
    return data


@pytest.fixture
def small(tmp_path: Path) -> ServerPlan:
    return server(plan_document(two(), tmp_path), "small")


class Container:
    """The script as the pod starts it, on a scratch folder that outlives it."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "scratch"
        self.programs = folder / "bin"
        self.home.mkdir()
        self.programs.mkdir()
        (self.programs / "ollama").write_text(OLLAMA)
        (self.programs / "ollama").chmod(0o755)

    def start(self, planned: ServerPlan, **variables: str) -> subprocess.Popen[bytes]:
        engine = planned.engine
        assert engine.command
        environment = {name: value.replace("/tmp", str(self.home)) for name, value in engine.environment.items()}
        path = f"{self.programs}:{os.environ['PATH']}"
        return subprocess.Popen([*engine.command, *engine.args], env={**environment, "PATH": path, **variables})

    @contextmanager
    def serving(self, planned: ServerPlan) -> Iterator[subprocess.Popen[bytes]]:
        """While it serves: every model has its name, and the store is closed."""
        process = self.start(planned)
        try:
            until(lambda: (self.store / "blobs").is_dir() and not writable(self.store / "blobs"), process)
            yield process
        finally:
            process.terminate()
            process.wait(timeout=60)

    @property
    def store(self) -> Path:
        return self.home / "ollama"

    @property
    def names(self) -> dict[str, str]:
        """Each name that clients could ask for, and what it was made of."""
        found = (self.store / "manifests").glob("registry.ollama.ai/*/*/latest")
        return {file.parent.name: file.read_text() for file in found if file.parent.parent.name == "library"}

    @property
    def log(self) -> list[str]:
        return (self.home / "log").read_text().splitlines()


@pytest.fixture
def container(tmp_path: Path) -> Container:
    return Container(tmp_path)


def until(holds: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert process.poll() is None, "the script ended"
        assert time.monotonic() < deadline
        time.sleep(0.05)


def writable(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o222)


def test_no_model_has_its_name_before_all_are_loaded_that_are_held_at_once(
    small: ServerPlan, container: Container
) -> None:
    with container.serving(small):
        commands = [line.split()[0] for line in container.log]
        assert commands == ["create", "create", "run", "run", "cp", "cp"]
        assert set(container.names) == set(SERVED)


def test_what_does_not_fit_beside_is_loaded_by_the_first_request_for_it(tmp_path: Path, container: Container) -> None:
    planned = server(plan_document(tight(), tmp_path), "small")
    with container.serving(planned):
        assert [line.split()[1] for line in container.log if line.startswith("run")] == ["unready/1"]
        assert set(container.names) == set(SERVED)
    assert planned.engine.environment["OLLAMA_MAX_LOADED_MODELS"] == "1"


def test_each_name_leads_to_its_own_file_with_its_own_context(tmp_path: Path, container: Container) -> None:
    planned = server(plan_document(two(context=1024), tmp_path), "small")
    with container.serving(planned):
        assert container.names == {
            SERVED[0]: f"FROM /models/{FIRST}/model.gguf\nPARAMETER num_ctx 2048\n",
            SERVED[1]: f"FROM /models/{SECOND}/model.gguf\nPARAMETER num_ctx 1024\n",
        }


def test_staged_files_are_linked_by_their_digests_and_not_copied(small: ServerPlan, container: Container) -> None:
    with container.serving(small):
        links = {file.name: str(file.readlink()) for file in (container.store / "blobs").iterdir()}
    for model in small.models:
        assert model.weights
        (file,) = model.weights.files
        assert Path(links[f"sha256-{file.sha256}"]).name == file.path


def test_nobody_can_add_or_remove_a_model_of_a_store_that_serves(small: ServerPlan, container: Container) -> None:
    with container.serving(small):
        closed = [container.store / "blobs", *(container.store / "manifests").rglob("*")]
        assert not any(map(writable, closed))
        assert not list(container.store.glob("manifests/registry.ollama.ai/unready"))


def test_a_signal_ends_the_server_and_then_the_script_with_success(small: ServerPlan, container: Container) -> None:
    with container.serving(small) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    assert container.log[-1] == "ended"


def test_a_container_that_starts_again_begins_anew_in_the_store_of_the_one_before(
    small: ServerPlan, tmp_path: Path, container: Container
) -> None:
    with container.serving(small):
        pass
    (folder := tmp_path / "alone").mkdir()
    data = document("local")
    data["config"]["substrate:models"][FIRST]["engine"] = "ollama"
    reopened = container.store / "blobs"
    reopened.chmod(0o755)
    with container.serving(server(plan_document(data, folder), FIRST)):
        assert set(container.names) == {SERVED[0]}


@pytest.mark.parametrize("command", ["serve", "create", "run", "cp"])
def test_what_fails_ends_the_script_and_no_name_is_given(small: ServerPlan, container: Container, command: str) -> None:
    process = container.start(small, FAILS=command)
    assert process.wait(timeout=60) != 0
    assert container.names == {}
    if command != "serve":
        os.kill(serving(container), signal.SIGTERM)


def serving(container: Container) -> int:
    """The pid of what serves; in a container it would have ended with the script."""
    found = (path for path in Path("/proc").iterdir() if path.name.isdigit())
    (pid,) = (int(path.name) for path in found if is_serving(path, container))
    return pid


def is_serving(process: Path, container: Container) -> bool:
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return str(container.programs / "ollama").encode() in words and b"serve" in words


def test_all_models_are_held_and_each_answers_as_many_at_once_as_is_written(small: ServerPlan) -> None:
    assert small.engine.environment["OLLAMA_NUM_PARALLEL"] == "2"
    assert small.engine.environment["OLLAMA_MAX_LOADED_MODELS"] == "2"
    assert small.engine.environment["OLLAMA_MAX_QUEUE"] == "16", "four full batches of each"


def test_a_server_of_ollamas_is_ready_once_its_last_model_has_its_name(small: ServerPlan) -> None:
    assert small.engine.health_path == f"/v1/models/{SERVED[-1]}"


def reported(data: dict[str, Any], folder: Path) -> list[tuple[Code, str]]:
    path = folder / "Pulumi.told.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    return [(each.code, each.message) for each in check(path).diagnostics]


def test_where_not_all_fit_the_check_says_that_they_take_turns(tmp_path: Path) -> None:
    assert [code for code, _ in reported(tight(), tmp_path)] == [Code.SERVER_SWAPS]


def test_two_models_that_answer_another_number_at_once_share_no_ollama(tmp_path: Path) -> None:
    """It has one number for all of them."""
    ((code, message),) = reported(two(parallel=1), tmp_path)
    assert code is Code.SERVER_OF_DIFFERENT_KINDS
    assert "differ in `parallel`: 2 and 1" in message


def test_two_names_that_ollama_takes_for_one_are_refused(tmp_path: Path) -> None:
    ((code, message),) = reported(two(servedName=SERVED[0].upper()), tmp_path)
    assert code is Code.SERVED_NAME_UNFIT
    assert "`smollm2-135m-instruct` and `SMOLLM2-135M-INSTRUCT`" in message


def test_one_file_with_two_contexts_is_refused_since_each_request_would_load_it_anew(tmp_path: Path) -> None:
    data = pair(engine="ollama", context=1024)
    data["config"]["substrate:models"][FIRST]["engine"] = "ollama"
    ((code, message),) = reported(data, tmp_path)
    assert code is Code.SERVER_OF_DIFFERENT_KINDS
    assert "differ in `context`: 2048 and 1024" in message
