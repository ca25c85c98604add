"""`Measures` over databases: exposures and events are read as they come, and joined per user by DuckDB.

This module imports SQLAlchemy and DuckDB: import it where experiments are built.
"""

import secrets
import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np

from cases.errors import PermanentError, TemporaryError
from cases.measure import OTHERS, Measured, Tally, Users
from cases.moments import EPOCH
from config.experiments import ExposuresSettings, MeasureSettings
from signals.measures.reading import Events, Exposures, Reading
from signals.measures.store import Chosen, Counted, Store
from signals.measures.tallies import (
    ENOUGH,
    below_zero,
    check,
    columns_of,
    label,
    tallied,
    unknown_variants,
)  # fmt: skip
from signals.sql.database import Database, TooMuch

OVERLAP = timedelta(hours=2)
"""How far back each look reads anew: collectors deliver within minutes, and hold rows for an hour when they restart."""
REMADE = timedelta(days=1)
"""How long what is kept is gone by; then all is read anew: what came later than OVERLAP (phones that were off), was put
right or erased in the source counts from then on."""
MOST_ROWS = 50_000_000
"""The most rows that are kept of an experiment, some 2 GB of disk."""
MOST_KEPT = 8
"""The most experiments of which anything is kept; that which was not asked for longest goes first. What was not asked
for since it should have been read anew goes in any case."""

_ENDING = ".duckdb"
_MICRO = timedelta(microseconds=1)
_DAY = timedelta(days=1) // _MICRO
_SHORTEST, _LONGEST = timedelta(minutes=1) // _MICRO, 64 * _DAY
_AIM = 1_500_000  # rows a stretch
_SLACK, _MANY = 200_000, 5_000_000  # rows of sums that are left to add up at a look, and on the way to the first one
_KINDS = {"share": (), "mean": ("value",), "revenue": ("value",), "ratio": ("value", "base")}


@dataclass(slots=True, kw_only=True)
class _Kept:
    """What is known of one experiment's file; times in microseconds.

    made     the end of the first look of it
    settled  what was read before that is in the file; from then on rows are read at each look
    loose    rows that were added since what is settled was put together; `size`: all rows
    mark     users that were first seen before it are settled
    step     the length of the stretches that are read at once
    trace    the file as it was left
    """

    file: Path
    key: str
    properties: tuple[str, ...]
    exposures: Reading
    events: Mapping[str, Reading]
    made: int
    settled: int
    step: int = _DAY
    newest: int | None = None
    mark: int = 0
    loose: int = 0
    size: int = 0
    trace: tuple[int, int, int] | None = None
    rows: int = field(default=0)


class DatabaseMeasures:
    """Reads what users behind flags did, from the databases of `signals.sql`.

    databases  name → where it is read; nothing is ever written there
    exposures  service → the query of who saw what
    measures   signal → the query of what users did
    folder     this process's own: what lies in it from another life is removed, and nothing else

    What is kept there are sums per pseudonym, for as long as this object lives; whatever of it is lost is read again.
    """

    def __init__(
        self,
        databases: Mapping[str, Database],
        *,
        exposures: Mapping[str, ExposuresSettings],
        measures: Mapping[str, MeasureSettings],
        folder: Path,
    ) -> None:
        self._databases = databases
        self._exposures = exposures
        self._measures = measures
        self._folder = folder
        self._kept: dict[tuple[object, ...], _Kept] = {}
        self._lock = threading.Lock()
        self._clear(f"*{_ENDING}*")

    def close(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()
            self._clear(f"*{_ENDING}*")
            for database in self._databases.values():
                database.close()

    def look(self, wanted: Measured) -> Users:
        """Look now. See `Measures`."""
        check(wanted, self._measures)
        with self._lock:
            try:
                return self._look(wanted)
            except (duckdb.Error, OSError):
                self._forget(wanted)  # it may have been cut short, or be gone: all of it is in the sources
            try:
                return self._look(wanted)
            except (duckdb.Error, OSError) as error:
                self._forget(wanted)
                first = str(error).partition("\n")[0]
                raise TemporaryError(
                    f"what users of {wanted.flag} did cannot be put together in {self._folder}: {first}. Is there room?"
                ) from None

    def _look(self, wanted: Measured) -> Users:
        until = _micros(wanted.until)
        kept = self._kept_of(wanted, until)
        fresh = kept.trace is None
        store = Store(kept.file, kept.key, traits=bool(kept.properties), before=self._before(wanted))
        try:
            kept.rows = 0
            if fresh:
                store.create()
            store.open_stage()
            self._read(wanted, kept, store, until)
            with store.passing():
                store.fold(kept.settled, until, _window(wanted), keep=False)
                users = self._users(wanted, kept, store, until)
        finally:
            store.close()
            kept.trace = _trace(kept.file)
        return users

    def _read(self, wanted: Measured, kept: _Kept, store: Store, until: int) -> None:
        """Read on from what is settled to `until`: settle what is old enough, leave the rest staged."""
        settle = max(kept.settled, until - OVERLAP // _MICRO)
        at = kept.settled
        while at < until:
            end = min(at + kept.step, until)
            try:
                read = self._stage(wanted, kept, store, at, end)
            except TooMuch:
                store.clear(until)  # some of the stretch may be staged
                at = kept.settled
                if kept.step <= _SHORTEST:
                    raise
                kept.step = max(_SHORTEST, min(kept.step, end - at) // 2)
                continue
            kept.step = min(kept.step * min(8, max(1, _AIM // max(read, 1))), _LONGEST)
            at = end
            if kept.settled < (upto := min(end, settle)):
                with store.lasting():
                    more = store.fold(kept.settled, upto, _window(wanted), keep=True)
                kept.settled, kept.loose, kept.size = upto, kept.loose + more, kept.size + more
                store.clear(upto)
                self._bound(wanted, kept, store, settle)

    def _stage(self, wanted: Measured, kept: _Kept, store: Store, low: int, high: int) -> int:
        """Read a stretch of everything. Returns how many rows."""
        read, since = 0, _micros(wanted.since)
        if high > since:
            for rows in kept.exposures.between(_moment(max(low, since)), _moment(high), kept.key):
                store.stage_exposures(rows)
                read += self._noted(kept, rows.seen)
        for number, signal in enumerate(wanted.signals):
            measure = self._measures[signal]
            begin = max(low, since - (measure.before // _MICRO if measure.before else 0))
            if high <= begin:
                continue
            negative, example = 0, 0
            for rows in kept.events[signal].between(_moment(begin), _moment(high), kept.key):
                if measure.kind == "revenue" and bool((below := rows.values[0] < 0).any()):
                    example = example or int(rows.seen[below][0])
                    negative += int(below.sum())
                store.stage_events(number, rows)
                read += self._noted(kept, rows.seen)
            if negative:
                raise below_zero(signal, negative, _moment(example))
        return read

    @staticmethod
    def _noted(kept: _Kept, seen: np.ndarray) -> int:
        if len(seen):
            kept.newest = max(kept.newest or 0, int(seen.max()))
        kept.rows += len(seen)
        return len(seen)

    def _bound(self, wanted: Measured, kept: _Kept, store: Store, last: int) -> None:
        if kept.loose > _SLACK and (kept.settled >= last or kept.loose > _MANY):
            with store.lasting():
                rows = store.settle()
            kept.mark, kept.loose, kept.size = kept.settled, 0, rows
        if kept.size > MOST_ROWS:
            raise PermanentError(
                f"the users of {wanted.flag} came to more than {MOST_ROWS:,} rows; let the queries give one row a user "
                "and day, or expose fewer users"
            )

    def _users(self, wanted: Measured, kept: _Kept, store: Store, until: int) -> Users:
        latest = until - (_window(wanted) or 0)
        by = 1 + kept.properties.index(wanted.by) if wanted.by else 0
        inside = [(1 + kept.properties.index(name), values) for name, values in wanted.segment.items()]
        self._known(wanted, kept, store)
        exposed, crossed = store.choose(Chosen(latest=latest, mark=kept.mark, by=by, inside=inside))
        values, more = store.segments()
        shown = [*map(label, values), *([OTHERS] if more else [])]
        tallies: dict[tuple[str, str, str], Tally] = {}
        for number, signal in enumerate(wanted.signals):
            measure = self._measures[signal]
            counted = Counted(
                most=1.0 if measure.kind == "share" else float("inf"),
                winsorise=measure.winsorise if measure.kind == "revenue" else None,
                columns=columns_of(measure),
            )
            tallies |= tallied(wanted, signal, counted.columns, store.arms(number, counted), shown)
        first = store.first()
        return Users(
            exposed={variant: exposed.get(number, 0) for number, variant in enumerate(wanted.variants)},
            crossed=crossed,
            tallies=tallies,
            first=_moment(first) if first is not None else None,
            newest=_moment(kept.newest) if kept.newest is not None else None,
            rows=kept.rows,
        )

    @staticmethod
    def _known(wanted: Measured, kept: _Kept, store: Store) -> None:
        """Raise PermanentError where the exposures name variants otherwise than the flag."""
        strangers = store.strangers() if kept.exposures.strangers else 0
        if strangers >= ENOUGH:
            seen = store.seen()
            if missing := [name for number, name in enumerate(wanted.variants) if number not in seen]:
                raise unknown_variants(wanted, missing, sorted(kept.exposures.strangers), strangers)

    def _kept_of(self, wanted: Measured, until: int) -> _Kept:
        """What is kept of the experiment, if it is still good; else nothing but a name for a new file."""
        identity = _identity(wanted)
        kept = self._kept.pop(identity, None)
        properties = tuple(sorted({*wanted.segment, *((wanted.by,) if wanted.by else ())}))
        if kept is not None and (
            kept.settled > until
            or kept.made + REMADE // _MICRO <= until
            or kept.trace is None
            or kept.trace != _trace(kept.file)
            or not set(properties) <= set(kept.properties)
        ):
            self._remove(kept)
            properties = tuple(sorted({*properties, *kept.properties}))
            kept = None
        if kept is None:
            kept = self._new(wanted, properties, until)
        self._kept[identity] = kept
        old = [other for other, left in self._kept.items() if left.made + 2 * REMADE // _MICRO <= until]
        for other in (*old, *list(self._kept)[:-MOST_KEPT]):
            if other in self._kept:
                self._remove(self._kept.pop(other))
        return kept

    def _new(self, wanted: Measured, properties: tuple[str, ...], until: int) -> _Kept:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        exposed = self._exposures.get(wanted.service)
        if exposed is None:
            raise PermanentError(
                f"the service {wanted.service} does not say who saw which variant; write `experiments.exposures` for it"
            )
        before = self._before(wanted)
        return _Kept(
            file=self._folder / f"{secrets.token_hex(8)}{_ENDING}",
            key=secrets.token_hex(16),
            properties=properties,
            exposures=Reading(
                what=f"exposures of {wanted.service}",
                source=exposed.source,
                database=self._database(exposed.source),
                query=exposed.query,
                wanted=Exposures(flag=wanted.flag, variants=wanted.variants, properties=properties),
            ),
            events={signal: self._events(self._measures[signal]) for signal in wanted.signals},
            made=until,
            settled=min(until, _micros(wanted.since) - max(before.values(), default=0)),
        )

    def _events(self, measure: MeasureSettings) -> Reading:
        return Reading(
            what=f"the measure of {measure.signal}",
            source=measure.source,
            database=self._database(measure.source),
            query=measure.query,
            wanted=Events(numbers=_KINDS[measure.kind]),
        )

    def _database(self, name: str) -> Database:
        if name not in self._databases:
            raise PermanentError(f"no source of signals.sql is named {name}: what users did cannot be read from it")
        return self._databases[name]

    def _before(self, wanted: Measured) -> dict[int, int]:
        """Number of the signal → how long before the first exposure its events are read."""
        spans = [self._measures[signal].before for signal in wanted.signals]
        return {number: span // _MICRO if span else 0 for number, span in enumerate(spans)}

    def _forget(self, wanted: Measured) -> None:
        if kept := self._kept.pop(_identity(wanted), None):
            self._remove(kept)

    def _remove(self, kept: _Kept) -> None:
        self._clear(f"{kept.file.name}*")

    def _clear(self, pattern: str) -> None:
        for left in self._folder.glob(pattern):
            if left.is_dir():  # what did not fit into the memory lies in a folder beside the file
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


def _identity(wanted: Measured) -> tuple[object, ...]:
    """What has a file of its own: properties and the end of a look may differ."""
    return (wanted.service, wanted.flag, wanted.variants, wanted.signals, wanted.since, wanted.cohort)


def _trace(file: Path) -> tuple[int, int, int] | None:
    """By what a file is known again; None where there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def _window(wanted: Measured) -> int | None:
    return wanted.cohort // _MICRO if wanted.cohort is not None else None


def _micros(at: datetime) -> int:
    return (at - EPOCH) // _MICRO


def _moment(micros: int) -> datetime:
    return EPOCH + micros * _MICRO
