"""`substrate keys`: the keys of the front door's clients as its Secret holds them. Imports the manifests."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator

from substrate.manifests.envoy.keys import keys_file

# What a header can carry as it is; whatever makes keys makes such.
_LINE = re.compile(r"(?P<client>[A-Za-z0-9][A-Za-z0-9._-]*)=(?P<key>[!-~]+)")


def run(lines: Iterable[str]) -> int:
    """Print `keys.json` for lines of `client=key`. Returns 1, with everything that is wrong, and shows no key."""
    clients: dict[str, str] = {}
    wrong = list(_read(lines, clients))
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return 1
    sys.stdout.write(keys_file(clients))
    return 0


def _read(lines: Iterable[str], clients: dict[str, str]) -> Iterator[str]:
    """Fill `clients`; what is wrong, with its line."""
    for number, line in enumerate(map(str.strip, lines), start=1):
        found = _LINE.fullmatch(line)
        if line and not found:
            yield f"standard input:{number}: write client=key: a name, an equals sign, a key without spaces"
        elif found and found["client"] in clients:
            yield f"standard input:{number}: `{found['client']}` has a key above: give this one another name"
        elif found:
            clients[found["client"]] = found["key"]
    if not clients:
        yield "standard input holds no client=key: nobody would be let in"
