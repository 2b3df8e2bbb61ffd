"""One real question to each model, through the stack's URL; to one with an API of its own, whether it is ready.

Imports the standard library only.
"""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from ops.console import Failure, say

QUESTION = "In one short sentence: what is the capital of France?"
# The route reaches the gateway a moment after the pod is ready.
PATIENCE_SECONDS = 30
ANSWER_SECONDS = 120
UNAUTHORIZED = 401
OPENAI = "openai"
# Ollama lists each model with the tag that a name without one means.
TAG = ":latest"
# What answers 200 once a model of another kind of endpoint answers.
READY = {"kserve-v2": "v2/health/ready", "custom": "readyz"}


def request(url: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url, data, {"content-type": "application/json"}), timeout=ANSWER_SECONDS) as response:
        return json.load(response)


def listed(url: str, patience: float) -> list[str]:
    """What `<url>/models` lists, once the route answers; Failure when it does not for `patience` seconds.

    Raises HTTPError where it asks for a key.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            return [str(model["id"]).removesuffix(TAG) for model in request(f"{url}/models")["data"]]
        except (URLError, OSError, ValueError) as error:
            if isinstance(error, HTTPError) and error.code == UNAUTHORIZED:
                raise
            if time.monotonic() > deadline:
                raise Failure(f"{url}/models does not answer: {error}") from None
            time.sleep(0.5)


def ready(name: str, url: str, kind: str, budget: float) -> None:
    """Wait until the model says that it is ready, and print its URL; only its clients know what it could be asked."""
    deadline = time.monotonic() + budget + PATIENCE_SECONDS
    address = f"{url}/{READY[kind]}"
    while True:
        try:
            urlopen(address, timeout=ANSWER_SECONDS).close()
            break
        except OSError as error:
            if time.monotonic() > deadline:
                raise Failure(f"{address} does not answer: {error}") from None
            time.sleep(0.5)
    say(f"\n{name} is ready at {url}, with an API of its own ({kind})")


def ask(name: str, served: str, url: str, budget: float) -> None:
    """Ask `served` at its URL, and print question, answer, speed and the URL to go on with.

    A model that was taken away while it moved to another foundation is waited for as long as its cold start may take.
    """
    start = time.monotonic()
    if served not in (found := listed(f"{url}/v1", budget + PATIENCE_SECONDS)):
        raise Failure(f"{url}/v1/models lists {', '.join(found) or 'nothing'}, and not {served}")
    waited, start = time.monotonic() - start, time.monotonic()
    messages = [{"role": "user", "content": QUESTION}]
    answer = request(
        f"{url}/v1/chat/completions", {"model": served, "messages": messages, "max_tokens": 48, "temperature": 0}
    )
    seconds = time.monotonic() - start
    say(f"\n{name} ({served}) at {url}/v1")
    say(f"  asked:    {QUESTION}")
    say(f"  answered: {answer['choices'][0]['message']['content'].strip()}")
    say(f"  {answer['usage']['completion_tokens']} tokens in {seconds:.2f} s")
    say(f"  cold start budget {budget:.0f} s{f', waited {waited:.0f} s' if waited > 1 else ''}")
