"""What has ended. Imports the manifests' builders."""

from __future__ import annotations

from tests.policies.examples.example import Example
from tests.policies.written import container, inference_service, metadata, template, workload

YATAI = {"apiVersion": "serving.yatai.ai/v2alpha1", "kind": "BentoDeployment", "metadata": metadata("iris"), "spec": {}}
MODE = "serving.kserve.io/deploymentMode"

EXAMPLES = {
    "ended-yatai": Example(
        (YATAI,),
        "it is a resource of Yatai, serving.yatai.ai/v2alpha1",
        (workload("iris", template(container("registry.corp/iris:1.0.0"))),),
    ),
    "ended-modelmesh": Example(
        (inference_service(annotations={MODE: "ModelMesh"}),),
        f"annotation {MODE} is ModelMesh",
        (inference_service(annotations={MODE: "Standard"}),),
    ),
    "ended-torchserve": Example(
        (workload("bert", template(container("pytorch/torchserve:0.12.0-cpu"))),),
        "container engine runs image pytorch/torchserve:0.12.0-cpu",
        (workload("bert", template(container("nvcr.io/nvidia/tritonserver:26.07-py3"))),),
    ),
    "ended-tgi": Example(
        (workload(pod=template(container("ghcr.io/huggingface/text-generation-inference:3.3.7"))),),
        "container engine runs text-generation-inference",
        (workload(),),
    ),
}
