"""Every tool by name: whether PATH's is taken, and what it is made of otherwise. Imports the recipes.

One file a topic, each with its recipes and its `TOOLS`; a recipe's seconds and disk are as measured on two cores with
cold caches.
"""

from __future__ import annotations

import platform

from cluster.tools.catalogue import engines, foundations, judges, kubernetes, pulumi, scaling
from cluster.tools.catalogue.tool import Debian, Tool
from cluster.tools.errors import ToolError

TOOLS = {
    tool.name: tool
    for tool in (
        *pulumi.TOOLS,
        *kubernetes.TOOLS,
        *engines.TOOLS,
        *foundations.TOOLS,
        *scaling.TOOLS,
        *judges.TOOLS,
    )
}

EXISTING = ("pulumi", "pulumi-resource-kubernetes", "kubectl")
BUILD_ONLY = ("cmake", "ninja", "g++", "mmdebstrap")  # asked for by the recipes that need them
# What the extras of the embedded cluster and the tests of the foundations need.
FOUNDATIONS: tuple[str, ...] = (
    "vllm-root",
    "vllm-packages",
    "kserve-manager",
    "kserve-crds",
    "kserve-resources",
    "kserve-llm-manager",
    "kserve-llm-resources",
    "kserve-presets",
    "kserve-charts",
    "knative-serving",
    "tritonserver",
    "triton-python",
    "triton-root",
    "bentoml-root",
    "bentoml",
    "example-bentos",
    "envoy",
    "envoy-root",
    "payload-logger",
    "kserve-agent",
    *scaling.FOUNDATIONS,
    "scanners",
    "trivy",
)
# What vendors ship as an example or a default, for the policy pack to judge; nothing of it is ever run.
VENDORS: tuple[str, ...] = ("kserve-samples", "kserve-runtimes", "kserve-presets", "kuberay-samples")
_NOT_CORE = {*BUILD_ONLY, *FOUNDATIONS, *VENDORS}
# Its wheel is for x86-64 only.
_NOT_HERE = () if platform.machine() == "x86_64" else ("trivy",)
SETS = {
    "existing": EXISTING,
    "embedded": tuple(name for name in TOOLS if name not in _NOT_CORE),
    "foundations": tuple(name for name in FOUNDATIONS if name not in _NOT_HERE),
    "vendors": VENDORS,
}


def tool(name: str) -> Tool:
    """The tool of this name. Raises ToolError for a name that is not in the catalogue."""
    if name not in TOOLS:
        raise ToolError(f"there is no tool {name!r}", remedy=f"name one of: {', '.join(TOOLS)}")
    return TOOLS[name]


__all__ = ["BUILD_ONLY", "EXISTING", "FOUNDATIONS", "SETS", "TOOLS", "VENDORS", "Debian", "Tool", "tool"]
