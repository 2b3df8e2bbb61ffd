"""What else a model's pods say of themselves: identity, links, resources, shared memory. Imports the rule and the
resources. Pod Security `restricted` has a file of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from policies.cel import WITH_PODS, Validation, each_container, of_models, quoted
from policies.resources.arguments import option, resolved, variable
from policies.resources.makers import Field
from policies.resources.plain import Object, dig, known, mapping, text, whole
from policies.resources.pods import Container, Pod
from policies.resources.quantities import quantity
from policies.resources.stack import Stack
from policies.resources.subject import Subject
from policies.resources.workloads import GPU_RESOURCE, gpu_of, servers
from policies.rule import Flaw, Level, Severity, rule, stack_rule

WHY_TOKEN = (
    "a model never asks the API server anything, and whoever makes an engine read a file of the pod would have its "
    "token: it opens what every pod with that account may do"
)
LINK_TOKEN = "https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#opt-out-of-api-credential-automounting"
WHY_LINKS = (
    "a Service's address is put into every pod of its namespace as variables: one that is named vllm sets VLLM_PORT to "
    "tcp://..., which vLLM reads as its own port, and the engine ends at its start"
)
LINK_LINKS = "https://docs.vllm.ai/en/stable/configuration/env_vars/"
WHY_RESOURCES = (
    "without requests the scheduler puts it where there is no room, and without a limit of its own the node's memory "
    "or disk runs out: the kubelet then ends pods, and which ones is not yours to say"
)
LINK_RESOURCES = "https://kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus/"
WHY_MEMORY = (
    "processes of tensor parallelism talk through /dev/shm, which is 64 MiB unless something is mounted there; what is "
    "mounted counts against the container's memory, and without a size it may take all of it"
)
LINK_MEMORY = "https://docs.vllm.ai/en/stable/deployment/k8s/"
WHY_ROOT = (
    "code that gets in can change the engine's own files, and caches that engines load without a check can then run "
    "it again"
)
LINK_ROOT = "https://docs.vllm.ai/en/stable/usage/security/"
_FIX_LINKS = f"set {Field.SERVICE_LINKS}: false on the pod, and name no Service after an engine"
_FIX_RESOURCES = (
    "set requests for cpu, memory and ephemeral-storage, a limit for memory and ephemeral-storage, and {gpu} under "
    "limits"
)
_FIX_ROOT = (
    "set securityContext.readOnlyRootFilesystem: true, and HOME and the engine's cache folders on an emptyDir with a "
    "sizeLimit"
)
SHARED_MEMORY = "/dev/shm"
# How engines spell in how many GPUs a layer is split.
_SPLIT_OPTIONS = frozenset({"--tensor-parallel-size", "-tp", "--tp", "--tp-size", "--num-shard"})
_SPLIT_VARIABLES = ("NUM_SHARD", "NIM_TENSOR_PARALLEL_SIZE")


_TOKEN_CEL = Validation(
    WITH_PODS,
    # Where it is not set, its account decides, which only a stack shows.
    of_models(f"!variables.podSpec.?{Field.TOKEN}.orValue(false)"),
    f"{Field.TOKEN} of a model's pod is true",
    f"set {Field.TOKEN}: false",
)
_LINKS_CEL = Validation(
    WITH_PODS,
    of_models(f"!variables.podSpec.?{Field.SERVICE_LINKS}.orValue(true)"),
    f"{Field.SERVICE_LINKS} of a model's pod is true, which it also is where it is not set",
    _FIX_LINKS,
)
_LIMITS, _REQUESTS = "container.?resources.?limits.orValue({})", "container.?resources.?requests.orValue({})"
_POD_LIMITS, _POD_REQUESTS = (f"variables.podSpec.?resources.?{kind}.orValue({{}})" for kind in ("limits", "requests"))
_RESOURCES_CEL = Validation(
    WITH_PODS,
    each_container(
        f"![{_LIMITS}, {_REQUESTS}].exists(held, held.exists(name, name.matches({quoted(GPU_RESOURCE.pattern)}))) || ("
        f"[{_LIMITS}, {_POD_LIMITS}].exists(held, 'memory' in held) && ['cpu', 'ephemeral-storage'].all(name,"
        f" [{_LIMITS}, {_REQUESTS}, {_POD_LIMITS}, {_POD_REQUESTS}].exists(held, name in held)))"
    ),
    "a container with a GPU has no limit for memory, or no request for cpu or ephemeral-storage",
    _FIX_RESOURCES.format(gpu="the GPU"),
)
_ROOT_CEL = Validation(
    WITH_PODS,
    each_container("container.?securityContext.?readOnlyRootFilesystem.orValue(false)"),
    "a container can write to its image's file system",
    _FIX_ROOT,
)


@stack_rule("service-account-token", Severity.MEDIUM, WHY_TOKEN, LINK_TOKEN, cel=(_TOKEN_CEL,))
def service_account_token(subject: Subject, stack: Stack) -> Iterator[Flaw]:
    """A token that is mounted: the pod's word counts, then its account's, then the API's default."""
    for pod in subject.models:
        said = known(pod.spec.get("automountServiceAccountToken"))
        mounted = said is True or (pod.leaves_out(Field.TOKEN, said) and not _account_without(pod, subject, stack))
        if mounted and not _asks_the_api(subject):
            found = "true" if said else "not set, which means true"
            yield Flaw(f"{pod.path}.{Field.TOKEN} is {found}", f"set {pod.path}.{Field.TOKEN}: false")


@rule("service-links", Severity.HIGH, WHY_LINKS, LINK_LINKS, cel=(_LINKS_CEL,))
def service_links(subject: Subject) -> Iterator[Flaw]:
    for pod in subject.models:
        said = known(pod.spec.get("enableServiceLinks"))
        if said is True or pod.leaves_out(Field.SERVICE_LINKS, said):
            found = "true" if said else "not set, which means true"
            yield Flaw(f"{pod.path}.{Field.SERVICE_LINKS} is {found}", _FIX_LINKS)


@rule("gpu-resources", Severity.MEDIUM, WHY_RESOURCES, LINK_RESOURCES, cel=(_RESOURCES_CEL,))
def gpu_resources(subject: Subject) -> Iterator[Flaw]:
    """What a container with a GPU does not ask for, or asks for otherwise than the API allows."""
    for pod in subject.models:
        for container in pod.containers:
            gpu = gpu_of(container)
            if gpu and (found := list(_resource_flaws(pod, container, gpu))):
                yield Flaw(
                    f"resources of {container}, which asks for {gpu}: {'; '.join(found)}",
                    _FIX_RESOURCES.format(gpu=gpu),
                )


@rule("shared-memory", Severity.HIGH, WHY_MEMORY, LINK_MEMORY)
def shared_memory(subject: Subject) -> Iterator[Flaw]:
    """Tensor parallelism without shared memory, and shared memory that may take a container's whole limit."""
    for pod in subject.models:
        for container, _ in servers(pod, subject.settings):
            if found := _shared_memory_flaw(pod, container):
                yield Flaw(
                    f"{container} {found}",
                    f"mount an emptyDir with medium: Memory and a sizeLimit (2Gi will mostly do) at {SHARED_MEMORY}, "
                    "and let the memory limit be larger by that much",
                )


@rule("writable-root", Severity.LOW, WHY_ROOT, LINK_ROOT, Level.ADVISORY, cel=(_ROOT_CEL,))
def writable_root(subject: Subject) -> Iterator[Flaw]:
    """Advice: an engine whose caches lie all over its image first needs HOME and the like moved."""
    for pod in subject.models:
        writable = [str(container) for container in pod.containers if _writable(pod, container)]
        if writable:
            yield Flaw(f"{', '.join(writable)} of {pod.path} can write to its image's file system", _FIX_ROOT)


RULES = (service_account_token, service_links, gpu_resources, shared_memory, writable_root)


def _account_without(pod: Pod, subject: Subject, stack: Stack) -> bool:
    """Whether the pod's account is in this stack and has no token for its pods."""
    name = text(pod.spec.get("serviceAccountName")) or "default"
    accounts = [one for one in stack.beside(subject, "ServiceAccount") if one.obj.name == name]
    return any(known(one.obj.body.get("automountServiceAccountToken")) is False for one in accounts)


def _asks_the_api(subject: Subject) -> bool:
    """Ray's head makes its own workers where Ray scales itself."""
    paths = ((), ("rayClusterConfig",), ("rayClusterSpec",))
    return any(known(dig(subject.obj.spec, *path, "enableInTreeAutoscaling")) is True for path in paths)


def _resource_flaws(pod: Pod, container: Container, gpu: str) -> Iterator[str]:
    limits, requests = _asked(pod, container, "limits"), _asked(pod, container, "requests")
    # Where a runtime's container is merged in, the limits may be there.
    told = gpu in limits or Field.ARGUMENTS not in pod.filled
    if told and gpu in requests and quantity(requests.get(gpu)) != quantity(limits.get(gpu)):
        yield f"requests and limits of {gpu} differ, which the API refuses"
    if Field.RESOURCES in pod.filled:
        return
    if "cpu" not in requests and "cpu" not in limits:
        yield "no request for cpu"
    if "memory" not in limits:
        yield "no limit for memory"
    if "ephemeral-storage" not in requests and "ephemeral-storage" not in limits:
        yield "no request for ephemeral-storage"


def _asked(pod: Pod, container: Container, kind: str) -> Object:
    """A container's requests or limits, with those of the whole pod where it has some."""
    return {**mapping(dig(pod.spec, "resources", kind)), **mapping(dig(container.body, "resources", kind))}


def _shared_memory_flaw(pod: Pod, container: Container) -> str | None:
    volume = _shared_volume(pod, container)
    if volume is None:
        split = split_over(container)
        given = known(pod.spec.get("hostIPC")) is True or Field.SHARED_MEMORY in pod.filled
        return None if split <= 1 or given else f"splits layers over {split} GPUs and has nothing at {SHARED_MEMORY}"
    if text(dig(volume, "emptyDir", "medium")) != "Memory":
        return f"has a volume at {SHARED_MEMORY} that is not in memory"
    size = quantity(dig(volume, "emptyDir", "sizeLimit"))
    limit = quantity(_asked(pod, container, "limits").get("memory"))
    if size is None:
        return f"has a volume at {SHARED_MEMORY} without a sizeLimit"
    return _within(size, limit)


def _within(size: Decimal, limit: Decimal | None) -> str | None:
    if limit is None or size < limit:
        return None
    return f"has a volume at {SHARED_MEMORY} whose sizeLimit is not below the memory limit that it counts against"


def _shared_volume(pod: Pod, container: Container) -> Object | None:
    names = [text(one.get("name")) for one in container.mounts if _at_shared_memory(one)]
    return next((volume for volume in pod.volumes if text(volume.get("name")) in names), None)


def _at_shared_memory(mount: Object) -> bool:
    return (text(mount.get("mountPath")) or "").rstrip("/") == SHARED_MEMORY


def split_over(container: Container) -> int:
    """Over how many GPUs of one pod a layer is split, 1 where nothing says so."""
    said = option(container, _SPLIT_OPTIONS)
    values = [said.value if said else None, *(variable(container, name) for name in _SPLIT_VARIABLES)]
    numbers = [whole(resolved(container, value)) for value in values if value]
    return next((number for number in numbers if number), 1)


def _writable(pod: Pod, container: Container) -> bool:
    said = known(dig(container.body, "securityContext", "readOnlyRootFilesystem"))
    return said is False or pod.leaves_out(Field.CONTAINER_SECURITY, said)
