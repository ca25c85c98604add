"""Moments marked in a picture: a line for each, and the labels above it that there is room for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from cases.moments import utc
from remediation.canvas import GREEN, GREY, ORANGE, PURPLE, TYPE, VERMILION, WIDTH, Axes, day_of, one_line

ROW = 22  # pixels of one row of labels above the readings
ROWS = 4
_AROUND = 12.0  # pixels beside a label
_LONGEST_LABEL = 30  # characters


class MarkKind(StrEnum):
    """What a mark stands for; the first ones keep their label where there is not room for all."""

    ONSET = "onset"
    CHANGE = "change"  # the deploy of the change
    RECOVERY = "recovery"
    DETECTION = "detection"
    MERGE = "merge"
    PULL_REQUEST = "pull request"
    DEPLOY = "deploy"  # any other deploy


LOOKS = {  # colour and dash of each kind of mark
    MarkKind.ONSET: (VERMILION, "solid"),
    MarkKind.CHANGE: (GREEN, "solid"),
    MarkKind.RECOVERY: (GREEN, "dotted"),
    MarkKind.DETECTION: (ORANGE, "dashed"),
    MarkKind.MERGE: (PURPLE, "dashdot"),
    MarkKind.PULL_REQUEST: (PURPLE, "dotted"),
    MarkKind.DEPLOY: (GREY, "dashed"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A moment with a short label: a deploy carries the first digits of its commit."""

    at: datetime
    label: str
    kind: MarkKind

    def __post_init__(self) -> None:
        utc(self.at, "a mark")


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


def draw_marks(axes: Axes, marks: Sequence[Mark]) -> None:
    """A line for each mark up to its label; where there is no room for all labels the telling ones stay."""
    order = list(MarkKind)
    labels = [_measured(axes, mark) for mark in sorted(marks, key=lambda m: (order.index(m.kind), -m.at.timestamp()))]
    placed = _placed(labels)
    height = float(axes.get_window_extent().height)
    across = axes.get_xaxis_transform()
    for label in labels:
        row = next((other.row for other in placed if other.mark is label.mark), None)
        colour, dash = LOOKS[label.mark.kind]
        day = day_of(label.mark.at)
        top = 1.0 if row is None else 1.0 + (row + 0.95) * ROW / height
        axes.plot(
            [day, day], [0.0, top], transform=across, clip_on=False, color=colour, linestyle=dash,
            linewidth=0.8 if row is None else 1.6, zorder=1 if row is None else 3, scalex=False, scaley=False,
        )  # fmt: skip
        if row is not None:
            axes.annotate(
                one_line(label.mark.label, _LONGEST_LABEL), (day, 1.0 + (row + 0.55) * ROW / height),
                xycoords=across, color=colour,
                xytext=(4 if label.on_the_right else -4, 0), textcoords="offset points", va="center",
                ha="left" if label.on_the_right else "right", fontsize=TYPE, parse_math=False, annotation_clip=False,
            )  # fmt: skip


def _measured(axes: Axes, mark: Mark) -> _Label:
    """The label right of its line, or left where the picture ends."""
    at = float(axes.transData.transform((day_of(mark.at), 0.0))[0])
    text = axes.text(0.0, 0.0, one_line(mark.label, _LONGEST_LABEL), fontsize=TYPE, parse_math=False)
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
        free = (row for row in range(ROWS) if all(label.clear_of(other, row) for other in stacked))
        row = next(free, None)
        if row is None:
            return []
        stacked.append(replace(label, row=row))
    return stacked
