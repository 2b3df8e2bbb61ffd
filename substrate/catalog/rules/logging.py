"""Payload logging: what a model that logs needs, and what is not logged. Imports the resolvers and the locator."""

from __future__ import annotations

from collections.abc import Iterator

from substrate.catalog import resolve
from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Diagnostic, Path, Severity
from substrate.catalog.image_names import PAYLOAD_LOGGER
from substrate.catalog.locate import Locator
from substrate.catalog.model import Catalog
from substrate.catalog.rules.capacity import written
from substrate.catalog.types import EngineName

CONTAINERFILE = "cluster/toolchain/payload-logger/Containerfile"


def a_sink_is_named(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Nothing is logged to nowhere; said once where the defaults alone are to blame."""
    said: set[Path] = set()
    for name in catalog.models:
        found, path = resolve.logging_of(catalog, name), written(where, name, "logging")
        if found is None or found.sink or path in said:
            continue
        said.add(path)
        yield where.report(
            Code.SINK_MISSING,
            path,
            f"model `{name}` logs its requests and answers, and no `sink` says where to",
            at=where.key(path),
            help="write `sink: http://events.audit/`, here or in `logging` of substrate:defaults, or `log: none`",
        )


def the_logger_has_an_image(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """There is no image of it in any public registry: whoever logs builds it."""
    if PAYLOAD_LOGGER in catalog.defaults.images:
        return
    for name in catalog.models:
        if resolve.logging_of(catalog, name) is None:
            continue
        path = written(where, name, "logging")
        yield where.report(
            Code.LOGGER_IMAGE_MISSING,
            path,
            f"model `{name}` logs its requests and answers, and the stack names no image of the payload logger",
            at=where.key(path),
            notes=["no registry has it: build it once, and push it where your nodes can pull it"],
            help=f"run `podman build -f {CONTAINERFILE} -t REGISTRY/payload-logger:0.1.0 .`, push it, and write "
            "`images: {payload-logger: REGISTRY/payload-logger:0.1.0}` under substrate:defaults; "
            "the embedded cluster has substrate.local/payload-logger:0.1.0",
        )
        return


def a_server_logs_as_one(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """One pod has one logger, which does not know the models apart."""
    for server_name, server in catalog.servers.items():
        present = [name for name in server.models if name in catalog.models]
        for first, name in ((present[0], name) for name in present[1:]):
            if resolve.logging_of(catalog, name) != resolve.logging_of(catalog, first):
                yield where.report(
                    Code.SERVER_OF_DIFFERENT_KINDS,
                    written(where, name, "logging"),
                    f"models `{first}` and `{name}` share server `{server_name}`, and their requests are logged "
                    "differently",
                    help="write the same `logging` for both, or take one out of the server",
                    also=[
                        (written(where, first, "logging"), f"`{first}`"),
                        (("servers", server_name), "the server"),
                    ],
                )


def what_passes_by(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """The logger reads HTTP; whoever audits must know what it does not see."""
    for name, model in catalog.models.items():
        if resolve.logging_of(catalog, name) is None or model.pool not in catalog.pools:
            continue
        if resolve.engine_of(catalog, name) is EngineName.TRITON:
            path = written(where, name, "logging")
            yield where.report(
                Code.NOT_ALL_LOGGED,
                path,
                f"model `{name}` also answers over gRPC, and only its HTTP requests are logged",
                at=where.key(path),
                help="let clients whose requests must be logged use HTTP, or write `log: none`",
                severity=Severity.WARNING,
            )
