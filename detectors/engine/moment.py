"""A moment: when the readings of a tick are, and how old their series, as short as that can be said.

Most ticks read all rows at one time, of series that are long past learning. Then each of these is one number for all,
an array [1], and what is reckoned from it costs nothing a row.
"""

from dataclasses import dataclass

import numpy as np

from detectors.engine.pace import Floats, Millis, Pace, Rates, rates
from detectors.engine.rows import Rows

_OLD_DAYS = 8  # from then on nothing depends on how long a series has been seen


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moment:
    """Each [1] when it is the same for all rows, else [N].

    times, newest   epoch milliseconds of the readings, and of those before them
    age             readings before this one, no more than are needed to be old
    rates           what the pace comes to for the rows' steps
    """

    times: Millis
    newest: Millis
    age: Floats
    rates: Rates

    @property
    def young(self) -> Floats:
        """The part that a plain mean over all readings would take over; nothing for those that are old."""
        return np.where(self.age < _OLD_DAYS * self.rates.day, 1 / (self.age + 1), 0.0)


def moment(rows: Rows, times: Millis, pace: Pace) -> Moment:
    """The moment of readings at `times` [N], one for each row."""
    speed = rates(pace, rows.step)
    old = float(max(_OLD_DAYS * float(np.max(speed.day)), float(np.max(speed.warm))))
    age = np.array([old]) if float(np.min(rows.age)) >= old else np.minimum(rows.age, old)
    return Moment(times=_short(times), newest=_short(rows.newest), age=age, rates=speed)


def _short(times: Millis) -> Millis:
    return times[:1] if int(np.min(times)) == int(np.max(times)) else times
