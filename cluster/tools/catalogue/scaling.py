"""What measures and what scales: Prometheus, KEDA, the HTTP add-on, the adapter. Imports the recipes.

KEDA and its HTTP add-on are of one pinned module: what they share is compiled once. The others are of releases that do
not compile with KEDA's libraries.
"""

from __future__ import annotations

from cluster.tools.catalogue.tool import GIB, MIB, Tool, made_by, small_tree
from cluster.tools.golang import GoProgram
from cluster.tools.roots import DebianRoot

_OPERATOR = "github.com/prometheus-operator/prometheus-operator"
_KEDA = "github.com/kedacore/keda/v2"
_HTTP_ADD_ON = "github.com/kedacore/http-add-on"
OPERATOR_VERSION, KEDA_VERSION, HTTP_ADD_ON_VERSION, ADAPTER_VERSION = "0.85.0", "2.21.0", "0.12.0", "0.12.0"

PROMETHEUS_OPERATOR = GoProgram(
    "prometheus-operator",
    ("operator", "prometheus-config-reloader"),
    seconds=120,
    disk=GIB // 4,
    go_disk=2 * GIB,
    release=OPERATOR_VERSION,
    module="prometheus-operator",
    packages=(f"{_OPERATOR}/cmd/operator", f"{_OPERATOR}/cmd/prometheus-config-reloader"),
    ldflags=f"-s -w -X github.com/prometheus/common/version.Version={OPERATOR_VERSION}",
)
PROMETHEUS_CRDS = small_tree(
    "prometheus-crds", "crds", "prometheus-operator", _OPERATOR, "example/prometheus-operator-crd"
)
PROMETHEUS_RBAC = small_tree("prometheus-operator-rbac", "rbac", "prometheus-operator", _OPERATOR, "example/rbac")
# With the one way of finding what to scrape that is used here; Debian's server is built without it.
PROMETHEUS = GoProgram(
    "prometheus",
    ("prometheus",),
    seconds=150,
    disk=GIB // 4,
    go_disk=GIB,
    release="3.14.0",
    module="prometheus",
    packages=("github.com/prometheus/prometheus/cmd/prometheus",),
    ldflags="-s -w -X github.com/prometheus/common/version.Version=3.14.0",
    tags=("remove_all_sd", "enable_kubernetes_sd"),
)
# An older one than the server: rules that it takes are taken by both.
PROMTOOL = DebianRoot(
    "promtool",
    ("promtool",),
    seconds=9,
    disk=512 * MIB,
    packages=("libc6",),
    alone=("prometheus",),
    files=(("promtool", "usr/bin/promtool"),),
    release="2.42.0",
)
KEDA = GoProgram(
    "keda",
    ("operator", "adapter"),
    seconds=380,
    disk=GIB // 2,
    go_disk=4 * GIB,
    release=KEDA_VERSION,
    module="keda",
    packages=(f"{_KEDA}/cmd/operator", f"{_KEDA}/cmd/adapter"),
    ldflags=f"-s -w -X {_KEDA}/version.Version={KEDA_VERSION}",
)
KEDA_CONFIG = small_tree("keda-config", "config", "keda", _KEDA, "config")
HTTP_ADD_ON = GoProgram(
    "http-add-on",
    ("operator", "scaler", "interceptor"),
    seconds=60,
    disk=GIB // 4,
    go_disk=GIB // 2,
    release=HTTP_ADD_ON_VERSION,
    module="keda",
    packages=tuple(f"{_HTTP_ADD_ON}/{program}" for program in ("operator", "scaler", "interceptor")),
)
HTTP_ADD_ON_CONFIG = small_tree("http-add-on-config", "config", "keda", _HTTP_ADD_ON, "config")
PROMETHEUS_ADAPTER = GoProgram(
    "prometheus-adapter",
    ("adapter",),
    seconds=60,
    disk=GIB // 4,
    go_disk=GIB // 2,
    release=ADAPTER_VERSION,
    module="prometheus-adapter",
    packages=("sigs.k8s.io/prometheus-adapter/cmd/adapter",),
)
ADAPTER_MANIFESTS = small_tree(
    "prometheus-adapter-manifests",
    "manifests",
    "prometheus-adapter",
    "sigs.k8s.io/prometheus-adapter",
    "deploy/manifests",
)

TOOLS: tuple[Tool, ...] = (
    Tool("prometheus-operator", PROMETHEUS_OPERATOR, output="operator"),
    *made_by(PROMETHEUS_OPERATOR, "prometheus-config-reloader"),
    Tool("prometheus-crds", PROMETHEUS_CRDS, output="crds"),
    Tool("prometheus-operator-rbac", PROMETHEUS_RBAC, output="rbac"),
    *made_by(PROMETHEUS, "prometheus"),
    *made_by(PROMTOOL, "promtool"),
    Tool("keda-operator", KEDA, output="operator"),
    Tool("keda-adapter", KEDA, output="adapter"),
    Tool("keda-config", KEDA_CONFIG, output="config"),
    Tool("http-add-on-operator", HTTP_ADD_ON, output="operator"),
    Tool("http-add-on-scaler", HTTP_ADD_ON, output="scaler"),
    Tool("http-add-on-interceptor", HTTP_ADD_ON, output="interceptor"),
    Tool("http-add-on-config", HTTP_ADD_ON_CONFIG, output="config"),
    Tool("prometheus-adapter", PROMETHEUS_ADAPTER, output="adapter"),
    Tool("prometheus-adapter-manifests", ADAPTER_MANIFESTS, output="manifests"),
)

FOUNDATIONS = tuple(tool.name for tool in TOOLS)
