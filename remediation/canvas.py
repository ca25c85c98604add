"""The sheet that pictures are drawn on: its size, its colours, its panels, and its bytes.

Drawn by matplotlib's Agg straight into bytes: no window system, no global state (threads may draw at once), and the
same bytes for the same readings. matplotlib is imported on the first picture only. The colours (after Okabe and Ito,
2008) differ for colour-blind readers; the type is large enough for a phone.
"""

from datetime import datetime
from io import BytesIO
from typing import Any, TypeAlias

import numpy as np

from cases.moments import milliseconds

# matplotlib leaves its keyword arguments untyped, and is not imported until a picture is asked for
Axes: TypeAlias = Any
Figure: TypeAlias = Any

WIDTH, HEIGHT, DPI = 900, 360, 100  # pixels; a phone shows 900 across at about half of that
TYPE = 12.0  # points
DAY_MS = 86_400_000.0
BLUE, SKY, ORANGE, VERMILION, GREEN, PURPLE = "#0072B2", "#56B4E9", "#A66A00", "#D55E00", "#00805C", "#A8487F"
INK, GREY, PALE = "#222222", "#777777", "#F0F0F0"
_MARGIN_LEFT, _MARGIN_RIGHT = 84, 22
_COLOURS = 160
_LONGEST_TITLE = 60  # characters


def blank(height: int) -> Figure:
    """An empty picture with its own canvas."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as NewFigure

    figure: Figure = NewFigure(figsize=(WIDTH / DPI, height / DPI), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def panel(figure: Figure, *, bottom: int, height: int, of: int) -> Axes:
    """A panel at fixed pixels, with quiet lines."""
    wide = WIDTH - _MARGIN_LEFT - _MARGIN_RIGHT
    axes = figure.add_axes((_MARGIN_LEFT / WIDTH, bottom / of, wide / WIDTH, height / of))
    axes.grid(visible=True, axis="y", color="#DDDDDD", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=TYPE, colors=INK)
    axes.locator_params(axis="y", nbins=5)
    return axes


def write_title(figure: Figure, title: str, unit: str, day: str) -> None:
    """What is shown, in which unit, and on which day."""
    top = 1.0 - 8.0 / (float(figure.get_figheight()) * DPI)
    shown = one_line(f"{title} ({unit})" if unit else title, _LONGEST_TITLE)
    figure.text(0.012, top, shown, fontsize=TYPE + 2, weight="bold", color=INK, va="top", parse_math=False)
    figure.text(0.988, top, day, fontsize=TYPE, color=GREY, va="top", ha="right")


def one_line(text: str, longest: int) -> str:
    """One line of at most that many characters."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def day_of(at: datetime) -> float:
    """Days since the epoch, matplotlib's time axis."""
    return milliseconds(at) / DAY_MS


def png(figure: Figure) -> bytes:
    """The picture in 160 colours (half of the bytes), and nothing in it that says when or by what it was drawn."""
    from PIL import Image

    figure.canvas.draw()
    drawn = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[:, :, :3])
    buffer = BytesIO()
    drawn.quantize(_COLOURS, dither=Image.Dither.NONE).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
