"""`python -m cluster.images ensure|list|archive`. Imports the standard library, cluster.images and cluster.tools."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable

from cluster import images
from cluster.tools import ToolError
from cluster.tools.__main__ import reporting


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m cluster.images", description="The embedded cluster's images.")
    commands = parser.add_subparsers(dest="command", required=True)
    get = commands.add_parser("ensure", help="build what is missing; says nothing where all is there")
    get.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(images.NAMES)}; default: the core's")
    get.add_argument("--foundations", action="store_true", help="those of the foundations too")
    commands.add_parser("list", help="every image, its digest and its archive")
    where = commands.add_parser("archive", help="print the file of an image")
    where.add_argument("name", metavar="NAME")
    return parser


def _list() -> None:
    for name in images.NAMES:
        try:
            print(f"{images.reference(name)}  {images.digest(name)}  {images.archive(name)}")
        except ToolError:
            print(f"{images.reference(name)}  not built yet")


def _run(argv: Iterable[str] | None) -> None:
    given = _parser().parse_args(list(argv) if argv is not None else None)
    if given.command == "ensure":
        images.ensure([*(given.names or images.CORE), *(images.FOUNDATIONS if given.foundations else ())])
    elif given.command == "list":
        _list()
    else:
        print(images.archive(given.name))


def main(argv: Iterable[str] | None = None) -> int:
    """Run one command; the exit code."""
    return reporting(lambda: _run(argv))


if __name__ == "__main__":
    sys.exit(main())
