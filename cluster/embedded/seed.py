"""Puts files into the cluster's S3 from the host. Imports the standard library only."""

from __future__ import annotations

from pathlib import Path

from cluster.embedded import s3
from cluster.embedded.errors import ClusterError
from cluster.embedded.layout import Root
from cluster.embedded.plan import Plan
from cluster.embedded.ports import HOST

# What Pulumi.local.yaml stages from: the object's key, and the tool whose file it is.
LOCAL_STACK = {"smollm2-135m-instruct/model.gguf": "smollm2-135m.gguf"}


def upload(root: Root, file: Path, key: str) -> bool:
    """Store `file` as s3://models/<key> unless an object of its size is there; True if it was stored now.

    Raises ClusterError where the file is missing, or the cluster does not run or refuses.
    """
    if not file.is_file():
        raise ClusterError(f"{file} is not a file")
    plan = Plan.read(root.plan)
    if plan is None:
        raise ClusterError(f"the cluster of {root.path} does not run", remedy="python -m cluster up")
    client = s3.Client(HOST, plan.ports.s3, s3.Keys.of(root.state / "s3.json"))
    try:
        if client.size(s3.BUCKET, key) == file.stat().st_size:
            return False
        client.put(s3.BUCKET, key, file)
    except OSError as error:
        raise ClusterError(
            f"S3 does not take {key}: {error}", remedy="python -m cluster up", log=root.log("seaweedfs")
        ) from error
    return True
