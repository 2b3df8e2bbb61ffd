"""The whole of what may differ in shape between stacks, with the reason. Everything else differs in values only."""

POD = "spec.template.spec"
CONTAINER = f"{POD}.containers[]"
GPU = "nvidia.com/gpu"

# (kind, field path) -> why it is there on one stack and not on another.
ALLOWED = {
    ("Deployment", f"{CONTAINER}.resources.requests.{GPU}"): "a CPU pool has no GPU to ask for",
    ("Deployment", f"{CONTAINER}.resources.limits.{GPU}"): "a CPU pool has no GPU to ask for",
    **{
        (kind, f"{POD}.tolerations[].{field}"): "a CPU pool's nodes carry no taint"
        for kind in ("Deployment", "Job")
        for field in ("key", "operator", "effect")
    },
    ("PersistentVolumeClaim", "spec.volumeName"): "an NFS store's volume is made by the stack and named",
}
# Kinds that only some stacks have.
ALLOWED_KINDS = {"PersistentVolume": "an NFS store's volume is made by the stack; a storage class makes its own"}
