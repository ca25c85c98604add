"""Where a backtest's readings come from: the sources of a configuration, or CSV files; and the looks at them."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from cases.errors import PermanentError, SourceDown
from cases.moments import EPOCH, from_milliseconds
from cases.ports import SignalSource
from cases.telemetry import SeriesBlock, Signal
from config.settings import DetectionSettings
from daemon.backtest.columns import joined, thinned
from daemon.backtest.looks import Looked, by_threshold, look
from daemon.backtest.objectives import look_at_objective
from daemon.backtest.reading import chunks, floored
from daemon.backtest.tables import Table, read_table
from daemon.listing import Watch
from detectors.baseline import history_step
from detectors.runs import step_of

log = logging.getLogger("trackwalker.backtest")

MOST_NAMED = 3  # series of a remark: enough to find them
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """What is looked at: from `since` to `until`."""

    since: datetime
    until: datetime


def from_sources(
    watches: Sequence[Watch],
    sources: Mapping[str, SignalSource],
    wanted: DetectionSettings,
    stretch: Stretch,
    *,
    allowed: float = 1.0,
) -> Iterator[Looked]:
    """Look at each watch. One that cannot be read is passed over with a remark; with none left the reason is raised.

    `allowed` false alerts a week are shared out evenly among the watches of a service that are held to its normal.
    Raises SourceDown or PermanentError.
    """
    sharing = Counter(watch.signal.service for watch in watches if watch.slo is None and not by_threshold(watch))
    failed: list[SourceDown | PermanentError] = []
    for watch in watches:
        source = sources.get(watch.signal.source)
        if source is None:
            raise PermanentError(f"{watch.signal.key} reads {watch.signal.source!r}, and there is no such source")
        try:
            if watch.slo is not None:
                yield look_at_objective(watch, source, stretch.since, stretch.until)
            else:
                share = allowed / max(1, sharing[watch.signal.service])
                yield _look_at(watch, source, wanted, stretch, share)
        except (SourceDown, PermanentError) as error:
            log.warning("%s is left out: %s", watch.signal.key, error)
            failed.append(error)
            yield _unread(watch, str(error))
    if failed and len(failed) == len(watches):
        raise failed[0]


def from_tables(paths: Sequence[Path], wanted: DetectionSettings) -> Iterator[Looked]:
    """Look at each file as at a service of its name, each of its columns a signal of either side."""
    names: set[str] = set()
    for path in paths:
        table = read_table(path)
        if table.name in names:
            raise PermanentError(f"two files are called {table.name}: rename one, as a file's name is its service's")
        names.add(table.name)
        yield _look_at_table(table, wanted)


def _look_at(watch: Watch, source: SignalSource, wanted: DetectionSettings, stretch: Stretch, allowed: float) -> Looked:
    # Both grids stand still, as the daemon's do: a backtest of tomorrow dates the same trouble alike.
    grain = history_step(wanted.history, wanted.step)
    remarks: list[str] = []

    def read(since: datetime, step: timedelta) -> SeriesBlock:
        blocks = list(chunks(watch.signal, source.read, since, stretch.until, step))
        remarks.extend(dict.fromkeys(f"partial, left out: {block.partial}" for block in blocks if block.partial))
        return joined(watch.signal, blocks)

    readings = read(floored(stretch.since - wanted.recent, wanted.step), wanted.step)
    if by_threshold(watch):
        history = readings
    else:
        history = read(floored(stretch.since - wanted.recent - wanted.history, grain), grain)
    with np.errstate(over="ignore", invalid="ignore"):  # numbers as big as a float can be are readings too
        looked = look(watch, readings, history, wanted, start=stretch.since, allowed=allowed)
    return replace(looked, remarks=(*remarks, *_unjudged(looked, wanted)))


def _look_at_table(table: Table, wanted: DetectionSettings) -> Looked:
    signal = Signal(name=table.name, service=table.name, source=table.name, query=table.name)
    step = step_of(table.times) * _MILLISECOND
    block = SeriesBlock(
        signal=signal,
        labels=tuple({"column": name} for name in table.columns),
        times=table.times,
        values=table.values,
        missing=np.isnan(table.values),
    )
    grain = history_step(wanted.history, wanted.step) // _MILLISECOND
    watch = Watch(signal=signal, detector="auto", confirm=wanted.confirm)
    start = from_milliseconds(int(table.times[0]))
    with np.errstate(over="ignore", invalid="ignore"):  # as above
        looked = look(watch, block, thinned(block, grain), wanted, start=start)
    for episode in looked.episodes:
        column = episode.anomaly.labels["column"]
        episode.anomaly = replace(episode.anomaly, signal=replace(signal, name=column), labels={})
    remarks = _unjudged(looked, wanted)
    if step > wanted.stale_after:
        remarks.append(f"a reading every {step.total_seconds():g} s is coarse: history counts for less than it spans")
    return replace(looked, remarks=tuple(remarks))


def _unjudged(looked: Looked, wanted: DetectionSettings) -> list[str]:
    """What was never held to anything, in words."""
    if not looked.block.labels:
        return ["the source has no series for the query in this stretch"]
    silent = [row for row, judged in enumerate(looked.judged) if not judged]
    enough = 2 * wanted.warm_up / _MILLISECOND
    there = np.sum(~looked.block.missing, axis=1) * step_of(looked.block.times)
    young = [row for row in silent if there[row] < enough]
    strange = [row for row in silent if there[row] >= enough]
    want = f"never judged, for want of {wanted.warm_up.total_seconds() / 3600:g} h of history: "
    remarks = [want + _shown(looked, young)] if young else []
    if strange:
        remarks.append(f"never judged, as nothing usual can be told from its numbers: {_shown(looked, strange)}")
    return remarks


def _shown(looked: Looked, rows: Sequence[int]) -> str:
    names = [series_name(looked, row) for row in rows[:MOST_NAMED]]
    return ", ".join(names) + (f" and {len(rows) - MOST_NAMED} more" if len(rows) > MOST_NAMED else "")


def _unread(watch: Watch, because: str) -> Looked:
    nothing = np.empty((0, 0))
    block = SeriesBlock(
        signal=watch.signal, labels=(), times=np.empty(0, dtype=np.int64), values=nothing, missing=np.isnan(nothing)
    )
    looked = look(watch, block, block, DetectionSettings(), start=EPOCH)
    return replace(looked, remarks=(f"left out: {because}",))


def series_name(looked: Looked, row: int) -> str:
    """What a series is called: `service/signal{label="value"}`, or the column of a file."""
    labels = looked.block.labels[row]
    return name_of(looked.watch.signal, labels) if "column" not in labels else labels["column"]


def name_of(signal: Signal, labels: Mapping[str, str]) -> str:
    """The same from a signal and the labels of one series."""
    shown = ", ".join(f'{name}="{value}"' for name, value in sorted(labels.items()) if name != "__name__")
    return f"{signal.key}{{{shown}}}" if shown else signal.key
