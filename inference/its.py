"""What a deploy did to one series: an interrupted time series, judged anew at each look, however often one looks.

With a week or more of history season, noise and controls are learnt, and the looks follow them (`inference.watching`);
with less, levels are compared (`inference.plain`). Times are epoch milliseconds; readings are in the series' own unit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from inference.interruption import Interruption, ItsReading, ItsSettings
from inference.plain import judge_plainly, too_few, undecided
from inference.scene import Stretch
from inference.season import FOR_DAILY

if TYPE_CHECKING:
    from inference.watching import Watched

Floats = npt.NDArray[np.float64]

MOST_PLAIN_LOOKS = 400  # of a whole watch at once; each costs as much as the first
_NEARLY = 0.96


def judge(
    times: npt.ArrayLike,
    values: npt.ArrayLike,
    event: Interruption,
    settings: ItsSettings,
    controls: Sequence[npt.ArrayLike] = (),
) -> ItsReading:
    """Judge one series of T readings: `times` ascending epoch ms, `values` with NaN (or an infinity) where missing.

    `controls` are series of the same length that the deploy cannot have moved. Too few readings are never a pass: the
    ruling stays None, and becomes "inconclusive" once the watch has ended. Raises ValueError for columns of different
    lengths and for times that do not ascend.
    """
    readings, beside = _present(times, values, controls)
    seen = _watched(readings, beside, event, settings)
    if seen is None:
        return _plainly(readings, event, settings)
    if not len(seen):
        return _unread(event, settings, seen.method)
    return seen.look(len(seen) - 1)


def first_ruling(
    times: npt.ArrayLike,
    values: npt.ArrayLike,
    event: Interruption,
    settings: ItsSettings,
    controls: Sequence[npt.ArrayLike] = (),
) -> ItsReading:
    """The first ruling that a watch of all these readings would have come to, look by look; else what the last says.

    Its `decided` is the reading at which it came to it. Arguments and errors as of `judge`.
    """
    readings, beside = _present(times, values, controls)
    seen = _watched(readings, beside, event, settings)
    if seen is not None:
        return seen.first() if len(seen) else _unread(event, settings, seen.method)
    looks = readings.times[readings.times >= event.deploy + settings.warm_up]
    looks = looks[looks <= event.deploy + settings.window]
    going_on = replace(event, ended=False)
    for look in looks[:: max(1, -(-len(looks) // MOST_PLAIN_LOOKS))]:
        reading = _plainly(readings.of(readings.times <= look), going_on, settings)
        if reading.ruling is not None:
            return reading
    return _plainly(readings.of(readings.times <= event.deploy + settings.window), event, settings)


def retrace(
    times: npt.ArrayLike,
    values: npt.ArrayLike,
    event: Interruption,
    settings: ItsSettings,
    at: Iterable[float],
    controls: Sequence[npt.ArrayLike] = (),
) -> tuple[ItsReading, ...]:
    """What `judge` said, or would have said, at each of the moments `at` (epoch ms), for a picture of the looks.

    `event.ended` holds for the last moment only. Raises ValueError as `judge` does.
    """
    readings, beside = _present(times, values, controls)
    seen = _watched(readings, beside, event, settings)
    moments = sorted(at)
    found: list[ItsReading] = []
    for index, moment in enumerate(moments):
        then = replace(event, ended=event.ended and index == len(moments) - 1)
        if seen is None:
            found.append(_plainly(readings.of(readings.times <= moment), then, settings))
            continue
        place = int(np.searchsorted(seen.times, moment, side="right")) - 1
        known = replace(seen, event=then)
        found.append(known.look(place) if place >= 0 else _unread(then, settings, seen.method))
    return tuple(found)


def _watched(
    readings: Stretch, controls: Sequence[Floats], event: Interruption, settings: ItsSettings
) -> "Watched | None":
    """The looks with season and noise, or None where the history is too short for them or never moved."""
    if not len(readings) or event.deploy - float(readings.times[0]) < _NEARLY * FOR_DAILY:
        return None  # seen at once, and what is needed for more is not imported
    from inference.watching import observe

    seen = observe(readings, controls, event, settings)
    return None if isinstance(seen, str) else seen


def _plainly(readings: Stretch, event: Interruption, settings: ItsSettings) -> ItsReading:
    """By levels alone. Harm beside another deploy of the same hours is nobody's: nothing here tells the two apart."""
    reading = judge_plainly(readings, event, settings)
    newest = float(readings.times[-1]) if len(readings) else event.deploy
    beside = [other for other in event.others if abs(other - event.deploy) <= settings.warm_up or
              event.deploy <= other <= newest]  # fmt: skip
    if reading.ruling not in {None, "inconclusive"}:
        reading = replace(reading, decided=newest)
    if reading.ruling != "harmful" or not beside:
        return reading
    because = f"another deploy of that time may as well have done it; {reading.because}"
    return undecided(replace(reading, ruling=None, contested=True, because=because, decided=None), event)


def _unread(event: Interruption, settings: ItsSettings, method: str) -> ItsReading:
    """No reading after the warm-up."""
    nothing = ItsReading(
        ruling=None, because=too_few(0, settings), samples=0, confidence=1.0 - 2.0 * settings.alpha, method=method
    )
    return undecided(nothing, event)


def _present(
    times: npt.ArrayLike, values: npt.ArrayLike, controls: Sequence[npt.ArrayLike]
) -> tuple[Stretch, tuple[Floats, ...]]:
    """The readings that are there, and the controls beside them."""
    stamps, numbers = np.asarray(times, dtype=np.float64), np.asarray(values, dtype=np.float64)
    beside = [np.asarray(control, dtype=np.float64) for control in controls]
    if stamps.ndim != 1 or any(column.shape != stamps.shape for column in (numbers, *beside)):
        shapes = ", ".join(str(column.shape) for column in (numbers, *beside))
        raise ValueError(f"times {stamps.shape} and values {shapes} must be columns of one length")
    if np.any(np.diff(stamps) <= 0.0):
        raise ValueError("the times of a series must ascend")
    there = np.isfinite(numbers)
    return Stretch(times=stamps, values=numbers).of(there), tuple(column[there] for column in beside)
