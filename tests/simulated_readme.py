"""The README's example of `substrate simulate`, made by the command that it shows: `python -m tests.simulated_readme`.

A test keeps it current: after a change of the fleet or of the simulation, run this once and look at the picture.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path

from substrate.cli.main import main as command_line
from tests.stacks import ROOT

README, PICTURE = ROOT / "README.md", ROOT / "docs" / "simulate.svg"
_PART = re.compile(r"(?P<mark><!-- made by tests\.simulated_readme -->\n)(?P<text>.*?)(?=<!-- end -->)", re.S)
_INDENT = "    "


def shown() -> str:
    """What the README has between its marks. Raises LookupError where they are gone."""
    found = _PART.search(README.read_text())
    if not found:
        raise LookupError("README.md has no part that is made by tests.simulated_readme")
    return found["text"]


def made(picture: Path) -> str:
    """The same part made anew, from its own command; the picture is drawn to `picture`."""
    command = shown().split("\n\n")[0]
    _, *arguments = shlex.split(command.replace("\\\n", " "))
    replaced = [str(picture) if argument == str(PICTURE.relative_to(ROOT)) else argument for argument in arguments]
    out = io.StringIO()
    with contextlib.chdir(ROOT), contextlib.redirect_stdout(out):
        if code := command_line(replaced):
            raise RuntimeError(f"{command.strip()}: ended with {code}")
    output = "\n".join(f"{_INDENT}{line}".rstrip() for line in out.getvalue().splitlines())
    return f"{command}\n\n{output}\n"


def main() -> None:
    text = made(PICTURE)
    README.write_text(_PART.sub(lambda found: found["mark"] + text, README.read_text()))
    print(f"written: {README.relative_to(ROOT)}, {PICTURE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
