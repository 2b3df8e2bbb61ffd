"""One real question to each model, through the stack's URL. Imports the standard library only."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from ops.console import Failure, say

QUESTION = "In one short sentence: what is the capital of France?"
# The route reaches the gateway a moment after the pod is ready.
PATIENCE_SECONDS = 30
ANSWER_SECONDS = 120


def request(url: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url, data, {"content-type": "application/json"}), timeout=ANSWER_SECONDS) as response:
        return json.load(response)


def served_name(url: str) -> str:
    """What /v1/models lists, once the route answers."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return str(request(f"{url}/v1/models")["data"][0]["id"])
        except (URLError, OSError, ValueError) as error:
            if time.monotonic() > deadline:
                raise Failure(f"{url}/v1/models does not answer: {error}") from None
            time.sleep(0.5)


def ask(name: str, url: str) -> None:
    """Ask, and print question, answer, speed and the URL to go on with."""
    model = served_name(url)
    start = time.monotonic()
    messages = [{"role": "user", "content": QUESTION}]
    answer = request(
        f"{url}/v1/chat/completions", {"model": model, "messages": messages, "max_tokens": 48, "temperature": 0}
    )
    seconds = time.monotonic() - start
    say(f"\n{name} ({model}) at {url}/v1")
    say(f"  asked:    {QUESTION}")
    say(f"  answered: {answer['choices'][0]['message']['content'].strip()}")
    say(f"  {answer['usage']['completion_tokens']} tokens in {seconds:.2f} s")
