"""The picture: well-formed, readable, and of what was run."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from substrate.simulate.choices import Choice, Target
from substrate.simulate.engine import REFERENCE
from substrate.simulate.picture import draw
from substrate.simulate.report import Price, row
from substrate.simulate.run import Setting, simulate
from substrate.simulate.trace import Arrival, Trace

SVG = "{http://www.w3.org/2000/svg}"
TRACE = Trace("steady.csv", [Arrival(number / 4, 800, 200) for number in range(1200)], 299.75)
SETTING = Setting(REFERENCE, context=8192, cold_start=30.0)
CHOICES = [
    Choice("static, 1", 1, 1),
    Choice("a <choice> & more: with its words", 1, 4, (Target("inFlight", 4),)),
]


def drawn(trace: Trace = TRACE, gpus: int = 1) -> ElementTree.Element:
    runs = [simulate(trace, choice, SETTING) for choice in CHOICES]
    rows = [row(run, Price(gpus, 2.5), 2.0) for run in runs]
    return ElementTree.fromstring(draw(trace, runs, rows, "a title with <angles>"))


def texts(picture: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in picture.iter(f"{SVG}text")]


def test_it_is_well_formed_and_names_every_lane_axis_and_colour():
    said = texts(drawn())

    assert "a title with <angles>" in said
    assert {"static, 1", "a <choice> & more", "with its words", "requests a second"} <= set(said)
    assert {"replicas that answer", "replicas that start", "100 and more requests wait", "last request"} <= set(said)
    assert {"0 min", "5 min"} <= set(said)


def test_nothing_lies_outside_of_the_picture():
    picture = drawn()
    _, _, width, height = map(float, picture.attrib["viewBox"].split())

    for element in picture.iter():
        for name, most in (("x", width), ("x1", width), ("x2", width), ("y", height), ("y1", height), ("y2", height)):
            assert 0 <= float(element.get(name, 0)) <= most, element.attrib
        if element.tag == f"{SVG}rect":
            assert float(element.get("x", 0)) + float(element.attrib["width"]) <= width + 0.1


@pytest.mark.parametrize("gpus", [0, 2])
def test_what_a_lane_came_to_stands_beside_it(gpus):
    said = " ".join(texts(drawn(gpus=gpus)))

    assert said.count("wait p95") == 2
    assert ("GPU-hours" in said) == bool(gpus)


def test_a_trace_of_one_request_can_be_drawn():
    assert "last request" in texts(drawn(Trace("one.csv", [Arrival(0.0, 100, 10)], 0.0)))
