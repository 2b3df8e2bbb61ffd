"""The process the engine starts as `pulumi-language-python [flags] ENGINE_ADDRESS`. Imports the host beside it."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from types import FrameType

from .stubs import without_sdk

without_sdk()
from .host import LanguageHost, serve  # noqa: E402

# How often the host looks whether the engine that started it still lives: one that was killed cannot say goodbye,
# and a policy pack would otherwise sleep on for ever.
ENGINE_CHECK_SECONDS = 1.0


def main(arguments: list[str]) -> int:
    """Serve until the engine interrupts this process or is gone. The first line written is the port, for the engine."""
    host = LanguageHost(engine_address=_engine_address(arguments))
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    engine = os.getppid()
    server, port = serve(host)
    print(port, flush=True)
    while not stopped.wait(ENGINE_CHECK_SECONDS) and os.getppid() == engine:
        pass
    host.stop_children()
    server.stop(grace=None).wait(timeout=2)
    return 0


def _engine_address(arguments: list[str]) -> str:
    """The one positional argument; the engine's logging and tracing flags (`-v=9`, `--logtostderr`) are not for us."""
    parser = argparse.ArgumentParser(prog="pulumi-language-python", allow_abbrev=False)
    parser.add_argument("--tracing", help="accepted and ignored")
    parser.add_argument("engine_address", nargs="?", default="")
    known, _ = parser.parse_known_args(arguments)
    return str(known.engine_address)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
