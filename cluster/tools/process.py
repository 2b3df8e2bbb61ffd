"""Child processes that write to a log, show that they live, and never outlive this one. Standard library only."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

from cluster.tools.errors import ToolError, failed
from cluster.tools.progress import Step

_POLL = 0.2  # seconds; how soon the end of a child, or a heartbeat that is due, is noticed
_GRACE = 5.0  # seconds a child has to end before it is killed
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Runner:
    """Runs the commands of one step: output to `log`, life signs through `step`; `tool` finds helpers by name."""

    log: Path
    step: Step
    tool: Callable[[str], Path] = Path

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        output: Path | None = None,
        accept: Container[int] = (0,),
    ) -> None:
        """Run to the end; `output` takes standard output instead of the log.

        Raises ToolError when the exit code is none of `accept`.
        """
        with self.log.open("ab") as log:
            log.write(f"$ {' '.join(argv)}\n".encode())
            log.flush()
            code = self._run(argv, cwd, env, log, output)
        if code not in accept:
            ended = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
            raise failed(f"{self.step.title}: {_client(argv)} {ended}", self.log, _client(argv))

    def _run(
        self, argv: Sequence[str], cwd: Path, env: Mapping[str, str] | None, log: IO[bytes], output: Path | None
    ) -> int:
        with contextlib.ExitStack() as files:
            stdout = files.enter_context(output.open("wb")) if output else log
            try:
                child = subprocess.Popen(
                    argv,
                    cwd=cwd,
                    env=env,
                    stdin=subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=_die_with_parent,
                )
            except OSError as error:
                raise ToolError(f"{self.step.title}: {argv[0]} cannot be started", why=str(error)) from error
            return self._wait(child)

    def _wait(self, child: subprocess.Popen[bytes]) -> int:
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return child.wait(_POLL)
                self.step.tick()
        finally:
            end(child)


def _client(argv: Sequence[str]) -> str:
    """The name by which people know the program: `pip`, not `python -m pip`."""
    return argv[2] if list(argv[1:2]) == ["-m"] else Path(argv[0]).name


_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    """Have the kernel end the child when this process is killed outright, so that no build is orphaned."""
    if _LIBC:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def end(child: subprocess.Popen[bytes]) -> None:
    """End the child and all that it started; nothing if it has ended."""
    if child.poll() is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(_GRACE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


@contextmanager
def ends_on_sigterm() -> Iterator[None]:
    """While inside, SIGTERM unwinds the stack like Ctrl-C, so that children end and half-made folders go."""
    mine = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    if mine:
        signal.signal(signal.SIGTERM, _unwind)
    try:
        yield
    finally:
        if mine:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _unwind(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def answer(argv: Sequence[str], cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str | None:
    """What a quick command prints, or None when it cannot run or fails. Leaves no trace."""
    try:
        done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
