"""Cold start, from bytes and read speed. Pure arithmetic; imports values and the plan's types."""

from __future__ import annotations

from substrate.plan.types import StartupPlan
from substrate.values import Bytes, Duration

# A store shared by several readers, or a cold disk cache, halves the speed: reference/security.md rule A4.
MARGIN = 2.0
# Below this a slow scheduler or a busy node would restart a healthy engine.
SHORTEST_BUDGET = Duration(30)
# BentoML measured ten minutes to pull and unpack a serving image of 20 GB (reference/performance.md 1.1).
IMAGE_PULL = Duration(600)
# Slower than a home connection of 100 Mbit/s would be hopeless for weights: the wait for a staging Job rests on it.
SLOWEST_SOURCE_MIB_PER_SECOND = 5
SHORTEST_STAGING = Duration(600)


def cold_start(weights: Bytes, read_mib_per_second: int, engine_start: Duration) -> StartupPlan:
    """The time from container start to a ready engine: `expected = weights / read speed + engine start`.

    `budget` doubles it (two readers of one store), and the Deployment's deadline adds the image's pull.
    """
    read = Duration(weights / (read_mib_per_second * 1024**2))
    expected = Duration(read + engine_start)
    budget = Duration(max(SHORTEST_BUDGET, round(MARGIN * expected)))
    return StartupPlan(read, engine_start, expected, budget, Duration(budget + IMAGE_PULL))


def staging_timeout(weights: Bytes) -> Duration:
    """How long an update waits for a staging Job: the bytes at the slowest sensible source, at least ten minutes."""
    return Duration(max(SHORTEST_STAGING, round(weights / (SLOWEST_SOURCE_MIB_PER_SECOND * 1024**2))))
