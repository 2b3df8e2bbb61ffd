"""The two policies of the pack: one over each resource, one over the whole stack. Imports pulumi_policy and the rules.

Two and not one a rule: the SDK reads every resource's properties anew for each policy (some 0.1 ms).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from policies import autoscaling, hot_models, images, stack, weights
from policies.objects import KubernetesObject, objects_of
from policies.options import SCHEMA, Options, options_from, unknown_settings
from policies.pods import pods_of
from policies.stack import Check
from policies.violations import Violation
from policies.workloads import evidence

NAME = "substrate"


def validate_resource(args: ResourceValidationArgs, report_violation: ReportViolation) -> None:
    """Judge the objects in one resource's inputs; at the stack's own resource, of which there is one, the settings."""
    options = options_from(args.get_config())
    if args.resource_type == "pulumi:pulumi:Stack":
        _report_unknown_settings(args.get_config(), report_violation)
    for obj in objects_of(args.resource_type, args.props, args.urn):
        report_all(((None, partial(rule, obj, options)) for rule in RESOURCE_RULES), report_violation)


def validate_stack(args: StackValidationArgs, report_violation: ReportViolation) -> None:
    """Judge scalers together with what they scale."""
    _report_unknown_settings(args.get_config(), report_violation)
    objects = (obj for item in args.resources for obj in objects_of(item.resource_type, item.props, item.urn))
    report_all(stack.checks(stack.Stack(objects, options_from(args.get_config()))), report_violation)


def report_all(checks: Iterable[tuple[str | None, Check]], report: ReportViolation) -> None:
    """Run every (urn, check) and report what it finds; only then raise the first UnknownValueError.

    The SDK tells the user of that one, and a violation found beside an unknown value is not lost.
    """
    unknown: UnknownValueError | None = None
    for urn, check in checks:
        try:
            for violation in check():
                report(str(violation), urn)
        except UnknownValueError as error:
            unknown = unknown or error
    if unknown:
        raise unknown


def _report_unknown_settings(config: Mapping[str, Any] | None, report: ReportViolation) -> None:
    for name in unknown_settings(config):
        fix = f"write one of {', '.join(SCHEMA)}, or take {name} out of the file of --policy-pack-config"
        report(
            str(Violation("settings of the policy pack", f"there is no setting {name}", "nothing reads it", fix)), None
        )


def _images(obj: KubernetesObject, _options: Options) -> Iterator[Violation]:
    yield from images.check(obj, pods_of(obj))


def _weights(obj: KubernetesObject, options: Options) -> Iterator[Violation]:
    pods = pods_of(obj)
    if weights.mounts_shared_volumes(obj, pods):
        yield from weights.check(obj, pods, evidence(obj, pods, options))


def _metrics(obj: KubernetesObject, options: Options) -> Iterator[Violation]:
    if autoscaling.host_metrics(obj):
        yield from autoscaling.check(obj, evidence(obj, pods_of(obj), options))


def _replicas(obj: KubernetesObject, options: Options) -> Iterator[Violation]:
    if hot_models.counts(obj):
        yield from hot_models.check(obj, hot_models.hot(obj, pods_of(obj), options))


RESOURCE_RULES = (_images, _weights, _metrics, _replicas)

POLICIES = [
    ResourceValidationPolicy(
        name="llm-resource",
        description="Serving language models: no scaling on CPU, hot models stay up, weights read-only, images pinned.",
        validate=validate_resource,
        enforcement_level=EnforcementLevel.MANDATORY,
        config_schema=PolicyConfigSchema(SCHEMA),
    ),
    StackValidationPolicy(
        name="llm-stack",
        description="Serving language models: scalers follow the load and keep hot models up.",
        validate=validate_stack,
        enforcement_level=EnforcementLevel.MANDATORY,
        config_schema=PolicyConfigSchema(SCHEMA),
    ),
]
