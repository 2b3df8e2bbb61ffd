"""Pulumi's language host for Python, for machines where the official `pulumi-language-python` is not to be had.

Imports the standard library here; the host itself imports grpc and the Pulumi SDK's protocol stubs.
"""

from __future__ import annotations

from .installation import install

__all__ = ["install"]
