"""The block `logging`: where copies of requests and answers go, which, and what is hidden in them. Imports the fields.

Both a model and the stack's defaults may have one; `combined` says what holds for the model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from substrate.catalog import addresses, fields
from substrate.catalog.codes import Code
from substrate.catalog.fields import FieldError
from substrate.catalog.showing import code_points, shown
from substrate.catalog.types import Block, Capacity, DnsLabel
from substrate.values import Bytes, Share

# What the logger holds of all payloads together (-max-held): a larger one would never be sent.
LARGEST_PAYLOAD = Bytes.parse("32Mi")
_SINK = re.compile(r"(?P<server>https?://[^/]+)(?P<path>/[A-Za-z0-9._~/:=+,@-]*)?")
_STEP = r"(?:\*|[A-Za-z0-9_$-]+)"
_REDACTED = re.compile(rf"{_STEP}(?:\.{_STEP})*")


class Logged(StrEnum):
    """Which half of each pair is logged; none switches off what the defaults switch on."""

    NONE = "none"
    REQUESTS = "requests"
    RESPONSES = "responses"
    BOTH = "both"


def sink_url(text: str) -> str:
    """An address that takes CloudEvents: http or https, a host, a path; no user, query or fragment."""
    found = _SINK.fullmatch(text)
    if not found:
        message = f"`{shown(text)}` is not the address of a sink"
        advice = "write it as http://host:port/path, with no query after it; its key belongs in a Secret: secretRef"
        note = code_points(text)
        raise FieldError(Code.BAD_URL, message, help=advice, notes=(note,) if note else ())
    addresses.http_url(found["server"])
    return text


def redacted(text: str) -> str:
    """Names of JSON fields with dots between them: arrays are walked through, `*` is any name."""
    if len(text) <= fields.TEXT_LENGTH and _REDACTED.fullmatch(text):
        return text
    plain = re.sub(r"^\$\.?|\[[^\]]*\]", "", text[: fields.TEXT_LENGTH])
    form = f"write `{plain}`" if _REDACTED.fullmatch(plain) else "write it as messages.content"
    raise FieldError(
        Code.BAD_REDACTION,
        f"`{shown(text)}` is not a path of JSON fields",
        help=f"{form}: names with dots between them; arrays are walked through, `*` is any name",
    )


def payload_limit(value: Bytes) -> Bytes:
    if value > LARGEST_PAYLOAD:
        message = f"a payload of {value} is more than the {LARGEST_PAYLOAD} that are held of all together"
        raise FieldError(Code.OUT_OF_RANGE, message, help="write 32Mi or less: what is longer is cut off there")
    return value


def _share_help(raw: object) -> str:
    """The share that was probably meant: `0.1` is 10%."""
    number = str(getattr(raw, "text", raw))
    if re.fullmatch(r"0?\.[0-9]{1,4}", number):
        return f"write {float(number) * 100:g}%"
    if re.fullmatch(r"[1-9][0-9]?|100", number):
        return f"write {number}%"
    return "write a percentage above 0 and up to 100, as 10% or 0.5%; `log: none` logs nothing"


LoggedField = Annotated[Logged, BeforeValidator(fields.choice(Logged))]
SinkUrl = Annotated[str, AfterValidator(sink_url)]
RedactedPath = Annotated[str, AfterValidator(redacted)]
PayloadLimit = Annotated[Capacity, AfterValidator(payload_limit)]
Sample = Annotated[
    Share,
    BeforeValidator(fields.parsed(Share, Code.BAD_SAMPLE, "a percentage", _share_help)),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?%$"}),
]


class Logging(Block):
    """Copies of requests and answers as CloudEvents at a sink; never on the way of an answer."""

    sink: SinkUrl | None = Field(
        None, description="takes CloudEvents over HTTP; http:// or https://", examples=["http://events.audit/"]
    )
    log: LoggedField = Field(Logged.BOTH, description="none: this model logs nothing, whatever the defaults say")
    sample: Sample = Field(
        Share(1), description="share of the requests, both halves or neither; default 100%", examples=["10%"]
    )
    redact: list[RedactedPath] = Field(
        default_factory=list,
        description="JSON fields whose content is replaced; those of the defaults stay hidden too",
        examples=["[messages.content, prompt]"],
    )
    secret_ref: DnsLabel | None = Field(
        None, description="an existing Secret of the team; its key `authorization` is the header sent to the sink"
    )
    max_payload: PayloadLimit = Field(Bytes.parse("1Mi"), description="of one payload; what is longer is cut off there")


def combined(blocks: Iterable[Logging | None]) -> Logging | None:
    """What holds where several blocks speak: each key as the last one wrote it, hidden fields of all together.

    None where no block is there, or where the last word of `log` is none.
    """
    there = [block for block in blocks if block is not None]
    if not there:
        return None
    written = {key: getattr(block, key) for block in there for key in block.model_fields_set}
    hidden = dict.fromkeys(path for block in there for path in block.redact)
    whole = Logging().model_copy(update={**written, "redact": list(hidden)})
    return whole if whole.log is not Logged.NONE else None
