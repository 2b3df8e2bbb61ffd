"""Every container image is pinned by a tag or digest that is not `latest`. Imports the rule and the resources."""

from __future__ import annotations

import re
from collections.abc import Iterator

from policies.cel import WITH_PODS, Validation, quoted
from policies.resources.objects import KubernetesObject
from policies.resources.plain import dig, text
from policies.resources.pods import KSERVE_GROUP
from policies.resources.subject import Subject
from policies.rule import Flaw, NotApplicable, Said, Severity, rule

WHY = (
    "what runs then depends on the day a node pulls it: two replicas may run different programs (of one model: "
    "different engines), and neither a roll back nor an audit can name what ran"
)
_WHOLE_DIGEST = "sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}"
_DIGEST = re.compile(_WHOLE_DIGEST)
_PLACEHOLDER = re.compile(r"\$\w+|\$\{\w+\}|\$\(\w+\)|<[^<>]+>|\{\{.*\}\}|\{\w+\}")


def _pinned(images: str) -> str:
    """CEL: whether every image of a list is pinned, as `flaw_of` has it."""
    by_digest = f"image.matches({quoted(f'^[^@]*@({_WHOLE_DIGEST})$')})"
    tagged, latest = "^(.*/)?[^/:]*:[^/]+$", "^(.*/)?[^/:]*:(?i:latest)$"
    by_tag = f"image.matches({quoted(tagged)}) && !image.matches({quoted(latest)})"
    return f"{images}.all(image, image.contains('@') ? {by_digest} : {by_tag})"


_CEL = Validation(
    WITH_PODS,
    _pinned("variables.containers.map(container, container.?image.orValue(''))")
    + " && "
    + _pinned("variables.volumes.filter(volume, has(volume.image)).map(volume, volume.image.?reference.orValue(''))"),
    "an image has no tag, the tag latest, or a digest that is not whole",
    "pin the tag of every image, or write its digest",
)


@rule(
    "moving-image",
    Severity.MEDIUM,
    WHY,
    "https://kubernetes.io/docs/concepts/containers/images/#image-names",
    cel=(_CEL,),
)
def moving_image(subject: Subject) -> Iterator[Said]:
    """One flaw an unpinned image, image volumes included."""
    for pod in subject.pods:
        for container in pod.containers:
            if "image" not in container.body and may_omit_image(subject.obj):
                continue
            if is_placeholder(container.image or ""):
                yield NotApplicable(
                    f"image of {container} is the placeholder {container.image}: judge what is filled in"
                )
            elif flaw := flaw_of(container.image or ""):
                yield Flaw(f"image of {container} {flaw}", fix_of(container.image or ""))
        for volume in pod.volumes:
            reference = text(dig(volume, "image", "reference"))
            if reference is not None and (flaw := flaw_of(reference)):
                yield Flaw(f"image of volume {text(volume.get('name'))} {flaw}", fix_of(reference))


RULES = (moving_image,)


def may_omit_image(obj: KubernetesObject) -> bool:
    """A patch changes other fields; KServe takes the image from its ServingRuntime."""
    return obj.patch or (obj.group == KSERVE_GROUP and obj.kind.endswith("InferenceService"))


def is_placeholder(image: str) -> bool:
    """Whether somebody is to put a whole image here, as in `$VLLM_IMAGE`; of `$NAME:latest` the tag is known."""
    return _PLACEHOLDER.fullmatch(image.strip()) is not None


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
