"""A program of the objects that the file OBJECTS lists: JSON, name of the resource -> manifest. Imports Pulumi only.

The provider writes manifests to a folder instead of asking a cluster. A value that is written UNKNOWN becomes one that
only the update will know.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

UNKNOWN = "(known after the update)"


def token(manifest: dict[str, Any]) -> str:
    version = manifest["apiVersion"]
    return f"kubernetes:{version if '/' in version else f'core/{version}'}:{manifest['kind']}"


def values(written: Any) -> Any:
    if isinstance(written, dict):
        return {key: values(value) for key, value in written.items()}
    if isinstance(written, list):
        return [values(value) for value in written]
    return pulumi.Output.from_input(pulumi.UNKNOWN) if written == UNKNOWN else written


def main() -> None:
    provider = k8s.Provider("manifests", render_yaml_to_directory=os.environ["RENDER_TO"])
    options = pulumi.ResourceOptions(provider=provider)
    for name, manifest in json.loads(Path(os.environ["OBJECTS"]).read_text(encoding="utf-8")).items():
        pulumi.CustomResource(token(manifest), name, values(manifest), options)


# Pulumi runs a program under this name; the tests import this module for UNKNOWN.
if __name__ == "__main__":
    main()
