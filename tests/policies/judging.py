"""Runs the pack's policies on manifests through the SDK's own analyzer, as the engine calls it. Imports pulumi_policy.

What arrives at a rule here is what arrives in a real run: floats for numbers, proxies for mappings, sentinels for
unknowns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2 as pb
from pulumi_policy import EnforcementLevel, Policy
from pulumi_policy.policy import _PolicyAnalyzerServicer
from pulumi_policy.proxy import UNKNOWN_ARRAY_VALUE, UNKNOWN_STRING_VALUE

from policies.pack import NAME, POLICIES
from policies.rules import RULES, TOPICS

Manifest = dict[str, Any]
UNKNOWN, UNKNOWN_LIST = UNKNOWN_STRING_VALUE, UNKNOWN_ARRAY_VALUE
RESOURCE, STACK = "llm-resource", "llm-stack"


class Judgement(NamedTuple):
    """One diagnostic: which policy, whether it stops the run, about which resource, and the text."""

    policy: str
    mandatory: bool
    urn: str
    message: str


def judge(
    *manifests: Manifest, config: Mapping[str, Any] | None = None, written_for: str | None = None
) -> list[Judgement]:
    """Everything the pack says of a stack with these objects: each alone, then together.

    `config` is written for all policies, or for the one that `written_for` names.
    """
    analyzer = _analyzer(config or {}, written_for)
    alone = [_judgement(item, urn(manifest)) for manifest in manifests for item in _analyze(analyzer, manifest)]
    together = _analyze_stack(analyzer, *manifests)
    return alone + [_judgement(item, item.urn) for item in together]


def violations(*manifests: Manifest, config: Mapping[str, Any] | None = None) -> list[str]:
    """The texts of what would stop the run."""
    return [item.message for item in judge(*manifests, config=config) if item.mandatory]


def only(*manifests: Manifest, config: Mapping[str, Any] | None = None) -> str:
    """The text of the one violation there is."""
    found = violations(*manifests, config=config)
    assert len(found) == 1, found
    return found[0]


class Topic(NamedTuple):
    """The above, as far as the rules of one topic go: what a test is about, and not what else its stack lacks."""

    judge: Callable[..., list[Judgement]]
    violations: Callable[..., list[str]]
    only: Callable[..., str]


def topic(*names: str) -> Topic:
    wanted = {rule.name for name in names for rule in TOPICS[name]}
    off = {rule.name: "disabled" for rule in RULES if rule.name not in wanted}

    def told(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*manifests: Manifest, config: Mapping[str, Any] | None = None) -> Any:
            return function(*manifests, config={**(config or {}), "levels": off})

        return run

    return Topic(told(judge), told(violations), told(only))


def token(manifest: Manifest) -> str:
    version = manifest["apiVersion"]
    return f"kubernetes:{version if '/' in version else 'core/' + version}:{manifest['kind']}"


def name(manifest: Manifest) -> str:
    return str(manifest.get("metadata", {}).get("name", "unnamed"))


def urn(manifest: Manifest) -> str:
    """No two objects of a stack have one."""
    namespace = manifest.get("metadata", {}).get("namespace", "")
    return f"urn:pulumi:dev::strangers::{token(manifest)}::{namespace}/{name(manifest)}"


def _analyzer(config: Mapping[str, Any], written_for: str | None = None) -> _PolicyAnalyzerServicer:
    analyzer = _PolicyAnalyzerServicer(NAME, "0.0.0", list(POLICIES), EnforcementLevel.ADVISORY)
    settings = {
        policy.name: pb.PolicyConfig(
            enforcementLevel=_level(policy),
            properties=_struct(config if written_for in (None, policy.name) else {}),
        )
        for policy in POLICIES
    }
    if config:
        analyzer.Configure(pb.ConfigureAnalyzerRequest(policyConfig=settings), None)
    return analyzer


def _level(policy: Policy) -> pb.EnforcementLevel:
    return pb.ADVISORY if policy.enforcement_level == EnforcementLevel.ADVISORY else pb.MANDATORY


def _analyze(analyzer: _PolicyAnalyzerServicer, manifest: Manifest) -> Sequence[pb.AnalyzeDiagnostic]:
    request = pb.AnalyzeRequest(
        type=token(manifest), properties=_struct(manifest), urn=urn(manifest), name=name(manifest)
    )
    return list(analyzer.Analyze(request, None).diagnostics)


def _analyze_stack(analyzer: _PolicyAnalyzerServicer, *manifests: Manifest) -> Sequence[pb.AnalyzeDiagnostic]:
    resources = [
        pb.AnalyzerResource(type=token(manifest), properties=_struct(manifest), urn=urn(manifest), name=name(manifest))
        for manifest in manifests
    ]
    return list(analyzer.AnalyzeStack(pb.AnalyzeStackRequest(resources=resources), None).diagnostics)


def _judgement(item: pb.AnalyzeDiagnostic, about: str) -> Judgement:
    return Judgement(item.policyName, item.enforcementLevel == pb.MANDATORY, about, item.message)


def _struct(value: Mapping[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(dict(value), struct_pb2.Struct())
