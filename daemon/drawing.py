"""One series as a small SVG: readings as an envelope, the band that was expected, and its anomalies. No script."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Protocol

import numpy as np
import numpy.typing as npt

from cases.anomaly import Anomaly
from cases.moments import from_milliseconds, iso, milliseconds
from cases.telemetry import Direction, Floats, Mask, Millis

WIDTH, HEIGHT = 720, 150
BUCKETS = 360  # two units each: as fine as a phone or half a screen can show
_LEFT, _TOP, _BOTTOM = 4, 8, 130
_SHARE = 0.06  # of the height, free above and below
_NARROWEST = 2.0
_HUGE, _SMALLER = 1e300, 1e-10

_Places = npt.NDArray[np.intp]


class Seen(Protocol):
    """An anomaly in a line: from its onset until `end`; `seen` is when it was first told."""

    @property
    def anomaly(self) -> Anomaly:
        """What it is."""
        ...

    @property
    def seen(self) -> datetime:
        """When it was first told."""
        ...

    @property
    def end(self) -> datetime:
        """Its last sample out of range."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line:
    """One series as it is drawn: its readings, what was expected, and its episodes. NaN where there is nothing."""

    name: str
    times: Millis
    values: Floats
    low: Floats
    middle: Floats
    high: Floats
    out: Mask
    episodes: Sequence[Seen]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    """From milliseconds and values to units of the picture."""

    first: int
    span: int
    bottom: float
    height: float
    unit: float  # what values are taken times before they are compared: the biggest floats cannot be subtracted

    def x(self, at: float) -> float:
        return _LEFT + (WIDTH - 2 * _LEFT) * (at - self.first) / self.span

    def y(self, values: Floats) -> Floats:
        return _BOTTOM - (_BOTTOM - _TOP) * np.clip((values * self.unit - self.bottom) / self.height, -0.05, 1.05)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A moment that is marked, in epoch milliseconds, with a word beside it; `kind` is its class in the page."""

    at: int
    text: str
    kind: str


def expectation(anomaly: Anomaly) -> str:
    """What was expected, and what was there instead."""
    if anomaly.low == anomaly.high:
        side = "at least" if anomaly.direction is Direction.DOWN else "at most"
        return f"{anomaly.value:.4g} where {side} {anomaly.high:.4g} was expected"
    return f"{anomaly.value:.4g} where {anomaly.low:.4g} to {anomaly.high:.4g} was expected"


def draw(line: Line, *, name: str, said: str = "", marks: Sequence[Mark] = ()) -> str:
    """The picture, as an element to put into a page; its text is escaped.

    `name` is the picture's own within the page. `said` tells those who do not see it what is in it.
    """
    scale = _scale(line)
    buckets = ((line.times - scale.first) * BUCKETS // (scale.span + 1)).astype(np.intp)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{name}-t {name}-d">',
        f'<title id="{name}-t">{escape(line.name)}</title>',
        f'<desc id="{name}-d">{escape(said or _in_words(line))}</desc>',
    ]
    parts += [_shade(line, episode, scale) for episode in range(len(line.episodes))]
    readings = _envelope(line.values, buckets)
    usual = _usual(~np.isnan(readings[0]))
    low, high = _reduced(line.low, buckets, np.fmin), _reduced(line.high, buckets, np.fmax)
    parts.append(_area("band", low, high, scale, usual))
    parts.append(_path("expected", _reduced(line.middle, buckets, np.fmax), scale, usual))
    parts.append(_area("readings", *readings, scale, usual))
    if line.out.any():
        parts.append(_area("out", *_envelope(np.where(line.out, line.values, np.nan), buckets), scale, usual))
    until = scale.first + scale.span
    parts += [_mark(mark, scale, place) for place, mark in enumerate(marks) if scale.first <= mark.at <= until]
    return "".join([*parts, _axis(line, scale), "</svg>"])


def _in_words(line: Line) -> str:
    count = len(line.episodes)
    stretch = f"{_day(int(line.times[0]))} to {_day(int(line.times[-1]))}"
    return f"{count} anomal{'y' if count == 1 else 'ies'} from {stretch}"


def _mark(mark: Mark, scale: _Scale, place: int) -> str:
    """A line from top to bottom; its word stands on the left of the first one, on the right of any other."""
    x = scale.x(mark.at)
    aside, anchor = (-4, "end") if place == 0 else (4, "start")
    stroke = f'<path class="{mark.kind}" d="M{x:.1f} {_TOP - 4}V{_BOTTOM}"/>'
    return stroke + _text(x + aside, _TOP + 6, anchor, mark.text)


def _scale(line: Line) -> _Scale:
    first, last = int(line.times[0]), int(line.times[-1])
    seen = line.values[~np.isnan(line.values)]
    unit = _SMALLER if np.max(np.abs(seen), initial=0.0) > _HUGE else 1.0
    seen = seen * unit
    # A band may be far wider than all readings: it is shown as far as the readings go, and half as far again.
    low, high = (float(np.min(seen)), float(np.max(seen))) if len(seen) else (0.0, 1.0)
    room = max(high - low, 1e-9 * max(abs(low), abs(high)), 1e-12)
    for edge in (line.low, line.high):
        known = edge[np.isfinite(edge)] * unit
        if len(known):
            low, high = (
                min(low, max(float(np.min(known)), low - room / 2)),
                max(high, min(float(np.max(known)), high + room / 2)),
            )
    room = max(high - low, room)
    return _Scale(
        first=first, span=max(last - first, 1), bottom=low - _SHARE * room, height=room * (1 + 2 * _SHARE), unit=unit
    )


def _reduced(values: Floats, buckets: _Places, by: np.ufunc) -> Floats:
    """The extreme of each bucket, NaN for an empty one."""
    reduced = np.full(BUCKETS, np.nan)
    by.at(reduced, buckets, values)
    return reduced


def _envelope(values: Floats, buckets: _Places) -> tuple[Floats, Floats]:
    return _reduced(values, buckets, np.fmin), _reduced(values, buckets, np.fmax)


def _x(bucket: int) -> float:
    return _LEFT + (WIDTH - 2 * _LEFT) * (bucket + 0.5) / BUCKETS


def _usual(there: npt.NDArray[np.bool_]) -> int:
    """How many buckets lie between two readings; 1 where there are many readings."""
    places = np.flatnonzero(there)
    return int(np.median(np.diff(places))) if len(places) > 1 else 1


def _runs(there: npt.NDArray[np.bool_], usual: int) -> list[tuple[int, int]]:
    """(first, last) of the buckets in a row that have something; one empty bucket is no gap."""
    places = np.flatnonzero(there)
    if not len(places):
        return []
    breaks = np.flatnonzero(np.diff(places) > 2 * usual)
    starts = [places[0], *places[breaks + 1]]
    ends = [*places[breaks], places[-1]]
    return [(int(start), int(end)) for start, end in zip(starts, ends, strict=True)]


def _area(kind: str, low: Floats, high: Floats, scale: _Scale, usual: int) -> str:
    """The stretch between two lines, with a stroke so that one value is seen too."""
    there = ~np.isnan(low)
    below, above = scale.y(low), scale.y(high)
    drawn: list[str] = []
    for first, last in _runs(there, usual):
        places = [place for place in range(first, last + 1) if there[place]]
        if len(places) == 1:
            drawn.append(f"M{_x(places[0]):.0f} {below[places[0]]:.1f}v{_thick(below, above, places[0]):.1f}h1")
            continue
        forth = "L".join(f"{_x(place):.0f} {above[place]:.1f}" for place in places)
        back = "L".join(f"{_x(place):.0f} {below[place]:.1f}" for place in reversed(places))
        drawn.append(f"M{forth}L{back}Z")
    return f'<path class="{kind}" d="{"".join(drawn)}"/>' if drawn else ""


def _thick(below: Floats, above: Floats, place: int) -> float:
    return min(float(above[place] - below[place]), -1.0)


def _path(kind: str, values: Floats, scale: _Scale, usual: int) -> str:
    there, y = ~np.isnan(values), scale.y(values)
    drawn = [
        "M" + "L".join(f"{_x(place):.0f} {y[place]:.1f}" for place in range(first, last + 1) if there[place])
        for first, last in _runs(there, usual)
    ]
    return f'<path class="{kind}" d="{"".join(drawn)}"/>' if drawn else ""


def _shade(line: Line, number: int, scale: _Scale) -> str:
    episode = line.episodes[number]
    left, right = scale.x(milliseconds(episode.anomaly.onset)), scale.x(milliseconds(episode.end))
    width = max(right - left, _NARROWEST)
    anomaly = episode.anomaly
    told = f"{iso(anomaly.onset)} to {iso(episode.end)}: {expectation(anomaly)}"
    seen = f"({anomaly.detector}, told {iso(episode.seen)})"
    box = f'<rect class="anomaly" x="{left:.1f}" y="{_TOP - 4}" width="{width:.1f}" height="{_BOTTOM - _TOP + 4}">'
    return f"{box}<title>{escape(f'{told} {seen}')}</title></rect>"


def _axis(line: Line, scale: _Scale) -> str:
    """The first and last day below, the highest and lowest reading at the side."""
    seen = line.values[~np.isnan(line.values)]
    texts = [_text(_LEFT, HEIGHT - 4, "start", _day(int(line.times[0])))]
    texts.append(_text(WIDTH - _LEFT, HEIGHT - 4, "end", _day(int(line.times[-1]))))
    if len(seen):
        edges: Sequence[float] = (float(np.max(seen)), float(np.min(seen)))
        heights = scale.y(np.array(edges))
        same = math.isclose(*edges)
        texts.append(_text(_LEFT + 2, float(heights[0]) + 4, "start", f"{edges[0]:.4g}"))
        texts += [] if same else [_text(_LEFT + 2, float(heights[1]) - 5, "start", f"{edges[1]:.4g}")]
    return "".join(texts)


def _text(x: float, y: float, anchor: str, text: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{escape(text)}</text>'


def _day(at: int) -> str:
    return f"{from_milliseconds(at):%d %b %H:%M}"
