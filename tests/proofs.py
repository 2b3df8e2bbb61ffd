"""The README's table of what was run for real, made from a run of the tests: no row without its tests passed.

    python -m tests.proofs RESULTS.xml...            # writes the table into README.md
    python -m tests.proofs RESULTS.xml... --check    # fails where README.md says something else

RESULTS.xml is pytest's --junitxml, one of each part of the tests. Imports the tools' catalogue, for versions.
"""

from __future__ import annotations

import argparse
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster.tools import tool

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- made by tests.proofs from test results -->", "<!-- end -->"
HEAD = ("system", "version", "run for real here", "only validated here")


@dataclass(frozen=True)
class Proof:
    """One system: what its tests (modules of `tests`, all of each) show, and what stays unproven."""

    system: str
    version: str
    tests: tuple[str, ...]
    real: str
    validated: str


def proofs() -> tuple[Proof, ...]:
    return (
        Proof(
            "Kubernetes, Pulumi",
            f"{tool('kube-apiserver').version}, {tool('pulumi').version}",
            ("e2e.test_local", "e2e.test_recovery", "cluster.test_embedded_cluster"),
            "API server, kubelet, containerd, engine, provider and policy pack; killed and recovered",
            "cgroup v2, the official Python language host",
        ),
        Proof(
            "llama.cpp on plain",
            tool("llama-server").version,
            ("e2e.test_local", "engine.test_llama_parser"),
            "a pod answers from verified weights; every planned argument through its parser",
            "its CUDA image",
        ),
        Proof(
            "vLLM on plain",
            tool("vllm-packages").version,
            ("e2e.test_vllm", "engine.test_vllm_parser"),
            "the CPU build in a pod, with a tiny model, metrics included; every planned argument through its parser",
            "its CUDA image",
        ),
        Proof(
            "KServe",
            tool("kserve-manager").version,
            (
                "e2e.test_kserve",
                "cluster.test_extra_kserve",
                "e2e.test_vllm",
                "e2e.test_triton",
                "engine.test_kserve_charts",
            ),
            "its controllers and webhooks: llama.cpp, vLLM, Triton, a transformer and an explainer answer in Standard "
            "mode, moved there and back under load; vLLM from an LLMInferenceService",
            "Knative mode: the Knative Service that it makes (Knative's controllers do not run); its charts, rendered",
        ),
        Proof(
            "Several models in one server",
            f"{tool('llama-server').version}, {tool('vllm-packages').version}",
            ("e2e.test_servers", "engine.test_llama_router", "e2e.test_vllm", "plan.test_ollama_script"),
            "two models of llama.cpp's router in a pod, each at its URL, and swapped where one fits; a LoRA adapter "
            "beside its model in vLLM, in a pod, each at its URL",
            "Ollama's store of several, with a program in its place",
        ),
        Proof(
            "Triton",
            tool("tritonserver").version,
            ("e2e.test_triton", "cluster.test_extra_triton", "engine.test_triton_configurations"),
            "two python models (one runs ONNX) and an ensemble in one server, HTTP and gRPC, batches; models "
            "loaded and unloaded on demand; moved to KServe",
            "other backends: their configurations, as far as the server's parser and core judge them",
        ),
        Proof(
            "BentoML",
            tool("bentoml").version,
            ("e2e.test_bento",),
            "a bento on its own URL, from its image and from staged files; adaptive batching; a pipeline of stages",
            "GPUs; the stages' NetworkPolicy, which the embedded cluster's network does not enforce",
        ),
        Proof(
            "Payload logging",
            tool("payload-logger").version,
            (
                "e2e.test_payload_logs",
                "cluster.test_payload_logging",
                "cluster.test_payload_logger_answers",
                "cluster.test_payload_logger_arguments",
                "cluster.test_payload_logger_options",
                "cluster.test_payload_logger_redaction",
                "cluster.test_payload_logger_relay",
            ),
            "on plain and with KServe's logger: all pairs of 100 requests in the sink, moved and ended under load; "
            "sink away, hanging",
            "Knative mode: the Knative Service that KServe makes; the Containerfile",
        ),
        Proof(
            "Ollama, TGI on plain",
            "0.17.4, 3.3.7",
            ("plan.test_engines_tgi_ollama", "plan.test_ollama_script"),
            "nothing",
            "arguments, against dated lists of their options; Ollama's script, for one model and several, with a "
            "program in its place",
        ),
        Proof(
            "Envoy, the front door",
            tool("envoy").version,
            ("e2e.test_local", "cluster.test_extra_front_door", "engine.test_front_door_config"),
            "in a pod before two real models: streams, keys, dead models, crowds; it reads every shipped stack's files",
            "its official image; a model behind Knative's gateway",
        ),
        Proof(
            "GPU stacks on kwok",
            tool("kwok").version,
            ("e2e.test_fake_gpu_stacks",),
            "homelab's and fleet's objects, admitted and scheduled",
            "their pods and staging are fake",
        ),
    )


def table(passed: set[str], failed: set[str]) -> str:
    """The table; raises SystemExit, naming the tests, where a row's did not all pass."""
    rows = [HEAD, tuple("---" for _ in HEAD)]
    for proof in proofs():
        lacking = [name for name in proof.tests if f"tests.{name}" in failed or f"tests.{name}" not in passed]
        if lacking:
            sys.exit(f"error: nothing proves {proof.system}: these did not all pass in that run: {', '.join(lacking)}")
        rows.append((proof.system, proof.version, proof.real, proof.validated))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def outcomes(results: Sequence[Path]) -> tuple[set[str], set[str]]:
    """The test modules in which something passed, and those in which something did not."""
    passed, failed = set(), set()
    for case in (case for part in results for case in ElementTree.parse(part).iter("testcase")):
        bad = any(child.tag in ("failure", "error", "skipped") for child in case)
        (failed if bad else passed).add(case.get("classname", ""))
    return passed, failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, nargs="+")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    text = README.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    made = f"{before}{BEGIN}\n{table(*outcomes(options.results))}\n{END}{after}"
    if options.check and made != text:
        way = "python -m tests.proofs .substrate/results-*.xml"
        print(f"error: README.md's table is not what this run shows: {way}", file=sys.stderr)
        return 1
    README.write_text(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
