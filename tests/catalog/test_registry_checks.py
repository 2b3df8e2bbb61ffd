"""The check of a running engine's page finds what it is there to find."""

from __future__ import annotations

import pytest

from tests.registry import assert_known

# As llama-server 0.5.0-dev says it.
PAGE = """# HELP llamacpp:tokens_predicted_total Number of generation tokens processed.
# TYPE llamacpp:tokens_predicted_total counter
llamacpp:tokens_predicted_total 17
# HELP llamacpp:n_tokens_max Largest observed n_tokens.
# TYPE llamacpp:n_tokens_max counter
llamacpp:n_tokens_max 40
# TYPE llamacpp:requests_processing gauge
llamacpp:requests_processing 0
# TYPE llamacpp:requests_deferred gauge
llamacpp:requests_deferred 0
# TYPE process_open_fds gauge
process_open_fds 12
"""


def test_a_page_of_listed_metrics_passes() -> None:
    assert_known(PAGE, "llama.cpp")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("requests_deferred", "requests_defered", "requests_defered"),
        ("requests_deferred gauge", "requests_deferred counter", "exposed as a counter, listed as a gauge"),
        ("requests_processing 0", 'requests_processing{slot="1"} 0', r"labels \['slot'\] that are not listed"),
        ("# TYPE llamacpp:requests_processing gauge\nllamacpp:requests_processing 0\n", "", "which scaling reads"),
    ],
)
def test_what_differs_is_named(old: str, new: str, fault: str) -> None:
    assert old in PAGE
    with pytest.raises(AssertionError, match=fault):
        assert_known(PAGE.replace(old, new), "llama.cpp")
