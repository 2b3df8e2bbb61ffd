"""One address before all models of a stack. Wires only; the objects are built in substrate.manifests."""

from __future__ import annotations

import pulumi

from components import kubernetes
from substrate.manifests import front_door, front_door_network
from substrate.plan import FrontDoorPlan


class FrontDoor(pulumi.ComponentResource):
    """`<baseUrl>/v1`: a request goes to the model that its field `model` names, beside each model's own URL.

    Its namespace is kept on destroy, since a Secret of somebody's keys may lie in it.
    Outputs: `url` (what an OpenAI client takes).
    """

    url: str

    def __init__(self, name: str, args: FrontDoorPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("substrate:index:FrontDoor", name, kubernetes.properties(args), opts)
        child = kubernetes.children(self, opts)
        inside = kubernetes.after(child, kubernetes.create(front_door.namespace(args), kubernetes.kept(child)))
        admitted = [kubernetes.create(policy, inside) for policy in front_door_network.admissions(args)]
        if args.network:
            # Last to come and first to go, as a team's.
            kubernetes.create(front_door_network.default_deny(args), kubernetes.after(inside, *admitted))
        *parts, workload = front_door.objects(args)
        made = [kubernetes.create(part, inside) for part in parts]
        waiting = kubernetes.waiting(kubernetes.after(inside, *made), front_door.PROGRESS_SECONDS)
        kubernetes.create(workload, waiting)
        self.url = args.url
        self.register_outputs({"url": args.url})
