"""Pictures for a pull request: the anomaly, and what the change did about it.

Drawn by matplotlib's Agg straight into bytes: no window system, no global state (threads may draw at once), and the
same bytes for the same readings. matplotlib is imported on the first picture only. The colours (after Okabe and Ito,
2008) differ for colour-blind readers, and so do the line styles; the type is large enough for a phone. Times are UTC.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from io import BytesIO
from typing import Any, TypeAlias

import numpy as np

from cases.moments import from_milliseconds, milliseconds, utc
from cases.telemetry import Floats, Millis
from remediation.sparkline import sparkline

# matplotlib leaves its keyword arguments untyped, and is not imported until a picture is asked for
Axes: TypeAlias = Any
Figure: TypeAlias = Any

__all__ = ["Band", "Effects", "Mark", "MarkKind", "anomaly_plot", "outcome_plot", "sparkline"]

WIDTH, HEIGHT, DPI = 900, 360, 100  # pixels; a phone shows 900 across at about half of that
_OUTCOME_HEIGHT = 640
_MARGIN_LEFT, _MARGIN_RIGHT = 84, 22
_ROW = 22  # pixels of one row of labels above the readings
_ROWS = 4
_AROUND = 12.0  # pixels beside a label
_COLOURS = 160
_TYPE = 12.0  # points
_LONGEST_TITLE, _LONGEST_LABEL = 60, 30  # characters
_DAY_MS = 86_400_000.0
_BLUE, _SKY, _ORANGE, _VERMILION, _GREEN, _PURPLE = "#0072B2", "#56B4E9", "#A66A00", "#D55E00", "#00805C", "#A8487F"
_INK, _GREY, _PALE = "#222222", "#777777", "#F0F0F0"


class MarkKind(StrEnum):
    """What a mark stands for; the first ones keep their label where there is not room for all."""

    ONSET = "onset"
    CHANGE = "change"  # the deploy of the change
    RECOVERY = "recovery"
    DETECTION = "detection"
    MERGE = "merge"
    PULL_REQUEST = "pull request"
    DEPLOY = "deploy"  # any other deploy


_LOOKS = {  # colour and dash of each kind of mark
    MarkKind.ONSET: (_VERMILION, "solid"),
    MarkKind.CHANGE: (_GREEN, "solid"),
    MarkKind.RECOVERY: (_GREEN, "dotted"),
    MarkKind.DETECTION: (_ORANGE, "dashed"),
    MarkKind.MERGE: (_PURPLE, "dashdot"),
    MarkKind.PULL_REQUEST: (_PURPLE, "dotted"),
    MarkKind.DEPLOY: (_GREY, "dashed"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A moment with a short label: a deploy carries the first digits of its commit."""

    at: datetime
    label: str
    kind: MarkKind

    def __post_init__(self) -> None:
        utc(self.at, "a mark")


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
    figure = _figure(HEIGHT)
    axes = _axes(figure, bottom=34, height=HEIGHT - 34 - 40 - _ROWS * _ROW, of=HEIGHT)
    _readings(axes, times, values, band)
    _time_axis(axes, times, marks)
    _marks(axes, marks)
    _title(figure, title, unit, _date(times, marks))
    return _png(figure)


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
    figure = _figure(_OUTCOME_HEIGHT)
    below = 34 + 190
    upper = _axes(
        figure, bottom=below + 74, height=_OUTCOME_HEIGHT - below - 74 - 40 - _ROWS * _ROW, of=_OUTCOME_HEIGHT
    )
    lower = _axes(figure, bottom=34, height=190, of=_OUTCOME_HEIGHT)
    if anomalous is not None:
        upper.axvspan(_day(anomalous[0]), _day(anomalous[1]), color=_VERMILION, alpha=0.13, linewidth=0)
    _readings(upper, times, values, band)
    _time_axis(upper, times, marks)
    _marks(upper, marks)
    _effects(lower, effects, decision)
    _title(figure, title, unit, _date(times, marks))
    return _png(figure)


def _figure(height: int) -> Figure:
    """An empty picture with its own canvas."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as NewFigure

    figure: Figure = NewFigure(figsize=(WIDTH / DPI, height / DPI), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _axes(figure: Figure, *, bottom: int, height: int, of: int) -> Axes:
    """A panel at fixed pixels, with quiet lines."""
    wide = WIDTH - _MARGIN_LEFT - _MARGIN_RIGHT
    axes = figure.add_axes((_MARGIN_LEFT / WIDTH, bottom / of, wide / WIDTH, height / of))
    axes.grid(visible=True, axis="y", color="#DDDDDD", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=_TYPE, colors=_INK)
    axes.locator_params(axis="y", nbins=5)
    return axes


def _readings(axes: Axes, times: Millis, values: Floats, band: Band | None) -> None:
    """The band, the gaps, and the readings as a line; lone readings as dots."""
    if times.shape != values.shape:
        raise ValueError(f"times {times.shape} and values {values.shape} must be of one length")
    days = times / _DAY_MS
    if band is not None and len(times):
        low, high = (
            np.broadcast_to(np.asarray(edge, dtype=np.float64), values.shape) for edge in (band.low, band.high)
        )
        axes.fill_between(days, low, high, color=_SKY, alpha=0.35, linewidth=0, label="expected")
    present = np.isfinite(values)
    if not present.any():
        axes.text(
            0.5,
            0.5,
            "no readings in this window",
            transform=axes.transAxes,
            ha="center",
            va="center",
            fontsize=_TYPE + 2,
        )
        axes.set_yticks([])
        return
    for start, end in _gaps(days, present):
        axes.axvspan(start, end, facecolor=_PALE, edgecolor="#CCCCCC", hatch="///", linewidth=0)
    thin_days, thin_values = _thinned(days, np.where(present, values, np.nan))
    axes.plot(thin_days, thin_values, color=_BLUE, linewidth=1.8, solid_joinstyle="round", label="reading")
    alone = present & ~np.r_[False, present[:-1]] & ~np.r_[present[1:], False]
    axes.plot(days[alone], values[alone], color=_BLUE, marker="o", markersize=5, linestyle="none")
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

    moments = [*(times[[0, -1]] / _DAY_MS if len(times) else ()), *(_day(mark.at) for mark in marks)]
    if moments:
        low, high = float(min(moments)), float(max(moments))
        room = max((high - low) * 0.01, 30_000 / _DAY_MS)  # a lone reading gets a minute to stand in
        axes.set_xlim(low - room, high + room)
    untyped: Any = dates
    locator = untyped.AutoDateLocator(tz="UTC", minticks=3, maxticks=8)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(untyped.ConciseDateFormatter(locator, tz="UTC"))
    axes.xaxis.get_offset_text().set_visible(False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Label:
    """Where a mark's line stands, and from where to where its label would reach, in pixels; `row` once it has one."""

    mark: Mark
    at: float
    left: float
    right: float
    row: int = -1

    @property
    def on_the_right(self) -> bool:
        """Whether the label stands right of its line."""
        return self.right > self.at

    def clear_of(self, other: "_Label", row: int) -> bool:
        """Whether in that row neither the labels nor the lines up to them meet."""
        if row == other.row and self.left < other.right and other.left < self.right:
            return False
        if row <= other.row and self.left <= other.at <= self.right:
            return False
        return not (other.row <= row and other.left <= self.at <= other.right)


def _marks(axes: Axes, marks: Sequence[Mark]) -> None:
    """A line for each mark up to its label; where there is no room for all labels the telling ones stay."""
    order = list(MarkKind)
    labels = [_measured(axes, mark) for mark in sorted(marks, key=lambda m: (order.index(m.kind), -m.at.timestamp()))]
    placed = _placed(labels)
    height = float(axes.get_window_extent().height)
    across = axes.get_xaxis_transform()
    for label in labels:
        row = next((other.row for other in placed if other.mark is label.mark), None)
        colour, dash = _LOOKS[label.mark.kind]
        day = _day(label.mark.at)
        top = 1.0 if row is None else 1.0 + (row + 0.95) * _ROW / height
        axes.plot(
            [day, day], [0.0, top], transform=across, clip_on=False, color=colour, linestyle=dash,
            linewidth=0.8 if row is None else 1.6, zorder=1 if row is None else 3, scalex=False, scaley=False,
        )  # fmt: skip
        if row is not None:
            axes.annotate(
                _line(label.mark.label, _LONGEST_LABEL), (day, 1.0 + (row + 0.55) * _ROW / height),
                xycoords=across, color=colour,
                xytext=(4 if label.on_the_right else -4, 0), textcoords="offset points", va="center",
                ha="left" if label.on_the_right else "right", fontsize=_TYPE, parse_math=False, annotation_clip=False,
            )  # fmt: skip


def _measured(axes: Axes, mark: Mark) -> _Label:
    """The label right of its line, or left where the picture ends."""
    at = float(axes.transData.transform((_day(mark.at), 0.0))[0])
    text = axes.text(0.0, 0.0, _line(mark.label, _LONGEST_LABEL), fontsize=_TYPE, parse_math=False)
    wide = float(text.get_window_extent().width) + _AROUND
    text.remove()
    fits = at + wide < WIDTH
    return _Label(mark=mark, at=at, left=at if fits else at - wide, right=at + wide if fits else at)


def _placed(labels: Sequence[_Label]) -> list[_Label]:
    """The labels that find room beside those before them in `labels`, with their rows."""
    placed: list[_Label] = []
    for label in labels:
        placed = _stacked([*placed, label]) or placed
    return placed


def _stacked(labels: Sequence[_Label]) -> list[_Label]:
    """All of the labels with their rows, or none where they do not fit together.

    They are taken from the outer end inwards, so that a label which a line would cross comes to stand above that line.
    """
    stacked: list[_Label] = []
    for label in sorted(
        labels, key=lambda label: (not label.on_the_right, -label.at if label.on_the_right else label.at)
    ):
        free = (row for row in range(_ROWS) if all(label.clear_of(other, row) for other in stacked))
        row = next(free, None)
        if row is None:
            return []
        stacked.append(replace(label, row=row))
    return stacked


def _effects(axes: Axes, effects: Effects, decision: Mark | None) -> None:
    """Effect and interval over the looks, the zero, the margin, and the decision."""
    days = effects.times / _DAY_MS
    axes.axhline(0.0, color=_INK, linewidth=1.0)
    title = "effect, with its always-valid interval"
    if effects.margin is not None:
        axes.axhline(effects.margin, color=_VERMILION, linestyle="dashed", linewidth=1.4)
        title += "; dashed: harm counts from here on"
    axes.text(0.0, 1.04, title, transform=axes.transAxes, fontsize=_TYPE, color=_INK, va="bottom")
    known = np.isfinite(effects.effect)
    if known.any():
        axes.fill_between(days, effects.low, effects.high, color=_SKY, alpha=0.4, linewidth=0)
        axes.plot(days, effects.effect, color=_BLUE, linewidth=1.8, marker="o", markersize=4)
        axes.set_ylim(*_effect_range(effects))
    else:
        axes.text(0.5, 0.5, "no effect could be worked out", transform=axes.transAxes, ha="center", fontsize=_TYPE + 2)
        axes.set_yticks([0.0])
    _time_axis(axes, effects.times, [decision] if decision else [])
    if decision is not None:
        colour, dash = _LOOKS[decision.kind]
        day = _day(decision.at)
        axes.axvline(day, color=colour, linestyle=dash, linewidth=1.6)
        low, high = axes.get_xlim()
        left = day > (low + high) / 2.0
        axes.annotate(
            decision.label, (day, 0.94), xycoords=axes.get_xaxis_transform(), xytext=(-6 if left else 6, 0),
            textcoords="offset points", ha="right" if left else "left", va="top", fontsize=_TYPE + 1, color=colour,
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


def _title(figure: Figure, title: str, unit: str, day: str) -> None:
    """What is shown, in which unit, and on which day."""
    top = 1.0 - 8.0 / (float(figure.get_figheight()) * DPI)
    shown = _line(f"{title} ({unit})" if unit else title, _LONGEST_TITLE)
    figure.text(0.012, top, shown, fontsize=_TYPE + 2, weight="bold", color=_INK, va="top", parse_math=False)
    figure.text(0.988, top, day, fontsize=_TYPE, color=_GREY, va="top", ha="right")


def _line(text: str, longest: int) -> str:
    """One line of at most that many characters."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _date(times: Millis, marks: Sequence[Mark]) -> str:
    """The UTC day of the newest moment shown."""
    moments = [*(from_milliseconds(int(time)) for time in times[-1:]), *(mark.at for mark in marks)]
    return f"{max(moments):%Y-%m-%d} UTC" if moments else "UTC"


def _day(at: datetime) -> float:
    """Days since the epoch, matplotlib's time axis."""
    return milliseconds(at) / _DAY_MS


def _png(figure: Figure) -> bytes:
    """The picture in 160 colours (half of the bytes), and nothing in it that says when or by what it was drawn."""
    from PIL import Image

    figure.canvas.draw()
    drawn = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[:, :, :3])
    buffer = BytesIO()
    drawn.quantize(_COLOURS, dither=Image.Dither.NONE).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
