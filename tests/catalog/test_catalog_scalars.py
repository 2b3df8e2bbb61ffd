"""An unquoted scalar is what every reader of YAML takes it for, or it is refused."""

from __future__ import annotations

import pytest
import yaml

from substrate.catalog.scalars import Ambiguous, read_plain

CLEAR = {
    "hot": "hot",
    "qwen2.5-7b": "qwen2.5-7b",
    "4.7Gi": "4.7Gi",
    "q4_k_m": "q4_k_m",
    "s3://models/x/": "s3://models/x/",
    "8192": 8192,
    "0": 0,
    "-1": -1,
    "true": True,
    "false": False,
    "9223372036854775807": 2**63 - 1,
    "5e9b6917": "5e9b6917",
    "0123abcd": "0123abcd",
    "1.2.3": "1.2.3",
    "127.0.0.1": "127.0.0.1",
    "nothing": "nothing",
    "yesterday": "yesterday",
    "-": "-",
    "0x": "0x",
}
AMBIGUOUS = (
    *("", "~", "null", "Null", "NULL"),
    *("yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF", "y", "Y", "n", "N"),
    *("True", "TRUE", "False", "FALSE"),
    *("0755", "0o17", "08", "0x1F", "0b101", "1_000", "+5", "-0"),
    *("1e3", "1E3", "1.5e3", "5e969", "1.10", "5.", ".5", "-1.5", ".inf", "-.inf", ".nan"),
    *("12:30:45", "1:30", "190:20:30.15", "2026-11-24", "2026-11-24T12:00:00Z", "9223372036854775808", "=", "<<"),
)


@pytest.mark.parametrize("text", CLEAR)
def test_a_scalar_that_all_readers_agree_on_is_read(text: str) -> None:
    read = read_plain(text)
    assert read == CLEAR[text]
    assert type(read) is type(CLEAR[text])


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_a_scalar_that_readers_disagree_on_is_refused(text: str) -> None:
    assert isinstance(read_plain(text), Ambiguous)


@pytest.mark.parametrize("text", CLEAR)
def test_pyyaml_agrees_on_what_is_clear(text: str) -> None:
    """YAML 1.1's own reading, by the parser that half of the tools use."""
    assert yaml.safe_load(f"[{text}]") == [CLEAR[text]]


@pytest.mark.parametrize(
    ("text", "meant"),
    [("0755", 755), ("1e3", 1000), ("16_384", 16384), ("2.0", 2), ("+5", 5), ("no", None), ("1.5", None)],
)
def test_the_number_that_was_meant_is_suggested(text: str, meant: int | None) -> None:
    read = read_plain(text)
    assert isinstance(read, Ambiguous)
    assert read.integer == meant
