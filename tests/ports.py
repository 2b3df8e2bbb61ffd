"""A port that nobody listens on, for programs that cannot be told to choose one. Imports the standard library only."""

from __future__ import annotations

import os
import socket
from itertools import count

# Below the range that the kernel gives to outgoing connections and to `bind(0)`, above what clusters choose themselves:
# between being found and being used, a port of these is taken by nobody who does not ask for it by number.
_FIRST, _SIZE = 30_000, 2_700
_turns = count(os.getpid() * 7)


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on now, another one at each call."""
    while True:
        port = _FIRST + next(_turns) % _SIZE
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
