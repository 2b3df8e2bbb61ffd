"""The program that the staging Job runs: fetch, verify, publish; imports nothing of the other rooms."""

from __future__ import annotations

VERSION = "0.1.0"
USER_AGENT = f"substrate-stager/{VERSION}"
