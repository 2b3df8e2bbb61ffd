"""What logs payloads in a pod: ports, and what it takes. Imports values only.

Our program: cluster/toolchain/payload-logger, measured on 2026-11-24 (docs/decisions/payload-logging.md). KServe's
agent: v0.19.0, its `agent` settings and constants as released.
"""

from __future__ import annotations

from dataclasses import dataclass

from substrate.values import Bytes, Cores, Duration

LISTEN = 8081  # where the model's Service sends to in place of the engine
METRICS = 9903
RELAY = 9082  # on 127.0.0.1, where KServe's agent sends its events
AGENT = 9081  # KServe's, where it takes requests

MEMORY_LIMIT = Bytes.parse("128Mi")
GO_MEMORY_LIMIT = Bytes.parse("100Mi")  # the collector works harder before the kernel ends the container

# What events that are still held may take after the last answer.
DRAIN = Duration(10)
# KServe's agent goes on for 30 s after SIGTERM, and in Knative's pods the relay gets its own at the same moment.
LINGER = Duration(35)


@dataclass(frozen=True, slots=True)
class Taken:
    """What containers ask a node for."""

    cpus: Cores
    memory: Bytes


# 13 MB at rest; 83 MB with its memory for payloads full (32 MiB), which the limit allows.
OURS = Taken(Cores.parse("50m"), Bytes.parse("32Mi"))
KSERVE_AGENT = Taken(Cores.parse("100m"), Bytes.parse("100Mi"))


def taken(with_agent: bool) -> Taken:
    """Of all containers that log in one pod, KServe's agent among them or not."""
    both = (OURS, KSERVE_AGENT) if with_agent else (OURS,)
    return Taken(Cores(sum(one.cpus for one in both)), Bytes(sum(one.memory for one in both)))
