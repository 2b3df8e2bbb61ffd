"""Stores: what kind, how large, on how many nodes. Imports the catalogue's types, resolvers and locator."""

from __future__ import annotations

from collections.abc import Iterator

from substrate.catalog import resolve
from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Diagnostic, Path
from substrate.catalog.locate import Locator
from substrate.catalog.model import Catalog
from substrate.catalog.rules.capacity import written
from substrate.catalog.types import AccessMode
from substrate.values import Bytes


def one_kind(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """A store is an NFS share or volumes of a storage class."""
    for name, store in catalog.stores.items():
        here: Path = ("stores", name)
        if store.nfs and store.storage_class:
            message = f"store `{name}` has both `nfs` and `storageClass`"
            also = [((*here, "nfs"), "the share")]
            yield where.report(Code.STORE_KIND, (*here, "storageClass"), message, help="keep one of them", also=also)
        elif not store.nfs and not store.storage_class:
            message = f"store `{name}` has neither `nfs` nor `storageClass`"
            advice = "add `nfs: {server: ..., path: /...}` or `storageClass: ...`"
            yield where.report(Code.STORE_KIND, here, message, at=where.key(here), help=advice)


def _claims(catalog: Catalog) -> dict[tuple[str, str], list[str]]:
    """The models whose weights share a volume: by store, and by team where each team has a claim of its own.

    One export holds the weights of all teams; a storage class makes a volume of the whole size for each.
    """
    shared: dict[tuple[str, str], list[str]] = {}
    for name, model in catalog.models.items():
        if model.weights is None:
            continue
        store, team = resolve.store_or_none(catalog, name), resolve.team_or_none(catalog, name)
        if store in catalog.stores and team is not None:
            owner = "" if catalog.stores[store].nfs else team
            shared.setdefault((store, owner), []).append(name)
    return shared


def holds_its_weights(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Weights that lie in one store fit it together; a set that two models share lies there once."""
    for (store, team), models in _claims(catalog).items():
        sets: dict[frozenset[tuple[str, str]], tuple[str, Bytes]] = {}
        for name in models:
            model = catalog.models[name]
            key = frozenset((path, str(file.sha256)) for path, file in resolve.files_of(model).items())
            sets.setdefault(key, (name, resolve.size_of(model)))
        total = Bytes(sum(size for _, size in sets.values()))
        size = catalog.stores[store].size
        if total > size:
            yield _too_small(store, team, total, size, list(sets.values()), where)


def _too_small(
    store: str, team: str, total: Bytes, size: Bytes, sets: list[tuple[str, Bytes]], where: Locator
) -> Diagnostic:
    largest = sorted(sets, key=lambda each: -each[1])
    terms = " + ".join(f"{name} {each}" for name, each in largest[:6])
    more = f" + {len(largest) - 6} more" if len(largest) > 6 else ""
    whose = f" of team `{team}`" if team else ""
    return where.report(
        Code.STORE_TOO_SMALL,
        ("stores", store, "size"),
        f"the weights{whose} in store `{store}` take {total}, it holds {size}",
        notes=[f"{terms}{more} = {total}"],
        help=f"write `size: {-(-total // 1024**3)}Gi` or more, or move a model's weights to another store",
        also=[(("models", name, "weights"), f"`{name}` takes {each}") for name, each in largest[:3]],
    )


def one_node_volumes(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """A ReadWriteOnce volume is mounted on one node: replicas and models that share it stay where it is."""
    for (store, team), models in _claims(catalog).items():
        if resolve.access_mode_of(catalog.stores[store]) is not AccessMode.ONCE:
            continue
        placed = [name for name in models if catalog.models[name].pool in catalog.pools]
        for name in placed:
            yield from _spread_replicas(catalog, store, name, where)
        yield from _spread_models(catalog, store, team, placed, where)


def _mode(store: str, where: Locator) -> Path:
    path: Path = ("stores", store, "accessMode")
    return path if where.has(path) else ("stores", store)


def _spread_replicas(catalog: Catalog, store: str, name: str, where: Locator) -> Iterator[Diagnostic]:
    pool = catalog.models[name].pool
    nodes = len(catalog.pools[pool].nodes)
    most = resolve.replicas_of(catalog, name).max
    if most > 1 and nodes > 1:
        yield where.report(
            Code.STORE_ON_ONE_NODE,
            written(where, name, "replicas", "max"),
            f"model `{name}` may run {most} replicas on {nodes} nodes, and its store `{store}` is mounted on one",
            notes=["a ReadWriteOnce volume is attached to one node at a time: the others would wait for ever"],
            help="write `max: 1`, a store with `accessMode: ReadWriteMany`, or a pool of one node",
            also=[
                (_mode(store, where), "this store is ReadWriteOnce"),
                (("pools", pool, "nodes"), f"{nodes} nodes"),
                (("models", name, "pool"), f"it runs on pool `{pool}`"),
            ],
        )


def _spread_models(catalog: Catalog, store: str, team: str, models: list[str], where: Locator) -> Iterator[Diagnostic]:
    """Models of one team that share the volume need a node in common."""
    for name in models[1:]:
        first, pool = catalog.models[models[0]].pool, catalog.models[name].pool
        if set(catalog.pools[first].nodes).isdisjoint(catalog.pools[pool].nodes):
            yield where.report(
                Code.STORE_ON_ONE_NODE,
                ("models", name, "pool"),
                f"models `{models[0]}` and `{name}` of team `{team}` share a volume of store `{store}`, not a node",
                notes=["a ReadWriteOnce volume is attached to one node at a time: one of the two would wait for ever"],
                help="put both on one pool, or the weights of one into another store",
                also=[
                    (("models", models[0], "pool"), f"pool `{first}`"),
                    (_mode(store, where), "this store is ReadWriteOnce"),
                ],
            )
            return
