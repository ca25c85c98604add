"""What a backtest found, for programs and for people at a terminal."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from cases.anomaly import Anomaly
from cases.moments import from_milliseconds, iso
from cases.telemetry import Signal
from daemon.backtest.gather import name_of, series_name
from daemon.backtest.looks import Episode, Looked, by_threshold
from daemon.backtest.month import Watched
from daemon.backtest.stories import Story, stories
from daemon.drawing import Line
from detectors.runs import step_of

WEEK = timedelta(days=7)


@dataclass(slots=True)
class Report:
    """Everything that was found. `lines` stays empty unless pictures are wanted."""

    series: int = 0
    points: int = 0
    since: datetime | None = None
    until: datetime | None = None
    series_weeks: float = 0.0
    episodes: list[tuple[str, Episode]] = field(default_factory=list[tuple[str, Episode]])
    lines: list[Line] = field(default_factory=list[Line])
    remarks: list[str] = field(default_factory=list[str])
    cases: list[Story] = field(default_factory=list[Story])
    watched: list[Watched] = field(default_factory=list[Watched])

    def add(self, looked: Looked, *, pictures: bool) -> None:
        """Count the looks at one watch in."""
        block = looked.block
        self.series += len(block.labels)
        self.points += int((~block.missing).sum())
        self.remarks += [f"{looked.watch.signal.key}: {remark}" for remark in looked.remarks]
        if len(block.times):
            first, last = from_milliseconds(int(block.times[0])), from_milliseconds(int(block.times[-1]))
            self.since = min(self.since or first, first)
            self.until = max(self.until or last, last)
            self.series_weeks += len(block.labels) * ((last - first) / WEEK)
        self.episodes += [(_name(episode.anomaly), episode) for episode in looked.episodes]
        self.watched += _watched(looked)
        if pictures:
            self.lines += _lines(looked)

    def close(self, lull: timedelta) -> None:
        """Make the cases out of all that was found, and put everything in order of time."""
        self.episodes.sort(key=lambda found: (found[1].seen, found[0]))
        self.cases = stories([episode for _, episode in self.episodes], lull=lull)


def document(report: Report, cpu_seconds: float) -> dict[str, Any]:
    """The contract's document, and what stands beside it."""
    return {
        "series": report.series,
        "points": report.points,
        "cpu_seconds": round(cpu_seconds, 3),
        "since": iso(report.since) if report.since else None,
        "until": iso(report.until) if report.until else None,
        "series_weeks": round(report.series_weeks, 3),
        "anomalies": [_anomaly(name, episode) for name, episode in report.episodes],
        "cases": [case_row(story) for story in report.cases],
        "remarks": report.remarks,
    }


def case_row(story: Story) -> dict[str, Any]:
    """One would-be case."""
    case = story.case
    return {
        "id": case.id,
        "service": case.service,
        "severity": case.anomaly.signal.severity.value,
        "signal": case.anomaly.signal.name,
        "opened": iso(case.opened),
        "over": iso(story.end),
        "series": sorted({_name(episode.anomaly) for episode in story.episodes}),
        "anomalies": len(story.episodes),
        "because": story.because,
    }


def per_week(report: Report) -> Mapping[str, float | None]:
    """Anomalies for each series and week, and cases a week; None for less than a day, where it would say nothing."""
    if report.since is None or report.until is None or report.until - report.since < timedelta(days=1):
        return {"anomalies": None, "cases": None}
    weeks = (report.until - report.since) / WEEK
    return {"anomalies": len(report.episodes) / report.series_weeks, "cases": len(report.cases) / weeks}


def _anomaly(name: str, episode: Episode) -> dict[str, Any]:
    anomaly = episode.anomaly
    return {
        "series": name,
        "detector": anomaly.detector,
        "start": iso(anomaly.onset),
        "end": iso(episode.end),
        "detected_at": iso(episode.seen),
        "score": _number(round(anomaly.score, 6)),
        "direction": anomaly.direction.value,
        "value": _number(anomaly.value),
        "expected": _number(anomaly.expected),
    }


def _number(value: float) -> float | None:
    """JSON knows no infinity, and what is not a number says nothing."""
    return value if math.isfinite(value) else None


def _name(anomaly: Anomaly) -> str:
    signal = anomaly.signal
    return signal.name if _of_a_file(signal) else name_of(signal, anomaly.labels)


def _watched(looked: Looked) -> list[Watched]:
    """The watch, or those of a file: one a column, as its anomalies are."""
    watch, times = looked.watch, looked.block.times
    one = Watched(
        signal=watch.signal,
        kind="objective" if watch.slo else "threshold" if by_threshold(watch) else "usual",
        span=from_milliseconds(int(times[-1])) - from_milliseconds(int(times[0])) if len(times) else timedelta(0),
        step=timedelta(milliseconds=step_of(times)),
        confirm=watch.confirm,
        episodes=looked.episodes,
    )
    columns = [labels["column"] for labels in looked.block.labels if _of_a_file(watch.signal)]
    signals = [replace(watch.signal, name=column) for column in columns] or [watch.signal]
    return [
        replace(one, signal=signal, episodes=[e for e in looked.episodes if e.anomaly.signal.name == signal.name])
        for signal in signals
    ]


def _of_a_file(signal: Signal) -> bool:
    return signal.source == signal.query == signal.service


def _lines(looked: Looked) -> list[Line]:
    block, expected = looked.block, looked.expected
    lines: list[Line] = []
    for row in range(len(block.labels)):
        name = series_name(looked, row)
        mine = [episode for episode in looked.episodes if _name(episode.anomaly) == name]
        out = block.times < 0
        for episode in mine:
            first = round(episode.anomaly.onset.timestamp() * 1000)
            out |= (block.times >= first) & (block.times <= round(episode.end.timestamp() * 1000))
        lines.append(
            Line(
                name=name,
                times=block.times,
                values=block.values[row],
                low=expected.low[row],
                middle=expected.middle[row],
                high=expected.high[row],
                out=out,
                episodes=mine,
            )
        )
    return lines
