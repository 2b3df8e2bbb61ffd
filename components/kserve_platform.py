"""KServe itself, once a stack: is it there, and can it do what is asked. Wires only; what is judged is pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import pulumi

from components import kubernetes
from components.checks import refuse
from components.existing import Existing
from substrate.facts.kserve import NEWEST, OLDEST, shown, supported
from substrate.manifests import kserve, kserve_install
from substrate.plan import KServePlatformPlan

KSERVE = "KServe"
DEFINITION = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"
RELEASE = "kubernetes:helm.sh/v3:Release"
FEATURES = "knative-serving/config-features"
KNATIVE_FEATURES = (
    "kubernetes.podspec-nodeselector",
    "kubernetes.podspec-persistent-volume-claim",
    "kubernetes.podspec-securitycontext",
    "kubernetes.podspec-tolerations",
)


class KServePlatform(pulumi.ComponentResource):
    """What a stack expects of KServe (definitions, the controllers' versions, Knative's switches), and its runtimes.

    With `install` KServe's charts are released first, and only what they need is expected.
    Outputs: `runtime_names`, `autoscalers` (the classes that the stack's models are scaled by).
    """

    runtime_names: list[str]
    autoscalers: list[str]

    def __init__(self, name: str, args: KServePlatformPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("substrate:index:KServePlatform", name, kubernetes.properties(args), opts)
        child = kubernetes.children(self, opts)
        needs = expected(args, child)
        for inputs in kserve_install.releases(args.namespace, args.install) if args.install else ():
            needs.append(release(inputs, kubernetes.after(child, *needs)))
        checked = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=needs))
        for runtime in args.runtimes:
            kubernetes.create(kserve.serving_runtime(runtime), checked)
        if args.knative:
            kubernetes.create(kserve.reference_grant(args.knative, args.teams), child)
        self.runtime_names = [runtime.name for runtime in args.runtimes]
        self.autoscalers = kserve_install.autoscalers(args)
        self.register_outputs({"runtimeNames": self.runtime_names, "autoscalers": self.autoscalers})


def expected(args: KServePlatformPlan, child: pulumi.ResourceOptions) -> list[Any]:
    """Everything that must be there already, and last of all the word that it can do what is asked."""
    definitions = {name: Existing(DEFINITION, name, KSERVE, child) for name in kserve_install.checked(args)}
    managers = {
        kind: Existing("kubernetes:apps/v1:Deployment", f"{args.namespace}/{name}", KSERVE, child)
        for kind, name in kserve_install.controllers(args).items()
    }
    features = {"features": Existing("kubernetes:core/v1:ConfigMap", FEATURES, KSERVE, child)} if args.knative else {}
    there = {**definitions, **managers, **features}
    states = {key: each.data if key in features else each.spec for key, each in there.items()}
    (first, *_) = there.values()
    # Judged one by one: `all` would make an output of every value in a definition, tens of thousands.
    judged = (state.apply(partial(problems, key)) for key, state in states.items())
    verified = pulumi.Output.all(*judged).apply(refuse).apply(lambda _: first)
    return [*there.values(), verified]


def release(inputs: Mapping[str, Any], opts: pulumi.ResourceOptions) -> pulumi.CustomResource:
    """A chart of Helm's, which the provider installs and upgrades itself; there need be no `helm`."""
    pinned = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(version=kubernetes.PROVIDER_VERSION))
    return pulumi.CustomResource(RELEASE, f"{inputs['namespace']}/{inputs['name']}", dict(inputs), pinned)


def problems(what: str, state: Mapping[str, Any] | None) -> list[str]:
    """What is wrong with one of the things expected, by what it is."""
    if what in kserve_install.CONTROLLERS:
        return version_problem(state or {})
    if what == kserve_install.LLM:
        return kserve_install.version_not_served(state or {})
    return feature_problems(state or {}) if what == "features" else []


def version_problem(controller: Mapping[str, Any]) -> list[str]:
    """A controller that is older than `Standard` or newer than what was tested; one without a tag passes."""
    containers = controller.get("template", {}).get("spec", {}).get("containers", [])
    tag = next((re.search(r":v?(\d+)\.(\d+)", each.get("image", "")) for each in containers), None)
    if tag is None:
        return []
    version = (int(tag[1]), int(tag[2]))
    if supported(version):
        return []
    return [
        f"KServe {version[0]}.{version[1]} is installed; this version of Substrate works with {shown(OLDEST)} to "
        f"{shown(NEWEST)}.\n  fix: install KServe {shown(NEWEST)}, or use `foundation: plain`"
    ]


def feature_problems(features: Mapping[str, str]) -> list[str]:
    """Knative admits parts of a pod only where its feature switches say so."""
    off = [name for name in KNATIVE_FEATURES if features.get(name, "disabled").lower() not in ("enabled", "allowed")]
    if not off:
        return []
    patch = json.dumps({"data": dict.fromkeys(off, "enabled")})
    namespace, name = FEATURES.split("/")
    return [
        f"Knative Serving refuses what our pods need: {', '.join(off)} (ConfigMap {FEATURES}).\n"
        f"  fix: kubectl patch configmap {name} -n {namespace} --type merge -p '{patch}'"
    ]
