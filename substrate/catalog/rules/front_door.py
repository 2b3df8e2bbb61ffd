"""What one address for all models asks of their names. Imports the catalogue's resolvers and locator."""

from __future__ import annotations

from collections.abc import Iterator

from substrate.catalog import resolve
from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Diagnostic
from substrate.catalog.front_door import SECTION
from substrate.catalog.locate import Locator
from substrate.catalog.model import Catalog
from substrate.catalog.rules.names import of_the_cluster

PATH = "v1"  # below the base URL, where a model of that name would be too


def path_is_free(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """A model's URL is its name below the base URL, and so is the front door's."""
    if catalog.front_door and PATH in where.names("models"):
        path = ("models", PATH)
        yield where.report(
            Code.FRONT_DOOR_PATH,
            path,
            f"a model called `{PATH}` would have the URL of the front door, <baseUrl>/{PATH}",
            at=where.key(path),
            help="name it after its weights, or remove `substrate:frontDoor`",
            also=[((SECTION,), "the front door is asked for here")],
        )


def served_names_differ(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Across teams too: a request says the served name and nothing else. Within one they differ for other reasons."""
    if not catalog.front_door:
        return
    seen: dict[str, str] = {}
    for name in catalog.models:
        served = resolve.served_name_of(catalog, name)
        first = seen.setdefault(served, name)
        one, other = (resolve.team_or_none(catalog, each) for each in (first, name))
        if one and other and one != other:
            yield where.report(
                Code.FRONT_DOOR_NAME_CLASH,
                ("models", name, "servedName"),
                f"models `{first}` of team `{one}` and `{name}` of team `{other}` are both served as `{served}`",
                notes=["the front door sends a request where its `model` says, and that names both"],
                help="give one another servedName, or remove `substrate:frontDoor`: each model has a URL of its own",
                also=[
                    (("models", first, "servedName"), f"`{first}` is served under it here"),
                    ((SECTION,), "the front door is asked for here"),
                ],
            )


def namespace_is_free(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """The namespace is made for the front door, under Pod Security that the cluster's own programs would not pass."""
    if not catalog.front_door:
        return
    namespace = catalog.front_door.namespace
    path = (SECTION, "namespace")
    help_text = "leave it out: it is `substrate-front-door` then"
    if of_the_cluster(namespace, where):
        message = f"the front door would have the namespace `{namespace}`, which belongs to the cluster"
        yield where.report(Code.RESERVED_NAMESPACE, path, message, help=help_text)
    for team, block in catalog.teams.items():
        if (block.namespace or team) == namespace:
            message = f"the front door would have the namespace `{namespace}` of team `{team}`"
            also = [(("teams", team, "namespace"), f"team `{team}` has it here")]
            yield where.report(Code.NAMESPACE_SHARED, path, message, help=help_text, also=also)
