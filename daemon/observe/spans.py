"""Spans, and where they go when no collector is configured: nowhere.

The ids of a case's trace and of its root span are made from the case's own, so that nothing has to be remembered:
whoever works on a case knows where its spans belong. The root span is sent when the case closes.
"""

import hashlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from cases.asking import Question
from cases.case import Case
from daemon.observe.stages import DONE

Value: TypeAlias = str | int | float | bool


@dataclass(slots=True, kw_only=True)
class Span:
    """Something that takes its time. `ending` is a word of `daemon.observe.stages`, or an effect's own."""

    ending: str = DONE
    attributes: dict[str, Value] = field(default_factory=dict[str, Value])

    def tell(self, name: str, value: Value) -> None:
        """Add what only its end shows."""
        self.attributes[name] = value


class Traces:
    """Where spans go: nowhere, unless a collector is configured. Nothing here raises, waits, or needs an answer."""

    @contextmanager
    def step(self, case: Case, stage: str) -> Generator[Span]:
        """One step of a case. Whatever else is told on this thread within the block belongs below it."""
        del case, stage
        yield Span()

    @contextmanager
    def effect(self, case: str, kind: str, key: str) -> Generator[Span]:
        """One effect on the outside, for the case of that id."""
        del case, kind, key
        yield Span()

    @contextmanager
    def asking(self, question: Question, model: str) -> Generator[Span]:
        """One question to a language model. Neither what was asked nor what was answered is told."""
        del question, model
        yield Span()

    def closed(self, case: Case) -> None:
        """The case ended: its whole time, as the span that all others belong to."""

    def close(self) -> None:
        """Send what is left, as far as a second goes."""


def trace_id(case: str) -> int:
    """The 128 bits that every span of the case shares."""
    return _bits(f"trace {case}", 16)


def root_id(case: str) -> int:
    """The 64 bits of the span that spans the whole case."""
    return _bits(f"root {case}", 8)


def _bits(text: str, count: int) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:count], "big") or 1  # zero is no valid id
