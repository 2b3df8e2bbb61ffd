"""`python -m substrate.cli`. Imports the command line only."""

from __future__ import annotations

import sys

from substrate.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
