"""What the product writes into a pod, told to the real program on the host: it takes it, and does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from substrate.values import Bytes
from tests.cluster import payload_logs as logs
from tests.cluster.conftest import eventually
from tests.cluster.payload_loggers import PATH, echo, logger

pytestmark = [pytest.mark.engine]


def said_by_the_product(role: Callable[..., dict[str, Any]], engine: str) -> list[str]:
    """All of its arguments but the addresses, which are this test's."""
    made = role("m", "n", "http://sink/", log="responses", redact=("model",), max_payload=Bytes(4096))
    ours = ("-listen", "-metrics", "-sink", engine)
    return [argument for argument in made["args"] if not argument.startswith(ours)]


@pytest.mark.parametrize(
    ("role", "engine"), [(logs.sidecar, "-engine"), (logs.relay, "-relay"), (logs.knative_relay, "-relay")]
)
def test_program_takes_every_argument_that_the_product_gives_it(role, engine):
    arguments = said_by_the_product(role, engine)
    assert len(arguments) >= 6
    with logger("-relay" if engine == "-relay" else echo, *arguments) as running:
        assert running.metric("events_sent_total") == 0


def test_product_logs_what_the_block_says():
    with logger(echo, *said_by_the_product(logs.sidecar, "-engine")) as running:
        running.client.post(PATH, json={"model": "m", "prompt": "x" * 100})
        eventually("it is logged", lambda: running.heard)

    (event,) = running.heard
    assert (event.kind, event.json()) == ("response", {"model": "[redacted]", "prompt": "x" * 100})
