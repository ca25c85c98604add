"""The Numenta Anomaly Benchmark and the corpus of repeated incidents, scored by the shipped engine in one run.

    python benchmarks/detection/nab.py NAB.tar.xz [--seeds 101 102 103] [--series 35] [--files] [--rivals] [--json]

One configuration for all series of both. Each tick gives every series its next reading, at its own time. Beside the
engine stands a rival that is hard to beat for its size: the distance from an exponential mean in deviations, with the
same de-duplication; with --rivals also detectors of others (`rivals.py`). Seconds are of CPU time. Scores are causal: a
prefix is scored again and has to come out the same.
"""

import argparse
import csv
import json
import sys
import tarfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from corpus import HELD_OUT, made  # noqa: E402 - after the path
from rivals import lifted, rivals  # noqa: E402
from scoring import BUDGETS, PROFILES, Floats, Labelled, Nab, best_f1, events, recall_at, sweep  # noqa: E402

from detectors.engine.engine import Engine  # noqa: E402
from detectors.engine.streams import ALERT_FROM  # noqa: E402

_PROBATION, _PROBATION_MOST = 0.15, 5000


def seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp()


def load(archive: Path) -> list[Labelled]:
    """All labelled series of the packed benchmark, in the order of their names."""
    with tarfile.open(archive) as tar:
        texts = {m.name: tar.extractfile(m).read().decode() for m in tar.getmembers() if m.isfile()}  # type: ignore[union-attr]
    windows = json.loads(texts["nab/labels/combined_windows.json"])
    corpus: list[Labelled] = []
    for name in sorted(windows):
        rows = list(csv.DictReader(texts[f"nab/data/{name}"].splitlines()))
        times = np.array([seconds(row["timestamp"]) for row in rows])
        places = [tuple(int(np.flatnonzero(times == seconds(end))[0]) for end in pair) for pair in windows[name]]
        probation = int(np.ceil(min(np.floor(_PROBATION * len(rows)), _PROBATION * _PROBATION_MOST)))
        values = np.array([float(row["value"]) for row in rows])
        corpus.append(Labelled(name, times, values, tuple(places), probation))  # type: ignore[arg-type]
    return corpus


def engine_scores(corpus: Sequence[Labelled], *, further: bool = True) -> list[Floats]:
    """Scores of each series: a row each, all at once, the longest first."""
    order = sorted(range(len(corpus)), key=lambda n: -len(corpus[n].times))
    sizes = np.array([len(corpus[n].times) for n in order])
    times = np.zeros((sizes[0], len(order)), dtype=np.int64)
    values, scores = np.full(times.shape, np.nan), np.zeros(times.shape)
    for column, number in enumerate(order):
        times[: sizes[column], column] = np.round(1000 * corpus[number].times)
        values[: sizes[column], column] = corpus[number].values
    engine = Engine(further=further)
    rows = engine.claim(len(order))
    for turn in range(int(sizes[0])):
        there = int(np.searchsorted(-sizes, -turn, side="left"))
        scores[turn, :there] = engine.tick(times[turn, :there], values[turn, :there], rows[:there]).score
    found: list[Floats] = [np.empty(0)] * len(corpus)
    for column, number in enumerate(order):
        found[number] = scores[: sizes[column], column]
    return found


def ewma_scores(corpus: Sequence[Labelled]) -> list[Floats]:
    """The rival: |x - mean| / deviation, both exponential, kept where it is the greatest of half a day."""
    return [_ewma(series) for series in corpus]


def _ewma(series: Labelled) -> Floats:
    rate = 1 / max(86_400 / series.step / 4, 24)
    mean, variance = float(series.values[0]), 0.0
    scores = np.zeros(len(series.values))
    for place, value in enumerate(series.values.tolist()):
        off = value - mean
        scores[place] = abs(off) / (variance**0.5 + 1e-9 * abs(mean) + 1e-12)
        mean += rate * off
        variance = (1 - rate) * (variance + rate * off * off)
    span = max(24, int(43_200 / series.step))
    kept = np.zeros_like(scores)
    for place, value in enumerate(scores.tolist()):
        before = scores[max(0, place - span) : place]
        kept[place] = value if not len(before) or value > before.max() else 0.0
    return kept


def causal(corpus: Sequence[Labelled], scores: Sequence[Floats]) -> bool:
    """Whether the first three fifths of each series, by themselves, are scored the same."""
    cut = [Labelled(s.name, s.times[: (k := len(s.times) * 3 // 5)], s.values[:k], (), 0) for s in corpus]
    again = engine_scores(cut)
    return all(np.array_equal(a, b[: len(a)]) for a, b in zip(again, scores, strict=True))


def judged(corpus: Sequence[Labelled], scores: list[Floats], spent: float, decision: float | None) -> dict[str, Any]:
    """The figures of one detector on one corpus."""
    swept = sweep(corpus, scores)
    best = best_f1(swept)
    found: dict[str, Any] = {
        "event F1": best.f1,
        "at threshold": best.threshold,
        **{f"recall at {budget:g} a week": recall_at(swept, budget) for budget in BUDGETS},
        "CPU s per 1M": 1e6 * spent / sum(len(s.times) for s in corpus),
    }
    if decision is not None:
        shipped = events(corpus, scores, decision)
        found |= {"shipped F1": shipped.f1, "shipped recall": shipped.recall, "shipped false": shipped.false_a_week}
    return found


def nab_figures(corpus: Sequence[Labelled], scores: list[Floats], decision: float | None) -> dict[str, Any]:
    """NAB's own: the best threshold in each profile, and the shipped decision in the standard one."""
    nab = Nab(corpus)
    found: dict[str, Any] = {profile: nab.best(scores, profile)[0] for profile in PROFILES}
    if decision is not None:
        found["shipped standard"] = nab.at(scores, decision)
    return found


Detector = Callable[[Sequence[Labelled]], list[Floats]]
DETECTORS: dict[str, tuple[Detector, float | None]] = {
    "engine": (engine_scores, ALERT_FROM),
    "engine, three channels": (partial(engine_scores, further=False), ALERT_FROM),
    "EWMA": (ewma_scores, None),
}


def each_file(corpus: Sequence[Labelled], scores: list[Floats]) -> None:
    """What was found and missed in each file, at the best threshold."""
    _, threshold = Nab(corpus).best(scores)
    for series, score in zip(corpus, scores, strict=True):
        over = np.flatnonzero(score >= threshold)
        over = over[over >= series.probation]
        inside = [bool(np.any((over >= first) & (over <= last))) for first, last in series.windows]
        outside = sum(not any(first <= at <= last for first, last in series.windows) for at in over.tolist())
        print(f"{series.name:58s} found {sum(inside)} of {len(inside)}, {outside} readings outside")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--seeds", type=int, nargs="*", default=HELD_OUT)
    parser.add_argument("--series", type=int, default=35, help="of the second corpus, for each seed")
    parser.add_argument("--files", action="store_true", help="say what was found in each file of NAB")
    parser.add_argument("--rivals", action="store_true", help="detectors of others beside it: some minutes")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    corpora = {"NAB": load(wanted.archive)}
    corpora |= {f"repeated, seed {seed}": made(seed, wanted.series) for seed in wanted.seeds}
    theirs = rivals(corpora) if wanted.rivals else {}
    report: dict[str, Any] = {}

    def told(name: str, detector: str, figures: dict[str, Any]) -> None:
        report[f"{name}: {detector}"] = figures
        if not wanted.json:
            print(f"{name}: {detector}")
            print(
                "".join(f"    {k:22s} {v if isinstance(v, bool) else format(v, '.3f')}\n" for k, v in figures.items())
            )

    for name, corpus in corpora.items():
        for detector, (score, decision) in DETECTORS.items():
            begun = time.process_time()
            scores = score(corpus)
            spent = time.process_time() - begun
            figures = nab_figures(corpus, scores, decision) if name == "NAB" else {}
            figures |= judged(corpus, scores, spent, decision)
            if detector == "engine":
                figures["causal"] = causal(corpus, scores)
                if wanted.files and name == "NAB":
                    each_file(corpus, scores)
            told(name, detector, figures)
        for rival, found in theirs.items():
            scores, spent = found[name]
            for detector, answers in ((rival, scores), (f"{rival}, lifted", lifted(corpus, scores))):
                figures = nab_figures(corpus, answers, None) if name == "NAB" else {}
                told(name, detector, figures | judged(corpus, answers, spent, None))
    if wanted.json:
        print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
