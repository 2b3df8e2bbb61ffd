"""Images: which one a name says, and which may be set. Imports the catalogue's fields, codes, choices and showing."""

from __future__ import annotations

import re
from collections.abc import Callable

from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Choices
from substrate.catalog.fields import FieldError, odd
from substrate.catalog.showing import shown, to_ascii

# Images that no engine is: what stages weights, the front door, what logs payloads.
STAGER, ENVOY, PAYLOAD_LOGGER = "stager", "envoy", "payload-logger"

_IMAGE = re.compile(
    r"(?P<name>[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?::[0-9]{1,5})?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@sha256:(?P<digest>[0-9a-fA-F]*))?"
)


def image(text: str) -> str:
    """An image that says which one it is: with a tag or a digest, and never `latest`."""
    found = _IMAGE.fullmatch(text)
    if not found:
        raise FieldError(
            Code.BAD_IMAGE,
            f"`{shown(text)}` is not an image",
            help="write name:tag or name@sha256:<64 digits>",
            notes=odd(text),
        )
    if found["digest"] is not None and not re.fullmatch("[0-9a-f]{64}", found["digest"]):
        message = (
            f"the digest has {len(found['digest'])} digits" if len(found["digest"]) != 64 else "the digest has capitals"
        )
        raise FieldError(Code.BAD_IMAGE, message, help="write the 64 lower-case digits that the registry shows")
    if found["tag"] == "latest":
        why = "`latest` is another image tomorrow, and a pod that restarts gets it"
        raise FieldError(
            Code.BAD_IMAGE, f"`{shown(text)}` is tagged `latest`", notes=(why,), help="write a version's tag"
        )
    if not found["tag"] and found["digest"] is None:
        why = "an image without a tag is `latest`"
        message = f"`{shown(text)}` has neither tag nor digest"
        raise FieldError(Code.BAD_IMAGE, message, notes=(why,), help=f"write {shown(text)}:<version>")
    return text


def image_name(words: tuple[str, ...]) -> Callable[[str], str]:
    """What an image can be set for: an engine, or a program of ours."""

    def check(text: str) -> str:
        if text not in words:
            message = f"`{shown(text)}` is no engine whose image could be set"
            raise FieldError(Code.UNKNOWN_KEY, message, choices=Choices(to_ascii(text), words), notes=odd(text))
        return text

    return check
