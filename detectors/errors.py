"""The book of errors: log lines folded into kinds, counted by the five minutes, with where each was raised. Pure.

Two lines are of one kind when they raise the same exception in the same innermost functions or, without a trace, when
they are the same but for their values, as log templates have them, and their quoted words. The book remembers 25 hours
and is bounded in every way: the rarest old kinds go first, and how many went is counted.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cases.logs import ErrorSeen, Frame, Trace
from cases.moments import from_milliseconds, milliseconds
from cases.redaction import redacted_labels
from cases.telemetry import LogLine
from detectors.blocks import SOON, Block, State, begun, stream_of
from detectors.counts import BUCKET_MS, RECENT, REMEMBERED, Counts, buckets_of
from detectors.stacks import clean
from detectors.templates.mask import VALUE, masked
from detectors.traces import said

VERSION = 2

MOST_KINDS = 100
"""The kinds of one service."""
MOST_SERVICES = 50
MOST_OPEN = 200
"""Streams whose newest entry may still be joined by another."""

_YOUNG, _GRACE = timedelta(minutes=15), 5  # a kind seen this lately counts for so many more when one has to go
_LONGEST_SIGNATURE = 300
_MOST_LABELS, _LONGEST_LABEL = 12, 100
_KEPT_FRAMES = 20
_NAMED_FRAMES = 3

_VALUE = "<*>"
_QUOTED = re.compile(r"""(?<!\w)'[^']{0,200}'(?!\w)|"[^"]{0,200}"|`[^`]{0,200}`""")


@dataclass(slots=True, kw_only=True)
class Kind(Counts):
    """One kind of error, and how often it came."""

    sample: str
    labels: Mapping[str, str]
    trace: Trace | None


class Book:
    """The kinds of error by service, and the entries that may still grow. Used by one thread at a time."""

    def __init__(self) -> None:
        self.forgotten = 0
        """Kinds that were dropped to keep the book small."""
        self._kinds: dict[str, dict[str, Kind]] = {}
        self._open: dict[str, Block] = {}

    def fold(self, lines: Sequence[LogLine], service_label: str) -> None:
        """Take in lines, oldest first: each once and never again."""
        for line in lines:
            if not line.text.strip():
                continue
            key = stream_of(line.labels)
            block = self._open.get(key)
            if block is not None and block.join(line):
                continue
            if block is not None:
                self._close(key)
            block = begun(line, clean(line.labels.get(service_label, ""), _LONGEST_LABEL))
            if block.complete:
                self._count(block)
                continue
            self._open[key] = block
            if len(self._open) > MOST_OPEN:
                self._close(min(self._open, key=lambda each: self._open[each].last))

    def settle(self, read_to: datetime) -> None:
        """Everything before `read_to` was read: what nothing can join any more is counted, what is too old goes."""
        for key in [key for key, block in self._open.items() if read_to - block.last > SOON]:
            self._close(key)
        recent = milliseconds(read_to - RECENT) // BUCKET_MS * BUCKET_MS  # a coarse bucket is moved whole
        oldest = milliseconds(read_to - REMEMBERED)
        for service, kinds in list(self._kinds.items()):
            for signature, kind in list(kinds.items()):
                kind.age(recent, oldest)
                if not kind.count:
                    del kinds[signature]
            if not kinds:
                del self._kinds[service]

    def kinds(self, service: str) -> Mapping[str, Kind]:
        """The kinds of a service, by signature."""
        return self._kinds.get(service, {})

    def services(self) -> tuple[str, ...]:
        """The services that have any, sorted."""
        return tuple(sorted(self._kinds))

    def document(self) -> dict[str, Any]:
        """All of it as JSON has it."""
        return {
            "version": VERSION,
            "forgotten": self.forgotten,
            "kinds": {
                service: {signature: _written(kind) for signature, kind in kinds.items()}
                for service, kinds in self._kinds.items()
            },
            "open": {key: _written_block(block) for key, block in self._open.items()},
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Book":
        """The book that was written. Raises ValueError for one of another version.

        The kinds of version 1 had signatures of their own: they get those of today, or each would be new once more.
        """
        version = document.get("version")
        if version not in {1, VERSION}:
            raise ValueError(f"a book of errors of version {version!r}, not {VERSION}")
        book = cls()
        book.forgotten = document["forgotten"]
        for service, kinds in document["kinds"].items():
            read = {signature: _read(written) for signature, written in kinds.items()}
            book._kinds[service] = read if version == VERSION else _signed(read.values())
        book._open = {key: _read_block(written) for key, written in document["open"].items()}
        return book

    def _close(self, key: str) -> None:
        self._count(self._open.pop(key))

    def _count(self, block: Block) -> None:
        told = said(block.text)
        if block.stray and not (told.trace and told.trace.exception):
            return
        kinds = self._kinds.get(block.service)
        if kinds is None:
            if len(self._kinds) >= MOST_SERVICES:
                self.forgotten += 1
                return
            kinds = self._kinds[block.service] = {}
        signature = signature_of(told.text, told.trace)
        at = milliseconds(block.first)
        kind = kinds.get(signature)
        if kind is None:
            if len(kinds) >= MOST_KINDS:
                self._forget_one(kinds, at)
            kind = kinds[signature] = Kind(
                first=at, last=at, sample=told.text, labels=_labels(block.labels), trace=_short(told.trace)
            )
        kind.add(at)

    def _forget_one(self, kinds: dict[str, Kind], now: int) -> None:
        young = now - _YOUNG // timedelta(milliseconds=1)
        weights = {
            each: (kind.count + (_GRACE if kind.last >= young else 0), kind.last) for each, kind in kinds.items()
        }
        del kinds[min(weights, key=weights.__getitem__)]
        self.forgotten += 1


def errors(book: Book, service: str, since: datetime, until: datetime) -> tuple[ErrorSeen, ...]:
    """The kinds of error of a service from `since` to `until`: see `cases.ports.Logs`.

    `before` is counted over a stretch of the same length that ends at `since`.
    """
    start, end = milliseconds(since), milliseconds(until)
    seen = list(_seen(book, service, start, end))
    return tuple(sorted(seen, key=lambda one: (one.first < since, -one.count, one.signature)))


def signature_of(text: str, trace: Trace | None) -> str:
    """What makes two errors the same kind. Lines of code move with every release, so that no number is in it."""
    if trace is None:
        return _QUOTED.sub(_VALUE, masked(text).replace(VALUE, _VALUE))[:_LONGEST_SIGNATURE]
    inner = " < ".join(_place(frame) for frame in reversed(trace.frames[-_NAMED_FRAMES:]))
    return f"{trace.exception or 'a trace'} at {inner or 'an unknown place'}"[:_LONGEST_SIGNATURE]


def _place(frame: Frame) -> str:
    """The folder a release lies in changes with it, the last two parts of a path do not."""
    parts = re.split(r"[/\\]", frame.file)
    return f"{'/'.join(parts[-2:])}:{frame.function}" if frame.file else frame.function


def _seen(book: Book, service: str, start: int, end: int) -> Iterator[ErrorSeen]:
    for signature, kind in book.kinds(service).items():
        count = kind.between(start, end)
        if count:
            yield ErrorSeen(
                service=service,
                signature=signature,
                first=from_milliseconds(kind.first),
                last=from_milliseconds(kind.last),
                count=count,
                before=kind.between(2 * start - end, start),
                sample=kind.sample,
                trace=kind.trace,
                labels=kind.labels,
            )


def _labels(labels: Mapping[str, str]) -> dict[str, str]:
    few = sorted(labels.items())[:_MOST_LABELS]
    return {
        clean(name, _LONGEST_LABEL): clean(value, _LONGEST_LABEL) for name, value in redacted_labels(dict(few)).items()
    }


def _short(trace: Trace | None) -> Trace | None:
    if trace is None:
        return None
    return Trace(
        exception=trace.exception,
        message=trace.message,
        frames=trace.frames[-_KEPT_FRAMES:],
        language=trace.language,
    )


def _written(kind: Kind) -> list[Any]:
    trace = kind.trace
    frames = [[frame.file, frame.line, frame.function] for frame in trace.frames] if trace else []
    told = [trace.exception, trace.message, trace.language, frames] if trace else None
    return [
        kind.first,
        kind.last,
        kind.sample,
        dict(kind.labels),
        told,
        *kind.written(),
    ]


def _read(written: Sequence[Any]) -> Kind:
    first, last, sample, labels, told, buckets, fine = written
    trace = None
    if told is not None:
        exception, message, language, frames = told
        called = tuple(Frame(file=file, line=line, function=function) for file, line, function in frames)
        trace = Trace(exception=exception, message=message, frames=called, language=language)
    buckets, fine = buckets_of((buckets, fine))
    return Kind(first=first, last=last, sample=sample, labels=labels, trace=trace, buckets=buckets, fine=fine)


def _signed(kinds: Iterable[Kind]) -> dict[str, Kind]:
    """Kinds by their signatures; those that have become one are counted as one, with the sample of the first."""
    found: dict[str, Kind] = {}
    for kind in sorted(kinds, key=lambda kind: kind.first):
        had = found.setdefault(signature_of(kind.sample, kind.trace), kind)
        if had is not kind:
            had.take(kind)
    return found


def _written_block(block: Block) -> list[Any]:
    first, last = milliseconds(block.first), milliseconds(block.last)
    return [block.service, dict(block.labels), first, last, block.state, block.texts]


def _read_block(written: Sequence[Any]) -> Block:
    service, labels, first, last, state, texts = written
    return Block(
        service=service,
        labels=labels,
        first=from_milliseconds(first),
        last=from_milliseconds(last),
        state=State(state),
        texts=texts,
    )
