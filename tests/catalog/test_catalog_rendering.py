"""Diagnostics on a terminal and as JSON: the form, the caret, no secrets, no tricks with characters."""

from __future__ import annotations

import json

import pytest

from substrate.catalog import fields
from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Choices, Diagnostic, Place, Severity
from substrate.catalog.rendering import LINE_WIDTH, as_json, block, dotted, render
from substrate.catalog.secrets import hidden
from substrate.catalog.showing import code_points, shown


def at(text: str, column: int, width: int, line: int = 31) -> Place:
    return Place("Pulumi.homelab.yaml", line, column, width, text)


DANGLING = Diagnostic(
    Code.NO_SUCH_POOL,
    "pool `engine-1` does not exist",
    at("      pool: engine-1", 13, 8),
    ("models", "qwen2-5-7b", "pool"),
    notes=("pools are named under `substrate:pools`",),
    choices=Choices("engine-1", ("engine-01",)),
    also=((at("    engine-01:", 5, 9, line=7), "`engine-01` is defined here"),),
)


def test_a_diagnostic_has_the_form_that_people_know() -> None:
    assert block(DANGLING) == (
        "error[SB0201]: pool `engine-1` does not exist\n"
        "   --> Pulumi.homelab.yaml:31:13  models.qwen2-5-7b.pool\n"
        " 31 |       pool: engine-1\n"
        "    |             ^^^^^^^^\n"
        "   ::: Pulumi.homelab.yaml:7:5  `engine-01` is defined here\n"
        "  7 |     engine-01:\n"
        "    |     ---------\n"
        "    note: pools are named under `substrate:pools`\n"
        "    help: write one of: engine-01 (did you mean `engine-01`?)"
    )


def test_json_has_the_same_fields() -> None:
    warning = Diagnostic(Code.FIT_NOT_CHECKED, "not checked", at("x", 1, 1), severity=Severity.WARNING)
    report = json.loads(as_json("Pulumi.homelab.yaml", [DANGLING, warning]))
    assert (report["ok"], report["errors"], report["warnings"], report["notShown"]) == (False, 1, 1, 0)
    first = report["diagnostics"][0]
    assert (first["code"], first["severity"]) == ("SB0201", "error")
    assert (first["file"], first["line"], first["column"], first["endColumn"]) == ("Pulumi.homelab.yaml", 31, 13, 21)
    assert first["path"] == "models.qwen2-5-7b.pool"
    assert first["help"] == "write one of: engine-01 (did you mean `engine-01`?)"
    assert first["also"][0]["line"] == 7


def test_a_file_as_a_whole_has_no_line() -> None:
    missing = Diagnostic(Code.FILE_MISSING, "there is no file", Place("Pulumi.x.yaml", 0, 0, 1, ""), help="make it")
    assert block(missing) == "error[SB0001]: there is no file\n  --> Pulumi.x.yaml\n   help: make it"


def test_long_lists_are_cut() -> None:
    names = tuple(f"name-{number:02}" for number in range(30))
    assert Choices("other", names).help().endswith("name-11, and 18 more")
    assert render([DANGLING] * 60).endswith("and 10 more")


def test_a_long_line_is_shown_around_its_caret() -> None:
    line = "a" * 500 + "bad" + "c" * 500
    text = block(Diagnostic(Code.BAD_TEXT, "wrong", at(line, 501, 3)))
    shown_line, caret = text.splitlines()[2:4]
    assert len(shown_line) < LINE_WIDTH + 20
    start = caret.index("^")
    assert shown_line[start : start + caret.count("^")] == "bad"


def test_a_caret_stands_under_its_character_whatever_is_before_it() -> None:
    line = "名前\u0301: bad"
    caret = block(Diagnostic(Code.BAD_TEXT, "wrong", at(line, 6, 3))).splitlines()[3]
    # Two wide characters take four columns, the combining accent none.
    assert caret == "    |" + " " * 7 + "^^^"


def test_characters_that_move_a_terminal_are_shown_by_number() -> None:
    text = block(Diagnostic(Code.BAD_TEXT, "wrong", at("name: a\u202egpj.exe\x1b[31m", 7, 5)))
    assert "\u202e" not in text
    assert "\x1b" not in text
    assert "<U+202E>" in text


def test_look_alikes_are_named() -> None:
    assert shown("qw\u0435n") == "qw\\u0435n"
    assert code_points("qw\u0435n") == "U+0435 is CYRILLIC SMALL LETTER IE, which looks like `e`"
    assert code_points("qwen") is None


def test_secrets_never_reach_a_message() -> None:
    token = "hf_" + "a" * 34
    for text in (
        token,
        f"from: https://user:{token}@host/",
        "https://bob:hunter2@host/x",
        "key: AKIAIOSFODNN7EXAMPLE",
        'password: "hunter2"',
        "apiKey: hunter2",
    ):
        for secret in (token, "hunter2", "AKIAIOSFODNN7EXAMPLE"):
            assert secret not in hidden(text)
            assert secret not in shown(text)
            assert secret not in block(Diagnostic(Code.BAD_TEXT, "wrong", at(text, 1, 3)))
        assert len(hidden(text)) == len(text)
    assert hidden("secretRef: model-store") == "secretRef: model-store"


def test_no_suggestion_is_made_from_a_secret() -> None:
    """A name's nearest right spelling would be the token itself, with dashes."""
    with pytest.raises(fields.FieldError) as raised:
        fields.dns_label("hf_" + "aB3" * 11)
    assert "ab3" not in f"{raised.value.message} {raised.value.help}".lower()


def test_paths_are_written_as_in_the_file() -> None:
    assert dotted(("models", "qwen2-5-7b", "weights", "files", "model.gguf", "size")) == (
        'models.qwen2-5-7b.weights.files["model.gguf"].size'
    )
    assert dotted(("pools", "l40s", "nodes", 1)) == "pools.l40s.nodes[1]"
