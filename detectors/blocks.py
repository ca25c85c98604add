"""Consecutive log entries of one stream that are one error: a trace that was shipped line by line is put together.

An entry joins the one before only where its own form says so (a frame, `Caused by`, the exception below a traceback),
and soon after it. Pure.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from cases.telemetry import LogLine
from detectors.traces import trace_of

SOON = timedelta(seconds=5)
"""How long after the last entry another one may still join."""

_MOST_ENTRIES = 120
_KEPT_FIRST = 20  # of them: the message of most languages; Python's stands last
_MOST_TEXT = 32 * 1024
_LONGEST_ENTRY = 16 * 1024
# What Loki and tracers add to single lines of one and the same stream.
_OF_THE_LINE = frozenset({"detected_level", "level", "severity", "trace_id", "span_id", "traceid", "spanid", "flags"})

_TRACEBACK = "Traceback (most recent call last)"
_CHAINED = ("During handling of the above exception", "The above exception was the direct cause")
_FRAME = re.compile(
    r'\s*(at \S|File "|from \S+:\d|\.\.\. \d+ (more|common)|--- End of|---> )|Caused by: |\s+Suppressed: '
)
_GO_FRAME = re.compile(r"\s+\S.{0,500}:\d+|\S{1,500}\(.{0,500}\)|created by |\[signal |exit status |goroutine \d+ \[")
_RAISED = re.compile(r"[A-Za-z_][\w.]{0,300}(: |:?$)")


class State(StrEnum):
    """What a block may still be joined by."""

    PLAIN = "plain"  # a line: a trace may begin below it
    RAISING = "raising"  # inside a traceback: frames, code, then the exception
    RAISED = "raised"  # a whole trace: only what is chained to it
    CHAINED = "chained"  # another traceback is announced
    PANIC = "panic"  # Go: goroutines follow


@dataclass(slots=True, kw_only=True)
class Block:
    """Entries that are one error so far."""

    service: str
    labels: Mapping[str, str]
    first: datetime
    last: datetime
    state: State
    texts: list[str] = field(default_factory=list[str])

    @property
    def text(self) -> str:
        """The whole of it."""
        return "\n".join(self.texts)

    @property
    def stray(self) -> bool:
        """Whether it is the rest of a trace whose beginning was not read: no error by itself."""
        return bool(self.texts) and _FRAME.match(self.texts[0]) is not None

    @property
    def complete(self) -> bool:
        """Whether it is one entry that needs no other: a structured line, or one that brings its whole trace."""
        return self.texts[0].startswith("{") or (self.state is State.RAISED and "\n" in self.texts[0])

    def join(self, line: LogLine) -> bool:
        """Take the entry in if it goes on with this block; whether it did."""
        after = joined(self.state, line.text) if line.at - self.last <= SOON else None
        if after is None:
            return False
        self.state, self.last = after, line.at
        self.texts.append(_capped(line.text))
        while len(self.texts) > _MOST_ENTRIES or (
            len(self.texts) > _KEPT_FIRST + 1 and sum(map(len, self.texts)) > _MOST_TEXT
        ):
            del self.texts[_KEPT_FIRST]
        return True


def begun(line: LogLine, service: str) -> Block:
    """The block that an entry begins."""
    state = state_of(line.text)
    return Block(
        service=service, labels=line.labels, first=line.at, last=line.at, state=state, texts=[_capped(line.text)]
    )


def stream_of(labels: Mapping[str, str]) -> str:
    """What entries of one stream have in common, as a key: the labels, without those that are a line's own."""
    return "\x1f".join(f"{name}={value}" for name, value in sorted(labels.items()) if name not in _OF_THE_LINE)


def _capped(text: str) -> str:
    # A whole trace of one entry is read at once and needs no more than its two ends.
    return (
        text if len(text) <= _LONGEST_ENTRY else text[: _LONGEST_ENTRY // 4] + "\n" + text[-3 * _LONGEST_ENTRY // 4 :]
    )


def state_of(text: str) -> State:
    """What may join an entry that begins so."""
    head, several = text[:_LONGEST_ENTRY], "\n" in text.rstrip()
    if _TRACEBACK in head:
        trace = trace_of(text) if several else None
        return State.RAISED if trace is not None and trace.exception else State.RAISING
    if head.startswith(("panic: ", "fatal error: ", "goroutine ")) or "panic serving " in head[:200]:
        return State.RAISED if several else State.PANIC
    return State.RAISED if several else State.PLAIN


def goes_on(text: str) -> bool:
    """Whether a line is part of a trace by its own form: a frame, a cause, or what announces frames."""
    return _FRAME.match(text) is not None or text.startswith((_TRACEBACK, *_CHAINED, "goroutine ", "[signal "))


def joined(state: State, text: str) -> State | None:
    """The state after an entry joined a block in that state, or None when it does not belong there."""
    if text.startswith(_CHAINED):
        return State.CHAINED
    if _TRACEBACK in text[:1_000]:
        return state_of(text) if state in {State.PLAIN, State.CHAINED} else None
    if state is State.PANIC:
        return state if _GO_FRAME.match(text) else None
    if state is State.RAISING and text[:1].isspace():
        return state
    if _FRAME.match(text):
        return State.RAISING if text.lstrip().startswith("File ") else state
    if state is State.RAISING and _RAISED.match(text):
        return State.RAISED
    if state is State.PLAIN and text.startswith(("goroutine ", "[signal ")):
        return State.PANIC
    return None
