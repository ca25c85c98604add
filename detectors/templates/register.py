"""The register: which templates each service's log has, how often each came, and which are new. Pure, bounded.

One miner for all services of a source, so that what two of them say alike is one template. Lines that are the rest of a
stack trace are passed over: its message and its exception have templates of their own.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from cases.moments import from_milliseconds, milliseconds
from cases.telemetry import Floats, LogLine, Millis
from detectors.blocks import goes_on
from detectors.counts import BUCKET_MS, FINE_MS, RECENT, REMEMBERED, Counts, buckets_of
from detectors.stacks import clean
from detectors.templates.levels import Level
from detectors.templates.mine import Miner, Template
from detectors.templates.novelty import Novelty, novelties

VERSION = 1
MOST_TEMPLATES = 500
MOST_KEYS = 20_000
MOST_COUNTED = 400
"""Templates of a service that are counted, over all services; the rarest that came longest ago goes first."""
MOST_NEW = 100
"""New templates that are remembered."""
MOST_UNREAD = 50
"""Stretches that were not read, and are remembered."""
WARM_UP_LINES = 1_000
"""Lines before which nothing is called new. A tail may read errors alone, and a quiet log has few of them."""

NEW = "new templates"
"""The name of the series of those that are new."""

_NEW_MS = 3_600_000  # so long a template is new
_LONGEST_NAME, _LONGEST_LINE, _LONGEST_WHY = 100, 4_096, 200
_MOST_REASONS = 3
_MOST_SCORED = 20  # new templates of one page, those of the worst level: where many are new, none is worth a word
_WORST_FIRST = (Level.FATAL, Level.ERROR, Level.WARNING, Level.UNKNOWN, Level.INFO, Level.DEBUG)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A template that a service's log had never had before: when it came first, and how much it matters in [0, 1]."""

    service: str
    template: int
    at: int
    score: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """A new template over a stretch of time. `sample` and `text` are redacted and capped, as data from outside."""

    service: str
    text: str
    sample: str
    level: Level
    first: datetime
    last: datetime
    count: int
    before: int
    score: float
    reasons: tuple[str, ...]


class Register:
    """Templates, counts and news of one source. Used by one thread at a time. `began` is epoch milliseconds."""

    def __init__(self, began: int, miner: Miner | None = None) -> None:
        self.began = self.read_to = began
        self.forgotten = 0
        """Counts that were dropped to stay within bounds."""
        self._miner = miner or Miner(MOST_TEMPLATES, MOST_KEYS)
        self._counts: dict[tuple[str, int], Counts] = {}
        self._new: dict[tuple[str, int], Seen] = {}
        self._unread: list[tuple[int, int]] = []

    def fold(self, lines: Sequence[LogLine], service_label: str) -> None:
        """Take in lines, oldest first: each once and never again."""
        listed = [(line, head) for line in lines if (head := _head(line.text))]
        if not listed:
            return
        known = {one.id: one for one in self._miner.templates()}
        before = [replace(one) for one in known.values()]
        ids = self._miner.feed("\n".join(head for _, head in listed).encode("utf-8", "replace")).tolist()
        self._follow_unions()
        templates = {one.id: one for one in self._miner.templates()}
        services = [clean(line.labels.get(service_label, ""), _LONGEST_NAME) for line, _ in listed]
        times = [milliseconds(line.at) for line, _ in listed]
        fresh: dict[int, tuple[str, int]] = {}
        for number, service, at in zip(ids, services, times, strict=True):
            if number not in known:
                fresh.setdefault(number, (service, at))
        buckets = Counter(
            (service, number, at // FINE_MS) for number, service, at in zip(ids, services, times, strict=True)
        )
        for (service, number, bucket), often in buckets.items():
            self._count(service, number, bucket * FINE_MS, often)
        self._make_room()
        worst = sorted((templates[number] for number in fresh), key=lambda one: (_WORST_FIRST.index(one.level), one.id))
        for one in novelties(before, worst[:_MOST_SCORED], warm_up=WARM_UP_LINES):
            service, at = fresh[one.template.id]
            self._note(service, at, one)

    def settle(self, read_to: datetime) -> None:
        """Everything before `read_to` was read: what is too old goes."""
        self.read_to = max(self.read_to, milliseconds(read_to))
        recent = milliseconds(read_to - RECENT) // BUCKET_MS * BUCKET_MS
        oldest = milliseconds(read_to - REMEMBERED)
        for key, counts in list(self._counts.items()):
            counts.age(recent, oldest)
            if not counts.count:
                del self._counts[key]
        self._new = {key: seen for key, seen in self._new.items() if seen.at >= oldest}
        self._unread = [stretch for stretch in self._unread if stretch[1] >= oldest][-MOST_UNREAD:]

    def skipped(self, since: datetime, until: datetime) -> None:
        """Nothing of this stretch was read: no rate is known in it."""
        self._unread.append((milliseconds(since), milliseconds(until)))

    def services(self) -> tuple[str, ...]:
        """The services whose lines are counted, sorted."""
        return tuple(sorted({service for service, _ in self._counts}))

    def templates(self) -> tuple[Template, ...]:
        """All that are kept, the most frequent first."""
        return self._miner.templates()

    def rates(
        self, service: str, times: Millis, step: int, levels: frozenset[Level]
    ) -> tuple[tuple[Mapping[str, str], ...], Floats]:
        """The lines a second of each template of a service in the `step` milliseconds before each of `times`.

        NaN where lines were not read, or not yet. The first series is of all templates in the hour after they were new:
        what was never there before has no history of its own to be held against.
        """
        wanted = [one for one in self._miner.templates() if (service, one.id) in self._counts and one.level in levels]
        rows = [self._rates_of_the_new(service, times, step, levels)]
        rows += [self._counts[service, one.id].rates(times, step) for one in wanted]
        values = np.array(rows, dtype=np.float64)
        oldest = max(self.began, self.read_to - REMEMBERED // timedelta(milliseconds=1) + BUCKET_MS)
        unknown = (times - step < oldest) | (times > self.read_to)
        for since, until in self._unread:
            unknown |= (times > since) & (times - step < until)
        values[:, unknown] = np.nan
        labels = ({"template": NEW}, *({"template": f"#{one.id} {one.text[:_LONGEST_WHY]}"} for one in wanted))
        return labels, values

    def news(self, service: str, since: datetime, until: datetime) -> tuple[News, ...]:
        """What was new in the stretch, what matters most first. `before` is counted over as long before `since`."""
        start, end = milliseconds(since), milliseconds(until)
        return tuple(sorted(self._news(service, start, end), key=lambda one: (-one.score, one.first, one.text)))

    def document(self) -> dict[str, Any]:
        """All of it as JSON has it."""
        return {
            "version": VERSION,
            "began": self.began,
            "read_to": self.read_to,
            "forgotten": self.forgotten,
            "miner": self._miner.document(),
            "counts": [[*key, one.first, one.last, *one.written()] for key, one in self._counts.items()],
            "new": [[one.service, one.template, one.at, one.score, list(one.reasons)] for one in self._new.values()],
            "unread": [list(stretch) for stretch in self._unread],
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Register":
        """The register that was written. Raises ValueError for one of another version."""
        if document.get("version") != VERSION:
            raise ValueError(f"a register of templates of version {document.get('version')!r}, not {VERSION}")
        register = cls(document["began"], Miner.of(document["miner"], MOST_TEMPLATES, MOST_KEYS))
        register.read_to, register.forgotten = document["read_to"], document["forgotten"]
        for service, number, first, last, *written in document["counts"]:
            buckets, fine = buckets_of(written)
            register._counts[service, number] = Counts(first=first, last=last, buckets=buckets, fine=fine)
        for service, number, at, score, reasons in document["new"]:
            seen = Seen(service=service, template=number, at=at, score=score, reasons=tuple(reasons))
            register._new[service, number] = seen
        register._unread = [(since, until) for since, until in document["unread"]]
        return register

    def _rates_of_the_new(self, service: str, times: Millis, step: int, levels: frozenset[Level]) -> Floats:
        levelled = {one.id for one in self._miner.templates() if one.level in levels}
        found = np.zeros(len(times))
        for key, seen in self._new.items():
            if seen.service == service and key[1] in levelled and key in self._counts:
                young = (times >= seen.at) & (times < seen.at + _NEW_MS)
                found += np.where(young, self._counts[key].rates(times, step), 0.0)
        return found

    def _follow_unions(self) -> None:
        """Count what has become one as one, and forget what the miner has forgotten."""
        for lost, kept in self._miner.united:
            for service, number in [key for key in self._counts if key[1] == lost]:
                counts = self._counts.pop((service, number))
                had = self._counts.setdefault((service, kept), counts)
                if had is not counts:
                    had.take(counts)
            for service, number in [key for key in self._new if key[1] == lost]:
                del self._new[service, number]  # it has become one with what was known before
        there = {one.id for one in self._miner.templates()}
        for key in [key for key in self._counts if key[1] not in there]:
            del self._counts[key]
            self.forgotten += 1

    def _count(self, service: str, number: int, at: int, often: int) -> None:
        counts = self._counts.get((service, number))
        if counts is None:
            counts = self._counts[service, number] = Counts(first=at, last=at)
        counts.add(at, often)

    def _make_room(self) -> None:
        if len(self._counts) > MOST_COUNTED:
            order = sorted(self._counts, key=lambda key: (self._counts[key].last, self._counts[key].count))
            gone = order[: len(order) - MOST_COUNTED]
            self.forgotten += len(gone)
            for key in gone:
                del self._counts[key]

    def _note(self, service: str, at: int, one: Novelty) -> None:
        reasons = tuple(clean(reason, _LONGEST_WHY) for reason in one.reasons[:_MOST_REASONS])
        number = one.template.id
        self._new[service, number] = Seen(
            service=service, template=number, at=at, score=round(one.score, 4), reasons=reasons
        )
        if len(self._new) > MOST_NEW:
            del self._new[min(self._new, key=lambda key: (self._new[key].score, self._new[key].at))]

    def _news(self, service: str, start: int, end: int) -> Iterator[News]:
        templates = {one.id: one for one in self._miner.templates()}
        for (name, number), seen in self._new.items():
            template, counts = templates.get(number), self._counts.get((name, number))
            if name != service or template is None or counts is None or not start <= seen.at < end:
                continue
            count = counts.between(start, end)
            if count:
                yield News(
                    service=service,
                    text=template.text,
                    sample=template.sample,
                    level=template.level,
                    first=from_milliseconds(seen.at),
                    last=from_milliseconds(counts.last),
                    count=count,
                    before=counts.between(2 * start - end, start),
                    score=seen.score,
                    reasons=seen.reasons,
                )


def _head(text: str) -> str:
    """The line of an entry that its template is told by; "" for the rest of a stack trace, and for nothing."""
    if text[:1].isspace() or goes_on(text):
        return ""
    return text[:_LONGEST_LINE].partition("\n")[0].rstrip("\r")
