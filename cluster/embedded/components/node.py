"""The node: containerd, the kubelet, kube-proxy, the images they start from. Imports cluster.embedded."""

from __future__ import annotations

from cluster.embedded import probes
from cluster.embedded.components.component import Component, flags, task
from cluster.embedded.components.control_plane import API
from cluster.embedded.configs import KUBELET_HEALTH_PORT, PROXY_HEALTH_PORT
from cluster.embedded.layout import Inside, Network
from cluster.embedded.plan import Plan

CONTAINERD, IMAGES, KUBELET, PROXY = "containerd", "images", "kubelet", "kube-proxy"


def components(plan: Plan) -> tuple[Component, ...]:
    return (_containerd(plan), _images(plan), _kubelet(plan), _kube_proxy(plan))


def _containerd(plan: Plan) -> Component:
    command = (plan.binary("containerd"), "--config", str(Inside.CONFIG / "containerd.toml"), "--log-level", "warn")
    return Component(CONTAINERD, command, probes.socket_accepts(Inside.CONTAINERD), expected=1)


def _images(plan: Plan) -> Component:
    command = task(plan.python, "images")
    return Component(IMAGES, command, after=(CONTAINERD,), task=True, expected=4, timeout=300)


def _kubelet(plan: Plan) -> Component:
    """It starts after the pause image is there, or its first pods would wait out a back-off."""
    options = flags(
        config=Inside.CONFIG / "kubelet.yaml",
        kubeconfig=Inside.PKI / "kubelet.kubeconfig",
        root_dir=Inside.STATE / "kubelet",
        cert_dir=Inside.STATE / "kubelet-pki",
        hostname_override=Network.NODE_NAME,
        node_ip=Network.NODE,
    )
    ready = probes.both(
        probes.http_answers("127.0.0.1", KUBELET_HEALTH_PORT, "/healthz"), probes.node_ready(Network.NODE_NAME)
    )
    return Component(KUBELET, (plan.binary("kubelet"), *options), ready, after=(API, IMAGES), expected=4)


def _kube_proxy(plan: Plan) -> Component:
    """It waits for the node, since it would sleep long when the node has no address yet."""
    command = (plan.binary("kube-proxy"), *flags(config=Inside.CONFIG / "kube-proxy.yaml"))
    ready = probes.http_answers("127.0.0.1", PROXY_HEALTH_PORT, "/healthz")
    return Component(PROXY, command, ready, after=(KUBELET,), expected=2)
