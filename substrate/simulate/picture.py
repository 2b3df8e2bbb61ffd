"""Runs as a picture: SVG, the demand above and a lane for each way to scale. Imports its room, the standard library."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from html import escape
from itertools import groupby, pairwise

from substrate.simulate.report import Row, share, span
from substrate.simulate.run import Run, Sample
from substrate.simulate.trace import Trace

_LEFT, _PLOT, _RIGHT = 210, 640, 250
_LANE, _STRIP, _GAP, _HEAD = 64, 9, 26, 92
_BIN = 30.0  # seconds over which the demand is a mean
# So much of the trace's length is drawn: what answers for hours afterwards would leave the rest no room.
_TAIL = 1.15
_INK, _SOFT, _GRID = "#0f172a", "#475569", "#e2e8f0"
_ASKED, _READY, _DEMAND = "#bfdbfe", "#2563eb", "#94a3b8"
# Requests that wait, and the colour from there on.
_WAITING = ((1, "#fde68a", "1 to 9"), (10, "#fb923c", "10 to 99"), (100, "#b91c1c", "100 and more"))

Scale = Callable[[float], float]


def draw(trace: Trace, runs: Sequence[Run], rows: Sequence[Row], title: str) -> str:
    """An SVG document that stands alone; times go to the right, in minutes."""
    end = min(max(run.end for run in runs), _TAIL * max(trace.seconds, 1.0))
    most = max(1, *(run.choice.most for run in runs))
    height = _HEAD + (len(runs) + 1) * (_LANE + _STRIP + _GAP) + 34

    def across(at: float) -> float:
        return round(_LEFT + _PLOT * min(at, end) / end, 1)

    lanes = [_demand(trace, across)]
    for number, (run, row) in enumerate(zip(runs, rows, strict=True), start=1):
        lanes.append(_lane(run, row, most, _top(number), across))
    bottom = _top(len(runs)) + _LANE + _STRIP
    parts = [_open(height, title), _text(20, 30, title, size=17, weight="bold"), _legend(), *lanes]
    return "\n".join([*parts, _axis(end, bottom, across), _last(trace, bottom, across), "</svg>", ""])


def _top(lane: int) -> float:
    return _HEAD + lane * (_LANE + _STRIP + _GAP)


def _open(height: float, title: str) -> str:
    width = _LEFT + _PLOT + _RIGHT
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:g}" width="{width}" height="{height:g}" '
        f'role="img" font-family="Helvetica,Arial,sans-serif" font-size="12">\n<title>{escape(title)}</title>\n'
        "<desc>Replicas over time, one lane for each way to scale; below each lane how many requests wait.</desc>\n"
        f'<rect width="{width}" height="{height:g}" fill="#ffffff"/>'
    )


def _text(x: float, y: float, text: str, **style: object) -> str:
    size, weight = style.get("size", 12), style.get("weight", "normal")
    fill, anchor = style.get("fill", _INK), style.get("anchor", "start")
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" font-weight="{weight}" fill="{fill}" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )


def _box(x: float, y: float, width: float, height: float, fill: str) -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{width:.1f}" height="{height:g}" fill="{fill}"/>'


def _legend() -> str:
    parts, x = [], float(_LEFT)
    swatches = [(_READY, "replicas that answer"), (_ASKED, "replicas that start")]
    swatches += [(colour, f"{words} requests wait") for _, colour, words in _WAITING]
    for colour, words in swatches:
        parts += [_box(x, 48, 12, 12, colour), _text(x + 17, 58, words, fill=_SOFT)]
        x += 17 + 6.4 * len(words) + 22
    return "\n".join(parts)


def _demand(trace: Trace, across: Scale) -> str:
    top = _top(0)
    counts = Counter(int(arrival.at // _BIN) for arrival in trace.arrivals)
    rates = [counts[place] / _BIN for place in range(int(trace.seconds // _BIN) + 1)]
    # The last one is not a whole one; it says too little of the demand.
    rates = rates[:-1] or rates
    most = max(rates)
    steps = [(place * _BIN, rate) for place, rate in enumerate(rates)]
    return "\n".join(
        [
            _scale(top, f"{most:.0f}"),
            _text(20, top + 26, "requests a second", weight="bold"),
            _text(20, top + 43, f"means of {_BIN:.0f} s", fill=_SOFT),
            _area(steps, min(trace.seconds, len(rates) * _BIN), most, top, _DEMAND, across),
            _base(top),
        ]
    )


def _lane(run: Run, row: Row, most: int, top: float, across: Scale) -> str:
    asked = list(_changes(run.samples, lambda sample: sample.replicas))
    ready = list(_changes(run.samples, lambda sample: sample.ready))
    cost = f"{row.gpu_hours:.2f} GPU-hours" if row.gpu_hours is not None else f"{row.replica_seconds:,.0f} replica-s"
    name, _, more = run.choice.name.partition(": ")
    facts = _LEFT + _PLOT + 14
    return "\n".join(
        [
            _scale(top, str(most)),
            _text(20, top + 26, name, weight="bold"),
            _text(20, top + 43, more, fill=_SOFT) if more else "",
            _area(asked, run.end, most, top, _ASKED, across),
            _area(ready, run.end, most, top, _READY, across),
            _base(top),
            _waiting(run, top + _LANE + 2, across),
            _text(facts, top + 20, f"wait p95 {span(row.wait_p95)}", weight="bold"),
            _text(facts, top + 37, f"first token in time: {share(row.within)}", fill=_SOFT),
            _text(facts, top + 54, f"{cost}, until {run.end / 60:.0f} min", fill=_SOFT),
        ]
    )


def _changes(samples: Sequence[Sample], of: Callable[[Sample], float]) -> Iterator[tuple[float, float]]:
    """(from when, how much), where it changes."""
    for value, alike in groupby(samples, of):
        yield next(alike).at, value


def _area(steps: Sequence[tuple[float, float]], end: float, most: float, top: float, fill: str, across: Scale) -> str:
    """Steps of a height as a filled shape that stands on the lane's base."""
    base = top + _LANE
    path = [f"M{across(steps[0][0]):g} {base:g}"]
    for (at, value), (until, _) in pairwise([*steps, (end, 0.0)]):
        level = round(base - _LANE * value / most, 1) if most else base
        path.append(f"L{across(at):g} {level:g}H{across(until):g}")
    return f'<path d="{"".join(path)}V{base:g}Z" fill="{fill}"/>'


def _scale(top: float, most: str) -> str:
    lines = "".join(
        f'<line x1="{_LEFT}" x2="{_LEFT + _PLOT}" y1="{y:g}" y2="{y:g}" stroke="{_GRID}"/>'
        for y in (top, top + _LANE / 2)
    )
    labels = [
        _text(_LEFT - 8, y, label, fill=_SOFT, anchor="end") for y, label in ((top + 9, most), (top + _LANE, "0"))
    ]
    return "\n".join([lines, *labels])


def _base(top: float) -> str:
    y = top + _LANE
    return f'<line x1="{_LEFT}" x2="{_LEFT + _PLOT}" y1="{y:g}" y2="{y:g}" stroke="{_SOFT}"/>'


def _waiting(run: Run, top: float, across: Scale) -> str:
    """A strip that shows how many wait, by its colour."""
    levels = list(_changes(run.samples, lambda sample: _level(sample.waiting)))
    return "\n".join(
        _box(across(at), top, max(across(until) - across(at), 1), _STRIP, _WAITING[int(level) - 1][1])
        for (at, level), (until, _) in pairwise([*levels, (run.end, 0)])
        if level
    )


def _level(waiting: int) -> int:
    return sum(waiting >= least for least, _, _ in _WAITING)


def _axis(end: float, bottom: float, across: Scale) -> str:
    every = next(step for step in (1, 2, 5, 10, 30, 60, 120, 360, 1440, 10**9) if end / 60 / step <= 12)
    parts = []
    for minute in range(0, int(end / 60) + 1, every):
        x = across(minute * 60)
        parts.append(f'<line x1="{x:g}" x2="{x:g}" y1="{bottom:g}" y2="{bottom + 5:g}" stroke="{_SOFT}"/>')
        parts.append(_text(x, bottom + 19, f"{minute} min", fill=_SOFT, anchor="middle"))
    return "\n".join(parts)


def _last(trace: Trace, bottom: float, across: Scale) -> str:
    """Where the trace ends, and only answers are left."""
    x = across(trace.seconds)
    line = f'<line x1="{x:g}" x2="{x:g}" y1="{_HEAD - 6}" y2="{bottom:g}" stroke="{_SOFT}" stroke-dasharray="3 4"/>'
    return line + _text(x, _HEAD - 10, "last request", fill=_SOFT, anchor="middle", size=11)
