"""Diagnostics as text for people and as JSON for machines. Imports the catalogue's diagnostics and showing.

The form is rustc's: code, one sentence, the place, the line with a caret, then the why and the one thing to change.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence

from substrate.catalog.diagnostics import Diagnostic, Path, Place, errors
from substrate.catalog.secrets import hidden
from substrate.catalog.showing import shown

# More than a reader takes in at once; the rest is counted.
CAP = 50
# A line wider than this is shown around its caret only.
LINE_WIDTH = 140
# Of a line of megabytes this much on each side of the caret is looked at; no secret is so long that a cut shows it.
NEAR = 2000


def render(diagnostics: Sequence[Diagnostic], cap: int = CAP) -> str:
    """All of them, in the order given; the first `cap` in full, then how many more."""
    blocks = [block(each) for each in diagnostics[:cap]]
    if len(diagnostics) > cap:
        blocks.append(f"and {len(diagnostics) - cap} more")
    return "\n\n".join(blocks)


def block(diagnostic: Diagnostic) -> str:
    """One diagnostic as it is printed."""
    gutter = len(str(max([diagnostic.place.line, *(place.line for place, _ in diagnostic.also)])))
    margin = " " * (gutter + 1)
    lines = [f"{diagnostic.severity}[{diagnostic.code}]: {diagnostic.message}"]
    lines += _spot(diagnostic.place, "-->", dotted(diagnostic.path), "^", gutter)
    for place, said in diagnostic.also:
        lines += _spot(place, ":::", said, "-", gutter)
    lines += [f"{margin} note: {note}" for note in diagnostic.notes]
    if diagnostic.advice:
        lines.append(f"{margin} help: {diagnostic.advice}")
    return "\n".join(lines)


def _spot(place: Place, arrow: str, said: str, mark: str, gutter: int) -> list[str]:
    margin = " " * (gutter + 1)
    where = f"{place.file}:{place.line}:{place.column}" if place.line else place.file
    head = f"{margin}{arrow} {where}" + (f"  {said}" if said else "")
    if not place.line:
        return [head]
    text, before, width = _window(place)
    return [head, f" {place.line:>{gutter}} | {text}", f"{margin} | {' ' * before}{mark * width}"]


def _window(place: Place) -> tuple[str, int, int]:
    """The line as it can be printed, the columns before the caret and under it."""
    line, start = _near(place)
    left = max(0, start - LINE_WIDTH // 2) if len(line) > LINE_WIDTH else 0
    right = left + LINE_WIDTH
    before = ("..." if left else "") + _printable(line[left:start])
    marked = _printable(line[start : min(start + place.width, right)])
    after = _printable(line[start + place.width : right]) + ("..." if len(line) > right else "")
    return (before + marked + after).rstrip(), _columns(before), max(1, _columns(marked))


def _near(place: Place) -> tuple[str, int]:
    """The line without its secrets, and where in it the caret begins; of a very long line what is near the caret."""
    left = max(0, place.column - 1 - NEAR)
    return hidden(place.text[left : left + 2 * NEAR]), place.column - 1 - left


def _printable(text: str) -> str:
    """Control, bidirectional and zero-width characters as code points; a tab as four columns; the rest as it is."""
    return "".join(_safe(letter) for letter in text)


def _safe(letter: str) -> str:
    if letter == "\t":
        return "    "
    if letter.isprintable() or letter == " ":
        return letter
    return f"<U+{ord(letter):04X}>"


def _columns(text: str) -> int:
    """Terminal columns: East Asian wide characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def dotted(path: Path) -> str:
    """`models.qwen2-5-7b.weights.files["model.gguf"].size`; list items as `nodes[0]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part and all(letter.isalnum() or letter in "-_:" for letter in part):
            text += f".{shown(part)}" if text else shown(part)
        else:
            text += f'["{shown(part)}"]'
    return text


def as_json(file: str, diagnostics: Sequence[Diagnostic], cap: int = CAP) -> str:
    """One JSON object: `ok`, counts, and the first `cap` diagnostics with the same fields as the text."""
    wrong = len(errors(diagnostics))
    report = {
        "file": file,
        "ok": wrong == 0,
        "errors": wrong,
        "warnings": len(diagnostics) - wrong,
        "notShown": max(0, len(diagnostics) - cap),
        "diagnostics": [_json(each) for each in diagnostics[:cap]],
    }
    return json.dumps(report, indent=2)


def _json(diagnostic: Diagnostic) -> dict[str, object]:
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        **_spot_json(diagnostic.place),
        "path": dotted(diagnostic.path),
        "notes": list(diagnostic.notes),
        "help": diagnostic.advice,
        "also": [{**_spot_json(place), "message": said} for place, said in diagnostic.also],
    }


def _spot_json(place: Place) -> dict[str, object]:
    return {
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "endColumn": place.column + place.width,
        "text": _near(place)[0],
    }
