"""The whole of what may differ in shape between stacks, with the reason. Everything else differs in values only."""

POD = "spec.template.spec"
CONTAINER = f"{POD}.containers[]"
GPU, DISK = "nvidia.com/gpu", "ephemeral-storage"

# (kind, field path) -> why it is there on one stack and not on another.
ALLOWED = {
    **{
        (where, f"{container}.resources.{kind}.{resource}"): reason
        for where, container in (("Deployment", CONTAINER), ("InferenceService", "spec.predictor.model"))
        for kind in ("requests", "limits")
        for resource, reason in ((GPU, "a CPU pool has no GPU to ask for"), (DISK, "small clusters count no disk"))
    },
    **{
        (kind, f"{POD}.tolerations[].{field}"): "a CPU pool's nodes carry no taint"
        for kind in ("Deployment", "Job")
        for field in ("key", "operator", "effect")
    },
    **{
        ("InferenceService", f"spec.predictor.tolerations[].{field}"): "a CPU pool's nodes carry no taint"
        for field in ("key", "operator", "effect")
    },
    ("PersistentVolumeClaim", "spec.volumeName"): "an NFS store's volume is made by the stack and named",
}
# Kinds that only some stacks have.
ALLOWED_KINDS = {
    "PersistentVolume": "an NFS store's volume is made by the stack; a storage class makes its own",
    "ScaledObject": "a stack scales through KEDA or through prometheus-adapter",
    "HorizontalPodAutoscaler": "a stack scales through KEDA or through prometheus-adapter",
}
