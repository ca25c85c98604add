"""The engine over every series that is watched by what is normal for it: fed with each reading once, as it comes.

The source is the write-ahead log. What is stored is the engine as it was `recent` ago or earlier; a restart feeds it
what has come since, so that what it said of the readings that are looked at is there again, as if nothing had happened.
"""

import json
import logging
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from cases.moments import milliseconds
from cases.stores import Checkpoints
from cases.telemetry import Floats, Millis, SeriesBlock
from detectors.baseline import Key, key_of
from detectors.departures import Trace
from detectors.engine.engine import Engine

log = logging.getLogger("trackwalker.scorer")

STORED = "engine"  # the checkpoint
LEARNT_FROM = 1_344
"""Two weeks, a quarter of an hour apart."""
FORGOTTEN = timedelta(days=14)
"""A series that has not been seen for so long gives its row away: the engine would begin anew with it, too."""

_HEAD = struct.Struct("<I")
_LONG_AGO = -(2**62)

Places = npt.NDArray[np.intp]


@dataclass(slots=True, kw_only=True)
class _Followed:
    """One signal: the rows of its series, up to when it is fed, and what was said of its latest readings.

    seen    epoch milliseconds at which each series was last in a block
    said    of the columns `times`, series in the order of `names`
    """

    rows: dict[Key, int] = field(default_factory=dict[Key, int])
    seen: dict[Key, int] = field(default_factory=dict[Key, int])
    fed: int = _LONG_AGO
    names: tuple[Key, ...] = ()
    times: Millis = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    said: Trace = field(default_factory=lambda: Trace.nothing((0, 0)))

    def said_of(self, block: SeriesBlock) -> Trace:
        """What was said of the readings of a block, as far as it was."""
        trace = Trace.nothing((len(block.labels), len(block.times)))
        places = {name: place for place, name in enumerate(self.names)}
        mine = [(row, places[name]) for row, labels in enumerate(block.labels) if (name := key_of(labels)) in places]
        columns = np.searchsorted(self.times, block.times)  # np.isin would import numpy.ma: 4 MB in an idle daemon
        known = np.flatnonzero(np.append(self.times, _LONG_AGO)[columns] == block.times)
        if mine and len(known):
            here, theirs = (np.array(each, dtype=np.intp) for each in zip(*mine, strict=True))
            said = self.said.part(theirs, columns[known])
            trace.put(here, known, said)
        return trace

    def forget_said(self) -> None:
        """Let go of what was said: of a past that nobody looks at any more."""
        self.names, self.times, self.said = (), np.empty(0, dtype=np.int64), Trace.nothing((0, 0))


def sparse(history: SeriesBlock) -> SeriesBlock:
    """The history as the engine learns from it: no more than `LEARNT_FROM` points, evenly apart, the newest among them.

    A reading of one series costs as much time as those of a hundred at its time: whoever starts waits for each.
    """
    apart = -(-len(history.times) // LEARNT_FROM)
    if apart <= 1:
        return history
    columns = slice((len(history.times) - 1) % apart, None, apart)
    return replace(
        history,
        times=history.times[columns],
        values=history.values[:, columns],
        missing=history.missing[:, columns],
    )


class Scorer:
    """Feeds the engine. Used by one thread at a time."""

    def __init__(self, checkpoints: Checkpoints, *, recent: timedelta) -> None:
        self._checkpoints = checkpoints
        self._recent = recent
        self._engine = Engine()
        self._signals: dict[str, _Followed] = {}
        self._pending: tuple[datetime, bytes] | None = None
        self._take_up()

    def learn(self, histories: Mapping[str, SeriesBlock]) -> dict[str, Trace]:
        """Feed what lies before the readings that are looked at, by `Signal.key`; what was said of the signals' past.

        What was fed already is passed over, and nothing is said of a signal that was fed before.
        """
        new = {key for key in histories if key not in self._signals}
        self._feed({key: block for key, block in histories.items() if not block.partial})
        said: dict[str, Trace] = {}
        for key in new & self._signals.keys():
            said[key] = self._signals[key].said_of(histories[key])
            self._signals[key].forget_said()
        return said

    def feed(self, blocks: Mapping[str, SeriesBlock], now: datetime) -> dict[str, Trace]:
        """Feed the readings that are new in each block, by `Signal.key`; what was said of all that are in it.

        Nothing of a partial block is fed: its readings may be parts.
        """
        self._feed({key: block for key, block in blocks.items() if not block.partial})
        self._forget(milliseconds(now - FORGOTTEN))
        return {key: self._signals.get(key, _Followed()).said_of(block) for key, block in blocks.items()}

    def keep(self, now: datetime) -> None:
        """Store the engine as it was long enough ago. Raises TemporaryError when the ledger does not take it."""
        if self._pending is None:
            self._pending = (now, self._packed())
        elif now - self._pending[0] >= self._recent:
            self._checkpoints.put(STORED, self._pending[1], now)
            self._pending = (now, self._packed())

    def _feed(self, blocks: Mapping[str, SeriesBlock]) -> None:
        """Feed what is new in each block: those that were read at the same times together."""
        parts = [self._part(key, block) for key, block in blocks.items()]
        alike: dict[bytes, list[_Part]] = {}
        for part in parts:
            alike.setdefault(part.times.tobytes(), []).append(part)
        for some in alike.values():
            rows, values = np.concatenate([part.rows for part in some]), np.concatenate([part.values for part in some])
            said = Trace.of(self._engine.stretch(rows, some[0].times, values, explain=True), values.shape)
            columns, at = np.arange(len(some[0].times)), 0
            for part in some:
                part.said = said.part(np.arange(at, at + len(part.rows)), columns)
                at += len(part.rows)
        for part in parts:
            part.done()

    def _part(self, key: str, block: SeriesBlock) -> "_Part":
        followed = self._signals.setdefault(key, _Followed())
        names = tuple(key_of(labels) for labels in block.labels)
        new = [name for name in dict.fromkeys(names) if name not in followed.rows]
        followed.rows.update(zip(new, self._engine.claim(len(new)).tolist(), strict=True))
        if len(block.times):
            followed.seen.update(dict.fromkeys(names, int(block.times[-1])))
        columns = np.flatnonzero(block.times > followed.fed)
        values = np.where(block.missing, np.nan, block.values)[:, columns]
        return _Part(
            followed=followed,
            names=names,
            rows=np.array([followed.rows[name] for name in names], dtype=np.intp),
            times=block.times[columns],
            values=values,
            oldest=int(block.times[0]) if len(block.times) else _LONG_AGO,
        )

    def _forget(self, before: int) -> None:
        for key, followed in list(self._signals.items()):
            gone = [name for name, seen in followed.seen.items() if seen < before]
            self._engine.release(np.array([followed.rows.pop(name) for name in gone], dtype=np.intp))
            for name in gone:
                del followed.seen[name]
            if not followed.rows:
                del self._signals[key]

    def _packed(self) -> bytes:
        document = {
            key: {"fed": one.fed, "rows": [[name, row, one.seen[name]] for name, row in one.rows.items()]}
            for key, one in self._signals.items()
        }
        head = json.dumps(document, separators=(",", ":")).encode()
        return _HEAD.pack(len(head)) + head + self._engine.to_bytes()

    def _take_up(self) -> None:
        """Go on where the checkpoint is. One that cannot be read is said, and all is learnt anew from history."""
        blob = self._checkpoints.get(STORED)
        if blob is None:
            return
        try:
            (size,) = _HEAD.unpack_from(blob)
            document = json.loads(blob[_HEAD.size : _HEAD.size + size])
            engine = Engine.from_bytes(blob[_HEAD.size + size :])
            signals = {key: _followed(one) for key, one in document.items()}
        except (struct.error, ValueError, LookupError, TypeError) as error:
            log.warning("what the engine had learnt cannot be read (%s); it learns anew from history", error)
            return
        self._engine, self._signals = engine, signals


@dataclass(slots=True, kw_only=True)
class _Part:
    """What is new in one block."""

    followed: _Followed
    names: tuple[Key, ...]
    rows: Places
    times: Millis
    values: Floats
    oldest: int
    said: Trace = field(default_factory=lambda: Trace.nothing((0, 0)))

    def done(self) -> None:
        """Note that it is fed, and what was said of it."""
        one = self.followed
        if len(self.times):
            one.fed = int(self.times[-1])
        kept = np.flatnonzero(one.times >= self.oldest)
        said = Trace.nothing((len(self.names), len(kept) + len(self.times)))
        rows = {name: row for row, name in enumerate(self.names)}
        both = [(rows[name], place) for place, name in enumerate(one.names) if name in rows]
        if both and len(kept):
            mine, theirs = (np.array(each, dtype=np.intp) for each in zip(*both, strict=True))
            said.put(mine, np.arange(len(kept)), one.said.part(theirs, kept))
        said.put(np.arange(len(self.names)), len(kept) + np.arange(len(self.times)), self.said)
        one.names, one.times, one.said = self.names, np.concatenate([one.times[kept], self.times]), said


def _followed(document: Any) -> _Followed:  # noqa: ANN401 - what a checkpoint holds is anything
    """One signal of a checkpoint. Raises LookupError, TypeError or ValueError for anything else."""
    followed = _Followed(fed=int(document["fed"]))
    for name, row, seen in document["rows"]:
        key = tuple((str(label), str(value)) for label, value in name)
        followed.rows[key], followed.seen[key] = int(row), int(seen)
    return followed
