"""NVIDIA's NIM: an image that is a model's server, with NVIDIA's own settings. Imports pydantic and the types."""

from __future__ import annotations

from pydantic import Field

from substrate.catalog.types import Block, DnsLabel, Image


class Nim(Block):
    """A model served by its NIM image. Weights are staged as any other model's, and nothing is fetched at its start."""

    image: Image = Field(
        description="the model's image; tag or digest required",
        examples=["nvcr.io/nim/meta/llama-3.1-8b-instruct:2.0.1"],
    )
    secret_ref: DnsLabel | None = Field(None, description="an existing Secret with NGC_API_KEY; needed")
    pull_secret_ref: DnsLabel | None = Field(
        None, description="an existing Secret that pulls the image, of type kubernetes.io/dockerconfigjson"
    )
