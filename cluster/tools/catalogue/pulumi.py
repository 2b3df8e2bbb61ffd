"""Pulumi and its provider for Kubernetes. Imports the recipes."""

from __future__ import annotations

from cluster.tools.catalogue.tool import GIB, Tool, made_by
from cluster.tools.golang import GoProgram

_PULUMI_VERSION = "3.259.0"
PULUMI = GoProgram(
    "pulumi",
    ("pulumi",),
    seconds=240,
    disk=GIB // 2,
    go_disk=3 * GIB,
    release=_PULUMI_VERSION,
    module="pulumi",
    packages=("github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",),
    ldflags=f"-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{_PULUMI_VERSION}",
)
PULUMI_KUBERNETES = GoProgram(
    "pulumi-resource-kubernetes",
    ("pulumi-resource-kubernetes",),
    seconds=420,
    disk=GIB // 2,
    go_disk=9 * GIB // 2,
    release="4.25.0",
    module="pulumi-resource-kubernetes",
    packages=(".",),
)

TOOLS: tuple[Tool, ...] = (
    # The CLI finds its Python host beside it or on PATH: without one, a CLI on PATH is of no use.
    Tool("pulumi", PULUMI, on_path=True, companions=("pulumi-language-python",), output="pulumi"),
    *made_by(PULUMI_KUBERNETES, "pulumi-resource-kubernetes"),
)
