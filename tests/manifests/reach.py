"""Who reaches whom, computed from NetworkPolicies alone. Imports the standard library only.

Written from the API's definition of a policy and from nothing of ours, so that it can find us wrong. Traffic passes
where the sender's egress and the receiver's ingress both let it: a direction in which no policy selects a pod is open.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Peer:
    """A pod, or where `namespace` is None an address outside the cluster."""

    name: str
    namespace: str | None
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    address: str = ""


@dataclass(frozen=True)
class Network:
    """All policies of a cluster."""

    policies: Sequence[Manifest]

    def reaches(self, sender: Peer, receiver: Peer, port: int, protocol: str = "TCP") -> bool:
        """Whether a network that enforces policies lets a connection pass."""
        return self.sends(sender, receiver, port, protocol) and self.admits(sender, receiver, port, protocol)

    def sends(self, sender: Peer, receiver: Peer, port: int, protocol: str = "TCP") -> bool:
        """Whether the sender's own policies let it."""
        return self._passes("Egress", "egress", "to", sender, receiver, port, protocol)

    def admits(self, sender: Peer, receiver: Peer, port: int, protocol: str = "TCP") -> bool:
        """Whether the receiver's own policies let it."""
        return self._passes("Ingress", "ingress", "from", receiver, sender, port, protocol)

    def _passes(
        self, direction: str, field_: str, peers: str, one: Peer, other: Peer, port: int, protocol: str
    ) -> bool:
        about = [policy for policy in self._of(one) if direction in directions(policy)]
        rules = [rule for policy in about for rule in policy["spec"].get(field_) or []]
        return not about or any(_rule(rule, peers, one, other, port, protocol) for rule in rules)

    def _of(self, pod: Peer) -> Iterator[Manifest]:
        for policy in self.policies:
            if policy["metadata"]["namespace"] == pod.namespace and _selects(policy["spec"]["podSelector"], pod.labels):
                yield policy


def directions(policy: Manifest) -> Sequence[str]:
    """Without policyTypes a policy is about what comes in, and about what goes out where it has a rule for that."""
    spec = policy["spec"]
    return spec.get("policyTypes") or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])


def _rule(rule: Manifest, peers: str, one: Peer, other: Peer, port: int, protocol: str) -> bool:
    named = rule.get(peers) or []
    return _ports(rule.get("ports") or [], port, protocol) and (
        not named or any(_peer(peer, one, other) for peer in named)
    )


def _ports(ports: Sequence[Manifest], port: int, protocol: str) -> bool:
    """A number, or a range from it; no port of ours has a name, which not every network resolves."""
    return not ports or any(
        each.get("protocol", "TCP") == protocol
        and ("port" not in each or int(each["port"]) <= port <= int(each.get("endPort", each["port"])))
        for each in ports
    )


def _peer(peer: Manifest, one: Peer, other: Peer) -> bool:
    if block := peer.get("ipBlock"):
        return _in_block(block, other)
    if other.namespace is None:
        return False
    if "namespaceSelector" in peer:
        beside = _selects(peer["namespaceSelector"], _namespace_labels(other))
    else:
        beside = one.namespace == other.namespace
    return beside and _selects(peer.get("podSelector") or {}, other.labels)


def _in_block(block: Manifest, other: Peer) -> bool:
    """Addresses of pods count for none here: networks differ in it, and nothing of ours may need it."""
    if other.namespace is not None:
        return False
    address = ipaddress.ip_address(other.address)
    inside = address in ipaddress.ip_network(block["cidr"])
    return inside and not any(address in ipaddress.ip_network(each) for each in block.get("except") or [])


def _namespace_labels(peer: Peer) -> Mapping[str, str]:
    return {**peer.namespace_labels, "kubernetes.io/metadata.name": peer.namespace or ""}


def _selects(selector: Manifest, labels: Mapping[str, str]) -> bool:
    exact = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return exact and all(_expression(each, labels) for each in selector.get("matchExpressions") or [])


def _expression(each: Manifest, labels: Mapping[str, str]) -> bool:
    key, operator = each["key"], each["operator"]
    if operator in ("Exists", "DoesNotExist"):
        return (key in labels) == (operator == "Exists")
    listed = labels.get(key) in each["values"]
    return listed if operator == "In" else not listed
