"""etcd, the API server, the controller manager and the scheduler. Imports cluster.embedded."""

from __future__ import annotations

from cluster.embedded import probes
from cluster.embedded.components.component import Component, flags
from cluster.embedded.layout import Inside, Network
from cluster.embedded.plan import Plan

ETCD, API, CONTROLLERS, SCHEDULER = "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"
_PKI = Inside.PKI
_ETCD_URL = "https://127.0.0.1:2379"
_CONTROLLERS_PORT, _SCHEDULER_PORT = 10257, 10259


def components(plan: Plan) -> tuple[Component, ...]:
    return (_etcd(plan), _api_server(plan), _controller_manager(plan), _scheduler(plan))


def _etcd(plan: Plan) -> Component:
    """Without fsync: a crash of the machine may lose the last writes of a cluster that is cheap to make again."""
    options = flags(
        name=Network.NODE_NAME,
        data_dir=Inside.STATE / "etcd",
        unsafe_no_fsync=True,
        listen_client_urls=_ETCD_URL,
        advertise_client_urls=_ETCD_URL,
        listen_peer_urls="http://127.0.0.1:2380",
        initial_advertise_peer_urls="http://127.0.0.1:2380",
        initial_cluster=f"{Network.NODE_NAME}=http://127.0.0.1:2380",
        listen_metrics_urls="http://127.0.0.1:2381",
        client_cert_auth=True,
        trusted_ca_file=_PKI / "etcd-ca.crt",
        cert_file=_PKI / "etcd.crt",
        key_file=_PKI / "etcd.key",
        auto_compaction_retention=1,  # hours
        logger="zap",
        log_level="warn",
    )
    ready = probes.http_answers("127.0.0.1", 2381, "/health")
    return Component(ETCD, (plan.binary("etcd"), *options), ready, expected=1)


def _api_server(plan: Plan) -> Component:
    command = (plan.binary("kube-apiserver"), *_serving(), *_etcd_access(), *_access_control(), *_service_accounts())
    return Component(API, command, probes.api_ready, after=(ETCD,), expected=4)


def _serving() -> tuple[str, ...]:
    return flags(
        advertise_address=Network.NODE,
        bind_address="0.0.0.0",
        secure_port=Network.API_PORT,
        tls_cert_file=_PKI / "apiserver.crt",
        tls_private_key_file=_PKI / "apiserver.key",
        service_cluster_ip_range=Network.SERVICES,
        allow_privileged=True,
        feature_gates="WatchList=false",  # Debian's etcd 3.4 cannot report progress, which watch-lists are built on
        profiling=False,
    )


def _etcd_access() -> tuple[str, ...]:
    return flags(
        etcd_servers=_ETCD_URL,
        etcd_cafile=_PKI / "etcd-ca.crt",
        etcd_certfile=_PKI / "etcd-client.crt",
        etcd_keyfile=_PKI / "etcd-client.key",
    )


def _access_control() -> tuple[str, ...]:
    """PodSecurity is among the admission plugins that are on by default."""
    return flags(
        client_ca_file=_PKI / "ca.crt",
        anonymous_auth=False,
        authorization_mode="Node,RBAC",
        enable_admission_plugins="NodeRestriction",
        kubelet_client_certificate=_PKI / "apiserver-kubelet-client.crt",
        kubelet_client_key=_PKI / "apiserver-kubelet-client.key",
        kubelet_certificate_authority=_PKI / "ca.crt",
        kubelet_preferred_address_types="InternalIP",
        requestheader_client_ca_file=_PKI / "front-proxy-ca.crt",
        requestheader_allowed_names="front-proxy-client",
        requestheader_extra_headers_prefix="X-Remote-Extra-",
        requestheader_group_headers="X-Remote-Group",
        requestheader_username_headers="X-Remote-User",
        proxy_client_cert_file=_PKI / "front-proxy-client.crt",
        proxy_client_key_file=_PKI / "front-proxy-client.key",
    )


def _service_accounts() -> tuple[str, ...]:
    return flags(
        service_account_issuer=f"https://kubernetes.default.svc.{Network.DOMAIN}",
        service_account_key_file=_PKI / "service-account.pub",
        service_account_signing_key_file=_PKI / "service-account.key",
    )


def _controller_manager(plan: Plan) -> Component:
    kubeconfig = _PKI / "controller-manager.kubeconfig"
    options = flags(
        kubeconfig=kubeconfig,
        authentication_kubeconfig=kubeconfig,
        authorization_kubeconfig=kubeconfig,
        bind_address="127.0.0.1",
        leader_elect=False,
        use_service_account_credentials=True,
        root_ca_file=_PKI / "ca.crt",
        service_account_private_key_file=_PKI / "service-account.key",
        cluster_signing_cert_file=_PKI / "ca.crt",
        cluster_signing_key_file=_PKI / "ca.key",
        cluster_name="substrate",
        profiling=False,
    )
    command = (plan.binary("kube-controller-manager"), *options, *(f"--{flag}" for flag in plan.controllers))
    ready = probes.tcp_accepts("127.0.0.1", _CONTROLLERS_PORT)
    return Component(CONTROLLERS, command, ready, after=(API,), expected=2)


def _scheduler(plan: Plan) -> Component:
    kubeconfig = _PKI / "scheduler.kubeconfig"
    options = flags(
        kubeconfig=kubeconfig,
        authentication_kubeconfig=kubeconfig,
        authorization_kubeconfig=kubeconfig,
        bind_address="127.0.0.1",
        leader_elect=False,
        profiling=False,
    )
    ready = probes.tcp_accepts("127.0.0.1", _SCHEDULER_PORT)
    return Component(SCHEDULER, (plan.binary("kube-scheduler"), *options), ready, after=(API,), expected=2)
