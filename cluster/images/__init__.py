"""The images of the embedded cluster as OCI archives, made without a registry or a container engine.

    from cluster import images
    images.ensure()
    images.archive("stager")      # a tar for `ctr -n k8s.io images import`
    images.digest("stager")       # changes whenever its content does, though the tag stays
    images.reference("stager")    # substrate.local/stager:0.1.0

Imports the standard library and cluster.tools.
"""

from __future__ import annotations

from pathlib import Path

from cluster.images import oci
from cluster.images.build import CORE, FOUNDATIONS, IMAGES, ensure, image
from cluster.tools import ToolError

NAMES = tuple(IMAGES)


def reference(name: str) -> str:
    """The full name of an image, with its version. Raises ToolError for a name that there is not."""
    return image(name).reference


def archive(name: str) -> Path:
    """The OCI archive of an image as its sources are now. Raises ToolError when it is not built."""
    file = image(name).file()
    if not file.exists():
        raise ToolError(f"the image {reference(name)} is not built yet", remedy="run: python -m cluster.images ensure")
    return file


def digest(name: str) -> str:
    """The digest of the image's manifest, as containerd shows it. Raises ToolError when it is not built."""
    return oci.digest(archive(name))


__all__ = ["CORE", "FOUNDATIONS", "NAMES", "archive", "digest", "ensure", "reference"]
