"""What no foundation may change of a model. Wires only; the objects are built in substrate.manifests."""

from __future__ import annotations

import pulumi

from components import kubernetes
from substrate.manifests import model
from substrate.plan import ServerPlan


class Model(pulumi.ComponentResource):
    """A model's face: Service `<model>` on port 80, its disruption budget, its route under the stack's base URL.

    Outputs: `url` (`<baseUrl>/<model>`; an OpenAI client takes `<url>/v1`).
    """

    url: str

    def __init__(self, name: str, args: ServerPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("substrate:index:Model", name, kubernetes.properties(args), opts)
        child = kubernetes.children(self, opts)
        for manifest in (model.service(args), model.disruption_budget(args), model.route(args)):
            kubernetes.create(manifest, child)
        self.url = args.url
        self.register_outputs({"url": args.url})
