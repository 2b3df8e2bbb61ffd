"""Weights are mounted read-only wherever a language model is served, and are named. Imports the rule and the resources.

Which mounts hold weights: of a claim called `weights-*`, at a path where engines keep weights, above the path that
the engine's model argument names, or with the digest that the workload is annotated with as subPath. Scratch volumes
(emptyDir, ephemeral) and caches are not weights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from policies.cel import WITH_PODS, Validation, each_container, listed, quoted
from policies.resources.models import references, uris
from policies.resources.objects import KubernetesObject
from policies.resources.plain import Object, dig, known, mapping, mappings, text
from policies.resources.pods import Container, Pod
from policies.resources.subject import Subject
from policies.resources.workloads import DOMAIN, STAGER_LABEL, STAGER_VALUE, Evidence, engine_in, is_stager
from policies.rule import Flaw, Level, Severity, rule

DIGEST_ANNOTATION = f"{DOMAIN}/weights-digest"
CLAIM_PREFIX = "weights-"
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
_DIGEST = re.compile(r"(sha256:)?[0-9a-f]{64}|(sha512:)?[0-9a-f]{128}")
WHY_DIGEST = (
    "without the weights' digest nobody can say which bytes answered, and a roll back takes another image to the same "
    "folder, whatever lies in it by then"
)
LINK_DIGEST = "https://github.com/ossf/model-signing-spec"
WHY = (
    "one writable mount lets a pod change bytes that were verified once and that every other replica reads; a download "
    "or a crash half way leaves a model that loads and answers wrongly"
)


def _at_weights() -> str:
    """CEL: whether a `mount` is where weights are, as `holds_weights`, but for what the engine's model says."""
    paths = "|".join(str(path) for path in WEIGHT_PATHS)
    digests = f"[variables.podAnnotations, variables.annotations].map(said, said[?{quoted(DIGEST_ANNOTATION)}]"
    return (
        f"(mount.mountPath.matches({quoted(f'^({paths})(/|$)')}) || ({digests}.orValue(''))"
        ".filter(said, said != '') + ['/'])[0] in mount.?subPath.orValue('').split('/'))"
    )


_READ_ONLY_SOURCES = listed(kind for kind, own in SHARED_VOLUMES.items() if own)
_WRITABLE_SOURCE = (
    f"{listed(SHARED_VOLUMES)}.exists(kind, kind in volume"
    f" && !(kind in {_READ_ONLY_SOURCES} && volume[kind].?readOnly.orValue(false)))"
)
_CEL = Validation(
    WITH_PODS,
    each_container(
        "container.?volumeMounts.orValue([]).all(mount, mount.?readOnly.orValue(false) || !("
        f"variables.volumes.exists(volume, volume.name == mount.name && {_WRITABLE_SOURCE}"
        f" && (volume.?persistentVolumeClaim.?claimName.orValue('').startsWith({quoted(CLAIM_PREFIX)})"
        f" || {_at_weights()}))"
        # A StatefulSet's own claims are volumes of its pods.
        " || object.?spec.?volumeClaimTemplates.orValue([]).exists(claim, claim.metadata.name == mount.name"
        f" && (mount.name.startsWith({quoted(CLAIM_PREFIX)}) || {_at_weights()}))))"
    ),
    "a mount of weights is writable",
    f"add readOnly: true to the mount; stage the weights with a Job labelled {STAGER_LABEL}: {STAGER_VALUE}, and keep "
    "caches in an emptyDir",
)


@rule(
    "writable-weights",
    Severity.HIGH,
    WHY,
    "https://kubernetes.io/docs/concepts/storage/volumes/#read-only-mounts",
    cel=(_CEL,),
)
def writable_weights(subject: Subject) -> Iterator[Flaw]:
    """A writable mount of weights, in a workload that serves a language model."""
    obj, pods = subject.obj, subject.pods
    if not mounts_shared_volumes(obj, pods) or not subject.served or is_stager(obj, pods):
        return
    if text(obj.annotations.get(KSERVE_READONLY)) == "false":
        fix = f"remove the annotation {KSERVE_READONLY}, or set it to true"
        yield Flaw(f"annotation {KSERVE_READONLY} is false", fix)
    for pod in pods:
        volumes = _volumes(obj, pod)
        for container in pod.containers:
            yield from _writable_mounts(container, volumes, digest_of(obj, pod), subject.served)


@rule("no-digest", Severity.LOW, WHY_DIGEST, LINK_DIGEST, Level.ADVISORY)
def no_digest(subject: Subject) -> Iterator[Flaw]:
    """Advice: weights on a shared volume of which nobody says what they are, or says nothing that can be compared."""
    for pod in subject.models:
        if place := _shared_weights(subject.obj, pod):
            digest = digest_of(subject.obj, pod)
            if digest is None or not all(_DIGEST.fullmatch(one.strip()) for one in digest.split(",")):
                what = "is missing" if digest is None else "is no sha256"
                yield Flaw(
                    f"{place} holds weights, and annotation {DIGEST_ANNOTATION} {what}",
                    f"annotate {pod.path} with {DIGEST_ANNOTATION}: the sha256 of the weights or of their listing, 64 "
                    "hex digits, several with commas between",
                )


RULES = (writable_weights, no_digest)


def digest_of(obj: KubernetesObject, pod: Pod) -> str | None:
    return text(pod.annotations.get(DIGEST_ANNOTATION)) or text(obj.annotations.get(DIGEST_ANNOTATION))


def _shared_weights(obj: KubernetesObject, pod: Pod) -> str | None:
    """Where a pod's weights lie that other pods read too: a mount, or KServe's URI of a claim."""
    volumes = _volumes(obj, pod)
    for container in pod.containers:
        for mount in container.mounts:
            volume = volumes.get(text(mount.get("name")) or "", {})
            if shared_kind(volume) and holds_weights(mount, volume, container, digest_of(obj, pod)):
                return f"volume {text(mount.get('name'))}"
    claims = (uri.place for uri in uris(obj) if uri.scheme == "pvc" and uri.place.startswith(pod.path))
    return next(claims, None)


def mounts_shared_volumes(obj: KubernetesObject, pods: Sequence[Pod]) -> bool:
    """Whether there is anything to judge: without it, nobody need ask what the workload serves."""
    volumes = [*_claim_templates(obj), *(volume for pod in pods for volume in pod.volumes)]
    return KSERVE_READONLY in obj.annotations or any(shared_kind(volume) for volume in volumes)


def _writable_mounts(
    container: Container, volumes: dict[str, Object], digest: str | None, served: Evidence
) -> Iterator[Flaw]:
    for mount in container.mounts:
        name = text(mount.get("name")) or ""
        volume = volumes.get(name, {})
        kind = shared_kind(volume)
        if kind is None or known(mount.get("readOnly")) is True or _source_read_only(volume, kind):
            continue
        if reason := holds_weights(mount, volume, container, digest):
            path = text(mount.get("mountPath"))
            found = f"volumeMounts[{name}] of {container} at {path} is writable, and {reason} ({served})"
            yield Flaw(found, _fix(name, kind, container))


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
    engine = engine_in(container) or ""
    return [PurePosixPath(one.value) for one in references(container, engine) if one.value.startswith("/")]


def _source_read_only(volume: Object, kind: str) -> bool:
    return SHARED_VOLUMES[kind] and known(mapping(volume.get(kind)).get("readOnly")) is True


def _volumes(obj: KubernetesObject, pod: Pod) -> dict[str, Object]:
    return {text(volume.get("name")) or "": volume for volume in [*_claim_templates(obj), *pod.volumes]}


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
