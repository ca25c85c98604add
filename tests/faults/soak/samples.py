"""What is seen of a daemon from outside, sample by sample, and what that says in the end."""

import re
import sqlite3
import statistics
import urllib.request
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import psutil

from tests.parts.dockerd import containers

MOST_RSS_MB = 200
MOST_GROWTH_MB_AN_HOUR = 10
MOST_MORE = 10  # open files, threads: what comes and goes with a case
JUDGED_FROM = 20 * 60.0  # seconds: in less, growth of megabytes an hour is no more than noise
BLOCKS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One look. Memory in MB; `children` is that of its children without git."""

    seconds: float
    rss: float
    children: float
    files: int
    sockets: int
    threads: int
    containers: int
    ledger: float
    cases: int
    closed: int
    turns: int
    errors: int
    tracebacks: int


class Watcher:
    """Looks at one daemon's process, its store, and its log."""

    def __init__(self, pid: int, store: Path, log: Path, label: str) -> None:
        self._process = psutil.Process(pid)
        self._store = store
        self._log = log
        self._label = label
        self._url = ""

    def look(self, seconds: float) -> Sample:
        """Take a sample. Raises psutil.NoSuchProcess when the daemon is gone."""
        with self._process.oneshot():
            rss = self._process.memory_info().rss / 2**20
            files = self._process.num_fds()
            threads = self._process.num_threads()
        text = self._log.read_text(errors="replace")
        cases, closed = self._cases()
        return Sample(
            seconds=round(seconds, 1),
            rss=round(rss, 1),
            children=round(self._children(), 1),
            files=files,
            sockets=len(self._process.net_connections("all")),
            threads=threads,
            containers=len(containers(self._label)),
            ledger=round(
                sum(path.stat().st_size for path in self._store.parent.glob(f"{self._store.name}*")) / 2**20, 2
            ),
            cases=cases,
            closed=closed,
            turns=self._turns(text),
            errors=len(re.findall(r"\bERROR\b", text)),
            tracebacks=text.count("Traceback"),
        )

    def _children(self) -> float:
        found = 0.0
        for child in self._process.children(recursive=True):
            try:
                if not child.name().startswith("git"):
                    found += child.memory_info().rss / 2**20
            except psutil.NoSuchProcess:
                continue
        return found

    def _cases(self) -> tuple[int, int]:
        try:
            with closing(sqlite3.connect(f"file:{self._store}?mode=ro", uri=True, timeout=5)) as base:
                rows = dict(base.execute("SELECT phase, count(*) FROM cases GROUP BY phase").fetchall())
        except sqlite3.Error:
            return 0, 0
        return sum(rows.values()), rows.get("closed", 0)

    def _turns(self, text: str) -> int:
        found = re.search(r"own health at (\S+)", text)
        if found is None:
            return 0
        try:
            with urllib.request.urlopen(f"{found[1]}/metrics", timeout=5) as answer:  # noqa: S310 - our own address
                counted = re.search(r"^trackwalker_turns_total (\S+)", answer.read().decode(), re.MULTILINE)
        except OSError:
            return 0
        return int(float(counted[1])) if counted else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the samples say; `broken` are the promises that were not kept, in words."""

    minutes: float
    rss_max: float
    rss_at: tuple[float, ...]  # medians around 25 %, 50 %, 75 % and 100 % of the time
    slope: float  # MB an hour, over the last half
    spread: float  # its standard error
    files: tuple[float, float]  # medians of the second quarter and of the last
    threads: tuple[float, float]
    left: int  # containers after the end
    cases: int
    closed: int
    turns: int
    errors: int
    tracebacks: int
    ledger: float
    broken: tuple[str, ...]

    def table(self) -> str:
        """For people."""
        return "\n".join(f"{each.name:<10} {getattr(self, each.name)}" for each in fields(self))


def outcome(samples: Sequence[Sample], left: int) -> Outcome:
    """Judge. Growth is judged in runs of 20 minutes and more: see `slope`."""
    last = samples[-1]
    span = last.seconds
    rss_max = max(sample.rss for sample in samples)
    half = [sample for sample in samples if sample.seconds >= span / 2]
    steep, spread = slope([(one.seconds, one.rss) for one in half])
    files = _quarters(samples, "files")
    threads = _quarters(samples, "threads")
    long = span >= JUDGED_FROM
    promises = {
        f"RSS stays under {MOST_RSS_MB} MB: it came to {rss_max:.0f}": rss_max <= MOST_RSS_MB,
        f"memory does not grow: {steep:+.1f} ± {2 * spread:.1f} MB/h": not long
        or steep - 2 * spread <= MOST_GROWTH_MB_AN_HOUR,
        f"no open file is left behind: from {files[0]} to {files[1]}": not long or files[1] - files[0] <= MOST_MORE,
        f"no thread is left behind: from {threads[0]} to {threads[1]}": not long
        or threads[1] - threads[0] <= MOST_MORE,
        f"no container is left behind: {left}": left == 0,
        "no error of our own in the log": last.tracebacks == 0,
    }
    return Outcome(
        minutes=round(span / 60, 1),
        rss_max=rss_max,
        rss_at=tuple(_around(samples, share * span, span) for share in (0.25, 0.5, 0.75, 1.0)),
        slope=round(steep, 1),
        spread=round(spread, 1),
        files=files,
        threads=threads,
        left=left,
        cases=last.cases,
        closed=last.closed,
        turns=last.turns,
        errors=last.errors,
        tracebacks=last.tracebacks,
        ledger=last.ledger,
        broken=tuple(words for words, kept in promises.items() if not kept),
    )


def slope(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """MB an hour, and its standard error, of (seconds, MB).

    Samples that are seconds apart say nearly the same, so a line is laid through the medians of ten blocks of time: its
    error is that of ten readings.
    """
    blocks = [block for block in np.array_split(np.array(points), BLOCKS) if len(block)]
    if len(blocks) < BLOCKS:
        return 0.0, 0.0
    hours = np.array([float(np.mean(block[:, 0])) for block in blocks]) / 3600
    levels = np.array([float(np.median(block[:, 1])) for block in blocks])
    centred = hours - hours.mean()
    steep = float((centred * levels).sum() / (centred**2).sum())
    rest = levels - levels.mean() - steep * centred
    return steep, float(np.sqrt((rest**2).sum() / (len(blocks) - 2) / (centred**2).sum()))


def _quarters(samples: Sequence[Sample], name: str) -> tuple[float, float]:
    span = samples[-1].seconds
    second = [getattr(s, name) for s in samples if span / 4 <= s.seconds < span / 2]
    last = [getattr(s, name) for s in samples if s.seconds >= span * 3 / 4]
    return statistics.median(second or last), statistics.median(last)


def _around(samples: Sequence[Sample], at: float, span: float) -> float:
    near = [sample.rss for sample in samples if abs(sample.seconds - at) <= span / 20]
    return round(statistics.median(near), 1) if near else 0.0


__all__ = ["MOST_RSS_MB", "Outcome", "Sample", "Watcher", "outcome", "slope"]
