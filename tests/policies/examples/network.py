"""Who reaches a model server. Imports the manifests' builders."""

from __future__ import annotations

from tests.policies.examples.example import Example
from tests.policies.written import container, namespace, network_policy, route, service, template, workload

TO_A = {"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "gateways"}}}]}
KEYED = template(
    container(
        env=[
            {"name": "HF_HUB_OFFLINE", "value": "1"},
            {"name": "VLLM_API_KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "vllm"}}},
        ]
    )
)
NONE = {"substrate.dev/network-policies": "none"}
OPEN = {"substrate.dev/authenticated-by": "nobody"}

EXAMPLES = {
    "public-service": Example(
        (workload(pod=KEYED), service(type="LoadBalancer")),
        "spec.type is LoadBalancer, for any address, and it leads to Deployment ml/llama, a language model",
        (workload(pod=KEYED), service()),
    ),
    "internal-port-published": Example(
        (workload(), service(ports=[{"name": "zmq", "port": 55555}])),
        "spec.ports publishes 55555, ZMQ of vLLM's caches, of Deployment ml/llama",
        (workload(), service()),
    ),
    "default-deny": Example(
        (workload(), namespace()),
        "no NetworkPolicy there closes Ingress and Egress",
        (workload(), network_policy(), namespace()),
    ),
    "no-network-policies": Example(
        (workload(), namespace(annotations=NONE)),
        "annotation substrate.dev/network-policies is none",
        (workload(), network_policy(), namespace()),
    ),
    "allows-everything": Example(
        (workload(), network_policy("open", ingress=[{}])),
        "spec.ingress[0] lets everything through, for Deployment ml/llama",
        (workload(), network_policy("gateway", ingress=[TO_A])),
    ),
    "open-api": Example(
        (workload(), service(), route(annotations={})),
        "it leads to Deployment ml/llama, a language model",
        (workload(), service(), route()),
    ),
    "open-api-by-name": Example(
        (workload(), service(), route(annotations=OPEN)),
        "annotation substrate.dev/authenticated-by is nobody",
        (workload(pod=KEYED), service(), route(annotations=OPEN)),
    ),
}
