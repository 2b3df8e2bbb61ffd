"""Writes docs/vendor-defaults.md."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.policies.vendors.sources import judged
from tests.policies.vendors.table import PAGE, page

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        PAGE.write_text(page(list(judged(Path(scratch)))), encoding="utf-8")
    print(f"wrote {PAGE}")
