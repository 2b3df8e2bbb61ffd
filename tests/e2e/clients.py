"""Clients of a model that a test asks: one question, and many at once that ask again and again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import openai

from tests.cluster.conftest import PATIENCE, eventually

_BETWEEN = 0.1  # seconds between the questions of one that asks all the time


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


class Asking:
    """A client that asks all the time, for a token that costs a move no core, and remembers what went wrong."""

    def __init__(self, url: str, model: str) -> None:
        self.failed: list[str] = []
        self.answered = 0
        self._model, self._over = model, threading.Event()
        self._client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=PATIENCE)
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Asking:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def wait(self) -> None:
        """Until a request that began after now is answered."""
        now = self.answered
        eventually("it is answered", lambda: self.answered > now + 1)

    def _ask(self) -> None:
        messages: Any = [{"role": "user", "content": "Say hello."}]
        while not self._over.is_set():
            try:
                self._client.chat.completions.create(model=self._model, messages=messages, max_tokens=1)
            except openai.OpenAIError as error:
                self.failed.append(f"after {self.answered} answers: {error!r}")
            else:
                self.answered += 1
            time.sleep(_BETWEEN)
