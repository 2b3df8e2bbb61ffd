"""Nothing is built on a way to serve that has ended: Yatai, ModelMesh, TorchServe, TGI. Imports rule and resources."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from policies.cel import INFERENCE_SERVICE, WITH_PODS, Resource, Validation, listed, quoted
from policies.images_in_cel import serves_on
from policies.resources.objects import KubernetesObject
from policies.resources.plain import dig, known, mapping, text
from policies.resources.pods import KSERVE_GROUP, Container
from policies.resources.subject import Subject
from policies.resources.workloads import engine_of_image, server_command
from policies.rule import Flaw, Level, Severity, rule

YATAI_GROUPS = ("serving.yatai.ai", "resources.yatai.ai")
MODELMESH = "ModelMesh"
MODE = "serving.kserve.io/deploymentMode"
# Kinds of KServe's group that ModelMesh's controller alone acts on, or that KServe itself takes away with it.
_TRAINED_MODEL = "TrainedModel"
_MODELMESH_KINDS = (_TRAINED_MODEL, "Predictor")
_RUNTIMES = ("ServingRuntime", "ClusterServingRuntime")

WHY_YATAI = (
    "Yatai has had no release since 2024-05, serves no bento of BentoML 1.2 or newer, and its autoscaler's API was "
    "removed from Kubernetes in 1.26: nothing acts on this resource"
)
FIX_YATAI = (
    "make a Deployment of the image that `bentoml containerize` makes (port 3000, probes /readyz and /livez); in a "
    "stack of Substrate that is `foundation: bentoml`"
)
WHY_MODELMESH = (
    "ModelMesh was archived in 2026-04 and gets no fixes, and KServe's controller passes over what is meant for it "
    "without a word: the model would never answer"
)
# KServe still has a controller for it, which only fills a file for a server that nothing would start (0.19).
WHY_TRAINED_MODEL = (
    "KServe deprecates TrainedModel (its ROADMAP.md), and none of the runtimes that it ships is one for several "
    "models: the InferenceService that should hold it finds no runtime, and the model would never answer"
)
FIX_MODELMESH = (
    "serve several models from one Triton server (`foundation: triton`), or give each an InferenceService with "
    f"{MODE}: Standard"
)
PYTORCH, TGI = "pytorch", "tgi"
WHY_TORCHSERVE = (
    "TorchServe is archived: nobody mends what is found in it, its management port takes models, so code, from whoever "
    "reaches it, and KServe takes it for the format pytorch without being asked"
)
FIX_TORCHSERVE = (
    "serve a language model with vLLM (KServe's format huggingface), any other PyTorch model exported to ONNX or "
    "TorchScript with Triton (`runtime: kserve-tritonserver`; in a stack of Substrate `foundation: triton`)"
)
WHY_TGI = (
    "text-generation-inference was archived on 2026-03-21 after its last release 3.3.7: what is found in it now stays, "
    "and new models are not taken up"
)
FIX_TGI = "move to vLLM (in a stack of Substrate `engine: vllm`), which serves the same files and OpenAI's API"


_YATAI_CEL = Validation(
    tuple(Resource(group, "*", "", "*") for group in YATAI_GROUPS), "false", "it is a resource of Yatai", FIX_YATAI
)
_MODELMESH_CEL = Validation(
    (Resource(KSERVE_GROUP, "*", "", "*"),),
    f"!(object.kind in {listed(_MODELMESH_KINDS)})"
    f" && !(object.kind in {listed(_RUNTIMES)} && object.?spec.?multiModel.orValue(false))"
    f" && variables.annotations[?{quoted(MODE)}].orValue('') != {quoted(MODELMESH)}",
    "it is for ModelMesh, by its kind, its multiModel: true or its annotation",
    FIX_MODELMESH,
)


def _no_image(ended: str) -> str:
    """CEL: no container runs an image of which this is true."""
    return f"!variables.containers.map(container, container.?image.orValue('')).exists(image, {ended})"


_PREDICTOR = "object.?spec.?predictor"
_TORCHSERVE_CEL = (
    Validation(
        WITH_PODS,
        _no_image(f"image.matches({quoted('^([^@]*/)?(?i:torchserve)[^/@]*(/[^/@]*)?(@.*)?$')})"),
        "a container runs an image of TorchServe",
        FIX_TORCHSERVE,
    ),
    Validation(
        (INFERENCE_SERVICE,),
        f"!{_PREDICTOR}.?{PYTORCH}.hasValue()"
        f" && !{_PREDICTOR}.?model.?runtime.orValue('').contains('torchserve')"
        f" && !({_PREDICTOR}.?model.?modelFormat.?name.orValue('') == {quoted(PYTORCH)}"
        f" && {_PREDICTOR}.?model.?runtime.orValue('') == '')",
        "its format is pytorch without another runtime, or its runtime is TorchServe",
        FIX_TORCHSERVE,
    ),
)
_TGI_CEL = Validation(
    WITH_PODS, _no_image(serves_on(TGI)), "a container runs an image of text-generation-inference", FIX_TGI
)


@rule("ended-yatai", Severity.HIGH, WHY_YATAI, "https://github.com/bentoml/Yatai", cel=(_YATAI_CEL,))
def ended_yatai(subject: Subject) -> Iterator[Flaw]:
    if subject.obj.group in YATAI_GROUPS:
        yield Flaw(f"it is a resource of Yatai, {subject.obj.api_version}", FIX_YATAI)


@rule(
    "ended-modelmesh",
    Severity.HIGH,
    WHY_MODELMESH,
    "https://github.com/kserve/modelmesh-serving",
    cel=(_MODELMESH_CEL,),
)
def ended_modelmesh(subject: Subject) -> Iterator[Flaw]:
    if subject.obj.group == KSERVE_GROUP and (found := _of_modelmesh(subject.obj)):
        why = WHY_TRAINED_MODEL if subject.obj.kind == _TRAINED_MODEL else ""
        yield Flaw(found, FIX_MODELMESH, why)


@rule("ended-torchserve", Severity.HIGH, WHY_TORCHSERVE, "https://github.com/pytorch/serve", cel=_TORCHSERVE_CEL)
def ended_torchserve(subject: Subject) -> Iterator[Flaw]:
    if found := _torchserve_in_kserve(subject.obj):
        yield Flaw(found, FIX_TORCHSERVE)
    for pod in subject.pods:
        for container in pod.containers:
            if found := _torchserve(container):
                yield Flaw(found, FIX_TORCHSERVE)


@rule(
    "ended-tgi",
    Severity.MEDIUM,
    WHY_TGI,
    "https://github.com/huggingface/text-generation-inference",
    Level.ADVISORY,
    cel=(_TGI_CEL,),
)
def ended_tgi(subject: Subject) -> Iterator[Flaw]:
    """Advice, since it runs: what is there need not be moved today, and what is new should not begin with it."""
    for pod in subject.pods:
        for container in pod.containers:
            command = server_command(container.words)
            if engine_of_image(container.image or "") == TGI or (command and command[1] == TGI):
                yield Flaw(f"{container} runs text-generation-inference", FIX_TGI)


RULES = (ended_yatai, ended_modelmesh, ended_torchserve, ended_tgi)


def _torchserve_in_kserve(obj: KubernetesObject) -> str | None:
    """KServe's format `pytorch`, whose runtime is TorchServe unless another one is named."""
    if obj.group != KSERVE_GROUP or obj.kind != "InferenceService":
        return None
    predictor = mapping(obj.spec.get("predictor"))
    if PYTORCH in predictor:
        return f"spec.predictor.{PYTORCH} is served by TorchServe"
    runtime = text(dig(predictor, "model", "runtime"))
    if runtime and "torchserve" in runtime:
        return f"spec.predictor.model.runtime is {runtime}"
    if text(dig(predictor, "model", "modelFormat", "name")) == PYTORCH and not runtime:
        return f"spec.predictor.model.modelFormat is {PYTORCH}, which TorchServe serves where no runtime is named"
    return None


def _torchserve(container: Container) -> str | None:
    repository = (container.image or "").partition("@")[0].lower().split("/")
    if any(part.partition(":")[0].startswith("torchserve") for part in repository[-2:]):
        return f"{container} runs image {container.image}"
    first = container.words[:1] + [word for before, word in pairwise(container.words) if before in ("-c", ";", "&&")]
    return f"{container} runs `torchserve`" if any(word.rpartition("/")[2] == "torchserve" for word in first) else None


def _of_modelmesh(obj: KubernetesObject) -> str | None:
    """What makes an object of KServe's group one for ModelMesh, as the rest of a sentence."""
    if obj.kind == _TRAINED_MODEL:
        return "it is a TrainedModel, KServe's own way to put several models in one server"
    if obj.kind in _MODELMESH_KINDS:
        return f"{obj.kind} is a kind for {MODELMESH}"
    if obj.kind in _RUNTIMES and known(obj.spec.get("multiModel")) is True:
        return f"spec.multiModel is true, which makes it a runtime of {MODELMESH}"
    if text(obj.annotations.get(MODE)) == MODELMESH:
        return f"annotation {MODE} is {MODELMESH}"
    return None
