"""What the engine and the forecast band find by themselves and together, as the daemon has them.

    python benchmarks/detection/witnesses.py [--seeds 101 11] [--series 35] [--json]

The corpus of repeated incidents, through the daemon's own functions: a baseline fitted every six hours to what was
before it, the engine with its three channels, departures confirmed by three readings. What is swept is what a departure
must be worth. Judged by events at a budget of false alerts for each series and week (`scoring.py`). Seeds 1 and 2 were
used to set `AGREE`, `UNUSUAL` and `WORTH`.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from corpus import made  # noqa: E402 - after the path
from scoring import EPISODE_S, Labelled  # noqa: E402

from cases.telemetry import DAY, SeriesBlock, Signal  # noqa: E402
from daemon.backtest.columns import between, thinned  # noqa: E402
from detectors.baseline import Baseline, fit, history_step  # noqa: E402
from detectors.departures import Departure, Trace, departures  # noqa: E402
from detectors.engine.engine import Engine  # noqa: E402

CONFIRM = 3
REFIT_MS = 6 * 3_600_000
RECENT_MS = 1_800_000
HISTORY = 14 * DAY
WARM_UP = timedelta(hours=2)
BUDGETS = (1.0, 0.1, 0.05)
WORTHS = np.arange(0.3, 1.0, 0.0125)


@dataclass(frozen=True, slots=True)
class Found:
    """When departures [N] were first worth so much, in epoch seconds; one column a threshold, NaN for never."""

    told: np.ndarray[tuple[int, int], np.dtype[np.float64]]


def block_of(series: Labelled) -> SeriesBlock:
    """A series as a signal's block."""
    values = series.values[None, :]
    return SeriesBlock(
        signal=Signal(name=series.name, service="made", source="made", query="q"),
        labels=({},),
        times=np.round(1000 * series.times).astype(np.int64),
        values=values,
        missing=np.isnan(values),
    )


def traced(blocks: Sequence[SeriesBlock]) -> list[Trace]:
    """What the engine said of each reading: a row each, the longest first, each at its own time."""
    order = sorted(blocks, key=lambda block: -len(block.times))
    traces = {id(block): Trace.nothing((1, len(block.times))) for block in order}
    engine = Engine()
    rows = engine.claim(len(order))
    for turn in range(len(order[0].times)):
        there = [block for block in order if turn < len(block.times)]
        times = np.array([block.times[turn] for block in there])
        values = np.array([block.values[0, turn] for block in there])
        judged = engine.tick(times, values, rows[: len(there)], explain=True)
        for place, block in enumerate(there):
            trace = traces[id(block)]
            trace.raw[0, turn], trace.expected[0, turn] = judged.raw[place], judged.expected[place]
            trace.spread[0, turn] = judged.spread[place]
    return [traces[id(block)] for block in blocks]


def looked(block: SeriesBlock, trace: Trace | None, *, band: bool) -> Found:
    """The departures of all stretches between two baselines. Without a trace the band alone sees them."""
    step = timedelta(milliseconds=int(block.times[1] - block.times[0]))
    history = thinned(block, history_step(HISTORY, step) // timedelta(milliseconds=1))
    said = trace or Trace.nothing((1, len(block.times)))
    found: list[list[float]] = []
    begin = int(block.times[0]) + RECENT_MS + WARM_UP // timedelta(milliseconds=1)
    for first in range(begin, int(block.times[-1]) + 1, REFIT_MS):
        oldest = first - RECENT_MS - HISTORY // timedelta(milliseconds=1)
        baseline: Baseline | None = fit(between(history, oldest, first - RECENT_MS), warm_up=WARM_UP) if band else None
        window = between(block, first - 4 * RECENT_MS, first + REFIT_MS - 1)
        low = int(np.searchsorted(block.times, window.times[0]))
        part = said.part(np.arange(1), low + np.arange(len(window.times)))
        departed = departures(window, part, baseline, confirm=CONFIRM, ongoing=False)
        found += [_told(one, window) for one in departed if window.times[one.run.last] >= first]
    return Found(np.array(found).reshape(-1, len(WORTHS)))


def _told(one: Departure, window: SeriesBlock) -> list[float]:
    columns = [one.told(float(worth)) for worth in WORTHS]
    return [window.times[column] / 1000 if column is not None else np.nan for column in columns]


def judged(corpus: Sequence[Labelled], found: Sequence[Found], column: int) -> tuple[float, float, float]:
    """(event F1, recall, false alerts a series and week) at one threshold."""
    alerts = true = hit = incidents = 0
    for series, mine in zip(corpus, found, strict=True):
        times = np.sort(mine.told[:, column])
        times = times[times >= series.times[series.probation]]  # NaN is none
        fresh = times[np.diff(times, prepend=-np.inf) > EPISODE_S]
        windows = [(series.times[first], series.times[last]) for first, last in series.windows]
        alerts += len(fresh)
        true += sum(any(first <= at <= last for first, last in windows) for at in fresh.tolist())
        hit += sum(bool(np.any((times >= first) & (times <= last))) for first, last in windows)
        incidents += len(windows)
    precision, recall = true / max(alerts, 1), hit / max(incidents, 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    return f1, recall, (alerts - true) / sum(series.weeks for series in corpus)


def figures(corpus: Sequence[Labelled], found: Sequence[Found]) -> dict[str, float]:
    """The best F1, and the recall at each budget."""
    rows = [judged(corpus, found, column) for column in range(len(WORTHS))]
    at = {
        f"recall at {budget:g} a week": max((r[1] for r in rows if r[2] <= budget), default=0.0) for budget in BUDGETS
    }
    shipped = rows[int(np.argmin(np.abs(WORTHS - 0.55)))]
    return {
        "event F1": max(row[0] for row in rows),
        **at,
        "F1 at 0.55": shipped[0],
        "recall at 0.55": shipped[1],
        "false a week at 0.55": shipped[2],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[101, 11])
    parser.add_argument("--series", type=int, default=35)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    report: dict[str, dict[str, float]] = {}
    for seed in wanted.seeds:
        corpus = made(seed, wanted.series)
        blocks = [block_of(series) for series in corpus]
        traces = traced(blocks)
        for name, with_trace, band in (("both", True, True), ("engine", True, False), ("band", False, True)):
            pairs = zip(blocks, traces, strict=True)
            found = [looked(block, trace if with_trace else None, band=band) for block, trace in pairs]
            report[f"seed {seed}: {name}"] = figures(corpus, found)
            if not wanted.json:
                shown = "  ".join(f"{key} {value:.2f}" for key, value in report[f"seed {seed}: {name}"].items())
                print(f"seed {seed}: {name:7s} {shown}", flush=True)
    if wanted.json:
        print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
