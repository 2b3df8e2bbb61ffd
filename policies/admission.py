"""The rules that the API server can judge, as ValidatingAdmissionPolicies with their bindings. Imports the rules.

    substrate policy --admission | kubectl apply --filename -

A pack binds only whoever passes its flag; these bind everybody. What only a stack shows, and what only the pack can
read (commands, evidence of a language model), stays the pack's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from policies.cel import Resource, Validation, listed, quoted, says
from policies.exemptions import PREFIX
from policies.images_in_cel import serves
from policies.resources.tier import HOT, MIN_REPLICAS, NAME_LABELS, TIER
from policies.resources.workloads import (
    DOMAIN,
    OTHER_MODEL,
    STAGER_LABEL,
    STAGER_VALUE,
    WORKLOAD_LABEL,
    WORKLOAD_VALUE,
)
from policies.rule import Level, Rule
from policies.settings import Settings

Manifest = dict[str, Any]
API = "admissionregistration.k8s.io/v1"
NAME_PREFIX = "substrate-"
# A cluster's own parts: to hold up their pods would take the cluster down.
NOT_JUDGED = ("kube-system", "kube-public", "kube-node-lease")
_ACTIONS = {Level.MANDATORY: ["Deny"], Level.ADVISORY: ["Warn", "Audit"]}
_USED = re.compile(r"variables\.(\w+)")

_TEMPLATE = "object.?spec.?template.or(object.?spec.?jobTemplate.?spec.?template)"
_JUDGED_WHERE_MADE = (
    "!object.metadata.?ownerReferences.orValue([])"
    ".exists(owner, owner.?controller.orValue(false) && owner.apiVersion in ['v1', 'apps/v1', 'batch/v1'])"
)
_CHANGED = (
    "request.operation == 'CREATE' || object.?spec != oldObject.?spec"
    " || object.metadata.?labels != oldObject.metadata.?labels"
)


def manifests(rules: Iterable[Rule], settings: Settings) -> list[Manifest]:
    """A policy and a binding for each rule with a part in CEL, by the settings' levels and parameters."""
    variables = _variables(settings)
    judged = [rule for rule in rules if rule.cel and settings.level(rule) != Level.DISABLED]
    return [made for rule in judged for made in (_policy(rule, variables), _binding(rule, settings.level(rule)))]


def render(rules: Iterable[Rule], settings: Settings) -> str:
    """The same as YAML."""
    import yaml

    return yaml.safe_dump_all(manifests(rules, settings), sort_keys=False, width=120)


def _policy(rule: Rule, variables: dict[str, str]) -> Manifest:
    validations = [_validation(rule, one) for one in rule.cel]
    used = _used(" ".join(one["expression"] for one in validations), variables)
    return {
        "apiVersion": API,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {
            "name": NAME_PREFIX + rule.name,
            "labels": {"app.kubernetes.io/part-of": "substrate"},
            "annotations": {
                f"{DOMAIN}/rule": rule.name,
                f"{DOMAIN}/severity": rule.severity.value,
                f"{DOMAIN}/why": rule.why,
                f"{DOMAIN}/link": rule.link,
            },
        },
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"matchPolicy": "Equivalent", "resourceRules": _resource_rules(rule)},
            "matchConditions": [
                {"name": "not-exempt", "expression": _not_exempt(rule)},
                # What is being deleted must go, and a controller's note on an old object changes nothing.
                {"name": "stays", "expression": "!has(object.metadata.deletionTimestamp)"},
                {"name": "changed", "expression": _CHANGED},
                # A Deployment is judged; its ReplicaSets and pods follow, also those of a time before this policy.
                {"name": "judged-where-made", "expression": _JUDGED_WHERE_MADE},
            ],
            "variables": [{"name": name, "expression": variables[name]} for name in variables if name in used],
            "validations": validations,
        },
    }


def _binding(rule: Rule, level: Level) -> Manifest:
    selector = {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": list(NOT_JUDGED)}
    return {
        "apiVersion": API,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": NAME_PREFIX + rule.name, "labels": {"app.kubernetes.io/part-of": "substrate"}},
        "spec": {
            "policyName": NAME_PREFIX + rule.name,
            "validationActions": _ACTIONS[level],
            "matchResources": {"namespaceSelector": {"matchExpressions": [selector]}},
        },
    }


def _validation(rule: Rule, validation: Validation) -> Manifest:
    said = f"{validation.found}; why: {rule.why}; fix: {validation.fix}; rule: {rule.name} ({rule.link})"
    about = " || ".join(_is(resource) for resource in validation.resources)
    return {"expression": f"!({about}) || ({validation.holds})", "message": said, "reason": "Invalid"}


def _is(resource: Resource) -> str:
    """Whether the object is of this resource: a policy matches those of all its validations."""
    group = f"request.kind.group == {quoted(resource.group)}"
    return f"{group} && object.kind == {quoted(resource.kind)}" if resource.kind else group


def _resource_rules(rule: Rule) -> list[Manifest]:
    resources = dict.fromkeys(resource for validation in rule.cel for resource in validation.resources)
    matched = dict.fromkeys((one.group, one.version, one.resource) for one in resources)
    return [
        {"apiGroups": [group], "apiVersions": [version], "operations": ["CREATE", "UPDATE"], "resources": [resource]}
        for group, version, resource in matched
    ]


def _not_exempt(rule: Rule) -> str:
    """As `policies.exemptions` reads one, but for its end: an expression knows no day. The pack tells when it ended."""
    form = quoted(r"^\s*[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[:,]?\s+\S")
    return f"!object.metadata.?annotations[?{quoted(PREFIX + rule.name)}].orValue('').matches({form})"


def _used(expression: str, variables: dict[str, str]) -> set[str]:
    """The variables that an expression needs, and those that these need."""
    found: set[str] = set()
    wanted = set(_USED.findall(expression))
    while wanted - found:
        name = (wanted - found).pop()
        found.add(name)
        wanted |= set(_USED.findall(variables[name]))
    return found


def _variables(settings: Settings) -> dict[str, str]:
    """What every validation may use, in an order in which each needs those before it only."""
    named = " || ".join(f"variables.{holder}[?{quoted(key)}].orValue('') in {listed(sorted(settings.hot_models))}"
                        for holder in ("labels", "podLabels") for key in NAME_LABELS)  # fmt: skip
    hot_by_name = f" || object.metadata.name in {listed(sorted(settings.hot_models))} || {named}"
    return {
        "labels": "object.metadata.?labels.orValue({})",
        "annotations": "object.metadata.?annotations.orValue({})",
        "podLabels": f"{_TEMPLATE}.?metadata.?labels.orValue({{}})",
        "podAnnotations": f"{_TEMPLATE}.?metadata.?annotations.orValue({{}})",
        "workload": _workload(),
        "servesLanguageModel": f"variables.workload == {quoted(WORKLOAD_VALUE)}",
        "hot": says(TIER, HOT) + (hot_by_name if settings.hot_models else ""),
        "floor": f"[{settings.hot_min_replicas}, {_whole('annotations')}, {_whole('podAnnotations')}].max()",
        "podSpec": _pod_spec(),
        "containers": "variables.podSpec.containers + variables.podSpec.?initContainers.orValue([])"
        " + variables.podSpec.?ephemeralContainers.orValue([])",
        "volumes": "variables.podSpec.?volumes.orValue([])",
        "stages": f"object.kind == 'Job' && {_labelled(STAGER_LABEL, STAGER_VALUE)}",
        # A command that starts a server is no evidence here: CEL cannot read a shell's script.
        "servesModel": "!variables.stages && (variables.workload != ''"
        f" || variables.containers.map(one, one.?image.orValue('')).exists(image, {serves(settings.engine_images)}))",
    }


def _workload() -> str:
    """The first word of ours that the object or its pods say of what they serve, '' for none."""
    holders = ("labels", "annotations", "podLabels", "podAnnotations")
    said = ", ".join(f"variables.{holder}[?{quoted(WORKLOAD_LABEL)}].orValue('')" for holder in holders)
    words = listed((WORKLOAD_VALUE, OTHER_MODEL))
    return f"([{said}].filter(word, word in {words}) + [''])[0]"


def _labelled(key: str, value: str) -> str:
    said = (f"variables.{holder}[?{quoted(key)}].orValue('') == {quoted(value)}" for holder in ("labels", "podLabels"))
    return f"({' || '.join(said)})"


def _whole(holder: str) -> str:
    written = f"variables.{holder}[?{quoted(MIN_REPLICAS)}].orValue('0')"
    return f"({written}.matches('^[0-9]+$') ? int({written}) : 0)"


def _pod_spec() -> str:
    return (
        "object.kind == 'Pod' ? object.spec"
        " : object.kind == 'CronJob' ? object.spec.jobTemplate.spec.template.spec : object.spec.template.spec"
    )
