"""Sayings: what logs say since the onset that they did not say before: templates, exceptions, stack traces.

Anybody may have written them. They are counted and compared; alone they convict nobody. Bounded: of a flood the kinds
are kept that were there first, and how many lines were left out is said.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cases.bundle import Entry
from cases.logs import Trace
from detectors.errors import signature_of
from detectors.stacks import clean, stack

MOST_ENTRIES = 100_000
_MOST_KINDS = 3_000
_MOST = 60
_LONGEST = 240
_LINES, _LONGEST_LINE = 400, 1_000
_RISEN = 3.0  # times as many a minute as before
_FEWEST = 2
BAD = frozenset({"error", "err", "fatal", "critical", "crit", "alert", "emerg", "panic", "severe", "warn", "warning"})
_NO_DIGITS = str.maketrans("", "", "0123456789")


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """One kind of entry that is new or far more frequent since the onset.

    share   of all that is new of its service, in (0, 1]
    first   epoch milliseconds of the first since the onset
    """

    service: str
    template: str
    sample: str
    error: str
    trace: Trace | None
    count: int
    before: int
    share: float
    first: int
    bad: bool

    @property
    def fresh(self) -> bool:
        """Whether there was next to none of it before; an onset may be dated a little late."""
        return self.before * 10 <= self.count


@dataclass(frozen=True, slots=True, kw_only=True)
class Sayings:
    """The most telling first. `unread` is how many entries were left out."""

    new: tuple[Saying, ...] = ()
    unread: int = 0

    def of(self, service: str) -> tuple[Saying, ...]:
        """Those of one service."""
        return tuple(saying for saying in self.new if saying.service == service)

    @property
    def traces(self) -> tuple[Trace, ...]:
        """Every trace that is new."""
        return tuple(saying.trace for saying in self.new if saying.trace is not None)


@dataclass(slots=True)
class _Kind:
    entry: Entry
    before: int = 0
    after: int = 0
    first: int = 0


def sayings(entries: Sequence[Entry], onset: int) -> Sayings:
    """What is new since the onset (epoch ms)."""
    kinds: dict[tuple[str, str, str], _Kind] = {}
    unread = max(0, len(entries) - MOST_ENTRIES)
    first, last = onset, onset
    for entry in entries[unread:]:
        key = (entry.service, entry.error[:80], entry.message[:_LONGEST].translate(_NO_DIGITS))
        kind = kinds.get(key)
        if kind is None:
            if len(kinds) >= _MOST_KINDS:
                unread += 1
                continue
            kind = kinds[key] = _Kind(entry)
        first, last = min(first, entry.at), max(last, entry.at)
        if entry.at < onset:
            kind.before += 1
            continue
        if not kind.after or (entry.stack and not kind.entry.stack):
            kind.entry = entry
        kind.first = min(kind.first or entry.at, entry.at)
        kind.after += 1
    ratio = (last - onset + 1) / max(1, onset - first)
    return Sayings(new=_risen(_merged(kinds.values()), min(ratio, 1.0)), unread=unread)


def _merged(kinds: Iterable[_Kind]) -> dict[tuple[str, str, str], _Kind]:
    """Kinds that differ in identifiers alone, as one."""
    merged: dict[tuple[str, str, str], _Kind] = {}
    for kind in kinds:
        entry = kind.entry
        key = (entry.service, entry.error[:80], signature_of(clean(entry.message, _LONGEST), None))
        had = merged.get(key)
        if had is None:
            merged[key] = kind
            continue
        had.before, had.after = had.before + kind.before, had.after + kind.after
        had.first = min(had.first or kind.first, kind.first or had.first)
        if kind.entry.stack and not had.entry.stack:
            had.entry = kind.entry
    return merged


def _risen(kinds: dict[tuple[str, str, str], _Kind], ratio: float) -> tuple[Saying, ...]:
    risen = {
        key: kind
        for key, kind in kinds.items()
        if kind.after >= _FEWEST and kind.after > _RISEN * max(kind.before * ratio, 0.3)
    }
    totals: dict[str, int] = defaultdict(int)
    for (service, _, _), kind in risen.items():
        totals[service] += kind.after
    order = sorted(risen.items(), key=lambda pair: (not _is_bad(pair[1].entry), -pair[1].after, pair[0]))
    return tuple(
        Saying(
            service=service,
            template=template,
            sample=clean(kind.entry.message, _LONGEST),
            error=clean(error, _LONGEST),
            trace=_trace(kind.entry.stack),
            count=kind.after,
            before=kind.before,
            share=kind.after / totals[service],
            first=kind.first,
            bad=_is_bad(kind.entry),
        )
        for (service, error, template), kind in order[:_MOST]
    )


def _is_bad(entry: Entry) -> bool:
    return entry.severity.lower() in BAD or bool(entry.error)


def _trace(text: str) -> Trace | None:
    if not text:
        return None
    lines = [line[:_LONGEST_LINE] for line in text[: _LINES * _LONGEST_LINE].split("\n")]
    return stack(lines if len(lines) <= _LINES else lines[:50] + lines[50 - _LINES :])
