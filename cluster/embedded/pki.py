"""The cluster's own certificate authorities, certificates and kubeconfigs, made with openssl. Standard library only.

Every identity has its own certificate with no more than its role: only the administrator is in `system:masters`.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cluster.embedded.errors import ClusterError
from cluster.embedded.layout import CONTEXT, Network

_DAYS = "3650"
_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
_SERVICE = "kubernetes.default.svc"


@dataclass(frozen=True)
class Certificate:
    """One certificate to make: who it names, and for a server the names and addresses it answers to."""

    name: str
    common_name: str
    organisation: str = ""
    server: tuple[str, ...] = ()
    authority: str = "ca"

    @property
    def subject(self) -> str:
        return (f"/O={self.organisation}" if self.organisation else "") + f"/CN={self.common_name}"

    @property
    def extensions(self) -> str:
        """In openssl's words. A server's certificate may be shown by a client too: etcd's own probe does that."""
        usage = "serverAuth,clientAuth" if self.server else "clientAuth"
        lines = [
            "basicConstraints=critical,CA:FALSE",
            "keyUsage=critical,digitalSignature",
            f"extendedKeyUsage={usage}",
        ]
        return "\n".join(lines + ([f"subjectAltName={','.join(self.server)}"] if self.server else [])) + "\n"


HTTP_ADD_ON = ("operator", "scaler", "interceptor")
AUTHORITIES = ("ca", "front-proxy-ca", "etcd-ca")
# KServe's own bindings name its service account, which to the API server is a user of this name.
KSERVE = Certificate("kserve-manager", "system:serviceaccount:kserve:kserve-controller-manager")
KSERVE_LLM = Certificate("kserve-llm-manager", "system:serviceaccount:kserve:llmisvc-controller-manager")
# The same holds for what measures and scales. What the API server asks by a Service has a certificate for its name.
SCALING = (
    Certificate("prometheus-operator", "system:serviceaccount:monitoring:prometheus-operator"),
    Certificate("object-metrics", "substrate:object-metrics"),
    Certificate("prometheus-adapter", "system:serviceaccount:monitoring:prometheus-adapter"),
    Certificate("keda", "system:serviceaccount:keda:keda-operator"),
    *(Certificate(f"http-{name}", f"system:serviceaccount:keda:keda-add-ons-http-{name}") for name in HTTP_ADD_ON),
)
ADDONS = ("coredns", "node-local-provisioner", "kwok", "traefik")
CERTIFICATES = (
    Certificate("etcd", "etcd", server=("IP:127.0.0.1",), authority="etcd-ca"),
    Certificate("etcd-client", "kube-apiserver", authority="etcd-ca"),
    Certificate(
        "apiserver",
        "kube-apiserver",
        server=(
            "IP:127.0.0.1",
            f"IP:{Network.NODE}",
            f"IP:{Network.KUBERNETES_SERVICE}",
            "DNS:localhost",
            "DNS:kubernetes",
            "DNS:kubernetes.default",
            f"DNS:{_SERVICE}",
            f"DNS:{_SERVICE}.{Network.DOMAIN}",
        ),
    ),
    Certificate("apiserver-kubelet-client", "kube-apiserver-kubelet-client"),
    Certificate("front-proxy-client", "front-proxy-client", authority="front-proxy-ca"),
    Certificate("admin", "substrate-admin", "system:masters"),
    Certificate("controller-manager", "system:kube-controller-manager"),
    Certificate("scheduler", "system:kube-scheduler"),
    Certificate("proxy", "system:kube-proxy"),
    Certificate("kubelet", f"system:node:{Network.NODE_NAME}", "system:nodes"),
    Certificate("kubelet-server", Network.NODE_NAME, server=(f"IP:{Network.NODE}", f"DNS:{Network.NODE_NAME}")),
    *(Certificate(name, f"substrate:{name}") for name in ADDONS),
    KSERVE,
    KSERVE_LLM,
    Certificate("kserve-webhook", "kserve-webhook", server=("IP:127.0.0.1",)),
    *SCALING,
    Certificate("prometheus-adapter-server", "prometheus-adapter", server=("DNS:prometheus-adapter.monitoring.svc",)),
    Certificate("keda-server", "keda", server=("IP:127.0.0.1", "DNS:keda-metrics-apiserver.keda.svc")),
)
KUBECONFIGS = (
    "admin",
    "controller-manager",
    "scheduler",
    "proxy",
    "kubelet",
    *ADDONS,
    *(one.name for one in (KSERVE, KSERVE_LLM, *SCALING)),
)


def ensure(folder: Path) -> bool:
    """Make everything in `folder` unless it is there; True if it was made now. Whole or not there: one rename.

    A folder of an older version gets what this one adds.
    """
    if folder.is_dir():
        _make_leaves(folder)
        return False
    draft = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True, mode=0o700)
    _make_service_account_key(draft)
    for authority in AUTHORITIES:
        _make_authority(draft, authority)
    _make_leaves(draft)
    draft.rename(folder)
    return True


def _make_leaves(folder: Path) -> None:
    """Every certificate and kubeconfig that is not there yet; each file that makes one whole is written last."""
    server = f"https://{Network.NODE}:{Network.API_PORT}"
    for certificate in CERTIFICATES:
        if not (folder / f"{certificate.name}.crt").exists():
            _make_certificate(folder, certificate)
    for name in KUBECONFIGS:
        if not (folder / f"{name}.kubeconfig").exists():
            _write_private(folder / f"{name}.kubeconfig", kubeconfig(folder, name, server))


def kubeconfig(folder: Path, identity: str, server: str) -> str:
    """A kubeconfig with its certificates inside, as JSON, which is YAML too."""
    cluster = {"server": server, "certificate-authority-data": _encoded(folder / "ca.crt")}
    user = {
        "client-certificate-data": _encoded(folder / f"{identity}.crt"),
        "client-key-data": _encoded(folder / f"{identity}.key"),
    }
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CONTEXT, "cluster": cluster}],
        "users": [{"name": identity, "user": user}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": identity}}],
        "current-context": CONTEXT,
    }
    return json.dumps(config, indent=2) + "\n"


def _make_service_account_key(folder: Path) -> None:
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", folder / "service-account.key")
    _openssl("ec", "-in", folder / "service-account.key", "-pubout", "-out", folder / "service-account.pub")


def _make_authority(folder: Path, name: str) -> None:
    key, certificate = folder / f"{name}.key", folder / f"{name}.crt"
    subject = ("-subj", f"/CN=substrate-{name}", "-days", _DAYS)
    _openssl("req", "-x509", *_CURVE, *subject, "-keyout", key, "-out", certificate)


def _make_certificate(folder: Path, wanted: Certificate) -> None:
    key, certificate = folder / f"{wanted.name}.key", folder / f"{wanted.name}.crt"
    request, extensions = folder / "request.csr", folder / "extensions.cnf"
    extensions.write_text(wanted.extensions)
    _openssl("req", "-new", *_CURVE, "-subj", wanted.subject, "-keyout", key, "-out", request)
    authority = (
        "-CA",
        folder / f"{wanted.authority}.crt",
        "-CAkey",
        folder / f"{wanted.authority}.key",
        "-CAcreateserial",
    )
    _openssl("x509", "-req", "-in", request, *authority, "-days", _DAYS, "-extfile", extensions, "-out", certificate)
    request.unlink()
    extensions.unlink()


def _openssl(*arguments: str | Path) -> None:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise ClusterError(f"openssl {arguments[0]} failed: {done.stderr.strip()}")


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
