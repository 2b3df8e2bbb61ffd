"""A stack file that is missing, unreadable, no text, no YAML or too much: one clear message, and never an exception."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from bad_stacks import BASE, BASE_FILE

from substrate.catalog import CatalogError, check, load
from substrate.catalog.codes import Code
from substrate.catalog.source import LARGEST

VALID = BASE_FILE.read_bytes()
# name, bytes, code, line and column (0 0: the file as a whole)
TEXTS = (
    ("empty", b"", Code.FILE_EMPTY, 0, 0),
    ("blank", b"\n  \n", Code.FILE_EMPTY, 0, 0),
    ("comments only", b"# nothing yet\n", Code.FILE_EMPTY, 0, 0),
    ("list at the top", b"- config\n- models\n", Code.NOT_A_MAPPING, 1, 1),
    ("one word", b"# a comment\nconfig\n", Code.NOT_A_MAPPING, 2, 1),
    ("config without a value", b"config:\n", Code.NOT_A_MAPPING, 1, 1),
    ("config as a list", b"config: [a]\n", Code.NOT_A_MAPPING, 1, 1),
    ("no config", b"encryptionsalt: v1:abc\n", Code.MISSING_KEY, 1, 1),
    ("byte order mark", b"\xef\xbb\xbf" + VALID, Code.BYTE_ORDER_MARK, 0, 0),
    ("UTF-16", VALID.decode().encode("utf-16"), Code.NOT_UTF8, 0, 0),
    ("Latin-1", b"config:\n  x: caf\xe9\n", Code.NOT_UTF8, 2, 9),
    ("cut in the middle of a character", b"config: \xe2\x82", Code.NOT_UTF8, 1, 9),
    ("NUL", b"config:\n  a: \x00\n", Code.CONTROL_CHARACTER, 2, 6),
    ("escape", b"config:\n  a: \x1b[31m\n", Code.CONTROL_CHARACTER, 2, 6),
    ("line separator", "config:\n  a: b\u2028c\n".encode(), Code.CONTROL_CHARACTER, 2, 7),
    ("weights", os.urandom(4096).translate(None, b"\r\n") + b"\xff", Code.NOT_UTF8, 1, None),
    ("deep block", b"".join(b" " * n + b"a:\n" for n in range(2000)), Code.TOO_DEEP, None, None),
    ("deep list", b"a: " + b"- " * 50000, Code.YAML_SYNTAX, 1, None),
    ("deep dashes", b"- " * 50000, Code.TOO_DEEP, 1, 49),
    ("deep brackets", b"[" * 1000000, Code.TOO_DEEP, 1, 25),
    ("deep keys", b"? " * 50000, Code.TOO_DEEP, 1, None),
)


@pytest.mark.parametrize(("raw", "code", "line", "column"), [row[1:] for row in TEXTS], ids=[row[0] for row in TEXTS])
def test_a_file_that_is_no_stack_is_refused_with_one_message(
    raw: bytes, code: Code, line: int | None, column: int | None, tmp_path: Path
) -> None:
    file = tmp_path / "Pulumi.x.yaml"
    file.write_bytes(raw)
    (diagnostic,) = check(file).diagnostics
    assert diagnostic.code == code
    assert line in (None, diagnostic.place.line)
    assert column in (None, diagnostic.place.column)


def test_a_missing_file_names_the_stacks_beside_it(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.homelab.yaml").write_bytes(VALID)
    (diagnostic,) = check(tmp_path / "Pulumi.homlab.yaml").diagnostics
    assert diagnostic.code is Code.FILE_MISSING
    assert diagnostic.help == "stacks here: Pulumi.homelab.yaml"


@pytest.mark.parametrize("name", ["nowhere/Pulumi.x.yaml", "a\0b", "x" * 5000, "base.yaml/below"])
def test_a_path_that_cannot_be_is_a_message(name: str) -> None:
    (diagnostic,) = check(BASE_FILE.parent / name).diagnostics
    assert diagnostic.code in (Code.FILE_MISSING, Code.FILE_UNREADABLE)


def test_a_folder_is_not_a_stack_file(tmp_path: Path) -> None:
    (diagnostic,) = check(tmp_path).diagnostics
    assert diagnostic.code is Code.FILE_NOT_REGULAR


def test_a_pipe_is_refused_and_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (diagnostic,) = check(tmp_path / "pipe").diagnostics
    assert diagnostic.code is Code.FILE_NOT_REGULAR


def test_a_file_that_cannot_be_read_is_a_message(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    (diagnostic,) = check(loop).diagnostics
    assert diagnostic.code is Code.FILE_UNREADABLE


def test_a_file_without_permission_is_a_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read everything, so the refusal is the operating system's words through our door."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    file = tmp_path / "Pulumi.x.yaml"
    file.write_bytes(VALID)
    monkeypatch.setattr(Path, "open", refuse)
    (diagnostic,) = check(file).diagnostics
    assert diagnostic.code is Code.FILE_UNREADABLE
    assert "chmod" in (diagnostic.help or "")


def test_a_file_over_the_limit_is_not_read_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.x.yaml"
    with file.open("wb") as sparse:
        sparse.truncate(LARGEST + 1)
    (diagnostic,) = check(file).diagnostics
    assert diagnostic.code is Code.FILE_TOO_LARGE


def test_an_alias_bomb_is_refused_at_its_anchors(tmp_path: Path) -> None:
    levels = "".join(f"  substrate:x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]\n" for n in range(1, 9))
    file = tmp_path / "Pulumi.x.yaml"
    file.write_text("config:\n  substrate:x0: &x0 [lol]\n" + levels + "  substrate:models: *x8\n")
    diagnostics = check(file).diagnostics
    assert Code.ANCHOR in {each.code for each in diagnostics}
    assert len(diagnostics) < 30


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_line_ending_gives_the_same_places(ending: str, tmp_path: Path) -> None:
    lines = [line.replace("pool: cores", "pool: core") for line in BASE]
    file = tmp_path / "Pulumi.x.yaml"
    file.write_bytes(ending.join(lines).encode())
    (diagnostic,) = check(file).diagnostics
    assert (diagnostic.place.line, diagnostic.place.column) == (BASE.index("      pool: cores") + 1, 13)


def test_load_raises_every_finding_at_once(tmp_path: Path) -> None:
    """All independent mistakes of a file come in one run, in the file's order."""
    text = BASE_FILE.read_text()
    for old, new in (
        ("gpusPerNode: 4", "gpusPerNod: 4"),
        ("readMiBps: 110", "readMiBps: fast"),
        ("pool: cores", "pool: core"),
        ("tier: hot", "tier: Hot"),
        ("from: s3://models/llama-8b/", "from: gs://models/llama-8b/"),
        ("size: 13.5Gi", "size: 13.5"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    file = tmp_path / "Pulumi.x.yaml"
    file.write_text(text)
    with pytest.raises(CatalogError) as raised:
        load(file)
    assert [each.code for each in raised.value.diagnostics] == [
        Code.UNKNOWN_KEY,
        Code.WRONG_TYPE,
        Code.NOT_A_CHOICE,
        Code.BAD_URL,
        Code.AMBIGUOUS_SCALAR,
        Code.NO_SUCH_POOL,
    ]
    assert str(raised.value).count("error[") == 6


def test_more_than_fifty_findings_are_counted(tmp_path: Path) -> None:
    teams = "".join(f"    Team_{n}: {{}}\n" for n in range(60))
    file = tmp_path / "Pulumi.x.yaml"
    file.write_text(BASE_FILE.read_text().replace("    home: {}\n", "    home: {}\n" + teams))
    with pytest.raises(CatalogError) as raised:
        load(file)
    assert len(raised.value.diagnostics) == 60
    assert str(raised.value).count("error[") == 50
    assert str(raised.value).endswith("and 10 more")
