"""Weights on a volume: the claim, an NFS store's volume, the listing and the Job that stages. Pure."""

from __future__ import annotations

import json
from typing import Any

from substrate.manifests import labels, pods
from substrate.plan.types import ClaimPlan, WeightsPlan
from substrate.plan.weights import VOLUME_MOUNT

LISTING_MOUNT = "/etc/stager"
LISTING_KEY = "listing.json"
# What another try can mend: a source that failed for now (6), a stager that was killed (137) or asked to end (143).
# docs/architecture.md, "The stager's interface".
PASSING_EXIT_CODES = [6, 137, 143]
# 4.25 of the provider waits minutes on a bound WaitForFirstConsumer claim; the Job that mounts it is what is awaited.
SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}


def claim(plan: ClaimPlan) -> dict[str, Any]:
    """The claim that a team's models share on one store."""
    bound = {"volumeName": plan.volume, "storageClassName": ""} if plan.volume else {}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": plan.name,
            "namespace": plan.namespace,
            "labels": labels.of_team(plan.team),
            "annotations": SKIP_AWAIT,
        },
        "spec": {
            "accessModes": [plan.access_mode],
            "resources": {"requests": {"storage": plan.size.quantity()}},
            **({"storageClassName": plan.storage_class} if plan.storage_class else {}),
            **bound,
        },
    }


def nfs_volume(plan: ClaimPlan) -> dict[str, Any]:
    """The volume behind an NFS store's claim, reserved for it by name; kept when the claim goes."""
    if plan.nfs is None:
        raise ValueError(f"store {plan.store} is not an NFS store")
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": plan.volume, "labels": labels.of_team(plan.team), "annotations": SKIP_AWAIT},
        "spec": {
            "accessModes": [plan.access_mode],
            "capacity": {"storage": plan.size.quantity()},
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": "",
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "name": plan.name,
                "namespace": plan.namespace,
            },
            # A soft mount would turn a short outage of the server into read errors of the engine.
            "mountOptions": ["hard", "nfsvers=4.1"],
            "nfs": {"server": plan.nfs.server, "path": plan.nfs.path},
        },
    }


def listing(weights: WeightsPlan) -> dict[str, Any]:
    """What the stager is told: docs/architecture.md, "The stager's interface"."""
    source = weights.source
    named = {"endpoint": source.endpoint, "region": source.region, "revision": source.revision}
    return {
        "digest": weights.digest,
        "source": {
            "uri": source.uri,
            "anonymous": source.secret is None,
            **{key: value for key, value in named.items() if value is not None},
        },
        "files": [{"path": file.path, "size": int(file.size), "sha256": file.sha256} for file in weights.files],
    }


def listing_name(weights: WeightsPlan) -> str:
    return f"listing-{weights.model}-{weights.digest.short}"


def job_name(weights: WeightsPlan) -> str:
    """Named by what it stages: other bytes are another Job, since a Job's template cannot be changed."""
    return f"stage-{weights.model}-{weights.digest.short}"


def config_map(plan: ClaimPlan, weights: WeightsPlan) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": listing_name(weights),
            "namespace": plan.namespace,
            "labels": labels.of_stager(weights, plan.team),
        },
        "data": {LISTING_KEY: json.dumps(listing(weights), indent=1, sort_keys=True)},
    }


def job(plan: ClaimPlan, weights: WeightsPlan) -> dict[str, Any]:
    """Downloads, verifies, publishes; then it has nothing to do and ends at once when it runs again."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job_name(weights),
            "namespace": plan.namespace,
            "labels": labels.of_stager(weights, plan.team),
            # A Job that failed is made anew by the next update; without this it would be awaited for ever.
            "annotations": {"pulumi.com/replaceUnready": "true"},
        },
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": round(weights.timeout),
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": {"rules": failure_rules()},
            "template": {
                "metadata": {"labels": labels.of_stager(weights, plan.team)},
                "spec": pods.spec(
                    weights.pool,
                    restartPolicy="Never",
                    containers=[container(weights)],
                    volumes=volumes(plan, weights),
                ),
            },
        },
    }


def failure_rules() -> list[dict[str, Any]]:
    """What passes is tried again, and resumes; anything else ends the Job at once: a wrong byte stays wrong.

    Written as what to ignore before a limit of 0, since Pulumi's provider knows a Job as failed by the reasons
    BackoffLimitExceeded and DeadlineExceeded only; with the rule FailJob it waits for its whole time-out.
    """
    passing = {"containerName": "stager", "operator": "In", "values": PASSING_EXIT_CODES}
    return [
        {"action": "Ignore", "onExitCodes": passing},
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
    ]


def container(weights: WeightsPlan) -> dict[str, Any]:
    credentials = [{"secretRef": {"name": weights.source.secret}}] if weights.source.secret else []
    return {
        "name": "stager",
        "image": weights.stager_image,
        "imagePullPolicy": "IfNotPresent",
        "args": [f"--listing={LISTING_MOUNT}/{LISTING_KEY}", f"--volume={VOLUME_MOUNT}"],
        "envFrom": credentials,
        "resources": {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": pods.CONTAINER_SECURITY,
        # The stager writes what it found to the termination log, which `pulumi up` and `kubectl describe` show.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": "weights", "mountPath": VOLUME_MOUNT},
            {"name": "listing", "mountPath": LISTING_MOUNT, "readOnly": True},
            {"name": "scratch", "mountPath": "/tmp"},
        ],
    }


def volumes(plan: ClaimPlan, weights: WeightsPlan) -> list[dict[str, Any]]:
    return [
        {"name": "weights", "persistentVolumeClaim": {"claimName": plan.name}},
        {"name": "listing", "configMap": {"name": listing_name(weights)}},
        {"name": "scratch", "emptyDir": {"sizeLimit": "64Mi"}},
    ]
