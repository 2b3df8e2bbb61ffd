"""Metrics of NVIDIA's DCGM exporter: a GPU's own. Imports the types.

Read on 2026-11-30 of etc/default-counters.csv of its repository (00d6d34), which is what it exports unless told
otherwise. `namespace`, `pod` and `container` stand on a GPU that a pod holds, where its mapping of pods is on; where
its monitor does not honour labels Prometheus writes them `exported_namespace` and so on.
"""

from __future__ import annotations

from substrate.facts.engines import MetricKind
from substrate.facts.metrics.types import Exported, Registry, each

GAUGE, COUNTER = MetricKind.GAUGE, MetricKind.COUNTER

_METRICS = (
    Exported("DCGM_FI_DEV_GPU_UTIL", GAUGE, "percent", meaning="share of time in which any kernel ran"),
    Exported("DCGM_FI_DEV_FB_USED", GAUGE, "MiB", meaning="memory in use"),
    Exported("DCGM_FI_DEV_FB_FREE", GAUGE, "MiB", meaning="memory that is free; what the driver keeps is in neither"),
    Exported(
        "DCGM_FI_DEV_XID_ERRORS", GAUGE, "code", ("err_code", "err_msg"), "the last error's code; 0 where none was"
    ),
    *each(GAUGE, "MHz", "DCGM_FI_DEV_SM_CLOCK DCGM_FI_DEV_MEM_CLOCK"),
    *each(GAUGE, "degrees Celsius", "DCGM_FI_DEV_GPU_TEMP DCGM_FI_DEV_MEMORY_TEMP"),
    *each(GAUGE, "watts", "DCGM_FI_DEV_POWER_USAGE"),
    *each(GAUGE, "percent", "DCGM_FI_DEV_MEM_COPY_UTIL DCGM_FI_DEV_ENC_UTIL DCGM_FI_DEV_DEC_UTIL"),
    *each(GAUGE, "bool", "DCGM_FI_DEV_ROW_REMAP_FAILURE"),
    *each(COUNTER, "rows", "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS"),
    *each(COUNTER, "millijoules", "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"),
    *each(COUNTER, "retries", "DCGM_FI_DEV_PCIE_REPLAY_COUNTER"),
)

REGISTRY = Registry(
    engine="dcgm-exporter",
    prefix="DCGM_FI_",
    since="4.1",
    read="4.5",
    source="etc/default-counters.csv of NVIDIA/dcgm-exporter",
    metrics=_METRICS,
    labels=(
        "gpu",
        "UUID",
        "pci_bus_id",
        "device",
        "modelName",
        "Hostname",
        "exported_namespace",
        "exported_pod",
        "exported_container",
    ),
)
