"""Names that would clash with each other or with the cluster's own. Imports the catalogue's resolvers and locator."""

from __future__ import annotations

from collections.abc import Iterator

from substrate.catalog import resolve
from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Diagnostic, Path
from substrate.catalog.locate import Locator
from substrate.catalog.model import Catalog

# A Service's name becomes variables in every pod of its namespace that does not turn them off: `vllm` gives VLLM_PORT.
RESERVED_SERVICES = {
    "vllm": "Kubernetes would set VLLM_PORT=tcp://... in the namespace's pods, and vLLM dies of it at its start",
    "llama-arg": "Kubernetes would set LLAMA_ARG_PORT=tcp://... in the namespace's pods, which llama-server reads",
    "kubernetes": "Kubernetes would overwrite KUBERNETES_SERVICE_HOST in the namespace's pods",
}
RESERVED_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease", "substrate-system")


def service_names(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """A model's name is its Service's: it begins with a letter and leaves the engines' variables alone."""
    for name in where.names("models"):
        path = ("models", name)
        at = where.key(path)
        if name in RESERVED_SERVICES:
            why = RESERVED_SERVICES[name]
            message = f"a model may not be called `{name}`"
            yield where.report(Code.RESERVED_NAME, path, message, at=at, notes=[why], help="name it after its weights")
        elif name[:1].isdecimal() and name.isascii():
            message = f"the model's name `{name}` begins with a digit"
            why = "a Service is named after it, and most clusters want a letter first"
            yield where.report(
                Code.NAME_STARTS_WITH_DIGIT,
                path,
                message,
                at=at,
                notes=[why],
                help=f"write m{name}, or put a word first",
            )


def served_names_differ(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Within a team no two models answer to one name: nothing would tell their metrics apart."""
    seen: dict[tuple[str | None, str], str] = {}
    for name in catalog.models:
        key = (resolve.team_or_none(catalog, name), resolve.served_name_of(catalog, name))
        if key[0] is None:
            continue
        first = seen.setdefault(key, name)
        if first != name:
            yield where.report(
                Code.SERVED_NAME_CLASH,
                ("models", name, "servedName"),
                f"models `{first}` and `{name}` of team `{key[0]}` are both served as `{key[1]}`",
                notes=["metrics and /v1/models carry the served name, so nothing would tell the two apart"],
                help="give one another servedName, or leave it out: then it is the model's own name",
                also=[(("models", first, "servedName"), f"`{first}` is served under it here")],
            )


def namespaces_differ(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """A team's namespace is its own: what bounds a team (quota, keys, network) is bound to it."""
    seen: dict[str, str] = {}
    for name, team in catalog.teams.items():
        namespace = team.namespace or name
        first = seen.setdefault(namespace, name)
        if first != name:
            yield where.report(
                Code.NAMESPACE_SHARED,
                ("teams", name, "namespace"),
                f"teams `{first}` and `{name}` share the namespace `{namespace}`",
                help="give one of them a namespace of its own",
                also=[(("teams", first, "namespace"), f"team `{first}` has it here")],
            )


def of_the_cluster(namespace: str, where: Locator) -> bool:
    """Whether a namespace is Kubernetes' own, or the Gateway's."""
    gateway = where.text(("cluster", "gateway", "namespace"))
    return namespace in RESERVED_NAMESPACES or namespace.startswith("kube-") or namespace == gateway


def namespaces_are_free(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """No team moves into a namespace of the cluster's."""
    for name, team in catalog.teams.items():
        namespace = team.namespace or name
        if of_the_cluster(namespace, where):
            path: Path = ("teams", name, "namespace") if team.namespace else ("teams", name)
            yield where.report(
                Code.RESERVED_NAMESPACE,
                path,
                f"team `{name}` would have the namespace `{namespace}`, which belongs to the cluster",
                at=None if team.namespace else where.key(path),
                help=f"write `namespace: team-{name}`",
            )
