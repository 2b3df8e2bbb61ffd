"""Which test comes when, so that one cluster runs at a time, and the cluster with extras that many modules share.

Imports the fixtures' Embedded.
"""

from __future__ import annotations

import fcntl
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from cluster.embedded.layout import CLONE, Root
from tests.cluster.conftest import Embedded
from tests.ports import free_port

# The turns of the tests: those that need no cluster; that share the one with extras; that bring up and take down
# their own; that break a second one; that use the clone's own, which stays up afterwards.
NO_CLUSTER, SHARED, OWN, SPARE, CLONES = range(5)
HANGS = 1800  # seconds after which a test of a cluster is thought to hang; its fixtures' time is in it
_END = pytest.StashKey[ExitStack]()


def pytest_configure() -> None:
    """A shell starts what goes on in its background deaf to Ctrl-C, and the programs that tests start would be too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def turn(item: pytest.Item) -> int:
    names = getattr(item, "fixturenames", ())
    if "foundations" in names and item.get_closest_marker("cluster"):
        return SHARED
    if "spare" in names:
        return SPARE
    if "cluster" in names or "embedded" in names:
        return CLONES
    return OWN if item.get_closest_marker("cluster") else NO_CLUSTER


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=turn)
    for item in items:
        if turn(item) == SHARED and not item.get_closest_marker("extras"):
            raise pytest.UsageError(f"{item.nodeid} shares a cluster: mark it extras(...) with what it needs of one")
        if item.get_closest_marker("cluster"):
            item.add_marker(pytest.mark.timeout(HANGS))


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End the shared cluster once nobody follows who uses it, and not at the session's end only."""
    if nextitem and turn(nextitem) != SHARED and _END in item.session.stash:
        item.session.stash[_END].close()


@pytest.fixture(scope="session")
def foundations(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """A cluster for the modules that each take namespaces of their own in it and give them back.

    It has the extras that those modules' marks name, of the modules that this run picked.
    """
    embedded = Embedded(Root.at(tmp_path_factory.mktemp("foundations") / "root"))
    marked = (mark for item in request.session.items for mark in item.iter_markers("extras"))
    extras = sorted({name for mark in marked for name in mark.args})
    with ExitStack() as end:
        request.session.stash[_END] = end
        end.callback(embedded.run, "down")
        with one_at_a_time():
            embedded.up("--gateway-port", free_port(), *(f"--with={name}" for name in extras))
        yield embedded


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Lanes that start their clusters at once keep each other so busy that API servers give up what they are asked."""
    lock = CLONE / ".substrate" / "cluster-starts.lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
