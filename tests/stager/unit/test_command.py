"""The command line as the Job runs it: exit codes, last lines, the termination log, signals, the cost of a start."""

from __future__ import annotations

import ast
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import stager
from tests.stager import sets
from tests.stager.webserver import Server, Site, answering, passing, serving, stalling

CONTENTS = {"model.bin": sets.noise(3_000_000), "config.json": b"{}"}
ALLOWED = {"stager", "obstore", "httpx", *sys.stdlib_module_names}


def command(tmp_path: Path, given: dict[str, Any] | None = None, **environment: str) -> sets.Command:
    share = sets.put(tmp_path / "share", CONTENTS)
    (tmp_path / "volume").mkdir()
    wanted = given or sets.document(CONTENTS, {"uri": share.as_uri() + "/"})
    return sets.Command(tmp_path, wanted, tmp_path / "volume", **environment)


def test_a_published_set_ends_with_0_and_says_so_in_the_last_line_and_the_termination_log(tmp_path: Path) -> None:
    ended = command(tmp_path).run()
    assert ended.code == 0
    assert ended.last.startswith("published ")
    assert ended.termination_log == ended.last


def test_a_second_run_says_that_it_is_complete(tmp_path: Path) -> None:
    twice = command(tmp_path)
    twice.run()
    assert "complete already" in twice.run().last


def test_a_wrong_digit_of_a_sha256_ends_with_3_and_names_file_expected_and_got(tmp_path: Path) -> None:
    good = sets.document(CONTENTS, {})
    sha256 = good["files"][0]["sha256"]
    wrong = ("1" if sha256[0] != "1" else "2") + sha256[1:]
    files = [{**good["files"][0], "sha256": wrong}, good["files"][1]]
    pairs = sorted([file["path"], file["sha256"]] for file in files)
    import hashlib

    digest = hashlib.sha256(json.dumps(pairs, separators=(",", ":")).encode()).hexdigest()
    given = {"digest": digest, "source": {"uri": (tmp_path / "share").as_uri() + "/"}, "files": files}
    ended = command(tmp_path, given).run()
    assert ended.code == 3
    assert f"model.bin: expected sha256 {wrong}, got {sha256}" in ended.last
    assert f"expected sha256 {wrong}, got {sha256}" in ended.termination_log
    assert not (tmp_path / "volume" / digest).exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"digest": "x"}'])
def test_a_wrong_listing_ends_with_2_without_a_traceback(tmp_path: Path, text: str) -> None:
    wrong = command(tmp_path)
    (tmp_path / "listing.json").write_text(text)
    ended = wrong.run()
    assert ended.code == 2
    assert "listing" in ended.last and "Traceback" not in "\n".join(ended.lines)


def test_no_listing_and_no_volume_are_clear_messages(tmp_path: Path) -> None:
    given = command(tmp_path)
    (tmp_path / "listing.json").unlink()
    ended = given.run()
    assert ended.code == 2 and "No such file" in ended.last
    (tmp_path / "other").mkdir()
    lost = sets.Command(tmp_path / "other", sets.document(CONTENTS, {"uri": "s3://x/"}), tmp_path / "none").run()
    assert lost.code == 1 and "is the claim mounted?" in lost.last


@pytest.mark.parametrize(
    "arguments", [["--parallel", "0"], ["--parallel", "x"], ["--lease-seconds", "0"], ["--plan", "--verify"]]
)
def test_wrong_arguments_end_with_2(tmp_path: Path, arguments: list[str]) -> None:
    assert command(tmp_path).run(*arguments).code == 2


def test_a_missing_file_ends_with_4_and_is_named(tmp_path: Path) -> None:
    missing = command(tmp_path)
    (tmp_path / "share" / "model.bin").unlink()
    ended = missing.run()
    assert ended.code == 4 and "model.bin" in ended.last


def test_an_unexpected_error_is_one_line_and_a_traceback_only_with_debug(tmp_path: Path) -> None:
    given = command(tmp_path)
    (tmp_path / "volume" / ".staging").write_text("a file where a folder belongs")
    ended = given.run()
    assert ended.code == 1
    assert len(ended.lines) == 1 and "Traceback" not in ended.lines[0]


def test_sigterm_ends_with_6_keeps_what_came_and_the_next_run_goes_on(tmp_path: Path) -> None:
    with serving(Server(Site(files=dict(CONTENTS)))) as server:
        server.site.faults.extend([passing] * 6 + [stalling(5.0)] * 8)
        given = command(tmp_path, sets.document(CONTENTS, {"uri": server.url + "/"}))
        process = given.start("--progress-every", "0.1")
        while sets.on_disk(tmp_path / "volume") < 600_000:
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        ended = given.end(process)
        assert ended.code == 6
        assert ended.last.startswith("interrupted by SIGTERM; partial data is kept")
        server.site.faults.clear()
        again = given.run()
        assert again.code == 0
        assert "0 B of it kept" not in again.lines[0]
    assert sets.published(tmp_path / "volume", sets.document(CONTENTS, {})["digest"]) == CONTENTS


def test_progress_is_one_line_at_a_time(tmp_path: Path) -> None:
    with serving(Server(Site(files=dict(CONTENTS)))) as server:
        server.site.faults.extend([answering(503, Retry_After="1")] * 4)
        ended = command(tmp_path, sets.document(CONTENTS, {"uri": server.url + "/"})).run("--progress-every", "0.2")
    assert ended.code == 0
    assert [line for line in ended.lines if " % of 2.9 MiB, " in line]


def test_no_secret_and_no_presigned_address_is_printed(tmp_path: Path) -> None:
    secrets = {
        "HF_TOKEN": "hf_canary0123456789",
        "AWS_SECRET_ACCESS_KEY": "canarysecret",
        "AWS_ACCESS_KEY_ID": "AKIACANARY",
    }

    def to_presigned(handler: Any) -> bool:
        handler.status(302, Location="ftp://cdn.example/x?X-Amz-Signature=canarysignature")
        return True

    with serving(Server(Site(files=dict(CONTENTS), heads=False))) as server:
        server.site.faults.extend([to_presigned] * 9)
        ended = command(tmp_path, sets.document(CONTENTS, {"uri": server.url + "/"}), **secrets).run("--debug")
    assert ended.code == 4
    assert "canary" not in "\n".join(ended.lines).lower() + ended.termination_log.lower()


def test_the_stager_imports_the_standard_library_obstore_and_httpx_only() -> None:
    for path in Path(stager.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            assert {name.partition(".")[0] for name in names} <= ALLOWED, path


def test_a_run_over_a_complete_set_loads_no_transport(tmp_path: Path) -> None:
    given = command(tmp_path)
    given.run()
    code = (
        "import sys; from stager.__main__ import main;"
        f"status = main(['--listing', {str(tmp_path / 'listing.json')!r}, '--volume', {str(tmp_path / 'volume')!r}]);"
        "assert not {'obstore', 'httpx', 'ssl'} & set(sys.modules), 'a transport was loaded'; sys.exit(status)"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=sets.ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "complete already" in ended.stdout
