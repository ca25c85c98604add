"""One anomaly from near by: the readings about it, the band, its onset, and when it would have been told."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import escape

from cases.moments import from_milliseconds, iso, milliseconds
from daemon.backtest.wording import lasted
from daemon.drawing import Line, Mark, Seen, draw, expectation

MOST_CLOSE = 40
"""Anomalies that are drawn one by one: the most severe, and of those the strongest."""
_BEFORE, _AFTER = 1.0, 0.5  # of how long it lasted
_LEAST_POINTS = 40  # before it
_SHORTEST_MS = 30 * 60_000


def closeups(lines: Sequence[Line]) -> str:
    """The section, as HTML; "" without an anomaly."""
    every = [(line, episode) for line in lines for episode in line.episodes]
    if not every:
        return ""
    every.sort(key=lambda one: (one[1].anomaly.signal.severity.urgency, -one[1].anomaly.score, one[1].seen))
    left = len(every) - MOST_CLOSE
    which = "the least severe, and of those the weakest"
    more = f'<p class="soft">{left} more are left out: {which}.</p>' if left > 0 else ""
    drawn = "".join(_figure(line, episode, place) for place, (line, episode) in enumerate(every[:MOST_CLOSE]))
    key = (
        '<div class="key"><span><i style="background:var(--read)"></i>readings</span>'
        '<span><i style="background:var(--band)"></i>expected</span>'
        '<span><i style="background:var(--out)"></i>anomaly</span>'
        '<span><i class="tick dashed"></i>onset</span><span><i class="tick"></i>told</span></div>'
    )
    return f'<h2>Anomalies, one by one</h2>{key}<div class="plots pairs">{drawn}</div>{more}'


def _figure(line: Line, episode: Seen, place: int) -> str:
    anomaly = episode.anomaly
    delay = lasted((episode.seen - anomaly.onset).total_seconds())
    severity = anomaly.signal.severity
    said = (
        f"{anomaly.direction} at {iso(anomaly.onset)}, told after {delay}: {expectation(anomaly)} "
        f"({anomaly.detector}); it lasted {lasted((episode.end - anomaly.onset).total_seconds())}"
    )
    picture = draw(_cut(line, episode), name=f"close-{place}", said=said, marks=tuple(_marks(episode)))
    head = f'<b>{escape(line.name)}</b><span class="{severity}">{severity}</span>'
    return f"<figure><figcaption>{head}</figcaption>{picture}<p>{escape(said)}</p></figure>"


def _marks(episode: Seen) -> Iterator[Mark]:
    yield Mark(at=milliseconds(episode.anomaly.onset), text="onset", kind="onset")
    yield Mark(at=milliseconds(episode.seen), text="told", kind="told")


def _cut(line: Line, episode: Seen) -> Line:
    """The part of the line about the episode, with the others that reach into it."""
    first, last = milliseconds(episode.anomaly.onset), milliseconds(episode.end)
    step = (int(line.times[-1]) - int(line.times[0])) / max(len(line.times) - 1, 1)
    least = max(_SHORTEST_MS, _LEAST_POINTS * step)
    length = last - first
    begin, end = first - max(least, _BEFORE * length), last + max(least / 2, _AFTER * length)
    there = (line.times >= begin) & (line.times <= end)
    since, until = from_milliseconds(begin), from_milliseconds(end)
    return replace(
        line,
        times=line.times[there],
        values=line.values[there],
        low=line.low[there],
        middle=line.middle[there],
        high=line.high[there],
        out=line.out[there],
        episodes=[other for other in line.episodes if other.end >= since and other.anomaly.onset <= until],
    )
