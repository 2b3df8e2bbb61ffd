"""What is hidden, or cannot be read where something is hidden, leaves no pod. On the host."""

from __future__ import annotations

import json

import pytest

from tests.cluster.payload_loggers import PATH, SECRET, echo, logger, stream

pytestmark = [pytest.mark.engine]

REDACTED = "[redacted]"
HIDDEN = {  # what is asked, and what of it leaves the pod with these paths hidden
    "a field in every element": (
        {"messages": [{"role": "user", "content": SECRET}, {"role": "system", "content": SECRET}]},
        {"messages": [{"role": "user", "content": REDACTED}, {"role": "system", "content": REDACTED}]},
    ),
    "parts of a content": (
        {"messages": [{"content": [{"type": "text", "text": SECRET}, {"image_url": {"url": SECRET}}]}]},
        {"messages": [{"content": [REDACTED, REDACTED]}]},
    ),
    "a list of strings": ({"prompt": [SECRET, SECRET]}, {"prompt": [REDACTED, REDACTED]}),
    "any key": (
        {"extra": {"a": {"key": SECRET}, "b": {"key": 7}}},
        {"extra": {"a": {"key": REDACTED}, "b": {"key": REDACTED}}},
    ),
    "nothing, and big numbers stay": ({"seed": 12345678901234567890}, {"seed": 12345678901234567890}),
}
PATHS = ("-redact=messages.content", "-redact=prompt", "-redact=extra.*.key", "-redact=choices.delta.content")


@pytest.mark.parametrize(("asked", "left"), HIDDEN.values(), ids=HIDDEN)
def test_hidden_fields_leave_no_pod(asked, left):
    with logger(echo, *PATHS) as running:
        assert running.client.post(PATH, json=asked).json() == asked, "the engine gets all"
        (pair,) = running.pairs(2)

    assert pair["request"].json() == pair["response"].json() == left


def chunk(content: str) -> str:
    return json.dumps({"choices": [{"delta": {"content": content}}]}, separators=(",", ":"))


def test_hidden_fields_of_a_stream_leave_no_pod():
    lines = ["event: message", f"data: {chunk(SECRET)}", "", f": {SECRET}", "data:[DONE]", "", ""]
    with logger(stream(*lines), *PATHS) as running:
        assert running.client.post(PATH, json={}).text == "\n".join(lines)
        (pair,) = running.pairs(2)

    left = ["event: message", f"data: {chunk(REDACTED)}", "", ":", "data:[DONE]", ""]
    assert pair["response"].data.splitlines() == left
    assert pair["response"].content_type == "text/event-stream"


UNREADABLE = {
    "text": SECRET,
    "two values": f'{{"prompt": 1}} {{"prompt": "{SECRET}"}}',
    "a broken value": f'{{"prompt": "{SECRET}',
    "too deep": "[" * 20_000 + f'"{SECRET}"' + "]" * 20_000,
    "a stream of text": f"data: {SECRET}\n\n",
    "a stream with a word between": f"data: {{}}\n{SECRET}\n",
}


@pytest.mark.parametrize("asked", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_withheld_where_something_is_hidden(asked):
    with logger(echo, *PATHS) as running:
        assert running.client.post(PATH, content=asked).text == asked
        (pair,) = running.pairs(2)
        counted = running.metric("payloads_withheld_total")

    assert [(event.data, event.attributes["withheld"]) for event in pair.values()] == [("", "true")] * 2
    assert counted == 2


def test_payload_over_the_limit_is_cut_off_and_withheld_where_something_is_hidden():
    body = json.dumps({"prompt": SECRET * 100})
    with logger(echo, "-max-payload=100") as running:
        assert running.client.post(PATH, content=body).text == body
        (pair,) = running.pairs(2)
        assert (pair["request"].data, pair["request"].attributes["truncated"]) == (body[:100], "true")
    with logger(echo, "-max-payload=100", *PATHS) as running:
        assert running.client.post(PATH, content=body).text == body
        (pair,) = running.pairs(2)
        assert (pair["request"].data, pair["request"].attributes["withheld"]) == ("", "true")
