"""No engine or platform runs below the version that mended what was found in it. Imports the rule, floors, resources.

The data is policies/floors.py. What a tag does not say, an annotation may: `substrate.dev/vllm-version: 0.32.0`.
"""

from __future__ import annotations

from collections.abc import Iterator

from policies.floors import READ, Product, floor_of, product_of_chart, product_of_image, version_in
from policies.resources.plain import text
from policies.resources.pods import Container, Pod, labelled
from policies.resources.subject import Subject
from policies.resources.workloads import DOMAIN
from policies.rule import Flaw, NotApplicable, Said, Severity, rule
from policies.rules.images import tag_of

WHY = (
    "what was found below the floor is public, and so are programs that use it: whoever reaches the server runs code "
    "in it, passes by its key or stops it"
)
RELEASE = ("helm.sh", "Release")


@rule("below-floor", Severity.CRITICAL, WHY, "policies/floors.py")
def below_floor(subject: Subject) -> Iterator[Said]:
    """One finding a container of a product that has a floor, and one for a Helm release of such a product."""
    obj = subject.obj
    if (obj.group, obj.kind) == RELEASE:
        yield from _of_chart(subject)
    for pod in subject.pods:
        for container in pod.containers:
            if "image" in container.body:
                yield from _of_container(subject, pod, container)


RULES = (below_floor,)


def annotation(product: Product) -> str:
    """What says the version where the image's tag does not."""
    return f"{DOMAIN}/{product.name}-version"


def _of_chart(subject: Subject) -> Iterator[Said]:
    chart = text(subject.obj.body.get("chart")) or ""
    product = product_of_chart(chart)
    if product is None:
        return
    version = text(subject.obj.body.get("version"))
    if not version:
        yield NotApplicable(f"chart {chart} is released without a version: write `version`")
    else:
        yield from _judged(subject, product, version, f"chart {chart} has version {version}", "set `version` to")


def _of_container(subject: Subject, pod: Pod, container: Container) -> Iterator[Said]:
    image = container.image or ""
    name, _, digest = image.partition("@")
    tag = tag_of(name)
    product = product_of_image(name.removesuffix(f":{tag}") if tag else name)
    if product is None or (product.served_only and not subject.served):
        return
    told = _told(subject, pod, product)
    if product.tagged and tag and version_in(product.name, tag):
        yield from _judged(subject, product, tag, f"image of {container} is {image}", "take an image of")
    elif told:
        found = f"annotation {annotation(product)} of {container} is {told}"
        yield from _judged(subject, product, told, found, "take an image of")
    elif digest or tag in (None, "latest"):
        yield NotApplicable(
            f"image {image} says no version of {product.called}: name one in its tag, beside the digest, or by the "
            f"annotation {annotation(product)}"
        )
    else:
        yield _unreadable(subject, product, f"image of {container} is {image}")


def _told(subject: Subject, pod: Pod, product: Product) -> str | None:
    """The annotation on the pods or on the object."""
    holders = labelled(subject.obj, [pod])
    return next((said for one in reversed(holders) if (said := text(one.annotations.get(annotation(product))))), None)


def _judged(subject: Subject, product: Product, version: str, found: str, instead: str) -> Iterator[Said]:
    floor = floor_of(product, subject.settings.floors)
    own, least = version_in(product.name, version), version_in(product.name, floor)
    if own is None:
        yield _unreadable(subject, product, found)
    elif least and own < least:
        yield Flaw(
            f"{found}, below {product.called} {floor}: {product.found} (read {READ}: {product.source})",
            f"{instead} {product.called} {floor} or newer",
        )


def _unreadable(subject: Subject, product: Product, found: str) -> Flaw:
    floor = floor_of(product, subject.settings.floors)
    return Flaw(
        f"{found}, which says no version of {product.called}, and nothing below {floor} may run (read {READ})",
        f"take a tag that begins with the version, or say it on the pods or the object: {annotation(product)}: {floor}",
    )
