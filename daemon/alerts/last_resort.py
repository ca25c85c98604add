"""The last resort: who is told, and how, when the ledger that every notice goes through cannot be written.

Then no case can be opened or moved, and no notice be queued: the trouble itself is all that can be told, and it is
handed to the receivers directly. Nothing is stored, so that it needs no room on a full disk; a daemon that is started
anew in the middle of it tells it anew, under a key of its own.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from cases.errors import PermanentError, TemporaryError
from cases.moments import iso
from cases.ports import Clock, Notifier
from cases.steps import Notice
from cases.telemetry import Severity

log = logging.getLogger("trackwalker.last_resort")

PATIENCE = timedelta(seconds=15)
"""How long the ledger may refuse before anybody is woken: a backup or another daemon may keep it locked for a while."""
AGAIN = timedelta(minutes=1)
"""How long a receiver that did not answer is left alone."""


@dataclass(slots=True)
class _Stretch:
    """One time during which the ledger refuses: since when, who has heard of it, and who is asked again when."""

    since: datetime
    began: float  # monotonic seconds
    told: set[str] = field(default_factory=set[str])
    given_up: set[str] = field(default_factory=set[str])
    again: dict[str, float] = field(default_factory=dict[str, float])


class LastResort:
    """Tells every receiver once that the ledger cannot be written, and once that it can again.

    May wait for a receiver, so call it beside the loop; safe for threads. A receiver that does not take it is asked
    again at a later call; one that refuses it for good is left out.
    """

    def __init__(self, notifiers: Mapping[str, Notifier], clock: Clock) -> None:
        self._notifiers = notifiers
        self._clock = clock
        self._stretch: _Stretch | None = None
        self._lock = Lock()

    def ledger_down(self, error: Exception) -> None:
        """A write was refused. From `PATIENCE` after the first one on, whoever has not heard of it is told."""
        with self._lock:
            tick = self._clock.monotonic()
            if self._stretch is None:
                self._stretch = _Stretch(since=self._clock.now(), began=tick)
            if tick - self._stretch.began >= PATIENCE.total_seconds():
                self._tell(self._stretch, error, tick)

    def ledger_back(self) -> None:
        """A write went through; a turn with nothing to write is no proof. Whoever was told hears that it is over."""
        with self._lock:
            stretch, self._stretch = self._stretch, None
            if stretch is None or not stretch.told:
                return
            notice = Notice(
                key=f"{_key(stretch)}-back",
                severity=Severity.NOTE,
                subject="the ledger can be written again",
                text=f"It could not since {iso(stretch.since)}. Cases and alerts go on from where they were.",
            )
            for name in sorted(stretch.told):
                self._hand_over(name, notice)

    def _tell(self, stretch: _Stretch, error: Exception, tick: float) -> None:
        notice = Notice(
            key=_key(stretch),
            severity=Severity.PAGE,
            subject="the ledger cannot be written",
            text=f"{error}\nSo it has been since {iso(stretch.since)}. Signals are still read, but no case is opened "
            "or moved, and no other alert leaves until it can be written. It goes on by itself then.",
        )
        for name in self._notifiers:
            if name in stretch.told or name in stretch.given_up or tick < stretch.again.get(name, tick):
                continue
            took = self._hand_over(name, notice)
            if took is None:
                stretch.given_up.add(name)
            elif took:
                stretch.told.add(name)
            else:
                stretch.again[name] = tick + AGAIN.total_seconds()

    def _hand_over(self, name: str, notice: Notice) -> bool | None:
        """Whether the receiver took it; None when it never will."""
        try:
            self._notifiers[name].notify(notice)
        except TemporaryError as error:
            log.warning("%s is not told that %s: %s", name, notice.subject, error)
            return False
        except PermanentError as error:
            log.error("%s is never told that %s: %s", name, notice.subject, error)  # noqa: TRY400 - a sentence, no trace
            return None
        return True


def _key(stretch: _Stretch) -> str:
    return f"ledger-refuses-{iso(stretch.since)}"
