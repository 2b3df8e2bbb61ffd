"""What KServe can do with a model, and what it would silently ignore. Imports the catalogue's types and resolvers."""

from __future__ import annotations

from collections.abc import Iterator

from substrate.catalog import resolve
from substrate.catalog.codes import Code
from substrate.catalog.diagnostics import Diagnostic
from substrate.catalog.locate import Locator
from substrate.catalog.model import Catalog, KServe
from substrate.catalog.rules.capacity import written
from substrate.catalog.types import DeploymentMode, EngineName, Foundation
from substrate.facts.kserve import PREDICTOR, TRANSFORMER

RUNTIMES = (EngineName.VLLM, EngineName.LLAMA_CPP, EngineName.TRITON)
# KServe makes objects, a label and a host out of a service's name; seen with its controller 0.19.
_SERVICE = "-kserve"
_LONGEST_LABEL = 48  # isvc.<service>-predictor
_LONGEST_HOST = 52  # <service>-predictor-<namespace>, made even where there is no ingress
_LONGEST_KNATIVE = 63 - len("-predictor-00001-deployment")


def settings_have_an_effect(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """A block that nothing reads looks like a setting and is none."""
    for name, model in catalog.models.items():
        foundation = resolve.foundation_of(catalog, name)
        if model.kserve is not None and foundation is not Foundation.KSERVE:
            path = ("models", name, "kserve")
            yield where.report(
                Code.SETTINGS_WITHOUT_EFFECT,
                path,
                f"`kserve` has no effect on model `{name}`, which runs on {foundation}",
                at=where.key(path),
                help="write `foundation: kserve`, or remove the block",
                also=[(written(where, name, "foundation"), f"it runs on {foundation}")],
            )


def canary_needs_revisions(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """In Standard mode KServe ignores the percentage without a word (kserve#5335), and all requests move at once."""
    for name, model in catalog.models.items():
        if model.kserve is None or model.kserve.canary_traffic_percent is None:
            continue
        if model.kserve.mode is DeploymentMode.STANDARD:
            yield where.report(
                Code.CANARY_IN_STANDARD,
                ("models", name, "kserve", "canaryTrafficPercent"),
                f"model `{name}` runs in Standard mode, where KServe ignores canaryTrafficPercent",
                notes=["only Knative keeps the revision before and splits the requests between the two"],
                help="write `mode: Knative`; or serve the new weights as a model of their own and move clients by URL",
            )


def knative_is_reached(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Its revisions, canaries and activator stand behind Knative's own gateway: past it, all of that is bypassed."""
    if "cluster" not in catalog.model_fields_set or catalog.cluster.knative_gateway:
        return
    for name, model in catalog.models.items():
        knative = model.kserve is not None and model.kserve.mode is DeploymentMode.KNATIVE
        if knative and resolve.foundation_of(catalog, name) is Foundation.KSERVE:
            yield where.report(
                Code.KNATIVE_GATEWAY_MISSING,
                ("models", name, "kserve", "mode"),
                f"model `{name}` runs in Knative mode, and the cluster names no `knativeGateway` to reach it by",
                help="write `knativeGateway: {service: kourier-internal, namespace: kourier-system}` under "
                "substrate:cluster, with what your Knative's network layer is called",
                also=[(("cluster",), "the cluster")],
            )
            return


def engine_has_a_runtime(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """A ServingRuntime is shipped for each of these engines and for no other."""
    for name, model in catalog.models.items():
        if resolve.foundation_of(catalog, name) is not Foundation.KSERVE or model.pool not in catalog.pools:
            continue
        engine = resolve.engine_of(catalog, name)
        if engine not in (*RUNTIMES, EngineName.BENTOML):  # rules.bento speaks of that one
            able = " or ".join(f"`engine: {each}`" for each in RUNTIMES)
            yield where.report(
                Code.ENGINE_NOT_ON_FOUNDATION,
                written(where, name, "engine"),
                f"foundation kserve has no runtime for engine {engine}, which model `{name}` asks for",
                help=f"write {able}, or another foundation",
                also=[(written(where, name, "foundation"), "it runs on kserve")],
            )


def one_port_in_knative(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Knative's pods have one port and no field of their own as a variable; Triton's server needs more."""
    for name, model in catalog.models.items():
        knative = model.kserve is not None and model.kserve.mode is DeploymentMode.KNATIVE
        if knative and model.pool in catalog.pools and resolve.engine_of(catalog, name) is EngineName.TRITON:
            yield where.report(
                Code.ENGINE_NOT_ON_FOUNDATION,
                ("models", name, "kserve", "mode"),
                f"model `{name}` is Triton's, and Knative's pods have one port where it answers HTTP and gRPC",
                help="write `mode: Standard`, or `foundation: triton`",
            )


def name_leaves_room(catalog: Catalog, where: Locator) -> Iterator[Diagnostic]:
    """Beyond it KServe makes nothing and says so in a status only, long after the weights were staged."""
    for name, models in resolve.servers_of(catalog).items():
        first = next((model for model in models if model in catalog.models), None)
        if first is None or resolve.foundation_of(catalog, first) is not Foundation.KSERVE:
            continue
        settings = catalog.models[first].kserve or KServe()
        mode = settings.mode
        longer = len(TRANSFORMER) - len(PREDICTOR) if settings.transformer else 0
        room = _room(mode, _namespace(catalog, first)) - len(_SERVICE) - longer
        if len(name) > room:
            path = ("servers" if name in catalog.servers else "models", name)
            yield where.report(
                Code.NAME_TOO_LONG_FOR_FOUNDATION,
                path,
                f"the name `{name}` has {len(name)} characters, KServe in {mode} mode leaves {room}",
                at=where.key(path),
                notes=["KServe names objects, a label and a host after it and its namespace: 63 characters in all"],
                help="shorten it, and keep what clients see with `servedName`",
            )


def _room(mode: DeploymentMode, namespace: str) -> int:
    """The longest name of an InferenceService."""
    standard = min(_LONGEST_LABEL, _LONGEST_HOST - len(namespace))
    return min(standard, _LONGEST_KNATIVE) if mode is DeploymentMode.KNATIVE else standard


def _namespace(catalog: Catalog, name: str) -> str:
    team = resolve.team_or_none(catalog, name)
    return (catalog.teams[team].namespace or team) if team in catalog.teams else ""
