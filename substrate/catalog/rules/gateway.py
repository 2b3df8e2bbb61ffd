"""Who may reach the models through the Gateway. Imports the catalogue's types and locator."""

from __future__ import annotations

from collections.abc import Iterator

from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Diagnostic
from substrate.catalog.locate import Locator
from substrate.catalog.model import Catalog
from substrate.facts.addresses import of_this_machine


def open_to_nobody_unnamed(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """No engine asks for a key, so beyond this machine somebody else must, or the stack says that nobody does.

    The front door's keys guard its own address and not the models' beside it.
    """
    if "cluster" not in catalog.model_fields_set:
        return
    cluster = catalog.cluster
    if of_this_machine(cluster.base_url) or cluster.gateway.authenticated_by:
        return
    yield where.report(
        Code.OPEN_TO_ANYBODY,
        ("cluster", "baseUrl"),
        "clients reach the models at this address from other machines, and nothing says who asks them for a key",
        notes=["a model's own URL asks for none: whoever reaches the Gateway uses every model"],
        help="write `gateway: {authenticatedBy: <who asks, and how>}` under substrate:cluster, or `nobody` where "
        "whoever reaches it may use every model",
    )
