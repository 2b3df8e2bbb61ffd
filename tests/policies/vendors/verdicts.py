"""What a person found in each source, rule by rule, with the file open. Data only.

A finding is a true alarm if the file does what the rule says, in something that the rule is for. One that is not is a
defect of the rule: it is mended, and never listed here. Keys: the source's name, then the rule's.
"""

from __future__ import annotations

VERDICTS: dict[str, dict[str, str]] = {
    "KServe samples, `v1beta1`": {
        "moving-image": "custom predictors and transformers, test clients, Redis and helper pods with `latest` or no "
        "tag; the rule is for every image",
        "ended-torchserve": "`torchserve/` and two transformers: format `pytorch` without a runtime is TorchServe's, "
        "which was archived",
        "ended-modelmesh": "`feast/driver_transformer_modelmesh.yaml` asks for mode ModelMesh: KServe 0.19 makes its "
        "transformer and no predictor",
    },
    "KServe samples, `llmisvc`": {
        "fetched-at-start": "every one but those with a claim takes model or adapters from `hf://` as the pod starts",
        "restricted-pod": "the three CPU samples set `runAsNonRoot: false`: their vLLM image runs as root",
    },
    "KServe samples, the others": {
        "moving-image": "explainers, transformers, test clients and a Hugging Face runtime with `latest` or no tag",
        "ended-modelmesh": "`multimodelserving/` puts TrainedModels into services without a model, for which KServe "
        "ships no runtime any more",
        "fetched-at-start": "`storage/hf`, `fluid/kserve-isvc.yaml` and `rollout-strategy` load 7B and more from "
        "`hf://` or `s3://` at each start",
        "kserve-mode": "`fluid` twice, `storage/hf`: without the annotation the install decides how a Llama is served",
        "kserve-default-limits": "`rollout-strategy`: the model has no resources, and the runtime's are 1 CPU and 2Gi",
        "ended-torchserve": "`batcher/`: format `pytorch` without a runtime",
        "no-digest": "`fluid/fluid-isvc.yaml` serves a folder of a claim that names no digest",
        "restricted-pod": "`fluid/`: neither service nor runtime writes a security context",
        "writable-root": "the same container may write to its image",
        "service-account-token": "Llama services of `fluid`, `storage/hf`, `rollout-strategy`: no engine asks the API",
        "service-links": "`rollout-strategy` in mode Standard: a Service named vllm or ray would set "
        "variables of theirs",
    },
    "KServe serving runtimes": {
        "moving-image": "`kubectl apply -k` gives seven of twelve runtimes the tag `latest`, huggingfaceserver's "
        "among them; the chart fills in its own version",
        "below-floor": "Triton 23.05, older than its fixes of 2026; `latest-gpu` of huggingfaceserver, twice, moves "
        "and tells no version",
        "ended-torchserve": "`kserve-torchserve` is TorchServe 0.9.0, which nobody mends",
        "shared-memory": "huggingfaceserver mounts memory at /dev/shm without a size beside a memory limit of 2Gi",
    },
    "KServe presets of LLMInferenceService": {},
    "KubeRay samples": {
        "below-floor": "Ray 2.46.0, and `nightly` in one: who reaches its port runs jobs, whatever the cluster is for; "
        "two samples (`auth`, `tls`) put something before it, of the same version",
        "restricted-pod": "no security context on head or workers of the three RayServices that serve an LLM",
        "service-account-token": "the same pods; Ray asks the API only where it scales itself, which these do not",
        "service-links": "the same pods, with vLLM inside: a Service named vllm would end it",
        "writable-root": "the same pods",
        "gpu-resources": "GPU workers without a request for ephemeral-storage, where the weights are downloaded to",
        "shared-memory": "`vllm-tpu`: memory at /dev/shm without a size, in head and workers",
    },
}

# (what was told falsely, what the rule does since)
MENDED = (
    (
        "classifiers were taken for language models, with all that follows: flowers, MNIST, CIFAR-10 and the like in "
        "KServe's formats tensorflow, pytorch and onnx, in Triton, in containers of the user's own",
        "those formats are classical; Triton and own containers count with a GPU or a sign of their own only",
    ),
    ("`spec.default.predictor` of v1alpha2 hid a classical format", "it is read there too"),
    ("`model` of a TrainedModel was taken for a container with an empty image", "a TrainedModel has no pods"),
    (
        "a TrainedModel was refused for ModelMesh's end, which it is no part of",
        "the message gives KServe's own deprecation, and that no shipped runtime would take it",
    ),
    ("the placeholder `$VLLM_IMAGE` was said to have no tag", "undecided until it is filled in"),
)
