"""Any single mutation of a valid stack leaves it valid, or its first error is where the mutation is; nothing raises."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from bad_stacks import BASE
from hypothesis import given, settings
from hypothesis import strategies as st

from substrate.catalog import check
from substrate.catalog.diagnostics import Diagnostic, errors
from substrate.catalog.rendering import as_json, render

LETTERS = "abzAZ09 :-#'\"[]{}&*!|>%@`,\t.?~_/\\=<\u00e9\u0441\u202e"
VALUES = [
    *(
        "",
        "~",
        "no",
        "0",
        "1",
        "-1",
        "1e3",
        "0755",
        "1_0",
        "12:30",
        "true",
        "1.10",
        "2026-01-01",
        "99999999999999999999",
    ),
    *(
        "5Gi",
        "5GB",
        "{}",
        "[]",
        "{a: b}",
        "[a, b]",
        "a: b",
        "a:b",
        "x",
        "a" * 60,
        "# gone",
        "|",
        "> x",
        "'q",
        '"q',
        "@x",
    ),
    *("&a b", "*a", "!!int 5", "%x", "`x", "hot", "longTail", "vllm", "tgi", "kserve", "cpu", "h200", "t4", "mi300x"),
    *("fast", "store-01", "home", "engine-01", "l40s", "cores", "smollm2", "ReadWriteOnce", "../x", "x.bin", "latest"),
    *("s3://b/c/", "hf://a/b", "file:///x/", "https://h/x/", "hf_" + "a" * 30, "16", "4096", "1048576"),
]
JUNK = ["junk", "  junk: 1", "- a", "]", "      foo:", "    \tx: y", "---", "...", "%YAML 1.1", "? a", "\u2028"]
SAMPLES = 700

Mutated = tuple[int, list[str]]


def edited(change: Callable[[str, st.DataObject], str]) -> Callable[[st.DataObject], Mutated]:
    """A mutation of one line's text; the line is counted from 1."""

    def mutate(data: st.DataObject) -> Mutated:
        number = data.draw(st.integers(0, len(BASE) - 1), label="line")
        lines = list(BASE)
        lines[number] = change(lines[number], data)
        return number + 1, lines

    return mutate


def at(text: str, data: st.DataObject, room: int = 0) -> int:
    return data.draw(st.integers(0, max(0, len(text) - 1 + room)), label="at")


def another_value(text: str, data: st.DataObject) -> str:
    key, colon, _ = text.partition(": ")
    return key + colon + data.draw(st.sampled_from(VALUES)) if colon else text


def a_letter_more(text: str, data: st.DataObject) -> str:
    place = at(text, data, room=1)
    return text[:place] + data.draw(st.sampled_from(LETTERS)) + text[place:]


def a_letter_less(text: str, data: st.DataObject) -> str:
    place = at(text, data)
    return text[:place] + text[place + 1 :]


def two_letters_swapped(text: str, data: st.DataObject) -> str:
    place = at(text, data)
    return text[:place] + text[place + 1 : place + 2] + text[place : place + 1] + text[place + 2 :]


def another_indent(text: str, data: st.DataObject) -> str:
    blanks = data.draw(st.sampled_from((-6, -4, -2, -1, 1, 2, 4)), label="indent")
    return " " * blanks + text if blanks > 0 else text[min(-blanks, len(text) - len(text.lstrip())) :]


def a_line_twice(data: st.DataObject) -> Mutated:
    number = data.draw(st.integers(0, len(BASE) - 1), label="line")
    return number + 1, [*BASE[: number + 1], *BASE[number:]]


def a_line_of_junk(data: st.DataObject) -> Mutated:
    number = data.draw(st.integers(0, len(BASE)), label="before")
    return number + 1, [*BASE[:number], data.draw(st.sampled_from(JUNK)), *BASE[number:]]


def a_line_less(data: st.DataObject) -> Mutated:
    number = data.draw(st.integers(0, len(BASE) - 1), label="line")
    return number + 1, [*BASE[:number], *BASE[number + 1 :]]


LINE_BY_LINE = [
    *map(edited, (another_value, a_letter_more, a_letter_less, two_letters_swapped, another_indent)),
    a_line_twice,
    a_line_of_junk,
]


def diagnosed(lines: list[str]) -> list[Diagnostic]:
    """Check and render a stack as the command line would; whatever it holds, neither raises."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "Pulumi.mutated.yaml"
        file.write_text("\n".join(lines) + "\n")
        diagnostics = check(file).diagnostics
    assert render(diagnostics) is not None
    assert as_json("Pulumi.mutated.yaml", diagnostics)
    return errors(diagnostics)


def block_of(line: int) -> range:
    """The lines of the base that belong to the key on a line (from 1), itself included."""
    indent = len(BASE[line - 1]) - len(BASE[line - 1].lstrip())
    end = line
    while end < len(BASE) and (len(BASE[end]) - len(BASE[end].lstrip()) > indent):
        end += 1
    return range(line, end + 1)


def cited(diagnostic: Diagnostic) -> list[int]:
    """The lines that a diagnostic shows: its own, and those that it follows from."""
    return [diagnostic.place.line, *(place.line for place, _ in diagnostic.also)]


def is_near(diagnostic: Diagnostic, line: int, smallest: int = 4) -> bool:
    """Within a line of the mutation; or at the head of a block (of names at least) that the mutation lies in."""
    return any(
        abs(shown - line) <= 1
        or (
            0 < shown <= len(BASE)
            and line in block_of(shown)
            and len(BASE[shown - 1]) - len(BASE[shown - 1].lstrip()) >= smallest
        )
        for shown in cited(diagnostic)
    )


@settings(max_examples=SAMPLES, deadline=None, derandomize=True)
@given(data=st.data())
def test_the_first_error_is_where_the_mutation_is(data: st.DataObject) -> None:
    line, lines = data.draw(st.sampled_from(LINE_BY_LINE), label="mutation")(data)
    found = diagnosed(lines)
    assert not found or is_near(found[0], line), f"line {line}, first error {found[0]}"


@settings(max_examples=len(BASE) * 2, deadline=None, derandomize=True)
@given(data=st.data())
def test_a_line_that_is_gone_is_missed_in_its_block(data: st.DataObject) -> None:
    """What is missing has no line of its own: the block that lacks it is shown, or what rested on it."""
    line, lines = a_line_less(data)
    found = diagnosed(lines)
    assert not found or is_near(found[0], line, smallest=0), f"line {line}, first error {found[0]}"


@settings(max_examples=300, deadline=None, derandomize=True)
@given(raw=st.one_of(st.binary(max_size=400), st.text(LETTERS + "\n", max_size=400).map(str.encode)))
def test_no_bytes_raise(raw: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "Pulumi.noise.yaml"
        file.write_bytes(raw)
        report = check(file)
        render(report.diagnostics)
    assert report.catalog is None


@settings(max_examples=300, deadline=None, derandomize=True)
@given(data=st.data())
def test_several_mutations_at_once_do_not_raise(data: st.DataObject) -> None:
    """Errors upon errors: each is placed in the file, none is an exception."""
    lines = list(BASE)
    for _ in range(data.draw(st.integers(2, 8))):
        number = data.draw(st.integers(0, len(lines) - 1))
        change = data.draw(st.sampled_from((another_value, a_letter_more, a_letter_less, another_indent)))
        lines[number] = change(lines[number], data)
    assert all(0 <= line <= len(lines) + 1 for each in diagnosed(lines) for line in cited(each))
