"""What an address says of where it leads. Imports the standard library only."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

# Where clouds keep a machine's own credentials; no pod of a team has business there.
METADATA = "169.254.169.254/32"
METADATA_IPV6 = "fd00:ec2::254/128"
_DEFAULT_PORTS = {"http": 80, "https": 443}


def of_this_machine(url: str) -> bool:
    """Whether a URL's host is loopback: nobody on another machine reaches it by that."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def host_and_port(url: str) -> tuple[str, int]:
    """The host of an http(s) URL, and its port, the scheme's where none is written."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme, 443)


def names_a_service(host: str) -> bool:
    """Whether a host can be nothing but a Service of the cluster: `events.audit.svc.cluster.local`."""
    return "svc" in host.split(".")[1:]


def namespace_in(host: str, own: str) -> str | None:
    """The namespace of the Service that a host may name, seen from a pod in `own`; None where it can name none.

    `events` is a Service beside the pod, `events.audit` one in namespace audit; both may be other hosts as well.
    """
    labels = host.rstrip(".").split(".")
    if names_a_service(host):
        return labels[labels.index("svc", 1) - 1]
    if not labels[0] or all(label.isdecimal() for label in labels) or ":" in host or len(labels) > 2:
        return None
    return labels[1] if len(labels) == 2 else own
