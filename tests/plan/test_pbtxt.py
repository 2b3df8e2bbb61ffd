"""Text that the emitter writes is read back by protobuf's own parser as what was meant."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st
from tritonclient.grpc import model_config_pb2

from substrate.plan.engines import pbtxt

TEXTS = ("", "plain", 'say "no"', "back\\slash", "line\nbreak\ttab", "ü 漢 🜚", "it's", "${x} $(y)", "\x7f\x01")


def parsed(message: pbtxt.Message) -> Any:
    return text_format.Parse(pbtxt.text(message), model_config_pb2.ModelConfig())


@pytest.mark.parametrize("text", TEXTS)
def test_text_comes_back_letter_for_letter(text: str) -> None:
    assert parsed({"name": text}).name == text


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")), max_size=4))
def test_maps_come_back_whole(values: dict[str, str]) -> None:
    message = {"parameters": pbtxt.entries({key: {"string_value": value} for key, value in values.items()})}

    assert {key: value.string_value for key, value in parsed(message).parameters.items()} == values


def test_messages_lists_numbers_enums_and_booleans_each_have_their_form() -> None:
    found = parsed(
        {
            "max_batch_size": 8,
            "input": [{"name": "x", "dims": (-1, 4)}, {"name": "y", "dims": ()}],
            "instance_group": [{"kind": pbtxt.Word("KIND_GPU"), "count": 2}],
            "model_transaction_policy": {"decoupled": True},
            "dynamic_batching": {},
        }
    )

    assert found.max_batch_size == 8
    assert [(each.name, list(each.dims)) for each in found.input] == [("x", [-1, 4]), ("y", [])]
    assert (found.instance_group[0].kind, found.instance_group[0].count) == (1, 2)
    assert found.model_transaction_policy.decoupled
    assert found.HasField("dynamic_batching"), "an empty message is not an absent one"


def test_number_that_is_none_is_not_written() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        pbtxt.text({"priority": float("nan")})
