"""Clients of a model that a test asks: one question, and many at once that ask again and again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import openai

from tests.cluster.conftest import PATIENCE


def say(url: str, model: str, tokens: int) -> str:
    """What it answers at a URL of OpenAI's API, with its `/v1`."""
    client = openai.OpenAI(base_url=url, api_key="none", max_retries=0, timeout=PATIENCE)
    messages = [{"role": "user", "content": "Tell a long story."}]
    answer = client.chat.completions.create(model=model, messages=messages, max_tokens=tokens)  # type: ignore[arg-type]
    return answer.choices[0].message.content or ""


@contextmanager
def load(ask: Callable[[], str], clients: int) -> Iterator[None]:
    """Each client asks again and again; one that is not answered fails the test."""
    done = threading.Event()

    def client() -> None:
        while not done.is_set():
            assert ask()

    with ThreadPoolExecutor(clients) as pool:
        asked = [pool.submit(client) for _ in range(clients)]
        try:
            yield
        finally:
            done.set()
    for each in asked:
        each.result()
