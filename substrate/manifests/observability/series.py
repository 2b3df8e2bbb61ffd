"""How a recorded series is made and what it carries: the words that rules, alerts and dashboards share. Pure.

Engines name the same thing differently. Rules record it under one name, with the same labels, whichever engine it is
of: by these one dashboard and one set of alerts serve them all. Scalers ask the engines' own metrics, and wait for no
rule.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from substrate.queries import Pods, pod_label

# What every recorded series of a server carries. `server` is the model's name where it has a server of its own.
SERVER = ("stack", "namespace", "team", "server", "tier", "engine", "foundation")
POD = (*SERVER, "pod")
# The series whose value is 1 and whose labels are a server's: others are joined to it for theirs.
IDENTITY = "substrate:server"
# By what an engine's series is told apart, before it is joined: one of the last two is on every pod that serves.
_OF_POD = ("namespace", "pod", pod_label("model"), pod_label("server"))
# KServe's predictor behind a transformer is labelled `<model>.predictor`; no name of ours holds a dot.
_BEHIND = "([^.]+)[.].+"
# Knative's Deployments are those of a revision; the model's own name ends before.
_REVISION = "(?:-[0-9]{5}-deployment)?"


@dataclass(frozen=True, slots=True)
class Record:
    """A recording rule. `labels` are those that its series have; `set` are those that the rule itself puts on."""

    name: str
    unit: str
    meaning: str
    labels: tuple[str, ...]
    expr: str
    set: dict[str, str] = field(default_factory=dict)

    def rule(self) -> dict[str, Any]:
        return {"record": self.name, "expr": self.expr, **({"labels": self.set} if self.set else {})}


def pods_of(namespace: str) -> Pods:
    """The pods of a team that serve, each on its own."""
    return Pods({"namespace": namespace}, _OF_POD)


def identity(namespace: str) -> str:
    return f'{IDENTITY}{{namespace="{namespace}"}}'


def joined(expr: str, namespace: str, *on: str) -> str:
    """With the labels of the server that `on` finds; what is no server's is dropped."""
    rest = ", ".join(label for label in SERVER if label not in on)
    return f"{expr} * on ({', '.join(on)}) group_left ({rest}) {identity(namespace)}"


def named(expr: str) -> str:
    """With the label `server`, made of what its pod is labelled with."""
    both = f'label_join({expr}, "server", "", "{pod_label("model")}", "{pod_label("server")}")'
    return f'label_replace({both}, "server", "$1", "server", "{_BEHIND}")'


def of_pods(expr: str, namespace: str) -> str:
    """An engine's series, one a pod, with the labels of its server."""
    return joined(f"sum by (namespace, pod, server) ({named(expr)})", namespace, "namespace", "server")


def of_servers(expr: str, namespace: str, by: str = "sum") -> str:
    """The same, one a server."""
    return joined(f"{by} by (namespace, server) ({named(expr)})", namespace, "namespace", "server")


def of_workloads(expr: str, namespace: str, label: str = "deployment") -> str:
    """What kube-state-metrics says of a Deployment, with the labels of the server that it runs."""
    renamed = f'label_replace({expr}, "workload", "$1", "{label}", "(.+?){_REVISION}")'
    told = joined(f"sum by (namespace, workload) ({renamed})", namespace, "namespace", "workload")
    return f"sum by ({', '.join(SERVER)}) ({told})"


def pods_of_workloads(namespace: str) -> str:
    """1 for each pod that a server's Deployment made, with the labels of both: a pod's name is no key of its own."""
    owned = f'kube_pod_owner{{namespace="{namespace}",owner_kind="ReplicaSet"}}'
    renamed = f'label_replace({owned}, "workload", "$1", "owner_name", "(.+?){_REVISION}-[^-]+")'
    told = joined(f"max by (namespace, pod, workload) ({renamed})", namespace, "namespace", "workload")
    return f"max by ({', '.join(POD)}) ({told})"


def of_known_pods(expr: str, namespace: str) -> str:
    """What an exporter says of a pod by its name, with the labels of its server."""
    rest = ", ".join(label for label in SERVER if label != "namespace")
    return f'{expr} * on (namespace, pod) group_left ({rest}) substrate:pod{{namespace="{namespace}"}}'
