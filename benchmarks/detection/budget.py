"""The alert budget on held-out weeks: what was asked for, what was given, and what it finds.

    python benchmarks/detection/budget.py [--services N] [--weeks N] [--seed N] [--step S] [--json]

Made-up services of seven series each, one of each kind of `corpus.py`, five minutes apart: two weeks of history, then
weeks that are looked at with the daemon's own parts (the engine, a baseline fitted each day, departures, the budget, an
hour at a time). Every week is held out: its thresholds come from what was before it. In the second run each series has
incidents, which nobody confirms: so the controller takes them for false alarms, as it does until a change is merged.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from corpus import DAY_S, INCIDENTS, KINDS, MONDAY_S, Setting  # noqa: E402 - after the path

from cases.case import Case  # noqa: E402
from cases.moments import from_milliseconds  # noqa: E402
from cases.telemetry import SeriesBlock, Signal  # noqa: E402
from daemon.alert_budget import AlertBudget, Stretch  # noqa: E402
from daemon.scorer import Scorer  # noqa: E402
from detectors.baseline import fit, key_of  # noqa: E402
from detectors.departures import Departure, Trace, departures  # noqa: E402

HISTORY_DAYS = 14
CONFIRM = 3
ASKED = (0.5, 1.0, 2.0, 5.0)
RECENT = timedelta(minutes=30)


class Nothing:
    """A ledger without anything in it."""

    def get(self, _key: str) -> bytes | None:
        """No checkpoint."""
        return None

    def put(self, *_stored: object) -> None:
        """Nothing is kept."""

    def active(self) -> tuple[Case, ...]:
        """No case."""
        return ()

    def ended(self, _services: object) -> tuple[Case, ...]:
        """None that ended either."""
        return ()


@dataclass(frozen=True, slots=True)
class Seen:
    """A departure as it was, in epoch milliseconds; `hour` after the history in which it ends."""

    found: Departure
    times: np.ndarray[Any, np.dtype[np.int64]]
    stretch: Stretch
    hour: int
    real: bool

    def told(self, worth: float) -> bool:
        """Whether it would have been told at that threshold."""
        return self.found.told(worth) is not None


@dataclass(frozen=True, slots=True)
class Service:
    """One made-up service: its readings, and when its incidents are (first and last column) by series."""

    block: SeriesBlock
    incidents: tuple[tuple[tuple[int, int], ...], ...]


def made(seed: int, number: int, weeks: int, step: int, *, troubled: bool) -> Service:
    """A service of that number."""
    times = MONDAY_S + np.arange(0, HISTORY_DAYS * DAY_S + weeks * 7 * DAY_S, step, dtype=np.float64)
    rows, windows = [], []
    for kind_number, kind in enumerate(KINDS):
        random = np.random.default_rng([seed, number, kind_number])
        setting = Setting(times, step, random)
        values, spread = kind(setting)
        mine: list[tuple[int, int]] = []
        incident = INCIDENTS[kind.__name__][int(random.integers(len(INCIDENTS[kind.__name__])))]
        at = HISTORY_DAYS * DAY_S + random.exponential(14 * DAY_S)
        while troubled and at < times[-1] - MONDAY_S - 7200:
            first = int(at // step)
            last = first + max(int(random.uniform(1200, 7200) // step), CONFIRM + 1)
            values[first : last + 1] = incident(
                values[first : last + 1], spread[first : last + 1], random.uniform(5, 12), random
            )
            mine.append((first, last))
            at += 14400 + random.exponential(14 * DAY_S)
        rows.append(values)
        windows.append(tuple(mine))
    values = np.array(rows)
    name = f"made-{seed}-{number}"
    block = SeriesBlock(
        signal=Signal(name="readings", service=name, source="made", query="q"),
        labels=tuple({"kind": kind.__name__} for kind in KINDS),
        times=np.round(1000 * times).astype(np.int64),
        values=values,
        missing=np.isnan(values),
    )
    return Service(block, tuple(windows))


def part(block: SeriesBlock, first: int, last: int) -> SeriesBlock:
    columns = slice(max(first, 0), last)
    return SeriesBlock(
        signal=block.signal,
        labels=block.labels,
        times=block.times[columns],
        values=block.values[:, columns],
        missing=block.missing[:, columns],
    )


def traced(services: Sequence[Service]) -> dict[str, Trace]:
    """What the engine said of every reading, all services in one engine as in the daemon."""
    scorer = Scorer(Nothing(), recent=RECENT)  # type: ignore[arg-type]
    return scorer.learn({service.block.signal.key: service.block for service in services})


def looked(service: Service, trace: Trace, step: int) -> Iterator[Seen]:
    """The departures of the history, at hours below 0, and of every day after it."""
    day, block = DAY_S // step, service.block
    start, rows = HISTORY_DAYS * day, np.arange(len(block.labels))
    reach = int(RECENT.total_seconds()) // step
    history = part(block, 0, start)
    before = trace.part(rows, np.arange(start))
    baseline = fit(history, warm_up=timedelta(hours=2))
    for found in departures(history, before, baseline, confirm=CONFIRM, ongoing=False):
        yield _seen(service, found, 0, -1)
    for first in range(start, len(block.times), day):
        last = min(first + day, len(block.times))
        baseline = fit(part(block, first - start - reach, first - reach), warm_up=timedelta(hours=2))
        window, columns = part(block, first - 6 * reach, last), np.arange(first - 6 * reach, last)
        for found in departures(window, trace.part(rows, columns), baseline, confirm=CONFIRM, ongoing=False):
            end = int(columns[0]) + found.run.last
            if end >= first:
                yield _seen(service, found, int(columns[0]), (end - start) * step // 3600)


def _seen(service: Service, found: Departure, offset: int, hour: int) -> Seen:
    first, last = offset + found.run.first, offset + found.run.last
    real = any(begin <= last and first <= end + 1 for begin, end in service.incidents[found.row])
    signal = service.block.signal
    stretch = Stretch(
        service=signal.service,
        signal=signal.key,
        series=key_of(service.block.labels[found.row]),
        direction=found.direction,
        peak=found.peak,
    )
    return Seen(found, service.block.times[[first, last]], stretch, hour, real)


def given(
    services: Sequence[Service], seen: Sequence[Sequence[Seen]], asked: float, weeks: int, *, confirmed: bool
) -> dict[str, float]:
    """What a budget of so many false alerts for each service and week comes to on the weeks looked at."""
    false = np.zeros(weeks)
    found = incidents = 0
    for service, mine in zip(services, seen, strict=True):
        budget = AlertBudget(checkpoints=Nothing(), cases=Nothing(), allowed=asked)  # type: ignore[arg-type]
        signal = service.block.signal
        budget.learn(signal, [one.stretch.peak for one in mine if one.hour < 0], HISTORY_DAYS / 7)
        by_hour: dict[int, list[Seen]] = {}
        for one in mine:
            by_hour.setdefault(one.hour, []).append(one)
        begin = from_milliseconds(int(service.block.times[0])) + timedelta(days=HISTORY_DAYS)
        hit: set[tuple[int, int]] = set()
        for hour in range(weeks * 168):
            worth = budget.worth(signal.service)
            for one in by_hour.get(hour, ()):
                if one.told(worth) and one.real:
                    hit |= {
                        (one.found.row, window[0])
                        for window in service.incidents[one.found.row]
                        if service.block.times[window[0]] <= one.times[1]
                        and one.times[0] <= service.block.times[window[1]]
                    }
                elif one.told(worth):
                    false[hour // 168] += 1
            ended = [one.stretch for one in by_hour.get(hour, ()) if not (confirmed and one.real)]
            budget.note(ended, [signal], begin + timedelta(hours=hour))
        found += len(hit)
        incidents += sum(map(len, service.incidents))
    each = false / len(services)
    report = {
        "asked": asked,
        "given, week 1": float(each[0]),
        "given, weeks 2 on": float(each[1:].mean()),
        "ratio": float(each[1:].mean() / asked),
    }
    return report | ({"recall": found / incidents} if incidents else {})


def _hit(service: Service, one: Seen) -> Iterator[tuple[int, int]]:
    """The incidents (row, first column) that a departure belongs to."""
    times = service.block.times
    for first, last in service.incidents[one.found.row]:
        if times[first] <= one.times[1] and one.times[0] <= times[last]:
            yield one.found.row, first


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--services", type=int, default=24)
    parser.add_argument("--weeks", type=int, default=8)
    parser.add_argument("--seed", type=int, default=101)
    parser.add_argument("--step", type=int, default=300)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    report: dict[str, list[dict[str, float]]] = {}
    for title, troubled in (("quiet", False), ("with incidents", True)):
        services = [
            made(wanted.seed, number, wanted.weeks, wanted.step, troubled=troubled) for number in range(wanted.services)
        ]
        traces = traced(services)
        seen = [list(looked(service, traces[service.block.signal.key], wanted.step)) for service in services]
        for confirmed in (True, False) if troubled else (True,):
            name = f"{title}{', none of them confirmed' if not confirmed else ''}"
            report[name] = [given(services, seen, asked, wanted.weeks, confirmed=confirmed) for asked in ASKED]
            if not wanted.json:
                print(name)
                for row in report[name]:
                    print("    " + "  ".join(f"{key} {value:.2f}" for key, value in row.items()), flush=True)
    if wanted.json:
        print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
