"""While an update waits: what the pods say, each thing once. Drives kubectl only."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ops.console import say
from ops.explain import pods, troubles

EVERY_SECONDS = 5


@contextmanager
def watching(namespaces: Iterable[str]) -> Iterator[None]:
    """Print new troubles of the namespaces' pods until the block ends. What was there before is not news."""
    known = {trouble for namespace in namespaces for trouble in found(namespace)}
    done = threading.Event()
    watcher = threading.Thread(target=watch, args=(list(namespaces), known, done), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def watch(namespaces: list[str], known: set[str], done: threading.Event) -> None:
    while not done.wait(EVERY_SECONDS):
        for trouble in (trouble for namespace in namespaces for trouble in found(namespace)):
            if trouble not in known:
                known.add(trouble)
                say(f"    meanwhile, {trouble}")


def found(namespace: str) -> list[str]:
    """Troubles that say something of the stack; a pod that waits for its first container to start says nothing."""
    return [trouble for pod in pods(namespace) for trouble in troubles(pod) if "ContainerCreating" not in trouble]
