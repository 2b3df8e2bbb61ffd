"""The pack as the engine sees it: few policies, many rules inside. Imports pulumi_policy, the judge and the rules.

Three policies and not one a rule: the SDK reads every resource's properties anew for each (some 0.1 ms), and a policy
has one level. `llm-resource` stops a run before a resource is made, `llm-stack` at its end, `llm-advice` tells what
those two found beside: no rule is asked twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from operator import itemgetter
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
from pulumi_policy.proxy import UnknownValueError as SdkUnknownValueError

from policies.floors import wrong_floors
from policies.judge import checks_alone, checks_together
from policies.kept import Kept, Words, words
from policies.resources.objects import KubernetesObject, objects_of
from policies.resources.stack import Stack
from policies.resources.subject import Subject
from policies.rule import Level
from policies.rules import RULES
from policies.settings import PARAMETERS, Settings, schema, settings_from, unknown_settings

NAME = "substrate"
SCHEMA = schema(RULES)


class Pack:
    """One run of the pack. Settings are written for `llm-resource` and hold for all; another policy's own win."""

    def __init__(self) -> None:
        self._config: Mapping[str, Any] = {}
        self._alone: dict[str, Kept] = {}  # by the resource's URN
        self._together: Kept | None = None
        self.policies = [
            ResourceValidationPolicy(
                name="llm-resource",
                description="Serving models: what one resource shows, before it is made.",
                validate=self._validate_resource,
                enforcement_level=EnforcementLevel.MANDATORY,
                config_schema=PolicyConfigSchema(SCHEMA),
            ),
            StackValidationPolicy(
                name="llm-stack",
                description="Serving models: what only resources together show.",
                validate=self._validate_stack,
                enforcement_level=EnforcementLevel.MANDATORY,
                config_schema=PolicyConfigSchema(SCHEMA),
            ),
            StackValidationPolicy(
                name="llm-advice",
                description="Serving models: advice, what is exempt, and what could not be decided.",
                validate=self._advise,
                enforcement_level=EnforcementLevel.ADVISORY,
                config_schema=PolicyConfigSchema(SCHEMA),
            ),
        ]

    def _validate_resource(self, args: ResourceValidationArgs, report: ReportViolation) -> None:
        """Judge the objects in one resource's inputs; at the stack's own resource, of which there is one, settings."""
        self._config = args.get_config() or {}
        settings = settings_from(self._config)
        if args.resource_type == "pulumi:pulumi:Stack":
            _report_wrong_settings(self._config, report)
        found = _judge_alone(args.resource_type, args.props, args.urn, settings)
        self._alone[args.urn] = Kept(settings, found)
        tell(found, report, Level.MANDATORY)

    def _validate_stack(self, args: StackValidationArgs, report: ReportViolation) -> None:
        """Judge what only the whole stack shows: a scaler and what it drives, a Service and what is behind it."""
        _report_wrong_settings(args.get_config() or {}, report)
        settings = self._settings(args)
        found = _judge_together(args, settings)
        self._together = Kept(settings, found)
        tell(found, report, Level.MANDATORY)

    def _advise(self, args: StackValidationArgs, report: ReportViolation) -> None:
        """Tell what does not stop a run: advisory findings, exemptions, and the rules that could not be decided."""
        found = Words()
        for each in self._judged(args):
            found.add(each)
        for urn, text in found.exempt:
            report(text, urn or None)
        for (name, reason), those in groupby(sorted(found.undecided), key=itemgetter(0, 1)):
            report(f"rule {name} is not applicable to {_names([one.about for one in those])}: {reason}", None)
        tell(found, report, Level.ADVISORY)

    def _judged(self, args: StackValidationArgs) -> Iterator[Words]:
        """What the other two policies found; judged now where they did not, or by other settings.

        The engine asks `llm-resource` of no resource that a program only reads.
        """
        settings = self._settings(args)
        for one in args.resources:
            kept = _of_settings(self._alone.get(one.urn), settings)
            yield kept or _judge_alone(one.resource_type, one.props, one.urn, settings)
        # The SDK has asked `llm-stack` of this very stack just before, or not at all.
        together, self._together = _of_settings(self._together, settings), None
        yield together or _judge_together(args, settings)

    def _settings(self, args: StackValidationArgs) -> Settings:
        return settings_from({**self._config, **(args.get_config() or {})})


def tell(found: Words, report: ReportViolation, level: Level) -> None:
    """Report the findings of a level, and only then raise: a violation beside an unknown value is not lost."""
    for urn, text in found.findings[level]:
        report(text, urn or None)
    found.raise_unknown(level)


def _judge_alone(resource_type: str, properties: Any, urn: str, settings: Settings) -> Words:
    objects = _objects(resource_type, properties, urn)
    return words(check for obj in objects for check in checks_alone(RULES, Subject(obj, settings)))


def _judge_together(args: StackValidationArgs, settings: Settings) -> Words:
    objects = (obj for one in args.resources for obj in _objects(one.resource_type, one.props, one.urn))
    return words(checks_together(RULES, Stack(Subject(obj, settings) for obj in objects)))


def _of_settings(kept: Kept | None, settings: Settings) -> Words | None:
    return kept.words if kept and kept.settings == settings else None


def _objects(resource_type: str, properties: Any, urn: str) -> Iterator[KubernetesObject]:
    return objects_of(resource_type, properties, urn, (SdkUnknownValueError,))


def _names(those: list[str]) -> str:
    first, *others = those
    return first + (f" and {len(others)} more" if others else "")


def _report_wrong_settings(config: Mapping[str, Any], report: ReportViolation) -> None:
    for name in unknown_settings(config):
        others = ", ".join((*PARAMETERS, "levels"))
        fix = f"write one of {others}, or take {name} out of the file of --policy-pack-config"
        report(f"settings of the policy pack: there is no setting {name}\n  why: nothing reads it\n  fix: {fix}", None)
    for wrong, fix in wrong_floors(settings_from(config).floors):
        why = "what was found below a floor stays found"
        report(f"settings of the policy pack: {wrong}\n  why: {why}\n  fix: {fix}", None)


POLICIES = Pack().policies
