"""The lowest version of each product that may run, with what was found below it. Data; standard library only.

Every row was read on READ in reference/security.md 2, whose sources are the advisories named. A floor only ever rises:
the setting `floors` can raise one and not lower it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

READ = "2026-11-23"
# (numbers, 0 for what comes before the release of that number and 1 from it on)
Version = tuple[tuple[int, ...], int]

# 0.32.0, v0.32.0, 26.03-py3, 2.54.0-py311-gpu, v0.5.10.post1-cu126; a lone number is a name of somebody's own.
_NUMBERS = re.compile(
    r"v?(\d+(?:\.\d+){1,3})(?!\d)(?P<before>(?:[.-]?(?:alpha|beta|rc|dev|preview|pre)|[ab](?=\d))[.-]?\d*(?![a-z0-9_]))?"
)
# b9061, server-cuda-b9061, full-b9061
_BUILD = re.compile(r"(?:^|-)b(\d{3,})(?:-|$)")
# llama.cpp has had releases beside its builds since b10507; the first that security.md counts as mended.
_MENDED_RELEASE: Version = ((0, 6, 0, 0), 1)


@dataclass(frozen=True)
class Product:
    """One row. `images` are patterns of a repository without its registry's port and tag; the first row that fits wins.

    `charts` are Helm charts that have the product's own version. `tagged` is False where tags follow another numbering
    than the product's. `served_only`: judged only in a pod that serves a language model, since others have it too.
    """

    name: str
    called: str
    images: tuple[str, ...]
    floor: str
    found: str  # what was found below it
    source: str
    charts: tuple[str, ...] = ()
    tagged: bool = True
    served_only: bool = False


_VLLM_FOUND = "CVE-2026-115911 and CVE-2026-114053 (remote code by a request), CVE-2026-48746 (API key bypassed)"
_LLAMA_FOUND = "CVE-2026-34159 (remote code), CVE-2026-43632 and CVE-2025-49847 (memory errors)"

PRODUCTS = (
    Product(
        "vllm", "vLLM", (r"lmcache/vllm-openai.*",), "0.32.0", _VLLM_FOUND, "osv.dev, cvelistV5, tenable", tagged=False
    ),
    Product(
        "vllm",
        "vLLM",
        (r".*vllm-openai.*", r"(.*/)?vllm", r"(.*/)?vllm-(cpu|cuda|rocm|tpu|xpu|neuron|gaudi)"),
        "0.32.0",
        _VLLM_FOUND,
        "osv.dev, cvelistV5, tenable",
    ),
    Product(
        "triton",
        "Triton",
        (r"(.*/)?tritonserver",),
        "26.03",
        "CVE-2026-24207 and CVE-2026-24206 (access without authentication), CVE-2025-23319 (remote code)",
        "NVIDIA's bulletin a_id 5828 of 2026-05",
    ),
    Product(
        "bentoml",
        "BentoML",
        (r"(.*/)?bentoml", r"(.*/)?bento-server"),
        "1.4.39",
        "CVE-2026-44345 and CVE-2026-44346 (code in generated files), CVE-2025-32375 (remote code by a pickle)",
        "pypa PYSEC-2026-189, PYSEC-2026-190, PYSEC-2025-32",
    ),
    Product(
        "ray",
        "Ray",
        (r"(.*/)?rayproject/ray(-ml|-llm)?",),
        "2.54.0",
        "CVE-2026-27482 and CVE-2023-48022 (jobs by anybody)",
        "advisories.gitlab.com, docs.ray.io",
    ),
    Product(
        "kuberay",
        "KubeRay",
        (r"(.*/)?kuberay/(operator|apiserver)", r"(.*/)?kuberay-operator"),
        "1.6.0",
        "no token for Ray's API before 1.6 (authOptions)",
        "docs.ray.io, token authentication",
        charts=("kuberay-operator", "ray-cluster"),
    ),
    Product(
        "ollama",
        "Ollama",
        (r"(.*/)?ollama",),
        "0.17.1",
        "CVE-2026-7482 (process memory leaks), CVE-2024-37032 (remote code)",
        "golang/vulndb, cyera.com",
    ),
    Product(
        # llama-server built from the sources inside a release of llama-cpp-python, and tagged with that release. The
        # tree in 0.3.36 (llama.cpp 0c1e570, which calls itself 0.5.0-dev) is newer than b10507 (0.1.2), so than b9061.
        "llama-cpp-python",
        "llama.cpp of llama-cpp-python",
        (r"substrate\.local/llama\.cpp", r"(.*/)?llama-cpp-python"),
        "0.3.36",
        _LLAMA_FOUND,
        "llama-cpp-python's changelog, seen with its sources",
    ),
    Product(
        "llama.cpp",
        "llama.cpp",
        (r"(.*/)?llama\.cpp", r"(.*/)?llama-server"),
        "b9061",
        _LLAMA_FOUND,
        "llama.cpp's advisories",
    ),
    Product(
        "tgi",
        "TGI",
        (r"(.*/)?text-generation-inference",),
        "3.3.7",
        "CVE-2026-0599 (memory by a request)",
        "aithreatalert, 2026",
    ),
    Product(
        "sglang",
        "SGLang",
        (r"(.*/)?sglang",),
        "0.5.10",
        "CVE-2026-5760 (remote code by a chat template), CVE-2026-3059",
        "infosec.ge, Safety DB",
    ),
    Product(
        "kserve",
        "KServe",
        (r"(.*/)?(kserve|llmisvc)-controller", r"(.*/)?kserve/(agent|storage-initializer)", r"(.*/)?huggingfaceserver"),
        "0.19.0",
        "no fixes for it any more: KServe mends its newest minor releases",
        "KServe's releases; a judgement, no CVE",
        charts=("kserve", "kserve-crd", "kserve-resources", "kserve-llmisvc-resources", "kserve-llmisvc-crd"),
    ),
    Product(
        "knative",
        "Knative Serving",
        (r"(.*/)?knative\.dev/serving/.*", r"(.*/)?knative-serving-.*"),
        "1.22.1",
        "CVE-2023-48713 (the autoscaler stopped by a pod), CVEs of Go's library",
        "golang/vulndb GO-2023-2355, CleanStart",
        charts=("knative-serving",),
    ),
    Product(
        "torch",
        "PyTorch",
        (r"(.*/)?pytorch/pytorch",),
        "2.6.0",
        "CVE-2025-32434 (remote code by a file of weights, weights_only=True or not)",
        "NVD",
        served_only=True,
    ),
    Product(
        "nvidia-container-toolkit",
        "NVIDIA Container Toolkit",
        (r"(.*/)?k8s/container-toolkit",),
        "1.17.8",
        "CVE-2025-23266 and CVE-2024-0132 (out of the container)",
        "golang/vulndb GO-2025-3992, GO-2024-3237",
    ),
)
_COMPILED = tuple((re.compile("|".join(f"(?:{one})" for one in row.images)), row) for row in PRODUCTS)
_BY_CHART = {chart: row for row in PRODUCTS for chart in row.charts}
FLOORS = {row.name: row.floor for row in PRODUCTS}
# Beside a server, not the server: these have versions of their own.
_BESIDE = re.compile(r"(router|gateway|proxy|exporter|dashboard|benchmark|webui|-ui|client|stack-cache)\b")


@lru_cache(maxsize=4096)
def product_of_image(repository: str) -> Product | None:
    """The product in an image, by its repository without tag and digest."""
    name = repository.lower()
    if _BESIDE.search(name.rpartition("/")[2]):
        return None
    return next((row for pattern, row in _COMPILED if pattern.fullmatch(name)), None)


def product_of_chart(chart: str) -> Product | None:
    """The product in a Helm chart: `kserve`, `oci://ghcr.io/kserve/charts/kserve`, `kuberay/kuberay-operator`."""
    return _BY_CHART.get(chart.rstrip("/").rpartition("/")[2].lower())


def version_in(product: str, text: str) -> Version | None:
    """The version that a tag or a setting says, None where it says none. Of llama.cpp builds and releases alike."""
    if product == "llama.cpp":
        if build := _BUILD.search(text):
            return (0, int(build[1])), 1
        release = _numbers(text.rpartition("-")[2])
        if release is None:
            return None
        return ((1, *release[0]) if release >= _MENDED_RELEASE else (0, 0)), release[1]
    return _numbers(text)


def _numbers(text: str) -> Version | None:
    found = _NUMBERS.match(text)
    if found is None:
        return None
    numbers = tuple(int(part) for part in found[1].split("."))
    return numbers + (0,) * (4 - len(numbers)), 0 if found["before"] else 1


def floor_of(product: Product, raised: Mapping[str, str]) -> str:
    """The floor, or what the settings raise it to; never less."""
    setting = raised.get(product.name, product.floor)
    asked, own = version_in(product.name, setting), version_in(product.name, product.floor)
    return setting if asked and own and asked > own else product.floor


def wrong_floors(raised: Mapping[str, str]) -> list[tuple[str, str]]:
    """(what is wrong, what to write) for each setting that raises no floor."""
    wrong = []
    for name, version in raised.items():
        if name not in FLOORS:
            wrong.append((f"floors.{name} is a floor of no product", f"write one of {', '.join(sorted(FLOORS))}"))
            continue
        asked, own = version_in(name, str(version)), version_in(name, FLOORS[name])
        if asked is None:
            wrong.append((f"floors.{name} is no version", f"write it as {FLOORS[name]}"))
        elif own and asked < own:
            fix = f"write at least {FLOORS[name]}, or take it away; one object is let off by an exemption"
            wrong.append((f"floors.{name} is {version}, and a floor is only ever raised", fix))
    return wrong
