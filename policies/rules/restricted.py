"""A model's pods keep Pod Security `restricted`, GPUs or not. Imports the rule and the resources.

GPUs need no exception: the device plugin hands them in by `resources.limits`. What guides write instead, hostIPC for
shared memory or `privileged` for devices, each has another way, which the fix names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from policies.cel import WITH_PODS, Validation, each_container, listed, of_models
from policies.resources.makers import Field
from policies.resources.plain import Object, dig, known, mapping, mappings, sequence, text, whole
from policies.resources.pods import Container, Pod
from policies.resources.subject import Subject
from policies.rule import Flaw, Severity, rule

WHY = (
    "an engine parses what strangers send and loads files that strangers made; with anything beyond `restricted` a "
    "fault in it is a fault of the node and of every other pod there"
)
LINK = "https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted"
# `image` is read-only by its nature and passes the API server's own check too.
VOLUMES = frozenset(
    {
        *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image"),
        *("persistentVolumeClaim", "projected", "secret"),
    }
)
_CAPABILITIES = frozenset({"NET_BIND_SERVICE"})
_SYSCTLS = frozenset(
    {
        *("kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start"),
        *("net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports"),
        *("net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl"),
        *("net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"),
    }
)
_NAMESPACES = ("hostNetwork", "hostPID", "hostIPC")
_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
_HOOKS = ("postStart", "preStop")


@dataclass(frozen=True)
class Demand:
    """One demand of the standard: the ways in which a pod fails it, and what to write."""

    failures: Callable[[Pod], Iterator[str]]
    fix: str
    found: str  # the failures in general, for the API server
    holds: str  # CEL: the demand of one `container`, or of the whole pod

    @property
    def cel(self) -> Validation:
        whole_pod = "container" not in self.holds
        return Validation(
            WITH_PODS, of_models(self.holds) if whole_pod else each_container(self.holds), self.found, self.fix
        )


def _own_or_inherited(*path: str) -> str:
    """CEL: an optional setting of a container, or the pod's where the container has none."""
    setting = "".join(f".?{name}" for name in ("securityContext", *path))
    return f"container{setting}.or(variables.podSpec{setting})"


def _context(container: Container) -> Object:
    return mapping(container.body.get("securityContext"))


def _pod_context(pod: Pod) -> Object:
    return mapping(pod.spec.get("securityContext"))


def _inherited(pod: Pod, container: Container, *path: str) -> object:
    """A setting of a container, or the pod's where the container has none. None where nobody has it."""
    own = known(dig(_context(container), *path))
    return known(dig(_pod_context(pod), *path)) if own is None else own


def _as_root(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        value = _inherited(pod, container, "runAsNonRoot")
        if value is False or pod.leaves_out(Field.CONTAINER_SECURITY, value):
            yield f"{container} has no runAsNonRoot: true"
        if whole(_inherited(pod, container, "runAsUser")) == 0:
            yield f"{container} runs as user 0"


def _privileges(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        escalation = known(_context(container).get("allowPrivilegeEscalation"))
        if escalation is True or pod.leaves_out(Field.CONTAINER_SECURITY, escalation):
            yield f"{container} has no allowPrivilegeEscalation: false"


def _privileged(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        if known(_context(container).get("privileged")) is True:
            yield f"{container} is privileged"


def _capabilities(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        said = mapping(_context(container).get("capabilities"))
        drop = said.get("drop")
        if pod.leaves_out(Field.CONTAINER_SECURITY, drop) or (
            drop is not None and "ALL" not in map(text, sequence(drop))
        ):
            yield f"{container} does not drop ALL capabilities"
        added = sorted({text(one) or "" for one in sequence(said.get("add"))} - _CAPABILITIES)
        if added:
            yield f"{container} adds {', '.join(added)}"


def _seccomp(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        kind = _inherited(pod, container, "seccompProfile", "type")
        if kind == "Unconfined" or pod.leaves_out(Field.CONTAINER_SECURITY, kind):
            yield f"{container} has no seccompProfile"


def _host_namespaces(pod: Pod) -> Iterator[str]:
    for name in _NAMESPACES:
        if known(pod.spec.get(name)) is True:
            yield f"{name} is true"


def _host_ports(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        for port in mappings(container.body.get("ports")):
            if whole(port.get("hostPort")):
                yield f"{container} has hostPort {whole(port.get('hostPort'))}"


def _volumes(pod: Pod) -> Iterator[str]:
    for volume in pod.volumes:
        for kind in sorted(volume.keys() - VOLUMES - {"name"}):
            if volume[kind] is not None:
                yield f"volume {text(volume.get('name'))} is a {kind}"


def _probed_hosts(pod: Pod) -> Iterator[str]:
    for container in pod.containers:
        handlers = {name: container.body.get(name) for name in _PROBES}
        handlers |= {name: dig(container.body, "lifecycle", name) for name in _HOOKS}
        for name, handler in handlers.items():
            if any(text(dig(handler, kind, "host")) for kind in ("httpGet", "tcpSocket")):
                yield f"{name} of {container} names a host"


def _confinement(pod: Pod) -> Iterator[str]:
    for one in mappings(_pod_context(pod).get("sysctls")):
        if (name := text(one.get("name"))) not in _SYSCTLS:
            yield f"sysctl {name} is not a safe one"
    for container in pod.containers:
        if text(_context(container).get("procMount")) not in (None, "Default"):
            yield f"{container} has a procMount that is not Default"
        if _inherited(pod, container, "appArmorProfile", "type") == "Unconfined":
            yield f"{container} has appArmorProfile Unconfined"


_HOOKED = ", ".join(
    [*(f"container.?{name}" for name in _PROBES), *(f"container.?lifecycle.?{name}" for name in _HOOKS)]
)
_SAID = "container.?securityContext.?capabilities"
DEMANDS = (
    Demand(
        _as_root,
        "set securityContext.runAsNonRoot: true and runAsUser above 10000 on the pod, HOME on a scratch",
        "a container has no runAsNonRoot: true, or runs as user 0",
        f"{_own_or_inherited('runAsNonRoot')}.orValue(false) && {_own_or_inherited('runAsUser')}.orValue(1) != 0",
    ),
    Demand(
        _privileges,
        "set securityContext.allowPrivilegeEscalation: false on each container, init containers too",
        "a container has no allowPrivilegeEscalation: false",
        "!container.?securityContext.?allowPrivilegeEscalation.orValue(true)",
    ),
    Demand(
        _privileged,
        "take privileged away: GPUs come from the device plugin by resources.limits (nvidia.com/gpu), RDMA likewise",
        "a container is privileged",
        "!container.?securityContext.?privileged.orValue(false)",
    ),
    Demand(
        _capabilities,
        "set securityContext.capabilities.drop: [ALL] and add none; RDMA's locked memory is a limit of the node's "
        "container runtime",
        "a container does not drop ALL capabilities, or adds one",
        f"'ALL' in {_SAID}.?drop.orValue([])"
        f" && {_SAID}.?add.orValue([]).all(one, one in {listed(sorted(_CAPABILITIES))})",
    ),
    Demand(
        _seccomp,
        "set securityContext.seccompProfile.type: RuntimeDefault on the pod",
        "a container has no seccompProfile",
        f"{_own_or_inherited('seccompProfile', 'type')}.orValue('Unconfined') != 'Unconfined'",
    ),
    Demand(
        _host_namespaces,
        "take it away; processes that share memory need an emptyDir with medium: Memory and a sizeLimit at /dev/shm, "
        "and clients find the pod by a Service",
        f"one of {', '.join(_NAMESPACES)} is true",
        " && ".join(f"!variables.podSpec.?{name}.orValue(false)" for name in _NAMESPACES),
    ),
    Demand(
        _host_ports,
        "take hostPort away: clients find the pod by a Service",
        "a container has a hostPort",
        "container.?ports.orValue([]).all(port, port.?hostPort.orValue(0) == 0)",
    ),
    Demand(
        _volumes,
        "mount a persistentVolumeClaim read-only for weights (a PersistentVolume may be NFS or local), an emptyDir "
        "with a sizeLimit for scratch; devices come from the device plugin",
        "a volume is of a kind that is not allowed, as hostPath or nfs",
        f"variables.volumes.all(volume, volume.all(key, key in {listed(['name', *sorted(VOLUMES)])}))",
    ),
    Demand(
        _probed_hosts,
        "take host away: the kubelet asks the pod itself",
        "a probe or hook of a container names a host",
        f"[{_HOOKED}].all(one, one.?httpGet.?host.orValue('') == '' && one.?tcpSocket.?host.orValue('') == '')",
    ),
    Demand(
        _confinement,
        "take it away: the runtime's default holds",
        "a sysctl that is not safe, a procMount that is not Default, or AppArmor Unconfined",
        "variables.podSpec.?securityContext.?sysctls.orValue([])"
        f".all(one, one.name in {listed(sorted(_SYSCTLS))})"
        " && container.?securityContext.?procMount.orValue('Default') == 'Default'"
        f" && {_own_or_inherited('appArmorProfile', 'type')}.orValue('') != 'Unconfined'",
    ),
)


@rule("restricted-pod", Severity.HIGH, WHY, LINK, cel=tuple(demand.cel for demand in DEMANDS))
def restricted_pod(subject: Subject) -> Iterator[Flaw]:
    """One flaw for each demand that a pod fails."""
    for pod in subject.models:
        for demand in DEMANDS:
            if failures := list(demand.failures(pod)):
                yield Flaw(f"{pod.path}: {'; '.join(failures)}", demand.fix)


RULES = (restricted_pod,)
