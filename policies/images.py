"""Rule: every container image is pinned by a tag or digest that is not `latest`. Imports `objects` and `pods`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from policies.objects import KubernetesObject
from policies.plain import dig, text
from policies.pods import KSERVE_GROUP, Pod
from policies.violations import Violation

WHY = (
    "what runs then depends on the day a node pulls it: two replicas of one model may run different engines, and "
    "neither a roll back nor an audit can name what served"
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


def check(obj: KubernetesObject, pods: Sequence[Pod]) -> Iterator[Violation]:
    """One violation an unpinned image, image volumes included."""
    for pod in pods:
        for container in pod.containers:
            if "image" not in container.body and may_omit_image(obj):
                continue
            if flaw := flaw_of(container.image or ""):
                yield Violation(str(obj), f"image of {container} {flaw}", WHY, fix_of(container.image or ""))
        for volume in pod.volumes:
            reference = text(dig(volume, "image", "reference"))
            if reference is not None and (flaw := flaw_of(reference)):
                yield Violation(str(obj), f"image of volume {text(volume.get('name'))} {flaw}", WHY, fix_of(reference))


def may_omit_image(obj: KubernetesObject) -> bool:
    """A patch changes other fields; KServe takes the image from its ServingRuntime."""
    return obj.patch or (obj.group == KSERVE_GROUP and obj.kind.endswith("InferenceService"))


def flaw_of(image: str) -> str | None:
    """What is wrong with an image reference, as the end of a sentence; None for a pinned one."""
    if not image.strip():
        return "is empty"
    name, at, digest = image.partition("@")
    if at:
        return None if _DIGEST.fullmatch(digest) else f"is {image}: its digest is not whole"
    tag = tag_of(name)
    if tag is None:
        return f"is {image}: no tag, which means latest"
    return f"is {image}: the tag latest moves" if tag.lower() == "latest" else None


def tag_of(name: str) -> str | None:
    """The tag of `registry:5000/path/name:tag`; a port is none. None where it is missing or empty."""
    _, colon, tag = name.rpartition("/")[2].partition(":")
    return tag if colon and tag else None


def fix_of(image: str) -> str:
    name = image.partition("@")[0]
    repository = name.removesuffix(f":{tag_of(name)}").rstrip(":") or "registry/engine"
    return f"pin the tag, e.g. {repository}:v1.2.3 or {repository}@sha256:<64 hex digits>"
