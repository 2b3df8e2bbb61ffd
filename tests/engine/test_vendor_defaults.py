"""docs/vendor-defaults.md says what the pack says today of what the vendors ship, and every finding has its verdict."""

from __future__ import annotations

import pytest

from tests.policies.vendors.sources import SOURCES, Judged, judged
from tests.policies.vendors.table import PAGE, page
from tests.policies.vendors.verdicts import VERDICTS

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Judged]:
    return list(judged(tmp_path_factory.mktemp("vendors")))


def test_a_person_passed_a_verdict_on_every_rule_that_speaks_and_on_no_other(sources: list[Judged]) -> None:
    told = {one.source.name: {finding.rule.name for _, finding in one.findings} for one in sources}

    assert {name: set(rules) for name, rules in VERDICTS.items()} == told
    assert list(told) == [source.name for source in SOURCES]


def test_page_is_what_is_judged_today(sources: list[Judged]) -> None:
    assert PAGE.read_text(encoding="utf-8") == page(sources), "run `python -m tests.policies.vendors`, read what moved"


def test_classical_samples_of_kserve_are_no_language_models(sources: list[Judged]) -> None:
    (classical,) = [one for one in sources if one.source.folders == ("v1beta1",)]

    assert len(classical.given.objects) > 60
    assert [str(subject) for subject in classical.models] == []


def test_every_llm_sample_is_recognised(sources: list[Judged]) -> None:
    for one in sources:
        kinds = [each.obj for each in one.given.objects if each.obj.kind == "LLMInferenceService"]
        known = {id(subject.obj) for subject in one.models}
        assert [str(obj) for obj in kinds if id(obj) not in known] == []
