"""Users behind a flag, as a test wants them: so many an hour in each variant, with rates of its choice."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from cases.errors import PermanentError, SourceDown
from cases.measure import EVERYBODY, Measured, Tally, Users

HOUR = timedelta(hours=1)


@dataclass
class Crowd:
    """`Measures` over made-up users. `rates`: signal → variant → the share of users that have the event.

    `crossed`: how many saw both variants besides, for each user of an arm.
    `apart`: a value of the property that is asked for → signal → variant → its own share; each has as many users.
    The numbers are what such users come to on average: no luck is in them.
    """

    per_hour: int = 200
    share: float = 0.5
    rates: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Mapping[str, float]])
    down: bool = False
    refused: str = ""
    uneven: float = 1.0
    crossed: float = 0.0
    apart: Mapping[str, Mapping[str, Mapping[str, float]]] = field(
        default_factory=dict[str, Mapping[str, Mapping[str, float]]]
    )
    asked: list[Measured] = field(default_factory=list[Measured])

    def look(self, wanted: Measured) -> Users:
        """See `cases.measure.Measures`."""
        if self.down:
            raise SourceDown("books", "no answer")
        if self.refused:
            raise PermanentError(self.refused)
        self.asked.append(wanted)
        total = max(0, int(self.per_hour * ((wanted.until - wanted.since) / HOUR)))
        control, treated = wanted.variants
        exposed = {control: int(total * (1 - self.share)), treated: int(total * self.share * self.uneven)}
        tallies = {
            (EVERYBODY, signal, variant): _tally(count, self.rates[signal][variant])
            for signal in wanted.signals
            for variant, count in exposed.items()
        }
        if wanted.by:
            tallies |= {
                (segment, signal, variant): _tally(count // len(self.apart), rates[signal][variant])
                for segment, rates in self.apart.items()
                for signal in wanted.signals
                for variant, count in exposed.items()
            }
        first = wanted.since if total else None
        return Users(
            exposed=exposed,
            crossed=int(total * self.crossed),
            tallies=tallies,
            first=first,
            newest=_newest(wanted),
            rows=total,
        )


def _newest(wanted: Measured) -> datetime:
    return wanted.until - timedelta(minutes=1)


def _tally(users: int, rate: float) -> Tally:
    scatter = float(np.float64(users) * rate * (1 - rate))
    return Tally(columns=("value",), users=users, means=(rate,), scatter=((scatter,),))
