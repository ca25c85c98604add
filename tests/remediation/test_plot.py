"""Pictures: real PNGs of the promised size, the same bytes each time, whatever the readings look like."""

import io
import struct
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from cases.moments import milliseconds
from remediation.marks import Mark, MarkKind
from remediation.plot import Band, Effects, anomaly_plot, outcome_plot
from remediation.sparkline import sparkline
from tests.parts.nouns import NOW

Floats = npt.NDArray[np.float64]
Millis = npt.NDArray[np.int64]
LARGEST = 60_000


def after(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def readings(count: int = 360) -> tuple[Millis, Floats]:
    times = np.array([milliseconds(after(index / 4)) for index in range(count)], dtype=np.int64)
    values = np.clip(0.005 + 0.004 * np.random.default_rng(0).standard_normal(count), 0, 1)
    values[count // 2 : count * 2 // 3] += 0.3
    return times, values


MARKS = (
    Mark(at=after(39), label="deploy 3f2a9c1", kind=MarkKind.DEPLOY),
    Mark(at=after(40.2), label="onset", kind=MarkKind.ONSET),
    Mark(at=after(41.2), label="detected", kind=MarkKind.DETECTION),
    Mark(at=after(45), label="PR", kind=MarkKind.PULL_REQUEST),
    Mark(at=after(55), label="merged", kind=MarkKind.MERGE),
    Mark(at=after(60), label="change runs 9d8e7f6", kind=MarkKind.CHANGE),
    Mark(at=after(62), label="recovered", kind=MarkKind.RECOVERY),
)


def anomaly(times: Millis, values: Floats, marks: tuple[Mark, ...] = MARKS, title: str = "errors of shop") -> bytes:
    return anomaly_plot(times, values, band=Band(low=0.0, high=0.02), marks=marks, title=title, unit="ratio")


def effects(looks: int = 25, margin: float | None = 0.01) -> Effects:
    times = np.array([milliseconds(after(65 + look)) for look in range(looks)], dtype=np.int64)
    se = 0.3 / np.sqrt(1 + np.arange(looks))
    return Effects(times=times, effect=np.full(looks, -0.3), low=-0.3 - se, high=-0.3 + se, margin=margin)


def outcome(times: Millis, values: Floats, seen: Effects) -> bytes:
    return outcome_plot(
        times,
        values,
        band=Band(low=np.zeros(len(values)), high=np.full(len(values), 0.02)),
        anomalous=(after(40), after(60)),
        marks=MARKS,
        effects=seen,
        decision=Mark(at=after(88), label="worked", kind=MarkKind.CHANGE),
        title="errors of shop",
        unit="ratio",
    )


def pixels(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert len(png) <= LARGEST
    width, height = struct.unpack(">II", png[16:24])
    with Image.open(io.BytesIO(png)) as image:
        image.load()
        assert len(set(image.convert("L").get_flattened_data())) > 2
    return width, height


def test_the_anomaly_is_a_small_png_and_always_the_same_one() -> None:
    first = anomaly(*readings())
    assert pixels(first) == (900, 360)
    assert first == anomaly(*readings())
    assert first != anomaly(*readings(300))


def test_the_outcome_has_two_panels_and_is_always_the_same_one() -> None:
    first = outcome(*readings(), effects())
    assert pixels(first) == (900, 640)
    assert first == outcome(*readings(), effects())
    assert first != outcome(*readings(), effects(12))


def test_nothing_in_it_says_when_or_by_what_it_was_drawn() -> None:
    with Image.open(io.BytesIO(anomaly(*readings()))) as image:
        assert image.info.keys() <= {"transparency"}


def test_threads_may_draw_at_once() -> None:
    with ThreadPoolExecutor(max_workers=3) as pool:
        drawn = [future.result() for future in [pool.submit(anomaly, *readings()) for _ in range(3)]]
    assert len(set(drawn)) == 1


def test_a_gap_is_shown_and_is_not_zero() -> None:
    times, values = readings()
    gap, zero = values.copy(), values.copy()
    gap[100:140], zero[100:140] = np.nan, 0.0
    assert len({anomaly(times, values), anomaly(times, gap), anomaly(times, zero)}) == 3


@pytest.mark.parametrize("count", [0, 1, 2, 20_000])
def test_any_number_of_readings_can_be_drawn(count: int) -> None:
    times, values = readings(count)
    assert pixels(anomaly(times, values)) == (900, 360)
    assert pixels(outcome(times, values, effects(min(count, 60)))) == (900, 640)


def test_readings_that_are_all_missing_say_so() -> None:
    times, values = readings()
    empty = anomaly(times, np.full(len(values), np.nan))
    assert pixels(empty) == (900, 360)
    assert pixels(anomaly(times[:0], values[:0], marks=())) == (900, 360)
    nothing = Effects(
        times=times[:3], effect=np.full(3, np.nan), low=np.full(3, np.nan), high=np.full(3, np.nan), margin=None
    )
    assert pixels(outcome(times, np.full(len(values), np.nan), nothing)) == (900, 640)


def test_a_series_that_never_moves_and_one_with_a_lone_reading_can_be_drawn() -> None:
    times, values = readings()
    assert pixels(anomaly(times, np.zeros(len(values)))) == (900, 360)
    lone = np.full(len(values), np.nan)
    lone[50] = 0.1
    assert anomaly(times, lone) != anomaly(times, np.full(len(values), np.nan))


def test_text_from_outside_is_drawn_as_it_is() -> None:
    odd = Mark(at=after(20), label="deploy $\\frac{", kind=MarkKind.DEPLOY)
    assert pixels(anomaly(*readings(), marks=(odd,), title="$x^{ of “shop”\nand more " + "long " * 40)) == (900, 360)


def test_more_marks_than_fit_are_drawn_without_their_labels() -> None:
    crowd = tuple(
        Mark(at=after(40 + index / 5), label=f"deploy {index:07d}", kind=MarkKind.DEPLOY) for index in range(40)
    )
    assert pixels(anomaly(*readings(), marks=(*MARKS, *crowd))) == (900, 360)


def test_columns_that_do_not_fit_are_refused() -> None:
    times, values = readings()
    with pytest.raises(ValueError, match="one length"):
        anomaly(times, values[:-1])
    with pytest.raises(ValueError, match="UTC"):
        Mark(at=NOW.replace(tzinfo=None), label="onset", kind=MarkKind.ONSET)


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([], ""),
        ([1.0], "▁"),
        ([1.0, 1.0], "▁▁"),
        ([0.0, 1.0, 2.0, 7.0], "▁▂▃█"),
        ([0.0, np.nan, 7.0], "▁·█"),
        ([np.nan, np.inf], "··"),
        ([-5.0, 5.0], "▁█"),
    ],
)
def test_a_sparkline_is_text(values: list[float], line: str) -> None:
    assert sparkline(np.array(values, dtype=np.float64)) == line


def test_a_long_sparkline_is_shortened_to_its_width() -> None:
    line = sparkline(np.r_[np.zeros(500), np.ones(500)], width=10)
    assert line == "▁▁▁▁▁█████"
    with pytest.raises(ValueError, match="one character"):
        sparkline(np.zeros(3), width=0)
