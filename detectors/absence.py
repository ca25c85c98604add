"""Absence: a series, or a whole signal, that was always there and is not any more.

`detectors.sight` says what can be seen right now; this says whether it was ever otherwise, which takes a history.

Written rules. Nothing is said from a partial answer, and nobody may ask who could not read the source: blind is not
absent. A series counts once it was there for at least `LEAST_KNOWN`, at `LEAST_THERE` of all points since its first,
and to the end of its history. It is absent when it has been silent for `confirm` points, and for `PATIENCE` times its
longest silence so far: what sleeps at night is not absent at night. A new series with the same label names takes the
place of one that went (a pod that was moved), for as many as there are new ones; it is new when it began no earlier
than `OVERLAP` before the other one went. Where all that counted went, the signal is absent: one anomaly without labels,
and not one for each series. A reading that is infinite is there.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import numpy as np

from cases.anomaly import Anomaly, AnomalyKind
from cases.moments import from_milliseconds
from cases.telemetry import Direction, Millis, SeriesBlock
from detectors.baseline import key_of
from detectors.runs import score, step_of

LEAST_KNOWN = timedelta(days=1)
LEAST_THERE = 0.9
PATIENCE = 2.0
OVERLAP = timedelta(hours=1)

_MILLISECOND = timedelta(milliseconds=1)


def detect_absence(history: SeriesBlock, recent: SeriesBlock, *, confirm: int) -> tuple[Anomaly, ...]:
    """One anomaly for each series that went away, or a single one for the signal, by when they were last there.

    `history` ends where `recent` begins or before; the two may have different steps. `value` is the share of points
    since then that were there (none), `expected` the share before; the score is a half at `PATIENCE`, and more the
    longer it lasts. The onset is the first point without it. Raises ValueError for `confirm` below 1.
    """
    if confirm < 1:
        raise ValueError(f"at least one point must be missed, not {confirm}")
    if history.partial or recent.partial or not len(recent.times):
        return ()
    places = {key_of(labels): row for row, labels in enumerate(recent.labels)}
    there = [row for row in places.values() if not recent.missing[row, -confirm:].all()]
    known = {key_of(labels): row for row, labels in enumerate(history.labels)}
    began = sorted(_began(history, known.get(key_of(recent.labels[row])), recent, row) for row in there)
    gone: list[tuple[int, Anomaly]] = []
    steady = 0
    for row, labels in enumerate(history.labels):
        seen = history.times[~history.missing[row]]
        if not _steady(seen, history.times):
            continue
        steady += 1
        place = places.get(key_of(labels))
        fresh = recent.times[~recent.missing[place]] if place is not None else recent.times[:0]
        anomaly = _absent(recent, labels, seen, fresh, history.times, confirm)
        if anomaly is None:
            continue
        last, names = int(fresh[-1]) if len(fresh) else int(seen[-1]), tuple(sorted(labels))
        successor = next((one for one in began if one[1] == names and one[0] >= last - OVERLAP // _MILLISECOND), None)
        if successor is not None:
            began.remove(successor)
        else:
            gone.append((last, anomaly))
    found = [anomaly for _, anomaly in sorted(gone, key=lambda each: (each[0], key_of(each[1].labels)))]
    if len(found) == steady > 1 and not there:
        return (replace(found[-1], labels={}),)  # the absence of the one that went last
    return tuple(found)


def _began(history: SeriesBlock, place: int | None, recent: SeriesBlock, row: int) -> tuple[int, tuple[str, ...]]:
    """When a series of the recent readings, at `place` in the history, was first there; and its label names."""
    first = int(recent.times[~recent.missing[row]][0])
    if place is not None and not history.missing[place].all():
        first = min(first, int(history.times[~history.missing[place]][0]))
    return first, tuple(sorted(recent.labels[row]))


def steady(history: SeriesBlock) -> bool:
    """Whether any series of the history counts: without one nothing can be said to be absent."""
    return not history.partial and any(_steady(history.times[~missing], history.times) for missing in history.missing)


def _steady(seen: Millis, times: Millis) -> bool:
    """Whether a series that was there at these of all times counts."""
    if not len(seen) or seen[-1] - seen[0] < LEAST_KNOWN // _MILLISECOND:
        return False
    since = times[times >= seen[0]]
    quiet = int(times[-1] - seen[-1])
    return bool(len(seen) >= LEAST_THERE * len(since)) and quiet <= _longest(seen, step_of(times))


def _longest(seen: Millis, step: int) -> int:
    """The longest way between two readings, in milliseconds; at least a step."""
    return max(int(np.max(np.diff(seen), initial=0)), step)


def _absent(
    recent: SeriesBlock, labels: Mapping[str, str], seen: Millis, fresh: Millis, times: Millis, confirm: int
) -> Anomaly | None:
    """The anomaly of a series that was `seen` in its history, and is `fresh` at these of the recent times."""
    last = int(fresh[-1]) if len(fresh) else int(seen[-1])
    missed = recent.times[recent.times > last]
    patience = PATIENCE * _longest(seen, step_of(times))
    silent = int(recent.times[-1]) - last
    if len(missed) < confirm or silent <= patience:
        return None
    share = len(seen) / max(1, int(np.count_nonzero(times >= seen[0])))
    return Anomaly(
        signal=recent.signal,
        labels=labels,
        detector="absence",
        kind=AnomalyKind.ABSENCE,
        direction=Direction.DOWN,
        onset=from_milliseconds(int(missed[0])),
        onset_bound_s=float(missed[0] - last) / 1000,
        detected=from_milliseconds(int(recent.times[-1])),
        value=0.0,
        expected=share,
        low=share,
        high=share,
        score=float(score(np.asarray(silent / patience))),
    )
