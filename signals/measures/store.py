"""What is kept of one experiment between two looks: pseudonyms, first exposures and sums per user, in a DuckDB file.

It can be made again from the sources at any time, and without the key, which is only ever in memory, no pseudonym in it
leads back to a user. This module imports DuckDB: import it where measures are built.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from inference.experiments.arm import BASE, BEFORE, VALUE, Arm
from signals.measures.reading import BETWEEN, PSEUDONYM, STRANGER, Rows
from signals.measures.tallies import PLACES

_FOREVER = 2**62  # microseconds; a time of ours and this are still less than an int64
_SETTINGS = {
    "memory_limit": "384MB",
    "threads": "2",
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "preserve_insertion_order": "false",
}
_SCHEMA = """
CREATE TABLE measures (signal UTINYINT, before BIGINT);
CREATE TABLE users (unit UBIGINT, first BIGINT, variant UTINYINT, traits VARCHAR);
CREATE TABLE crossings (unit UBIGINT);
CREATE TABLE sums (signal UTINYINT, unit UBIGINT, value DOUBLE, base DOUBLE, earlier DOUBLE);
CREATE TABLE settled (
    signal UTINYINT, unit UBIGINT, first BIGINT, variant UTINYINT, traits VARCHAR,
    value DOUBLE, base DOUBLE, earlier DOUBLE
);
CREATE TABLE kept (signal UTINYINT, unit UBIGINT, seen BIGINT, value DOUBLE);
"""
_STAGE = """
CREATE TEMP TABLE staged_exposures (unit UBIGINT, seen BIGINT, variant UTINYINT, traits VARCHAR);
CREATE TEMP TABLE staged_events (signal UTINYINT, unit UBIGINT, seen BIGINT, value DOUBLE, base DOUBLE);
"""

# A fold takes the staged rows of a stretch into what is kept. Stretches are folded in their order, so a user who is
# known was first seen before.
_MET = """
CREATE OR REPLACE TEMP TABLE met AS
SELECT unit, min({'seen': seen, 'variant': variant, 'traits': traits}) AS one,
    min(variant) AS low, max(variant) AS high
FROM staged_exposures WHERE seen >= $low AND seen < $high GROUP BY unit
"""
_MET_PLAINLY = """
CREATE OR REPLACE TEMP TABLE met AS
SELECT unit, {'seen': min(seen), 'variant': min(variant), 'traits': ''} AS one,
    min(variant) AS low, max(variant) AS high
FROM staged_exposures WHERE seen >= $low AND seen < $high GROUP BY unit
"""
_CROSSINGS = """
INSERT INTO crossings
SELECT unit FROM met LEFT JOIN users USING (unit) ANTI JOIN crossings USING (unit)
WHERE met.low <> met.high OR coalesce(users.variant <> met.low, false)
"""
_USERS = """
INSERT INTO users SELECT unit, one.seen, one.variant, one.traits FROM met ANTI JOIN users USING (unit)
"""
_SUMS = """
INSERT INTO sums
SELECT signal, unit, sum(value), sum(base), 0 FROM staged_events JOIN users USING (unit)
WHERE seen >= $low AND seen < $high AND seen >= first AND seen < first + $window AND variant < $stranger
GROUP BY signal, unit
"""
_KEPT = """
INSERT INTO kept
SELECT signal, unit, seen, value FROM staged_events JOIN measures USING (signal)
WHERE before > 0 AND seen >= $low AND seen < $high
"""
_EARLIER = """
INSERT INTO sums
SELECT signal, unit, 0, 0, sum(value) FROM kept JOIN measures USING (signal) JOIN users USING (unit)
WHERE first >= $low AND first < $high AND seen < first AND seen >= first - before AND variant < $stranger
GROUP BY signal, unit
"""
_PRUNE = "DELETE FROM kept USING measures WHERE kept.signal = measures.signal AND seen < $high - before"
# What is settled: users that may count, with what they came to until then; `sums` has what came since.
_SETTLE = """
INSERT INTO settling
SELECT $signal, unit, first, variant, traits, coalesce(value, 0), coalesce(base, 0), coalesce(earlier, 0)
FROM users ANTI JOIN crossings USING (unit) LEFT JOIN (
    SELECT unit, sum(value) AS value, sum(base) AS base, sum(earlier) AS earlier FROM (
        SELECT unit, value, base, earlier FROM sums WHERE signal = $signal
        UNION ALL SELECT unit, value, base, earlier FROM settled WHERE signal = $signal
    ) GROUP BY unit
) USING (unit)
WHERE variant < $stranger
"""
_SETTLED = """
DROP TABLE settled;
ALTER TABLE settling RENAME TO settled;
CREATE OR REPLACE TABLE sums AS FROM sums LIMIT 0;
"""

# Users that were first seen before `mark` are settled, those from then on are only in `users`. A look reads every user
# for each signal, so a statement names no column that it does not need.
_PEOPLE = """
SELECT variant, {shown} AS shown{columns} FROM (
    SELECT unit, first, variant, traits{settled} FROM settled {joined} WHERE signal = $signal
    UNION ALL
    SELECT unit, first, variant, traits{recent} FROM users {joined} WHERE first >= $mark AND variant < $stranger
) ANTI JOIN crossings USING (unit) WHERE first <= $latest{inside}
"""
_RECENT = """
LEFT JOIN (SELECT unit, {sums} FROM sums WHERE signal = $signal GROUP BY unit) AS since USING (unit)
"""
_APART = "string_split(traits, $between)[$by]"
_INSIDE = " AND list_contains(CAST(${} AS VARCHAR[]), string_split(traits, $between)[CAST(${} AS BIGINT)])"
_COUNTED = "CREATE OR REPLACE TEMP TABLE heads AS SELECT variant, shown, count(*) AS users FROM ({}) GROUP BY ALL"
_CROSSED = "SELECT count(*) FROM users SEMI JOIN crossings USING (unit) WHERE first <= $latest"
_SEGMENTS = """
CREATE OR REPLACE TEMP TABLE segments AS
SELECT shown, least(row_number() OVER (ORDER BY sum(users) DESC, shown) - 1, $places) AS place FROM heads GROUP BY shown
"""
_LINES = "SELECT variant, place, {columns} FROM ({people}) {joined}"
_PLACED, _IN_ONE_PLACE = "JOIN segments USING (shown)", "CROSS JOIN (SELECT 0::UTINYINT AS place)"
_READ_TWICE = "CREATE OR REPLACE TEMP TABLE lines AS {}"
_MOST = "SELECT {} FROM lines"
_ANY = "SELECT {} FROM {} LIMIT 1"
# Sums are of what lies beyond one user's values: where means are large beside what varies, they would lose digits.
_CUT = """
SELECT variant, place, count(*), {means}, {scatter} FROM (SELECT variant, place, {cut} FROM {lines}) GROUP BY ALL
"""
_KEPT_AS = {VALUE: "value", BASE: "base", BEFORE: "earlier"}
"""The columns of an arm, as they are called here."""
_WINSORISED = (VALUE, BEFORE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How a signal's sums become what its users count for.

    most      a user's value beyond which it counts no more; None for the quantile `winsorise`, if that is not None
    columns   which of value, base and before it has
    """

    most: float
    winsorise: float | None
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The users that count.

    latest  the latest first exposure that counts, in microseconds
    mark    from which first exposure on users are not settled
    by      the place of the property whose values are shown apart, from 1; 0 for none
    inside  (place of a property, the values that are meant)
    """

    latest: int
    mark: int
    by: int
    inside: Sequence[tuple[int, Sequence[str]]]


class Store:
    """An open file. Errors of DuckDB mean that the file is of no use any more."""

    def __init__(self, file: Path, key: str, *, traits: bool, before: Mapping[int, int]) -> None:
        """Open it. `before`: signal → how many microseconds before their first exposure users' events count."""
        self._key = key
        self._folds_traits = traits
        self._before = before
        self._staged: set[str] = set()
        self._apart, self._inside, self._given = False, "", dict[str, Any]()
        self._base = duckdb.connect(file, config=dict(_SETTINGS))
        self._all("SET TimeZone = 'UTC'")

    def close(self) -> None:
        """Close it; what is staged is gone."""
        self._base.close()

    def create(self) -> None:
        """Make it, empty."""
        with self.lasting():
            self._all(_SCHEMA)
            for pair in self._before.items():
                self._all("INSERT INTO measures VALUES (?, ?)", list(pair))

    def open_stage(self) -> None:
        """Make room for rows that are read."""
        self._all(_STAGE)

    def clear(self, until: int) -> None:
        """Drop what is staged from before a moment."""
        for table in self._staged:
            self._all(f"DELETE FROM {table} WHERE seen < ?", [until])  # noqa: S608 - our own names

    def stage_exposures(self, rows: Rows) -> None:
        """Take rows in, under pseudonyms."""
        columns = {"unit": rows.units, "seen": rows.seen, "variant": rows.variants, "traits": rows.traits}
        self._stage("staged_exposures", "SELECT {}, seen, variant, traits FROM incoming", columns)

    def stage_events(self, signal: int, rows: Rows) -> None:
        """Take rows in, under pseudonyms."""
        nothing = np.zeros(len(rows.seen))
        value, base = (*rows.values, *([nothing + 1] if not rows.values else []), nothing)[:2]
        columns = {"unit": rows.units, "seen": rows.seen, "value": value, "base": base}
        columns |= {"signal": np.full(len(rows.seen), signal, dtype=np.uint8)}
        self._stage("staged_events", "SELECT signal, {}, seen, value, base FROM incoming", columns)

    def _stage(self, table: str, taken: str, columns: Mapping[str, Any]) -> None:
        if not len(columns["seen"]):
            return
        made = columns["unit"].dtype == np.uint64
        self._base.register("incoming", dict(columns))
        try:
            self._all(
                f"INSERT INTO {table} {taken.format('unit' if made else PSEUDONYM)}",
                [] if made else [self._key],
            )
            self._staged.add(table)
        finally:
            self._base.unregister("incoming")

    def fold(self, low: int, high: int, window: int | None, *, keep: bool) -> int:
        """Take the staged rows of [low, high) into what is kept, where nothing later was folded yet.

        window  how long after their first exposure a user's events count, in microseconds; None: for ever
        keep    whether later folds follow
        Returns how many rows there are more.
        """
        stretch = {"low": low, "high": high}
        known = {**stretch, "stranger": STRANGER}
        rows = 0
        if "staged_exposures" in self._staged:
            self._all(_MET if self._folds_traits else _MET_PLAINLY, stretch)
            self._all(_CROSSINGS)
            rows += self._one(_USERS)
        if "staged_events" in self._staged:
            rows += self._one(_SUMS, {**known, "window": window if window is not None else _FOREVER})
        if any(self._before.values()):
            rows += self._one(_KEPT, stretch) + self._one(_EARLIER, known)
            if keep:
                rows -= self._one(_PRUNE, {"high": high})
        return rows

    @contextmanager
    def passing(self) -> Generator[None]:
        """What is folded in the block is forgotten at its end."""
        self._base.begin()
        try:
            yield
        finally:
            self._base.rollback()

    @contextmanager
    def lasting(self) -> Generator[None]:
        """What is folded in the block stays, or none of it does."""
        self._base.begin()
        try:
            yield
        except BaseException:
            self._base.rollback()
            raise
        self._base.commit()

    def settle(self) -> int:
        """Put what users came to beside them: a look reads it as it lies there. Returns how many rows there are."""
        self._all("CREATE TABLE settling AS FROM settled LIMIT 0")
        for (signal,) in self._all("SELECT signal FROM measures ORDER BY signal"):
            self._all(_SETTLE, {"signal": signal, "stranger": STRANGER})
        self._all(_SETTLED)
        return sum(self._one(f"SELECT count(*) FROM {table}") for table in ("users", "settled", "kept"))  # noqa: S608 - our own names

    def strangers(self) -> int:
        """How many users were only seen with a variant that the experiment does not know."""
        counted = "SELECT count(*) FROM users ANTI JOIN crossings USING (unit) WHERE variant = ?"
        return self._one(counted, [STRANGER])

    def seen(self) -> set[int]:
        """The numbers of the variants that anybody saw."""
        return {int(row[0]) for row in self._all("SELECT DISTINCT variant FROM users")}

    def first(self) -> int | None:
        """The first exposure to a variant of the experiment, in microseconds."""
        told = "SELECT min(first) FROM users WHERE variant < ? OR unit IN (SELECT unit FROM crossings)"
        (found,) = self._all(told, [STRANGER])[0]
        return None if found is None else int(found)

    def choose(self, chosen: Chosen) -> tuple[dict[int, int], int]:
        """Choose the users that count: variant → how many; and how many that would crossed."""
        given: dict[str, Any] = {"latest": chosen.latest}
        meant = "".join(_INSIDE.format(f"values{n}", f"place{n}") for n in range(len(chosen.inside)))
        for n, (place, values) in enumerate(chosen.inside):
            given |= {f"values{n}": list(values), f"place{n}": place, "between": BETWEEN}
        crossed = self._one(_CROSSED + meant, given)
        given |= {"stranger": STRANGER, "mark": chosen.mark}
        if chosen.by:
            given |= {"between": BETWEEN, "by": chosen.by}
        self._apart, self._inside, self._given = chosen.by > 0, meant, given
        self._all(_COUNTED.format(self._people(())), {**given, "signal": 0})
        self._all(_SEGMENTS, {"places": PLACES})
        counted = self._all("SELECT variant, sum(users) FROM heads GROUP BY variant")
        return {int(variant): int(users) for variant, users in counted}, crossed

    def segments(self) -> tuple[list[str], bool]:
        """The values that are shown apart, the most frequent first, and whether there are others."""
        rows = self._all("SELECT shown FROM segments WHERE place < ? ORDER BY place", [PLACES])
        more = self._one("SELECT count(*) FROM segments WHERE place >= ?", [PLACES])
        return [str(row[0]) for row in rows], more > 0

    def arms(self, signal: int, counted: Counted) -> dict[tuple[int, int], Arm]:
        """(variant, place of the segment) → the users that were chosen last."""
        names = [_KEPT_AS[column] for column in counted.columns]
        joined = _PLACED if self._apart else _IN_ONE_PLACE
        lines = _LINES.format(columns=", ".join(names), people=self._people(names), joined=joined)
        chosen = {**self._given, "signal": signal}
        most = {name: f"most_{name}" for name in (_KEPT_AS[column] for column in _WINSORISED) if name in names}
        given = dict.fromkeys(most.values(), counted.most)
        if counted.winsorise is not None:
            self._all(_READ_TWICE.format(lines), chosen)
            quantiles = ", ".join(f"quantile_cont({name}, $quantile)" for name in most)
            cut = self._all(_MOST.format(quantiles), {"quantile": counted.winsorise})[0]
            if cut[0] is not None:
                given = dict(zip(most.values(), map(float, cut), strict=True))
        source, more = ("lines", {}) if counted.winsorise is not None else (f"({lines})", chosen)
        somebody = self._all(_ANY.format(", ".join(names), source), more)
        if not somebody:
            return {}
        given |= {f"from_{name}": float(value) for name, value in zip(names, *somebody, strict=True)}
        far = {name: f"least({name}, ${most[name]})" if name in most else name for name in names}
        found = _CUT.format(
            lines=source,
            cut=", ".join(f"{far[name]} - $from_{name} AS {name}" for name in names),
            means=", ".join(f"favg({name}) + $from_{name}" for name in names),
            scatter=", ".join(
                f"covar_pop({one}, {other}) * count(*)" for one, other in combinations_with_replacement(names, 2)
            ),
        )
        rows = self._all(found, {**given, **more})
        return {(int(row[0]), int(row[1])): _arm(row, counted.columns) for row in rows}

    def _people(self, names: Sequence[str]) -> str:
        """Reads the users that were chosen last, with those of their sums for one signal."""
        since = ", ".join(f"sum({name}) AS {name}" for name in names)
        return _PEOPLE.format(
            shown=_APART if self._apart else "''",
            columns="".join(f", {name}" for name in names),
            settled="".join(f", settled.{name} + coalesce(since.{name}, 0) AS {name}" for name in names),
            recent="".join(f", coalesce(since.{name}, 0) AS {name}" for name in names),
            joined=_RECENT.format(sums=since) if names else "",
            inside=self._inside,
        )

    def _one(self, query: str, given: Any = None) -> int:  # noqa: ANN401 - as DuckDB takes it
        return int(self._all(query, given)[0][0] or 0)

    def _all(self, query: str, given: Any = None) -> list[tuple[Any, ...]]:  # noqa: ANN401 - the same
        """Run it to its end: DuckDB does nothing else on a connection before."""
        return self._base.execute(query, given).fetchall()


def _arm(row: Sequence[Any], columns: tuple[str, ...]) -> Arm:
    """An arm of a row of `_CUT`."""
    _, _, users, *rest = row
    size = len(columns)
    scatter = np.empty((size, size), dtype=np.float64)
    for (one, other), found in zip(combinations_with_replacement(range(size), 2), rest[size:], strict=True):
        scatter[one, other] = scatter[other, one] = found
    return Arm(columns=columns, users=int(users), means=np.array(rest[:size], dtype=np.float64), scatter=scatter)
