"""`python -m cluster.tools ensure|list|path`. Imports the standard library only."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence

from cluster.tools import ToolError, ensure, find, needed, official_pulumi, path
from cluster.tools.cache import record
from cluster.tools.catalogue import SETS, TOOLS, Debian, Tool
from cluster.tools.errors import unsupported
from cluster.tools.locate import Source, built
from cluster.tools.process import ends_on_sigterm
from cluster.tools.recipe import Recipe


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m cluster.tools", description=sys.modules["cluster.tools"].__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    get = commands.add_parser("ensure", help="get what is missing; says nothing where all is there")
    get.add_argument("--for", dest="kind", choices=sorted(SETS), help="all that a cluster of this kind needs")
    get.add_argument("names", nargs="*", metavar="NAME", help="a tool, as `list` names it")
    commands.add_parser("list", help="every tool, its version, where it comes from, how long it took")
    where = commands.add_parser("path", help="print the file to use")
    where.add_argument("name", metavar="NAME")
    return parser


def _ensure(kind: str | None, names: Sequence[str]) -> None:
    if not kind and not names:
        raise ToolError("nothing to get", remedy="name tools, or say --for embedded or --for existing")
    if kind in ("embedded", "foundations"):
        unsupported()
    ensure([*(needed(kind) if kind else ()), *names])


def _list() -> None:
    rows = [("TOOL", "VERSION", "FROM", "PRESENT", "SECONDS"), *map(_row, TOOLS.values())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _row(tool: Tool) -> tuple[str, str, str, str, str]:
    found = find(tool.name)
    if found and found.source is not Source.CACHE:
        return tool.name, "-", f"{found.source}: {found.path}", "yes", "-"
    if isinstance(tool.origin, Debian):
        return tool.name, "-", f"Debian package {tool.origin.package}", "no", "-"
    if tool.name == "pulumi-resource-kubernetes" and not found and official_pulumi():
        return tool.name, "-", "left to Pulumi", "-", "-"
    return tool.name, tool.version, f"recipe {tool.origin.key()}", "yes" if found else "no", _seconds(tool.origin)


def _seconds(recipe: Recipe) -> str:
    folder = built(recipe)
    return str(record(folder).get("seconds", "-")) if folder else f"(about {recipe.seconds:.0f})"


def _run(argv: Iterable[str] | None) -> None:
    given = _parser().parse_args(list(argv) if argv is not None else None)
    if given.command == "ensure":
        _ensure(given.kind, given.names)
    elif given.command == "list":
        _list()
    else:
        print(path(given.name))


def reporting(command: Callable[[], None]) -> int:
    """Run a command; its exit code. Every failure that can be foreseen is told in words, on standard error."""
    try:
        with ends_on_sigterm():
            command()
    except ToolError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error.filename or 'system'}: {error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 0


def main(argv: Iterable[str] | None = None) -> int:
    """Run one command; the exit code."""
    return reporting(lambda: _run(argv))


if __name__ == "__main__":
    sys.exit(main())
