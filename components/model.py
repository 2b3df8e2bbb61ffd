"""What no foundation may change of a model. Wires only; the objects are built in substrate.manifests."""

from __future__ import annotations

import pulumi

from components import kubernetes
from substrate.manifests import model
from substrate.plan import ServerPlan


class Model(pulumi.ComponentResource):
    """The face of a server's models: Service `<model>` on port 80 and a route under the stack's base URL for each, and
    the server's disruption budget.

    Outputs: `urls` (`<baseUrl>/<model>` by model; an OpenAI client takes `<url>/v1`).
    """

    urls: dict[str, str]

    def __init__(self, name: str, args: ServerPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("substrate:index:Model", name, kubernetes.properties(args), opts)
        child = kubernetes.children(self, opts)
        for manifest in model.faces(args):
            kubernetes.create(manifest, child)
        self.urls = {each.name: each.url for each in args.models}
        self.register_outputs({"urls": self.urls})
