"""The page docs/vendor-defaults.md, out of what was judged and what a person found. Imports those two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.policies.vendors.sources import Judged
from tests.policies.vendors.verdicts import MENDED, VERDICTS

PAGE = Path(__file__).parents[3] / "docs" / "vendor-defaults.md"

_HEAD = """# What the vendors' own examples trip over

KServe's and KubeRay's official manifests, unchanged, judged by [the policy pack](../policies/README.md). Every finding
was checked by hand in its file: **{alarms} findings, all of them true, no false alarm.** Copying a sample copies what
stands here.

Made by `python -m tests.policies.vendors`; `tests/engine/test_vendor_defaults.py` fails when a rule, a release or a
verdict moved without it. The files come out of Go modules that are pinned in
`cluster/toolchain` (`python -m cluster.tools ensure --for vendors`); none is copied into this repository:
{releases}.

| source | files | objects | LLM servers | findings | not readable | undecided |
| --- | --- | --- | --- | --- | --- | --- |
"""
_VERDICTS = """
*LLM servers*: what the pack takes for one, and judges as such. *Not readable*: no YAML, which kubectl refuses too, all
for a bare `{username}` or the like. *Undecided*: a rule needs a fact that the file does not tell; that is counted here
and never taken for a pass.

## Which default trips over what, and why

| source | rule | findings | in objects | verdict | why it is one |
| --- | --- | --- | --- | --- | --- |
"""


def page(sources: Sequence[Judged]) -> str:
    """The whole page. Raises KeyError for a finding on which nobody has passed a verdict."""
    releases = " and ".join(dict.fromkeys(_module(one) for one in sources))
    alarms = sum(len(one.findings) for one in sources)
    summary = "".join(_row(_summary(one)) for one in sources)
    verdicts = "".join(_row(row) for one in sources for row in _verdicts(one))
    return (
        _HEAD.format(alarms=alarms, releases=releases)
        + summary
        + _VERDICTS
        + verdicts
        + _FOOT.format(mended="".join(_row(row) for row in MENDED))
    )


def _module(one: Judged) -> str:
    path = "ray-project/kuberay/ray-operator" if one.source.tool.startswith("kuberay") else "kserve/kserve"
    return f"`github.com/{path}` {one.source.release}"


def _summary(one: Judged) -> tuple[object, ...]:
    given, verdict = one.given, one.verdict
    name = f"{one.source.name}<br>`{one.source.where}`"
    counts = (given.files, len(given.objects), len(one.models), len(verdict.findings), len(given.unreadable))
    return (name, *counts, _counted(undecided.rule.name for _, undecided in verdict.undecided))


def _verdicts(one: Judged) -> Iterable[tuple[object, ...]]:
    counts = Counter(finding.rule.name for _, finding in one.findings)
    for rule, count in sorted(counts.items(), key=lambda each: (-each[1], each[0])):
        objects = {(file, str(finding.subject)) for file, finding in one.findings if finding.rule.name == rule}
        yield one.source.name, f"`{rule}`", count, len(objects), "true", VERDICTS[one.source.name][rule]


def _counted(names: Iterable[str]) -> str:
    return ", ".join(f"{count} `{name}`" for name, count in sorted(Counter(names).items())) or "none"


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |\n"


_FOOT = """
## What the first run got wrong

These alarms were false. Each is mended in the rules, with a test:

| false alarm | mended |
| --- | --- |
{mended}
## Not judged

- **vLLM production-stack**: its chart and manifests come in no package of a registry that can be asked here (PyPI, npm
  and the Go module proxy all refuse). KubeRay's vLLM samples stand in for it; a chart that somebody has is judged by
  `helm template vllm CHART | substrate policy -`.
- **KServe's charts of its own controllers** serve no model. Their serving runtimes are those above, with the chart's
  version in place of `latest`.
- **What the pack does not see in these files**: a language model behind TorchServe or Triton that nothing but its name
  tells (BLOOM, BERT; TorchServe is refused as such), and what Ray downloads by its own `serveConfigV2`, a text inside
  the manifest.
"""
