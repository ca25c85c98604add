"""The stages of a reading in their order, for rows of any age and any mixture."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detectors.engine.calibration import fresh, turn_of_span
from detectors.engine.judged import NOTHING, Explained, Said, chance
from detectors.engine.moment import Moment, moment
from detectors.engine.novelty import evidence, follow_further
from detectors.engine.pace import Floats, Millis, Pace, Singles
from detectors.engine.records import bounded, logs, remember, sizes, surprise, turn_of_half_day
from detectors.engine.rows import CHANNELS, Places, Rows, Standing
from detectors.engine.samples import admitted, counted, pace_kept, relative
from detectors.engine.samples import bounded as held
from detectors.engine.season import follow, unexpected

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How readings are judged: at what pace, and whether they are totals that grow."""

    pace: Pace
    counters: bool


def admit(rows: Rows, times: Millis, values: Floats, way: Way, explained: Explained | None) -> Said:
    """What is said of readings [N] of rows [N]; only what is admitted touches a row."""
    good = admitted(rows, times, values)
    if bool(np.all(good)):
        return advance(rows, times, values, way, explained)
    here = np.flatnonzero(good)
    if not len(here):
        return NOTHING
    some = rows.take(here)
    few = None if explained is None else Explained.nothing(len(here))
    said = advance(some, times[here], values[here], way, few)
    rows.put(here, some)
    if explained is not None and few is not None:
        explained.put(here, few)
    return said.among(here)


def advance(rows: Rows, times: Millis, values: Floats, way: Way, explained: Explained | None) -> Said:
    """What is said of readings [N] that were admitted, one for each row, and the rows after them.

    `explained` [N] is filled in where it is given.
    """
    pace = way.pace
    pace_kept(rows, times)
    if not way.counters:
        return learnt(rows, times, relative(rows, values), moment(rows, times, pace), pace, rows.origin, explained)
    rate = counted(rows, times, values)
    known = np.flatnonzero(~np.isnan(rate))
    some = rows.take(known)
    rows.newest[:] = times
    if not len(known):
        return NOTHING
    few = None if explained is None else Explained.nothing(len(known))
    at = times[known]
    said = learnt(some, at, held(rate[known]), moment(some, at, pace), pace, np.zeros(len(known)), few)
    rows.put(known, some)
    if explained is not None and few is not None:
        explained.put(known, few)
    return said.among(known)


def learnt(
    rows: Rows, times: Millis, reading: Singles, now: Moment, pace: Pace, origin: Floats, explained: Explained | None
) -> Said:
    """What is said of readings [N] relative to their origin [N]."""
    turns(rows, now, pace, bounds=False)
    shown = np.empty((len(rows.today), len(rows)), dtype=np.float32)
    work = np.empty((2, len(rows)), dtype=np.float32)
    value = None if explained is None else origin + reading
    error = unexpected(rows, reading, now, pace, work)
    if rows.further:
        evidence(rows, error, work[1], shown[CHANNELS:])
    sizes(rows, error, work, shown)
    standing = rows.standing()
    score, _, news = assessed(standing, shown, now.early, now.unheld, pace)
    rows.put_standing(slice(None), standing)
    if explained is not None and value is not None:
        old = np.flatnonzero(rows.age > 0)
        explained.raw[:] = chance(score)
        explained.expected[old] = (value - error)[old]
        explained.spread[old] = rows.scale[old]
    if rows.further:
        follow_further(rows, error, now)
    follow(rows, error, shown[0], now, pace, work)
    rows.newest[:] = times
    rows.age += np.uint32(1)
    return said_of(rows, news, score[news])


def turns(rows: Rows, now: Moment, pace: Pace, *, bounds: bool) -> None:
    """Learn from half days and spans that are over for some of the rows; reckon their bounds anew where asked to."""
    if not now.any_over:
        return
    ended = now.spans > 0
    for over in (now.half_day, ended):
        here = np.flatnonzero(np.broadcast_to(over, (len(rows),)))
        if not len(here):
            continue
        all_of_them = len(here) == len(rows)
        standing = rows.standing() if all_of_them else rows.standing_of(here)
        if over is ended:
            spans = np.broadcast_to(now.spans, (len(rows),))[here]
            early = np.broadcast_to(now.early, (len(rows),))[here]
            seen = rows.seen if all_of_them else rows.seen[:, here]
            turn_of_span(standing, seen, spans, ~early)
            if not all_of_them:
                rows.seen[:, here] = seen
        else:
            loss = now.record if len(now.record) == 1 else now.record[here]
            turn_of_half_day(standing, rows.today if all_of_them else rows.today[:, here], loss, pace)
            rows.today[:, here if not all_of_them else slice(None)] = 0
        if bounds:
            bounded(standing, pace)
        rows.put_standing(slice(None) if all_of_them else here, standing)


def assessed(
    standing: Standing, shown: Singles, early: Mask, unheld: Mask, pace: Pace
) -> tuple[Singles, Singles, Places]:
    """Scores [N] of channels [C, N] as the natural log of their odds, with the channels' powers [C, N].

    With them come the places of those that are news. Records follow.
    """
    logged = logs(shown)
    score, power = surprise(standing, logged, early, pace)
    remember(standing, logged, unheld, pace)
    return score, power, np.flatnonzero(fresh(standing, score))


@dataclass(slots=True, kw_only=True, eq=False)
class Pending:
    """Readings that passed a bound of their rows, still to be assessed: their rows' places, and channels [C, M]."""

    rows: Rows
    first: int
    here: Places
    shown: Singles
    standing: Standing
    early: bool
    unheld: bool


def settled(pending: list[Pending], pace: Pace) -> list[Said]:
    """What is said of readings that passed a bound. They are assessed together, and put back."""
    if not any(len(one.here) for one in pending):
        return []
    standing = Standing(
        np.concatenate([one.standing.held for one in pending], axis=1),
        np.concatenate([one.standing.bounds for one in pending], axis=1),
    )
    shown = np.concatenate([one.shown for one in pending], axis=1)
    counts = [len(one.here) for one in pending]
    early = np.repeat([one.early for one in pending], counts)
    unheld = np.repeat([one.unheld for one in pending], counts)
    score, power, news = assessed(standing, shown, early, unheld, pace)
    bounded(standing, pace, power)
    said: list[Said] = []
    at = 0
    ends = np.searchsorted(news, np.cumsum(counts))
    begin = 0
    for one, end in zip(pending, ends.tolist(), strict=True):
        mine = slice(at, at + len(one.here))
        one.rows.put_standing(one.here, Standing(standing.held[:, mine], standing.bounds[:, mine]))
        told = news[begin:end]
        said.append(said_of(one.rows, one.here[told - at], score[told]).among(one.first))
        at, begin = mine.stop, end
    return said


def said_of(rows: Rows, places: Places, score: Singles) -> Said:
    """What is said at these places."""
    return Said(places=places, score=score, seen=rows.seen.T[places])
