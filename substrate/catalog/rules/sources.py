"""Which fields belong to which source of weights. Imports the catalogue's types and locator."""

from __future__ import annotations

from collections.abc import Iterator

from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Diagnostic, Path
from substrate.catalog.locate import Locator
from substrate.catalog.model import Catalog, Weights

# What a field is for, and the schemes that read it.
_FIELDS = {
    "endpoint": ("s3", "hf"),
    "region": ("s3",),
    "revision": ("hf",),
    "secretRef": ("s3", "hf"),
}
_WHY = {
    "endpoint": "the address is in the source itself",
    "region": "only S3 has regions",
    "revision": "only a repository has commits; here each file's sha256 says what it must be",
    "secretRef": "nothing would be signed with it",
}


def fields_of_the_scheme(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """A field that the source does not read would be ignored, and a Hugging Face source needs its commit."""
    for name, model in catalog.models.items():
        if model.weights is None:
            continue
        here: Path = ("models", name, "weights")
        scheme = model.weights.from_.partition("://")[0]
        for key, value in _written(model.weights):
            if value is not None and scheme not in _FIELDS[key]:
                owners = " and ".join(f"{each}://" for each in _FIELDS[key])
                yield where.report(
                    Code.FIELD_OF_ANOTHER_SOURCE,
                    (*here, key),
                    f"`{key}` belongs to {owners}, the source of model `{name}` is {scheme}://",
                    notes=[_WHY[key]],
                    help="remove it",
                    also=[((*here, "from"), "the source")],
                )
        if scheme == "hf" and model.weights.revision is None:
            yield where.report(
                Code.REVISION_MISSING,
                (*here, "from"),
                f"the Hugging Face source of model `{name}` names no commit",
                notes=["a branch moves under the weights; a commit does not"],
                help="add `revision:` with the 40 hex digits of a commit, as the repository's history shows them",
            )


def _written(weights: Weights) -> list[tuple[str, str | None]]:
    return [
        ("endpoint", weights.endpoint),
        ("region", weights.region),
        ("revision", weights.revision),
        ("secretRef", weights.secret_ref),
    ]
