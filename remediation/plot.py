"""Pictures for a pull request: the anomaly, and what the change did about it.

Readings are lines over their expected band, moments are marks above them, effects have their intervals. The same
readings give the same bytes. Times are UTC.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from cases.moments import from_milliseconds
from cases.telemetry import Floats, Millis
from remediation.canvas import (
    BLUE,
    DAY_MS,
    HEIGHT,
    INK,
    PALE,
    SKY,
    TYPE,
    VERMILION,
    WIDTH,
    Axes,
    blank,
    day_of,
    panel,
    png,
    write_title,
)
from remediation.marks import LOOKS, ROW, ROWS, Mark, draw_marks

_OUTCOME_HEIGHT = 640


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Band:
    """What was expected: low and high, float64 [T] beside the readings, or one number each."""

    low: Floats | float
    high: Floats | float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Effects:
    """The effect at each look with its interval: int64 ms [L], float64 [L] each; NaN where a look had none.

    `margin` is the smallest harm that counts, signed towards harm; None where it is not known.
    """

    times: Millis
    effect: Floats
    low: Floats
    high: Floats
    margin: float | None


def anomaly_plot(
    times: Millis, values: Floats, *, band: Band | None, marks: Sequence[Mark], title: str, unit: str
) -> bytes:
    """A PNG of 900 x 360 pixels: readings [T], the expected band, and the marks.

    Raises ValueError where times and values differ in length.
    """
    figure = blank(HEIGHT)
    axes = panel(figure, bottom=34, height=HEIGHT - 34 - 40 - ROWS * ROW, of=HEIGHT)
    _readings(axes, times, values, band)
    _time_axis(axes, times, marks)
    draw_marks(axes, marks)
    write_title(figure, title, unit, _date(times, marks))
    return png(figure)


def outcome_plot(  # noqa: PLR0913 - a picture has many parts, each by its name
    times: Millis,
    values: Floats,
    *,
    band: Band | None,
    anomalous: tuple[datetime, datetime] | None,
    marks: Sequence[Mark],
    effects: Effects,
    decision: Mark | None,
    title: str,
    unit: str,
) -> bytes:
    """A PNG of 900 x 640 pixels in two panels, each with its own span of time.

    Above the readings [T] with band, marks, and the `anomalous` span shaded; below the effect with its always-valid
    interval at each look, the margin and the decision. Raises ValueError where times and values differ in length.
    """
    figure = blank(_OUTCOME_HEIGHT)
    below = 34 + 190
    upper = panel(figure, bottom=below + 74, height=_OUTCOME_HEIGHT - below - 74 - 40 - ROWS * ROW, of=_OUTCOME_HEIGHT)
    lower = panel(figure, bottom=34, height=190, of=_OUTCOME_HEIGHT)
    if anomalous is not None:
        upper.axvspan(day_of(anomalous[0]), day_of(anomalous[1]), color=VERMILION, alpha=0.13, linewidth=0)
    _readings(upper, times, values, band)
    _time_axis(upper, times, marks)
    draw_marks(upper, marks)
    _effects(lower, effects, decision)
    write_title(figure, title, unit, _date(times, marks))
    return png(figure)


def _readings(axes: Axes, times: Millis, values: Floats, band: Band | None) -> None:
    """The band, the gaps, and the readings as a line; lone readings as dots."""
    if times.shape != values.shape:
        raise ValueError(f"times {times.shape} and values {values.shape} must be of one length")
    days = times / DAY_MS
    if band is not None and len(times):
        low, high = (
            np.broadcast_to(np.asarray(edge, dtype=np.float64), values.shape) for edge in (band.low, band.high)
        )
        axes.fill_between(days, low, high, color=SKY, alpha=0.35, linewidth=0, label="expected")
    present = np.isfinite(values)
    if not present.any():
        axes.text(
            0.5,
            0.5,
            "no readings in this window",
            transform=axes.transAxes,
            ha="center",
            va="center",
            fontsize=TYPE + 2,
        )
        axes.set_yticks([])
        return
    for start, end in _gaps(days, present):
        axes.axvspan(start, end, facecolor=PALE, edgecolor="#CCCCCC", hatch="///", linewidth=0)
    thin_days, thin_values = _thinned(days, np.where(present, values, np.nan))
    axes.plot(thin_days, thin_values, color=BLUE, linewidth=1.8, solid_joinstyle="round", label="reading")
    alone = present & ~np.r_[False, present[:-1]] & ~np.r_[present[1:], False]
    axes.plot(days[alone], values[alone], color=BLUE, marker="o", markersize=5, linestyle="none")
    axes.margins(y=0.08)


def _gaps(days: Floats, present: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[tuple[float, float]]:
    """The spans between readings in which at least two in a row are missing."""
    known = np.flatnonzero(present)
    edges = [-1, *known.tolist(), len(days)]
    last = len(days) - 1
    return [
        (float(days[max(left, 0)]), float(days[min(right, last)]))
        for left, right in itertools.pairwise(edges)
        if right - left > 2  # noqa: PLR2004 - one missing sample is a scrape that came late
    ]


def _thinned(days: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Lowest and highest reading of each pixel, where there are more readings than two a pixel; gaps stay gaps."""
    if len(days) <= 2 * WIDTH:
        return days, values
    chosen: list[int] = []
    for part in np.array_split(np.arange(len(days)), WIDTH):
        known = part[np.isfinite(values[part])]
        if len(known):
            extremes = (known[np.argmin(values[known])], known[np.argmax(values[known])])
            chosen += sorted({int(index) for index in extremes})
        else:
            chosen.append(int(part[0]))
    return days[chosen], values[chosen]


def _time_axis(axes: Axes, times: Millis, marks: Sequence[Mark]) -> None:
    """UTC times, over all readings and marks."""
    from matplotlib import dates

    moments = [*(times[[0, -1]] / DAY_MS if len(times) else ()), *(day_of(mark.at) for mark in marks)]
    if moments:
        low, high = float(min(moments)), float(max(moments))
        room = max((high - low) * 0.01, 30_000 / DAY_MS)  # a lone reading gets a minute to stand in
        axes.set_xlim(low - room, high + room)
    untyped: Any = dates
    locator = untyped.AutoDateLocator(tz="UTC", minticks=3, maxticks=8)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(untyped.ConciseDateFormatter(locator, tz="UTC"))
    axes.xaxis.get_offset_text().set_visible(False)


def _effects(axes: Axes, effects: Effects, decision: Mark | None) -> None:
    """Effect and interval over the looks, the zero, the margin, and the decision."""
    days = effects.times / DAY_MS
    axes.axhline(0.0, color=INK, linewidth=1.0)
    title = "effect, with its always-valid interval"
    if effects.margin is not None:
        axes.axhline(effects.margin, color=VERMILION, linestyle="dashed", linewidth=1.4)
        title += "; dashed: harm counts from here on"
    axes.text(0.0, 1.04, title, transform=axes.transAxes, fontsize=TYPE, color=INK, va="bottom")
    known = np.isfinite(effects.effect)
    if known.any():
        axes.fill_between(days, effects.low, effects.high, color=SKY, alpha=0.4, linewidth=0)
        axes.plot(days, effects.effect, color=BLUE, linewidth=1.8, marker="o", markersize=4)
        axes.set_ylim(*_effect_range(effects))
    else:
        axes.text(0.5, 0.5, "no effect could be worked out", transform=axes.transAxes, ha="center", fontsize=TYPE + 2)
        axes.set_yticks([0.0])
    _time_axis(axes, effects.times, [decision] if decision else [])
    if decision is not None:
        colour, dash = LOOKS[decision.kind]
        day = day_of(decision.at)
        axes.axvline(day, color=colour, linestyle=dash, linewidth=1.6)
        low, high = axes.get_xlim()
        left = day > (low + high) / 2.0
        axes.annotate(
            decision.label, (day, 0.94), xycoords=axes.get_xaxis_transform(), xytext=(-6 if left else 6, 0),
            textcoords="offset points", ha="right" if left else "left", va="top", fontsize=TYPE + 1, color=colour,
            weight="bold", parse_math=False, bbox={"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1.5},
        )  # fmt: skip


def _effect_range(effects: Effects) -> tuple[float, float]:
    """The newest interval, every effect, zero and the margin; the wide first intervals are cut off."""
    ends = [edge[np.isfinite(edge)] for edge in (effects.low, effects.high)]
    shown = [0.0, effects.margin or 0.0, *(float(edge[-1]) for edge in ends if len(edge))]
    shown += [float(effect) for effect in effects.effect if np.isfinite(effect)]
    low, high = min(shown), max(shown)
    room = (high - low or 1.0) * 0.15
    return low - room, high + room


def _date(times: Millis, marks: Sequence[Mark]) -> str:
    """The UTC day of the newest moment shown."""
    moments = [*(from_milliseconds(int(time)) for time in times[-1:]), *(mark.at for mark in marks)]
    return f"{max(moments):%Y-%m-%d} UTC" if moments else "UTC"
