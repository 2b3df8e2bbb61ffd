"""The block `substrate:frontDoor`: one OpenAI-compatible address before all models. Imports pydantic and the types."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from substrate.catalog.codes import Code
from substrate.catalog.fields import FieldError
from substrate.catalog.types import Block, Capacity, DnsLabel, Positive
from substrate.values import Bytes

SECTION = "frontDoor"
MAX_BODY = Bytes(8 * 1024**2)  # two pictures of 3 MB in base64
# A chat of a few words is 300 bytes; beyond the most, one request would hold what a front door may hold of all.
LEAST_BODY, MOST_BODY = Bytes(64 * 1024), Bytes(128 * 1024**2)


def body_size(value: Bytes) -> Bytes:
    """Between LEAST_BODY and MOST_BODY. Raises FieldError."""
    if LEAST_BODY <= value <= MOST_BODY:
        return value
    bounds = f"{LEAST_BODY.quantity()} to {MOST_BODY.quantity()}"
    raise FieldError(
        Code.OUT_OF_RANGE,
        f"a request of {value.quantity()} at most is out of what the front door can hold, {bounds}",
        notes=("a request is held whole, and the memory of its pod is 128 times that",),
        help=f"write a size from {bounds}; send what is larger to the model's own URL",
    )


class FrontDoor(Block):
    """`<baseUrl>/v1` for all models: a request goes where its `model` says. Its keys all have a default."""

    namespace: DnsLabel = Field("substrate-front-door", description="where it runs; made with it")
    replicas: Positive = Field(1, description="how many of its pods run")
    keys_secret_ref: DnsLabel | None = Field(
        None,
        description="an existing Secret in that namespace with the clients' keys, made by `substrate keys`; "
        "without one everybody is let in",
    )
    max_body_size: Annotated[Capacity, AfterValidator(body_size)] | None = Field(
        None, description="of one request, which is held whole; default 8Mi; the pod's memory grows with it"
    )

    @property
    def max_body(self) -> Bytes:
        return self.max_body_size or MAX_BODY
