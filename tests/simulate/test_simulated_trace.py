"""Traces: what is read, and what is said of a file that is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from substrate.simulate.trace import Arrival, TraceError, read

HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens\n"


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "trace.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_azures_form_is_read_with_its_seven_decimals(tmp_path):
    trace = read(
        written(tmp_path, HEADER + "2023-11-16 18:15:46.6805900,374,44\r\n2023-11-16 18:15:50.9951690,396,109")
    )

    assert trace.arrivals == [Arrival(0.0, 374, 44), Arrival(pytest.approx(4.314579, abs=1e-5), 396, 109)]
    assert trace.seconds == pytest.approx(4.314579, abs=1e-5)


@pytest.mark.parametrize(
    "text",
    [
        "GeneratedTokens,user,TIMESTAMP,ContextTokens\n7,ann,10,5\n8,bob,11.5,6\n",
        "\ufeffTIMESTAMP, ContextTokens ,GeneratedTokens\n11.5,6,8\n\n10,5,7\n",
        HEADER + "2023-11-16T18:00:00Z,5,7\n2023-11-16T19:00:01.5+01:00,6,8\n",
    ],
)
def test_columns_in_any_order_seconds_zones_and_rows_out_of_order_are_read(tmp_path, text):
    assert read(written(tmp_path, text)).arrivals == [Arrival(0.0, 5, 7), Arrival(1.5, 6, 8)]


def test_a_request_without_an_answer_counts_as_one_token(tmp_path):
    assert read(written(tmp_path, HEADER + "0,5,0\n")).arrivals == [Arrival(0.0, 5, 1)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "trace.csv:1: no column TIMESTAMP and none ContextTokens and none GeneratedTokens"),
        ("timestamp,ContextTokens,GeneratedTokens\n0,1,1\n", ":1: no column TIMESTAMP; .*is `timestamp` meant"),
        ("TIMESTAMP,context_tokens,GeneratedTokens\n0,1,1\n", "is `context_tokens` meant for ContextTokens"),
        ("TIMESTAMP;ContextTokens;GeneratedTokens\n0;1;1\n", "trace.csv:1: no column"),
        (HEADER, "holds no request below its header"),
        (HEADER + "0,1,1\n2023-11-16 18:15:46,1,1\n", ":3: TIMESTAMP is a date, and in the lines before a number"),
        (HEADER + "0,1,1\nnoon,1,1\n", ":3: TIMESTAMP is 'noon': write a time as 2023"),
        (HEADER + "nan,1,1\n", ":2: TIMESTAMP is 'nan'"),
        (HEADER + "1e999,1,1\n", ":2: TIMESTAMP is '1e999'"),
        (HEADER + "0,-3,1\n", ":2: ContextTokens is '-3': write a whole number"),
        (HEADER + "0,1.5,1\n", ":2: ContextTokens is '1.5'"),
        (HEADER + "0,1,\n", ":2: GeneratedTokens is ''"),
        (HEADER + "0,1_0,1\n", ":2: ContextTokens is '1_0'"),
        (HEADER + "0,\u0661,1\n", ":2: ContextTokens is"),
        (HEADER + "0,999999999999,1\n", ":2: ContextTokens is '999999999999'"),
        (HEADER + "0,1\n", ":2: 2 fields, and the header has more"),
        (HEADER + '0,"1,1\n', "trace.csv:2: "),
        (HEADER.encode() + b"0,1,\xff\n", "is not UTF-8 text"),
        (b"PK\x03\x04\x00\x00", "no column TIMESTAMP"),
    ],
)
def test_a_file_that_is_no_trace_is_refused_with_its_line(tmp_path, text, said):
    with pytest.raises(TraceError, match=said):
        read(written(tmp_path, text))


def test_many_bad_lines_are_counted_and_the_first_five_shown(tmp_path):
    with pytest.raises(TraceError) as error:
        read(written(tmp_path, HEADER + "x,1,1\n" * 40))

    lines = str(error.value).splitlines()
    assert [line.split(":")[1] for line in lines[:5]] == ["2", "3", "4", "5", "6"]
    assert lines[5:] == ["and 35 lines more"]


def test_a_file_that_is_not_there_or_a_folder_is_said_so(tmp_path):
    with pytest.raises(TraceError, match="no such file"):
        read(tmp_path / "none.csv")
    with pytest.raises(TraceError, match="directory"):
        read(tmp_path)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.binary(max_size=80) | st.text('0123456789-:.,+eTZ \n"\r', max_size=80).map(str.encode))
def test_whatever_is_in_a_file_it_is_read_or_refused(tmp_path, rows):
    try:
        trace = read(written(tmp_path, HEADER.encode() + rows))
    except TraceError as error:
        assert "trace.csv" in str(error)
    else:
        assert all(arrival.at >= 0 and arrival.generated >= 1 for arrival in trace.arrivals)


def test_a_window_counts_from_its_start_and_a_rate_shortens_the_time(tmp_path):
    trace = read(written(tmp_path, HEADER + "0,1,1\n10,2,2\n20,3,3\n30,4,4\n"))

    inside = trace.between(10, 30)
    assert inside.arrivals == [Arrival(0.0, 2, 2), Arrival(10.0, 3, 3)]
    assert inside.seconds == 20
    assert inside.faster(4).arrivals == [Arrival(0.0, 2, 2), Arrival(2.5, 3, 3)]
    with pytest.raises(TraceError, match="no request comes between 40 s and 50 s; the trace is 30 s long"):
        trace.between(40, 50)
