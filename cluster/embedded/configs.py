"""The configuration files of the components, as texts by file name: pure functions of the plan. Standard library only.

They are JSON where the reader takes YAML. Written anew into a memory file system at every start.
"""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path
from typing import Any

from cluster.embedded import cgroups
from cluster.embedded.layout import Inside, Network
from cluster.embedded.plan import Plan

_PKI = Inside.PKI
_STAGES = Path(__file__).with_name("kwok-stages.yaml")
_UNUSED_PLUGINS = (
    *(f"snapshotter.v1.{name}" for name in ("aufs", "btrfs", "devmapper", "zfs")),
    "tracing.processor.v1.otlp",
)
GATEWAY_FILE, HELD_REQUESTS = "gateway.yaml", "held-requests"
KUBELET_HEALTH_PORT = 10248
PROXY_HEALTH_PORT = 10256


def render(plan: Plan, snapshotter: str = "overlayfs") -> dict[str, str]:
    """Every configuration file by its name in `Inside.CONFIG`; `snapshotter` as the file system of the state allows."""
    return {
        "snapshotter": snapshotter,
        "containerd.toml": containerd(plan, snapshotter),
        "cni/10-pods.conflist": _json(pod_network()),
        "kubelet.yaml": _json(kubelet(plan)),
        "kube-proxy.yaml": _json(kube_proxy()),
        "Corefile": corefile(),
        "resolv.conf": f"nameserver {Network.NODE}\n",
        "processes-resolv.conf": f"nameserver {Network.NODE}\nsearch svc.{Network.DOMAIN} {Network.DOMAIN}\n",
        "kwok-stages.yaml": _STAGES.read_text(),
        GATEWAY_FILE: _json(gateway()),
    }


def snapshotter() -> str:
    """Which snapshotter the running containerd has been given."""
    return (Inside.CONFIG / "snapshotter").read_text()


def containerd(plan: Plan, snapshotter: str) -> str:
    """AppArmor stays off, since a loaded profile would outlive the cluster in the host's kernel.

    `restrict_oom_score_adj`: where root lacks CAP_SYS_RESOURCE, no container could start without it.
    """
    pause = next(image.reference for image in plan.images if "/pause:" in image.reference)
    return f"""version = 2
root = "{Inside.STATE}/containerd"
state = "{Inside.CONTAINERD.parent}"
disabled_plugins = [{", ".join(f'"io.containerd.{plugin}"' for plugin in _UNUSED_PLUGINS)}]

[grpc]
address = "{Inside.CONTAINERD}"

[plugins."io.containerd.internal.v1.opt"]
path = "{Inside.STATE}/opt"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
restrict_oom_score_adj = true
disable_apparmor = true

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "{snapshotter}"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
BinaryName = "{plan.binary("runc")}"
SystemdCgroup = false

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{plan.binary("cni-plugins")}"
conf_dir = "{Inside.CONFIG}/cni"
"""


def pod_network() -> dict[str, Any]:
    """A veth pair and a route for every pod, no bridge: all that a pod sends passes the node's own stack.

    Behind a bridge, an answer between two pods would bypass the service's address translation wherever the kernel
    module br_netfilter is not loaded. The leases lie in memory: after a restart no pod of before holds one.
    """
    ipam = {
        "type": "host-local",
        "dataDir": str(Inside.RUN / "ipam"),
        "ranges": [[{"subnet": Network.PODS}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": [{"type": "ptp", "ipMasq": False, "ipam": ipam}]}


def kubelet(plan: Plan) -> dict[str, Any]:
    """KubeletConfiguration. Evictions only just before the disk or the memory is truly gone: the disk is the user's."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": Network.NODE,
        "healthzBindAddress": "127.0.0.1",
        "healthzPort": KUBELET_HEALTH_PORT,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{_PKI}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{_PKI}/kubelet-server.crt",
        "tlsPrivateKeyFile": f"{_PKI}/kubelet-server.key",
        "clusterDNS": [Network.NODE],
        "clusterDomain": Network.DOMAIN,
        "resolvConf": f"{Inside.CONFIG}/resolv.conf",
        "containerRuntimeEndpoint": f"unix://{Inside.CONTAINERD}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{cgroups.name(plan.key)}",
        "enforceNodeAllocatable": [],
        "failCgroupV1": False,
        "failSwapOn": False,
        "localStorageCapacityIsolation": False,
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "200Mi",
            "imagefs.available": "200Mi",
            "nodefs.inodesFree": "1%",
        },
        "imageGCHighThresholdPercent": 100,  # 100 turns image collection off: nothing could pull an image again
        "imageGCLowThresholdPercent": 99,
        "makeIPTablesUtilChains": False,
        "syncFrequency": "10s",  # until a pod sees its changed Secret: a monitor or rule is one of Prometheus'
        "podLogsDir": f"{Inside.STATE}/pod-logs",
        "volumePluginDir": f"{Inside.STATE}/volume-plugins",
    }


def kube_proxy() -> dict[str, Any]:
    """KubeProxyConfiguration. The conntrack limits belong to the whole machine and are left as they are."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": f"{_PKI}/proxy.kubeconfig"},
        "hostnameOverride": Network.NODE_NAME,
        "clusterCIDR": Network.PODS,
        "healthzBindAddress": f"127.0.0.1:{PROXY_HEALTH_PORT}",
        "metricsBindAddress": "127.0.0.1:10249",
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "nftables": {"minSyncPeriod": "100ms"},
    }


def corefile() -> str:
    """Answers for the cluster's names; any other name does not exist, said at once, since there is no way out."""
    zones = " ".join([Network.DOMAIN, *(_reverse_zone(network) for network in (Network.SERVICES, Network.PODS))])
    return f"""{zones} {{
    bind {Network.NODE}
    errors
    kubernetes {zones} {{
        kubeconfig {_PKI}/coredns.kubeconfig
        pods insecure
        ttl 5
    }}
}}

. {{
    bind {Network.NODE}
    errors
    template ANY ANY {{
        rcode NXDOMAIN
    }}
}}
"""


def gateway() -> dict[str, Any]:
    """Traefik's middleware that takes a request whole before it passes it on; answers stream through.

    Go's HTTP/1 server closes a request's body as soon as an answer begins, and its client, which looks once more
    whether the body has ended, then breaks the connection off (golang/go#40747): on two busy cores one streamed answer
    of ten was cut after its headers. Traefik holds a body only to repeat a request; nothing answers that status here.
    """
    held = {
        "attempts": 2,
        "disableRetryOnNetworkError": True,
        "retryNonIdempotentMethod": True,
        "status": ["599"],
        "maxRequestBodyBytes": 32 * 1024**2,  # a longer one passes as it comes
    }
    return {"http": {"middlewares": {HELD_REQUESTS: {"retry": held}}}}


def _reverse_zone(network: str) -> str:
    """`10.96.0.0/16` -> `96.10.in-addr.arpa`."""
    parsed = ipaddress.ip_network(network)
    octets = str(parsed.network_address).split(".")[: parsed.prefixlen // 8]
    return ".".join([*reversed(octets), "in-addr.arpa"])


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2) + "\n"
