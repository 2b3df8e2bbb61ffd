"""The pack's entry: the engine runs this folder. Imports `policies`, which lies in the folder above."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from pulumi_policy import EnforcementLevel, PolicyPack

    from policies.pack import NAME, POLICIES

    # Serves until the engine ends it; the constructor does not return.
    PolicyPack(NAME, policies=list(POLICIES), enforcement_level=EnforcementLevel.MANDATORY)
