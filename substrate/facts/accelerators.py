"""What each accelerator is and how much memory its driver really reports. Imports values only.

Read on 2026-11-24. Compute capability: developer.nvidia.com/cuda-gpus and /cuda-legacy-gpus. Memory is what the driver
reports to a process (`total capacity` in PyTorch's own out-of-memory messages, lowest value seen in public logs), never
the number on the box: an "80 GB" card has 79.14 GiB, and an engine budgets on that. bf16, fp8 and bandwidth: vendors'
specifications (reference/runtimes.md 7.1). A pool whose driver reports something else says so with `gpuMemory`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from substrate.values import Bytes, ComputeCapability

MIB = 1024**2
GB_PER_SECOND = 1000**3
CPU = "cpu"


class Vendor(StrEnum):
    NVIDIA = "nvidia"
    AMD = "amd"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Accelerator:
    """One kind of device. `memory` is 0 and `resource` empty for `cpu`: a pool of CPUs says its own memory.

    `compute_capability` is None where NVIDIA's scale does not apply. `fp8` means arithmetic in the hardware; without it
    an engine may still store weights in fp8. `bandwidth` is bytes a second of device memory.
    """

    name: str
    vendor: Vendor
    memory: Bytes
    compute_capability: ComputeCapability | None
    bf16: bool
    fp8: bool
    bandwidth: int
    resource: str | None
    source: str


def _nvidia(
    name: str, mebibytes: int, capability: tuple[int, int], gigabytes_per_second: int, source: str
) -> Accelerator:
    """bf16 arithmetic begins with compute capability 8.0 (Ampere), fp8 with 8.9 (Ada)."""
    return Accelerator(
        name=name,
        vendor=Vendor.NVIDIA,
        memory=Bytes(mebibytes * MIB),
        compute_capability=ComputeCapability(*capability),
        bf16=capability >= (8, 0),
        fp8=capability >= (8, 9),
        bandwidth=gigabytes_per_second * GB_PER_SECOND,
        resource="nvidia.com/gpu",
        source=source,
    )


_ROWS = (
    _nvidia("gtx-1080-ti", 11171, (6, 1), 484, "10.91 GiB; bandwidth from general knowledge"),
    _nvidia("t4", 14909, (7, 5), 320, "14.56 GiB; bandwidth from general knowledge"),
    _nvidia("rtx-3090", 24248, (8, 6), 936, "23.68 GiB; bandwidth from general knowledge"),
    _nvidia("rtx-4090", 24176, (8, 9), 1008, "23.61 GiB; bandwidth from general knowledge"),
    _nvidia("rtx-5090", 32112, (12, 0), 1792, "31.36 GiB; bandwidth from general knowledge"),
    _nvidia("a10g", 22558, (8, 6), 600, "22.03 GiB"),
    _nvidia("l4", 22558, (8, 9), 300, "22.03 GiB"),
    _nvidia("l40s", 45404, (8, 9), 864, "44.34 GiB"),
    _nvidia("a100-40gb", 40325, (8, 0), 1555, "39.38 GiB; bandwidth from general knowledge"),
    _nvidia("a100-80gb", 81039, (8, 0), 2039, "79.14 GiB"),
    _nvidia("h100-80gb", 81039, (9, 0), 3350, "79.14 GiB, the SXM card"),
    _nvidia("h200", 143073, (9, 0), 4800, "139.72 GiB"),
    _nvidia("b200", 182630, (10, 0), 7672, "178.35 GiB and 7680 bits at 3996 MHz: pytorch/ao pull request 4002"),
    Accelerator(
        name="mi300x",
        vendor=Vendor.AMD,
        memory=Bytes(196290 * MIB),
        compute_capability=None,
        bf16=True,
        fp8=True,
        bandwidth=5300 * GB_PER_SECOND,
        resource="amd.com/gpu",
        source="191.69 GiB; gfx942, fp8 in AMD's fnuz form",
    ),
    Accelerator(
        name=CPU,
        vendor=Vendor.NONE,
        memory=Bytes(0),
        compute_capability=None,
        bf16=True,
        fp8=False,
        bandwidth=0,
        resource=None,
        source="a pool of CPUs says its own cores and memory",
    ),
)

ACCELERATORS: dict[str, Accelerator] = {row.name: row for row in _ROWS}
