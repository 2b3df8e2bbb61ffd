"""`substrate adapter-rules`: what prometheus-adapter is told, in its own form or its chart's. Imports the manifests."""

from __future__ import annotations

import sys

import yaml

from substrate.manifests.adapter_rules import external_rules


def run(helm: bool) -> int:
    """Print the rules: `externalRules` of the adapter's own file, or `rules.external` of its chart's values."""
    rules = external_rules()
    told = {"rules": {"external": rules}} if helm else {"externalRules": rules}
    sys.stdout.write(yaml.safe_dump(told, sort_keys=False, width=1000))
    return 0
