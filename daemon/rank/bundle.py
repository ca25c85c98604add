"""An incident bundle on disk, read: `alert.json`, and beside it series, logs, spans and changes where there are any.

Every text is capped and every file bounded on the way in; the newest log entries and spans are the ones that are kept.
"""

import csv
import json
import math
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from cases.bundle import Alert, Bundle, Entry, Flip, Readings, Span
from cases.diagnosis import Commit
from cases.errors import PermanentError
from cases.moments import from_milliseconds
from cases.telemetry import Deploy
from daemon.rank.fields import Place, Times, items, mapping, shown, text
from detectors.hunks import LONGEST_PATCH

MOST_ENTRIES, MOST_SPANS, MOST_READINGS = 100_000, 200_000, 5_000_000
_MESSAGE, _STACK, _NAME = 600, 12_000, 200
_MOST_STACKS = 2_000  # different ones that are kept
_LARGEST = 1e150  # beyond it sums of squares are infinite
_COLUMNS = ("timestamp", "service", "metric", "value")
_NO_VALUE = frozenset({"", "null", "none", "na", "n/a"})
_FAILED = frozenset({"error", "failed", "failure", "fault", "status_code_error", "2"})
_OK = frozenset({"", "ok", "unset", "status_code_ok", "status_code_unset", "success"})


def read_bundle(folder: Path) -> Bundle:
    """Read it. Raises PermanentError with file, line and key, what is wrong and what would be right."""
    if not folder.is_dir():
        raise PermanentError(f"{folder} is no folder; name one that holds alert.json")
    if not (folder / "alert.json").is_file():
        raise PermanentError(f"{folder}: alert.json is missing; it is the one file that a bundle must have")
    times = Times()
    deploys, flips, commits = _changes(folder / "changes.json", times)
    return Bundle(
        alert=_alert(folder / "alert.json", times),
        series=_series(folder / "series.csv", times),
        entries=_entries(folder / "logs.ndjson", times),
        spans=_spans(folder / "spans.ndjson", times),
        deploys=deploys,
        flips=flips,
        commits=commits,
    )


def _alert(path: Path, times: Times) -> Alert:
    place = Place(path.name)
    document = mapping(_json(path), place, 'an object: {"service": …, "metric": …, "summary": …, "fired_at": …}')
    return Alert(
        service=text(document, "service", place, needed=True)[:_NAME],
        metric=text(document, "metric", place)[:_NAME],
        summary=text(document, "summary", place)[:_MESSAGE],
        fired=_moment(document, "fired_at", place, times),
    )


def _series(path: Path, times: Times) -> dict[tuple[str, str], Readings]:
    if not path.is_file():
        return {}
    found: dict[tuple[str, str], _Cells] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.reader(file)
            header = next(rows, None)
            if header is None:
                return {}
            _fill(found, rows, _order([cell.strip().lower() for cell in header], path), path, times)
    except csv.Error as error:
        raise PermanentError(f"{path.name} is not CSV: {error}; write {','.join(_COLUMNS)}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from None
    return {key: cells.readings() for key, cells in found.items()}


def _order(header: list[str], path: Path) -> tuple[int, ...]:
    for name in _COLUMNS:
        if name not in header:
            raise Place(path.name, 1).wrong(name, "no column is called so", f"write the header {','.join(_COLUMNS)}")
    return tuple(header.index(name) for name in _COLUMNS)


@dataclass(slots=True)
class _Cells:
    """One metric's cells, in the order of their lines."""

    times: list[int] = field(default_factory=list[int])
    values: list[float] = field(default_factory=list[float])

    def readings(self) -> Readings:
        """In the order of time, whatever order the lines had; of several at a time the last; no number, no reading."""
        at, values = np.array(self.times, dtype=np.int64), np.array(self.values)
        order = np.argsort(at, kind="stable")
        at, values = at[order], values[order]
        kept = np.isfinite(values)
        kept[:-1] &= at[1:] != at[:-1]
        return Readings(times=at[kept], values=np.clip(values[kept], -_LARGEST, _LARGEST))


def _fill(
    found: dict[tuple[str, str], _Cells], rows: Iterator[list[str]], order: tuple[int, ...], path: Path, times: Times
) -> None:
    """Tens of thousands of lines are the rule: right ones go by the shortest way, the rest is looked at again."""
    when, who, what, how = order
    for number, row in enumerate(rows, start=2):
        try:
            at, key, value = times.known[row[when]], (row[who], row[what]), float(row[how])
            found[key].times.append(at)
            found[key].values.append(value)
        except (KeyError, IndexError, ValueError):
            if row:
                key, at, value = _reading(row, order, Place(path.name, number), times)
                cells = found.setdefault(key, _Cells())
                cells.times.append(at)
                cells.values.append(value)
        if number > MOST_READINGS:
            raise PermanentError(f"{path.name} has more than {MOST_READINGS:,} lines; cut it to the incident")


def _reading(row: list[str], order: tuple[int, ...], place: Place, times: Times) -> tuple[tuple[str, str], int, float]:
    if len(row) <= max(order):
        raise place.wrong("", f"{len(row)} cells", f"every line has {len(_COLUMNS)}: {','.join(_COLUMNS)}")
    at, service, metric, cell = (row[column] for column in order)
    moment = times.at(at, place, "timestamp")
    if not service or not metric:
        raise place.wrong("metric" if service else "service", "it is empty", "name it")
    key = service, metric
    if cell.strip().lower() in _NO_VALUE:
        return key, moment, math.nan
    try:
        return key, moment, float(cell)
    except ValueError:
        raise place.wrong("value", f"{shown(cell)} is no number", "write one, or nothing where there is none") from None


def _entries(path: Path, times: Times) -> tuple[Entry, ...]:
    stacks: dict[str, str] = {}
    kept: deque[Entry] = deque(maxlen=MOST_ENTRIES)
    for place, document in _lines(path):
        stack = text(document, "stack", place)[:_STACK]
        if stack not in stacks and len(stacks) < _MOST_STACKS:
            stacks[stack] = stack
        kept.append(
            Entry(
                at=times.at(document.get("timestamp"), place, "timestamp"),
                service=text(document, "service", place)[:_NAME],
                severity=text(document, "severity", place)[:20],
                message=text(document, "message", place)[:_MESSAGE],
                error=text(document, "error", place)[:_NAME],
                stack=stacks.get(stack, ""),
            )
        )
    return tuple(sorted(kept, key=lambda entry: entry.at))


def _spans(path: Path, times: Times) -> tuple[Span, ...]:
    kept: deque[Span] = deque(maxlen=MOST_SPANS)
    for place, document in _lines(path):
        duration = document.get("duration_ms")
        if isinstance(duration, bool) or not isinstance(duration, (int, float)):
            raise place.wrong("duration_ms", f"{shown(duration)} is no number", "write milliseconds")
        if not math.isfinite(duration) or duration < 0:
            raise place.wrong("duration_ms", f"{shown(duration)} is no duration", "write milliseconds from 0 on")
        status = text(document, "status", place).lower()
        kept.append(
            Span(
                trace=text(document, "trace_id", place, needed=True)[:_NAME],
                id=text(document, "span_id", place, needed=True)[:_NAME],
                parent=text(document, "parent_id", place)[:_NAME],
                service=text(document, "service", place)[:_NAME],
                name=text(document, "name", place)[:_NAME],
                at=times.at(document.get("start"), place, "start"),
                duration=min(float(duration), _LARGEST),
                failed=status in _FAILED or (status not in _OK and not status.startswith(("2", "3"))),
            )
        )
    return tuple(kept)


def _changes(path: Path, times: Times) -> tuple[tuple[Deploy, ...], tuple[Flip, ...], tuple[Commit, ...]]:
    if not path.is_file():
        return (), (), ()
    whole = Place(path.name)
    document = mapping(_json(path), whole, '{"deploys": [...], "flags": [...], "commits": [...]}')
    deploys = tuple(
        Deploy(
            service=text(each, "service", place, needed=True)[:_NAME],
            commit=text(each, "commit", place, needed=True)[:_NAME],
            started=_moment(each, "at", place, times),
            source=path.name,
        )
        for place, each in _listed(document, "deploys", whole)
    )
    flips = tuple(
        Flip(
            at=_moment(each, "at", place, times),
            service=text(each, "service", place)[:_NAME],
            flag=text(each, "flag", place, needed=True)[:_NAME],
            change=_plain(each.get("change"))[:_NAME],
        )
        for place, each in _listed(document, "flags", whole)
    )
    commits = [_commit(each, place, times) for place, each in _listed(document, "commits", whole)]
    return deploys, flips, tuple(sorted(commits, key=lambda commit: commit.at, reverse=True))


def _commit(document: Mapping[str, Any], place: Place, times: Times) -> Commit:
    files = items(document, "files", place)
    for file in files:
        if not isinstance(file, str):
            raise place.wrong("files", f"{shown(file)} is not a path", "write a list of texts")
    return Commit(
        sha=text(document, "id", place, needed=True)[:_NAME],
        at=_moment(document, "at", place, times),
        author=text(document, "author", place)[:_NAME],
        title=text(document, "message", place)[:2_000],
        parents=(),
        files=tuple(file[:500] for file in files[:5_000]),
        patch=text(document, "diff", place)[:LONGEST_PATCH],
    )


def _listed(document: Mapping[str, Any], key: str, whole: Place) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    for number, each in enumerate(items(document, key, whole)):
        place = Place(whole.file, within=f"{key}[{number}]")
        yield place, mapping(each, place, "an object { … }")


def _plain(value: object) -> str:
    """What became of a flag may be a text, a truth or an object of its own."""
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def _moment(document: Mapping[str, Any], key: str, place: Place, times: Times) -> datetime:
    if key not in document:
        raise place.wrong(key, "it is missing", "write a time, as in 2026-01-02T03:04:05Z")
    return from_milliseconds(times.at(document[key], place, key))


def _json(path: Path) -> object:
    try:
        document: object = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise Place(path.name, error.lineno).wrong("", f"it is not JSON: {error.msg}", "write one object") from None
    except RecursionError:
        raise Place(path.name).wrong("", "it is nested too deep", "write one object of lists") from None
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from None
    return document


def _lines(path: Path) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """The objects of a file that has one a line; empty lines are passed over."""
    if not path.is_file():
        return
    name = path.name
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                place = Place(name, number)
                try:
                    document: object = json.loads(line)
                except (ValueError, RecursionError):
                    raise place.wrong("", f"{shown(line)} is not JSON", "write one object a line") from None
                yield place, mapping(document, place, "one object a line")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError | UnicodeDecodeError) -> PermanentError:
    if isinstance(error, UnicodeDecodeError):
        return PermanentError(f"{path.name} is not text in UTF-8; write it so")
    return PermanentError(f"{path.name} cannot be read: {error.strerror}; let this user read it")
