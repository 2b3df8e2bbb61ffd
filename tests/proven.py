"""What was run for real and by which tests: the README's table as data. Imports the tools' catalogue, for versions."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version

from cluster.tools import tool


@dataclass(frozen=True)
class Proof:
    """One system: what its tests (modules of `tests`, all of each) show, and what stays unproven.

    `versions` are tools of the catalogue by name, or what is written of a system that is none.
    """

    system: str
    versions: tuple[str, ...]
    tests: tuple[str, ...]
    real: str
    validated: str

    @property
    def version(self) -> str:
        return ", ".join(tool(one).version if one[0].isalpha() else one for one in self.versions)


PLATFORM = (
    Proof(
        "Kubernetes, Pulumi",
        ("kube-apiserver", "pulumi"),
        ("e2e.test_local", "e2e.test_recovery", "cluster.test_embedded_cluster"),
        "API server, kubelet, containerd, engine, provider and policy pack; killed and recovered",
        "cgroup v2, the official Python language host",
    ),
)
ENGINES = (
    Proof(
        "llama.cpp on plain",
        ("llama-server",),
        ("e2e.test_local", "engine.test_llama_parser"),
        "a pod answers from verified weights; every planned argument through its parser",
        "its CUDA image",
    ),
    Proof(
        "vLLM on plain",
        ("vllm-packages",),
        ("e2e.test_vllm", "engine.test_vllm_parser"),
        "the CPU build in a pod, with a tiny model, metrics included; every planned argument through its parser",
        "its CUDA image",
    ),
)
FOUNDATIONS = (
    Proof(
        "KServe",
        ("kserve-manager",),
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
        ("llama-server", "vllm-packages"),
        ("e2e.test_servers", "engine.test_llama_router", "e2e.test_vllm", "plan.test_ollama_script"),
        "two models of llama.cpp's router in a pod, each at its URL, and swapped where one fits; a LoRA adapter "
        "beside its model in vLLM, in a pod, each at its URL",
        "Ollama's store of several, with a program in its place",
    ),
    Proof(
        "Triton",
        ("tritonserver",),
        ("e2e.test_triton", "cluster.test_extra_triton", "engine.test_triton_configurations"),
        "two python models (one runs ONNX) and an ensemble in one server, HTTP and gRPC, batches; models "
        "loaded and unloaded on demand; moved to KServe",
        "other backends: their configurations, as far as the server's parser and core judge them",
    ),
    Proof(
        "BentoML",
        ("bentoml",),
        ("e2e.test_bento",),
        "a bento on its own URL, from its image and from staged files; adaptive batching; a pipeline of stages",
        "GPUs; the stages' NetworkPolicy, which the embedded cluster's network does not enforce",
    ),
)
BESIDE_MODELS = (
    Proof(
        "Payload logging",
        ("payload-logger",),
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
        ("0.17.4", "3.3.7"),
        ("plan.test_engines_tgi_ollama", "plan.test_ollama_script"),
        "nothing",
        "arguments, against dated lists of their options; Ollama's script, for one model and several, with a "
        "program in its place",
    ),
    Proof(
        "Envoy, the front door",
        ("envoy",),
        ("e2e.test_local", "cluster.test_extra_front_door", "engine.test_front_door_config"),
        "in a pod before two real models: streams, keys, dead models, crowds; it reads every shipped stack's files",
        "its official image; a model behind Knative's gateway; its NetworkPolicies, as the teams'",
    ),
    Proof(
        "GPU stacks on kwok",
        ("kwok",),
        ("e2e.test_fake_gpu_stacks",),
        "homelab's and fleet's objects, admitted and scheduled",
        "their pods and staging are fake",
    ),
)
SCALING = (
    Proof(
        "Prometheus by its operator",
        ("prometheus", "prometheus-operator"),
        (
            "cluster.test_extra_prometheus",
            "e2e.test_observability",
            "engine.test_promtool_alerts",
            "engine.test_promtool_records",
            "engine.test_live_view",
        ),
        "a stack's models observed in the cluster: every panel has something to show, a filled queue, a stopped model "
        "and a failed staging are alerts; every alert fires in promtool",
        "Grafana's pages; DCGM",
    ),
    Proof(
        "KEDA, its HTTP add-on",
        ("keda-operator", "http-add-on-operator"),
        (
            "cluster.test_extra_keda",
            "cluster.test_extra_http_add_on",
            "e2e.test_scaling",
            "engine.test_scaler_definitions",
        ),
        "a stack's model on llama.cpp follows the requests in flight from one replica to two and back, none lost; one "
        "at zero answers its first request, and a hundred at once; who waits in vain is told when to ask again",
        "on several nodes",
    ),
    Proof(
        "prometheus-adapter",
        ("prometheus-adapter",),
        ("cluster.test_extra_prometheus_adapter", "e2e.test_local"),
        "an HPA follows a recorded series up and down; the local stack's own hears of its model",
        "a stack's own model moved by it in a test (benchmarks/scaling_closed_loop does)",
    ),
)
POLICIES = (
    Proof(
        "The policy pack, on pulumi-policy",
        (version("pulumi-policy"),),
        (
            "engine.test_host_policies",
            "engine.test_host_examples",
            "engine.test_vendor_defaults",
            "policies.test_policy_mutations",
            "policies.test_policy_ordinary",
            "cluster.test_ci_recipes",
        ),
        "in the real engine, on a program that knows nothing of Substrate: each rule's two examples, an update stopped "
        "before a resource is made; single faults of the stacks; KServe's and KubeRay's samples; the steps of CI",
        "the runners of GitHub and GitLab",
    ),
    Proof(
        "Admission",
        ("kube-apiserver",),
        ("cluster.test_admission", "policies.test_policy_admission"),
        "the real API server judges every example and its near misses as the pack does, and denies",
        "what only a stack or a script shows, which is not said in CEL",
    ),
    Proof(
        "Public scanners",
        ("scanners", "trivy"),
        ("engine.test_scanners",),
        "checkov, trivy and two others find nothing in the stacks but what is waived with a reason, and fault in each "
        "workload made wrong",
        "what they have no rules for: HTTPRoutes, custom resources but as pods",
    ),
)
PROOFS = (*PLATFORM, *ENGINES, *FOUNDATIONS, *BESIDE_MODELS, *SCALING, *POLICIES)
