"""Weights on a volume. Wires only; the objects are built in substrate.manifests."""

from __future__ import annotations

import pulumi

from components import kubernetes
from substrate.manifests import staging
from substrate.plan import ClaimPlan, WeightsPlan


class StagedWeights(pulumi.ComponentResource):
    """The weights that a team keeps on one store: staged and verified once, mounted read-only by every pod.

    The claim (and an NFS store's volume) is kept on destroy and taken over when the stack returns.
    Outputs: `claim` (its name), `jobs` (the staging Job of each model; a workload waits for its own only).
    """

    claim: str
    jobs: dict[str, pulumi.Resource]

    def __init__(self, name: str, args: ClaimPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("substrate:index:StagedWeights", name, kubernetes.properties(args), opts)
        child = kubernetes.children(self, opts)
        volumes = [kubernetes.create(staging.nfs_volume(args), kubernetes.kept(child))] if args.nfs else []
        claim = kubernetes.create(staging.claim(args), kubernetes.after(kubernetes.kept(child), *volumes))
        self.claim = args.name
        self.jobs = {
            weights.model: self._stage(args, weights, kubernetes.after(child, claim)) for weights in args.weights
        }
        digests = {weights.model: str(weights.digest) for weights in args.weights}
        self.register_outputs({"claim": args.name, "digests": digests})

    @staticmethod
    def _stage(args: ClaimPlan, weights: WeightsPlan, opts: pulumi.ResourceOptions) -> pulumi.Resource:
        listing = kubernetes.create(staging.config_map(args, weights), opts)
        job = kubernetes.made_anew(kubernetes.waiting(kubernetes.after(opts, listing), weights.timeout))
        return kubernetes.create(staging.job(args, weights), job)
