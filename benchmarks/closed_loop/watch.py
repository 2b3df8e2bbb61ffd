"""What happens to objects of the cluster, as it is told: a watch through kubectl, and the lives of pods made of it.

Imports nothing of the other rooms. Moments are of the machine's monotonic clock.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import inf
from typing import Any


class Watch(AbstractContextManager["Watch"]):
    """Calls `heard(kind, object)` for each change of what a path of the API lists, from those that are there on."""

    def __init__(self, kubectl: Sequence[str], path: str, heard: Callable[[str, dict[str, Any]], None]) -> None:
        self._process = subprocess.Popen([*kubectl, "get", "--raw", path], stdout=subprocess.PIPE, text=True)
        self._heard = heard
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            event = json.loads(line)
            self._heard(event["type"], event["object"])

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        self._thread.join()


@dataclass(slots=True)
class Life:
    """One pod: `ready` until it is, and `stopped` and `gone` until then, are infinite."""

    created: float
    ready: float = inf
    stopped: float = inf
    gone: float = inf
    address: str = ""

    def serves(self, now: float) -> bool:
        return self.ready <= now < self.stopped


class Pods:
    """The lives of the pods that a watch tells of; `changed` is called with the addresses of the ready ones."""

    def __init__(self, port: int, changed: Callable[[list[str]], None]) -> None:
        self.lives: dict[str, Life] = {}
        self._port, self._changed = port, changed
        self._addresses: list[str] = []

    def heard(self, kind: str, pod: dict[str, Any]) -> None:
        now, metadata, status = time.monotonic(), pod["metadata"], pod["status"]
        life = self.lives.setdefault(metadata["uid"], Life(now))
        life.address = status.get("podIP", life.address)
        if life.ready == inf and is_ready(status):
            life.ready = now
        if life.stopped == inf and (metadata.get("deletionTimestamp") or kind == "DELETED"):
            life.stopped = now
        if kind == "DELETED":
            life.gone = now
        addresses = sorted(f"{one.address}:{self._port}" for one in self.lives.values() if one.serves(now))
        if addresses != self._addresses:
            self._addresses = addresses
            self._changed(addresses)


def is_ready(status: dict[str, Any]) -> bool:
    return any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", ()))


def in_trace(lives: Iterable[Life], begin: float, factor: float) -> list[Life]:
    """The same in seconds of a trace that began at a moment; what was there before was there from second 0 on."""

    def second(moment: float) -> float:
        return max(0.0, (moment - begin) * factor)

    return [
        Life(second(one.created), second(one.ready), second(one.stopped), second(one.gone), one.address)
        for one in lives
        if one.gone > begin
    ]
