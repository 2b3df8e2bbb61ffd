"""Which options are not free: what the plan sets itself, and what changes security. Imports the engines' names only.

By engine and by an option's longest name; an alias counts as the option. tests/plan and tests/catalog hold these tables
against the lists, so that a name that a release drops, or a new one that looks dangerous, is noticed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from substrate.facts.engines import LLAMA_CPP, OLLAMA, TGI, VLLM

TRUST_REMOTE_CODE = "trust-remote-code"


@dataclass(frozen=True, slots=True)
class Reserved:
    """What of an engine's options is taken.

    `keys`: option -> the catalogue's key that sets it. `plan`: option -> why the plan alone sets it. `unsafe`: option
    -> what it opens. `permissions`: option -> the permission that a model needs for it. `files`: options that name a
    file or a repository, which must be one of the set's.
    """

    keys: Mapping[str, str] = field(default_factory=dict)
    plan: Mapping[str, str] = field(default_factory=dict)
    unsafe: Mapping[str, str] = field(default_factory=dict)
    permissions: Mapping[str, str] = field(default_factory=dict)
    files: frozenset[str] = frozenset()


def _each(why: str, *names: str) -> dict[str, str]:
    return dict.fromkeys(names, why)


_ADDRESS = "the Service, the probes and the route rest on it"
_FIT = "the check whether the model fits rests on it"
_ONE_POD = "a replica is one pod with the `gpus` of one node"
_ONE_MODEL = "this server holds the one model that was staged for it"
_ENDS = "the program prints something and ends instead of serving"
_SCRATCH = "caches lie on the pod's scratch volume"

_DOWNLOAD = "it fetches at pod start what nobody verified; weights are staged, and the pods have no way out"
_SECRET = "a secret among arguments can be read by all who may read pods"
_TLS = "the gateway ends TLS, and the probes speak plain HTTP"
_ORIGINS = "it decides which web pages may call the model, which is the gateway's to decide"
_CODE = "it names code that the server imports and runs"
_CLIENT = "it lets every client decide what the server runs or spends"
_FILES = "it lets clients read or write files of the server"
_REMOTE = "it hands requests, or the machine itself, to another server"

RESERVED: dict[str, Reserved] = {
    VLLM: Reserved(
        keys={
            "--model": "weights",
            "--served-model-name": "servedName",
            "--max-model-len": "context",
            "--max-num-seqs": "parallel",
            "--max-num-active-seqs": "parallel",
            "--max-num-queued-reqs": "parallel",
            "--tensor-parallel-size": "gpus",
        },
        plan={
            **_each(_ADDRESS, "--host", "--port", "--uds", "--root-path", "--grpc", "--grpc-port"),
            **_each(
                _FIT, "--device-memory-utilization", "--kv-cache-memory-bytes",
                "--num-gpu-blocks-override",
            ),
            **_each("it follows from what the pool's accelerator can compute", "--dtype"),
            **_each("the pod's grace period is computed from it", "--shutdown-timeout"),
            **_each("scaling and dashboards read the metrics", "--disable-log-stats"),
            **_each("a file could set what the plan sets, unseen", "--config"),
            **_each(
                _ONE_POD, "--pipeline-parallel-size", "--data-parallel-size", "--data-parallel-rank",
                "--data-parallel-start-rank", "--data-parallel-size-local", "--data-parallel-address",
                "--data-parallel-rpc-port", "--data-parallel-backend", "--data-parallel-hybrid-lb",
                "--data-parallel-external-lb", "--data-parallel-multi-port-external-lb",
                "--data-parallel-supervisor-port", "--prefill-context-parallel-size", "--nnodes", "--node-rank",
                "--master-addr", "--master-port", "--headless", "--device-ids", "--enable-elastic-ep",
            ),
            **_each(_SCRATCH, "--download-dir"),
            **_each(_ENDS, "--help"),
        },
        unsafe={
            **_each(_DOWNLOAD, "--revision", "--code-revision", "--tokenizer-revision"),
            **_each(_SECRET, "--api-key", "--hf-token"),
            **_each(
                _TLS, "--ssl-keyfile", "--ssl-certfile", "--ssl-ca-certs", "--ssl-cert-reqs", "--ssl-ciphers",
                "--enable-ssl-refresh",
            ),
            **_each(_ORIGINS, "--allowed-origins", "--allowed-methods", "--allowed-headers", "--allow-credentials"),
            **_each(
                _CODE, "--middleware", "--tool-parser-plugin", "--reasoning-parser-plugin", "--io-processor-plugin",
                "--logits-processors", "--worker-cls", "--worker-extension-cls", "--scheduler-cls",
                "--model-class-overrides", "--log-config-file", "--logging-config",
            ),
            **_each(
                _CLIENT, "--trust-request-chat-template", "--trust-request-mm-kwargs", "--enable-prompt-embeds",
                "--enable-mm-embeds",
            ),
            **_each(
                _FILES, "--allowed-local-media-path", "--profiler-config", "--mm-encoder-fp8-scale-save-path",
            ),
            **_each(_REMOTE, "--tool-server", "--weight-transfer-config", "--kv-events-config"),
        },
        permissions={"--trust-remote-code": TRUST_REMOTE_CODE},
        files=frozenset(
            {"--tokenizer", "--hf-config-path", "--chat-template", "--generation-config", "--lora-modules",
             "--spec-model", "--default-mm-loras", "--mm-encoder-fp8-scale-path"}
        ),
    ),
    LLAMA_CPP: Reserved(
        keys={
            "--model": "weights",
            "--alias": "servedName",
            "--ctx-size": "context",
            "--kv-unified-per-slot": "context",
            "--parallel": "parallel",
            "--kv-unified": "parallel",
            "--threads": "cpus",
        },
        plan={
            **_each(_ADDRESS, "--host", "--port", "--reuse-port", "--path", "--api-prefix"),
            **_each("it follows from the pool", "--n-gpu-layers"),
            **_each("the pod's memory is computed with it", "--cache-ram"),
            **_each("scaling and dashboards read the metrics", "--metrics"),
            **_each("the drain before a pod ends reads them", "--slots"),
            **_each("a model's URL is an API, and no page is served beside it", "--webui", "--webui-config"),
            **_each("nothing may be fetched", "--offline"),
            **_each(_ONE_MODEL, "--models-dir", "--models-preset", "--models-max", "--models-autoload"),
            **_each(_ENDS, "--usage", "--version", "--cache-list", "--completion-bash", "--list-devices"),
        },
        unsafe={
            **_each(
                _DOWNLOAD, "--hf-repo", "--hf-file", "--model-url", "--docker-repo", "--mmproj-url", "--mmproj-auto",
                "--hf-repo-draft", "--embd-gemma-default", "--fim-qwen-1.5b-default", "--fim-qwen-3b-default",
                "--fim-qwen-7b-default", "--fim-qwen-7b-spec", "--fim-qwen-14b-spec", "--fim-qwen-30b-default",
                "--gpt-oss-20b-default", "--gpt-oss-120b-default", "--vision-gemma-4b-default",
                "--vision-gemma-12b-default",
            ),
            **_each(_SECRET, "--api-key", "--api-key-file", "--hf-token"),
            **_each(_TLS, "--ssl-key-file", "--ssl-cert-file"),
            **_each(_ORIGINS, "--cors-origins", "--cors-methods", "--cors-headers", "--cors-credentials"),
            **_each(_CODE, "--video-ffmpeg-dir"),
            **_each(
                _CLIENT, "--tools", "--tools-runtime", "--agent", "--mcp-servers-config", "--mcp-servers-json",
                "--webui-mcp-proxy", "--props",
            ),
            **_each(_FILES, "--slot-save-path", "--media-path", "--log-file", "--log-prompts-dir"),
            **_each(_REMOTE, "--rpc"),
        },
        files=frozenset(
            {"--lora", "--lora-scaled", "--control-vector", "--control-vector-scaled", "--mmproj", "--model-draft",
             "--grammar-file", "--json-schema-file", "--chat-template-file", "--lookup-cache-static",
             "--lookup-cache-dynamic", "--webui-config-file"}
        ),
    ),
    TGI: Reserved(
        keys={
            "--model-id": "weights",
            "--max-total-tokens": "context",
            "--max-input-tokens": "context",
            "--max-input-length": "context",
            "--max-concurrent-requests": "parallel",
            "--max-batch-size": "parallel",
            "--num-shard": "gpus",
            "--sharded": "gpus",
        },
        plan={
            **_each(_ADDRESS, "--hostname", "--port", "--prometheus-port"),
            **_each(_FIT, "--cuda-memory-fraction"),
            **_each("the pod's grace period is computed from it", "--graceful-termination-timeout"),
            **_each("what a model is asked is nobody else's to count", "--usage-stats"),
            **_each(_ONE_POD, "--master-addr", "--master-port"),
            **_each(_SCRATCH, "--huggingface-hub-cache", "--weights-cache-override", "--shard-uds-path"),
            **_each(_ENDS, "--help", "--version", "--env"),
        },
        unsafe={
            **_each(_DOWNLOAD, "--revision"),
            **_each(_SECRET, "--api-key", "--ngrok-authtoken"),
            **_each(_ORIGINS, "--cors-allow-origin"),
            **_each("it opens a tunnel from the internet past the gateway", "--ngrok", "--ngrok-edge"),
        },
        permissions={"--trust-remote-code": TRUST_REMOTE_CODE},
        files=frozenset({"--tokenizer-config-path", "--lora-adapters"}),
    ),
    OLLAMA: Reserved(plan=_each(_ENDS, "--help")),
}  # fmt: skip

# Not in an option's name but in its value: keys of a JSON argument that do what a refused option does.
SMUGGLED = frozenset(
    {"trust_remote_code", "plugin", "module_path", "worker_cls", "_processors", "custom_class", "hf_token", "api_key"}
)
# A URL in a value is fetched at start, where it is not the address of a collector.
COLLECTORS = frozenset({"--otlp-traces-endpoint", "--otlp-endpoint"})
# The fit check counts keys and values in 16 bit.
TOO_WIDE = {LLAMA_CPP: {"--cache-type-k": ("f32",), "--cache-type-v": ("f32",)}}
