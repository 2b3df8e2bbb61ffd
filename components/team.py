"""A team's namespace. Wires only; the objects are built in substrate.manifests."""

from __future__ import annotations

import pulumi

from components import kubernetes
from substrate.manifests import cluster, network
from substrate.plan import NamespacePlan


class Team(pulumi.ComponentResource):
    """A tenant: one namespace under Pod Security `restricted`, closed but for what its models need.

    The namespace is kept on destroy, since the weights' claim lies in it.
    Outputs: `namespace` (its name).
    """

    namespace: str

    def __init__(self, name: str, args: NamespacePlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("substrate:index:Team", name, kubernetes.properties(args), opts)
        child = kubernetes.children(self, opts)
        inside = kubernetes.after(child, kubernetes.create(cluster.namespace(args), kubernetes.kept(child)))
        admitted = [kubernetes.create(policy, inside) for policy in network.admissions(args)]
        if args.network:
            # Last to come and first to go: what runs already is cut off at no time.
            kubernetes.create(network.default_deny(args), kubernetes.after(inside, *admitted))
        self.namespace = args.name
        self.register_outputs({"namespace": args.name})
