"""What is done once at every start, inside the namespaces: images, objects, the bucket. Imports cluster.embedded.

python -m cluster.embedded.tasks images|addons|gateway-api|buckets
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from cluster.embedded import addons, configs, extras, files, s3
from cluster.embedded.api import Api, ApiError
from cluster.embedded.definitions import apply_all, establish
from cluster.embedded.errors import ClusterError
from cluster.embedded.layout import IMPORTED, Inside, Network
from cluster.embedded.plan import Image, Plan

_NAMESPACE = "k8s.io"  # containerd's, where the kubelet looks
_IMPORT_TIMEOUT = 240  # seconds


def images(plan: Plan) -> None:
    """Import every archive whose image is not in containerd yet, by digest: a tag may have got other content."""
    listing = _ctr(plan, "images", "list")
    known = {(line.split()[0], line.split()[2]) for line in listing.splitlines()[1:]}
    for image in plan.images:
        if (image.reference, image.digest) in known:
            print(f"{image.reference} is here")
        else:
            _import(plan, image)
    files.write(Inside.STATE / IMPORTED, " ".join(image.digest for image in plan.images))


def objects(_: Plan) -> None:
    """Apply what every cluster needs: roles, the storage class, the Service of S3."""
    apply_all(Api.inside(), addons.objects())


def gateway(plan: Plan) -> None:
    """Apply the definitions of the Gateway API, then the Gateway once the API server knows the new kinds."""
    api = Api.inside()
    establish(api, addons.definitions(Path(plan.binary("gateway-api-crds"))))
    apply_all(api, addons.gateway())


def buckets(_: Plan) -> None:
    """Make the bucket of models."""
    s3.Client(Network.NODE, Network.S3_PORT, s3.Keys.of(Inside.STATE / "s3.json")).make_bucket(s3.BUCKET)


TASKS: dict[str, Callable[[Plan], None]] = {
    "images": images,
    "addons": objects,
    "gateway-api": gateway,
    "buckets": buckets,
}


def _task(plan: Plan, name: str) -> Callable[[Plan], None]:
    own = {key: task for extra in plan.extras for key, task in extras.extra(extra).tasks.items()}
    return {**own, **TASKS}[name]


def _import(plan: Plan, image: Image) -> None:
    print(_ctr(plan, "images", "import", "--snapshotter", configs.snapshotter(), image.archive))
    names = [line.split()[0] for line in _ctr(plan, "images", "list").splitlines()[1:]]
    if image.reference not in names:
        raise ClusterError(f"{image.archive} was imported and holds no image named {image.reference}")


def _ctr(plan: Plan, *arguments: str) -> str:
    command = [plan.binary("ctr"), "--address", str(Inside.CONTAINERD), "--namespace", _NAMESPACE, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_IMPORT_TIMEOUT)
    if done.returncode != 0:
        raise ClusterError(f"{' '.join(command)} failed: {done.stderr.strip()}")
    return done.stdout


def main(name: str) -> None:
    plan = Plan.read(Inside.STATE / "plan.json")
    if plan is None:
        sys.exit(f"{Inside.STATE}/plan.json is missing: tasks are run by the supervisor")
    try:
        _task(plan, name)(plan)
    except (ClusterError, ApiError, OSError, subprocess.SubprocessError) as error:
        sys.exit(f"{name}: {error}")


if __name__ == "__main__":
    main(sys.argv[1])
