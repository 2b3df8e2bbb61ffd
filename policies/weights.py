"""Rule: weights are mounted read-only wherever a language model is served. Imports `objects`, `pods`, `workloads`.

Which mounts hold weights: of a claim called `weights-*`, at a path where engines keep weights, above the path that
the engine's model argument names, or with the digest that the workload is annotated with as subPath. Scratch volumes
(emptyDir, ephemeral) and caches are not weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import PurePosixPath

from policies.objects import KubernetesObject
from policies.plain import Object, dig, known, mapping, mappings, text
from policies.pods import Container, Pod, labelled
from policies.violations import Violation
from policies.workloads import DOMAIN, Evidence

DIGEST_ANNOTATION = f"{DOMAIN}/weights-digest"
CLAIM_PREFIX = "weights-"
STAGER_LABEL, STAGER_VALUE = "app.kubernetes.io/component", "stager"
KSERVE_READONLY = "storage.kserve.io/readonly"
WEIGHT_PATHS = tuple(
    map(
        PurePosixPath,
        ("/models", "/model", "/weights", "/mnt/models", "/mnt/model", "/mnt/weights", "/model-repository"),
    )
)
# Volumes that outlive a pod and that another pod can read: the type, and whether it has a readOnly of its own.
SHARED_VOLUMES = {
    "persistentVolumeClaim": True, "nfs": True, "csi": True, "hostPath": False, "cephfs": True, "iscsi": True,
    "fc": True, "rbd": True, "glusterfs": True, "azureFile": True, "azureDisk": True, "awsElasticBlockStore": True,
    "gcePersistentDisk": True, "flexVolume": True, "portworxVolume": False,
}  # fmt: skip
MODEL_FLAGS = frozenset(
    {"--model", "-m", "--model-path", "--model-id", "--model-dir", "--model_dir", "--model-repository", "--model-store"}
)
MODEL_VARIABLES = ("MODEL", "MODEL_ID", "MODEL_PATH", "MODEL_DIR", "MODEL_NAME", "LLAMA_ARG_MODEL", "HF_MODEL_DIR")
WHY = (
    "one writable mount lets a pod change bytes that were verified once and that every other replica reads; a download "
    "or a crash half way leaves a model that loads and answers wrongly"
)


def check(obj: KubernetesObject, pods: Sequence[Pod], served: Evidence | None) -> Iterator[Violation]:
    """One violation a writable mount of weights, in a workload that serves a language model."""
    if served is None or is_stager(obj, pods):
        return
    if text(obj.annotations.get(KSERVE_READONLY)) == "false":
        fix = f"remove the annotation {KSERVE_READONLY}, or set it to true"
        yield Violation(str(obj), f"annotation {KSERVE_READONLY} is false", WHY, fix)
    claims = _claim_templates(obj)
    for pod in pods:
        digest = text(pod.annotations.get(DIGEST_ANNOTATION)) or text(obj.annotations.get(DIGEST_ANNOTATION))
        volumes = {text(volume.get("name")) or "": volume for volume in [*claims, *pod.volumes]}
        for container in pod.containers:
            yield from _writable_mounts(obj, container, volumes, digest, served)


def mounts_shared_volumes(obj: KubernetesObject, pods: Sequence[Pod]) -> bool:
    """Whether there is anything to judge: without it, nobody need ask what the workload serves."""
    volumes = [*_claim_templates(obj), *(volume for pod in pods for volume in pod.volumes)]
    return KSERVE_READONLY in obj.annotations or any(shared_kind(volume) for volume in volumes)


def is_stager(obj: KubernetesObject, pods: Sequence[Pod]) -> bool:
    """The Job that writes the weights. Only a Job: the label does not excuse a server."""
    return obj.kind == "Job" and any(
        text(holder.labels.get(STAGER_LABEL)) == STAGER_VALUE for holder in labelled(obj, pods)
    )


def _writable_mounts(
    obj: KubernetesObject, container: Container, volumes: dict[str, Object], digest: str | None, served: Evidence
) -> Iterator[Violation]:
    for mount in container.mounts:
        name = text(mount.get("name")) or ""
        volume = volumes.get(name, {})
        kind = shared_kind(volume)
        if kind is None or known(mount.get("readOnly")) is True or _source_read_only(volume, kind):
            continue
        if reason := holds_weights(mount, volume, container, digest):
            path = text(mount.get("mountPath"))
            found = f"volumeMounts[{name}] of {container} at {path} is writable, and {reason} ({served})"
            yield Violation(str(obj), found, WHY, _fix(name, kind, container))


def shared_kind(volume: Object) -> str | None:
    """The volume's type where it is one that others can read, else None."""
    return next((kind for kind in SHARED_VOLUMES if known(volume.get(kind)) is not None), None)


def holds_weights(mount: Object, volume: Object, container: Container, digest: str | None) -> str | None:
    """Why this mount holds weights, as the end of a sentence; None where it does not."""
    claim = text(dig(volume, "persistentVolumeClaim", "claimName")) or ""
    if claim.startswith(CLAIM_PREFIX):
        return f"claim {claim} holds weights"
    path = PurePosixPath(text(mount.get("mountPath")) or "")
    if digest and digest in PurePosixPath(text(mount.get("subPath")) or "").parts:
        return f"its subPath is the digest of annotation {DIGEST_ANNOTATION}"
    if any(path.is_relative_to(known_path) for known_path in WEIGHT_PATHS):
        return "weights are kept at that path"
    if any(model.is_relative_to(path) for model in model_paths(container)) and path != PurePosixPath("/"):
        return "the engine's model lies under it"
    return None


def model_paths(container: Container) -> list[PurePosixPath]:
    """The absolute paths that the engine is told to load: by its model flag, by a variable, or by `vllm serve PATH`."""
    words = container.words
    values = [after for flag, after in pairwise(words) if flag in MODEL_FLAGS or flag == "serve"]
    values += [word.partition("=")[2] for word in words if word.partition("=")[0] in MODEL_FLAGS]
    values += [value for name, value in container.environment.items() if value and name in MODEL_VARIABLES]
    return [PurePosixPath(value) for value in values if value.startswith("/")]


def _source_read_only(volume: Object, kind: str) -> bool:
    return SHARED_VOLUMES[kind] and known(mapping(volume.get(kind)).get("readOnly")) is True


def _claim_templates(obj: KubernetesObject) -> list[Object]:
    """A StatefulSet's own claims as the volumes that their pods see."""
    templates = mappings(obj.spec.get("volumeClaimTemplates"))
    names = [text(dig(template, "metadata", "name")) or "" for template in templates]
    return [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in names]


def _fix(name: str, kind: str, container: Container) -> str:
    mount = f"add readOnly: true to volumeMounts[{name}] of {container}"
    source = f" (or to the {kind} source of volume {name})" if SHARED_VOLUMES[kind] else ""
    staged = f"stage the weights with a Job labelled {STAGER_LABEL}: {STAGER_VALUE}, and keep caches in an emptyDir"
    return f"{mount}{source}; {staged}"
