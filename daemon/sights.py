"""What was last told of each signal's sight: a human hears once that it cannot be judged, and once that it can again.

Several daemons on one store tell it once between them: what was told is one checkpoint, swapped in the transaction that
promises the notices. Only whoever said that a signal is unseen takes it back at once; another daemon, which may reach
the source by another way, waits, so that two that disagree do not contradict each other at every look.
"""

import json
import logging
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cases.leases import Swap
from cases.stores import Checkpoints, Outbox
from cases.telemetry import Severity, Sight, SignalState
from remediation.ports import Ports

log = logging.getLogger("trackwalker.poll")

SIGHTS = "sights"  # the checkpoint: signal → [since, by whom]
UNSEEN = frozenset({Sight.BLIND, Sight.MISSING, Sight.STALE})
OTHERS_WAIT = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """A signal that cannot be judged any more (a ticket), or that is over (a note). `line` is for the log."""

    signal: str
    key: str
    severity: Severity
    subject: str
    text: str
    line: str


@dataclass(slots=True, kw_only=True)
class Sights:
    """Tells of sights for one daemon, `name`."""

    name: str
    ports: Ports
    outbox: Outbox
    checkpoints: Checkpoints

    def tell(
        self, states: Iterable[SignalState], now: datetime, *, whole: bool, elsewhere: Container[str] = ()
    ) -> None:
        """Compare with what was told. `whole` is whether the list of signals is: what it lacks is watched no more.

        Of the signals `elsewhere` a case tells that they are missing, or may soon: nobody hears it twice.
        Raises TemporaryError when the ledger does not take it.
        """
        stored = self.checkpoints.get(SIGHTS)
        told = _told(stored)
        seen = {state.signal: state for state in states}
        news = list(self._news(dict(told), seen, now, whole=whole, elsewhere=elsewhere))
        if not news:
            return
        for one in news:
            if one.severity is Severity.TICKET:
                told[one.signal] = (now.isoformat(), self.name)
            else:
                del told[one.signal]
        notices = [
            notice
            for one in news
            for notice in self.ports.tell(f"sight-{one.key}", one.severity, one.subject, one.text, case="")
        ]
        swap = Swap(key=SIGHTS, before=stored, after=json.dumps(told).encode())
        if self.outbox.send(notices, now, swap=swap):  # else another daemon was first: the next look sees what it told
            for one in news:
                log.log(logging.WARNING if one.severity is Severity.TICKET else logging.INFO, "%s", one.line)

    def _news(
        self,
        told: Mapping[str, tuple[str, str]],
        states: Mapping[str, SignalState],
        now: datetime,
        *,
        whole: bool,
        elsewhere: Container[str],
    ) -> Iterator[News]:
        for key, state in states.items():
            if key not in told and state.sight in (UNSEEN if key not in elsewhere else {Sight.BLIND}):
                yield News(
                    signal=key,
                    key=f"{key}-{now.isoformat()}",
                    severity=Severity.TICKET,
                    subject=f"{key} is {state.sight}",
                    text=f"{state.because}\nUntil that is mended {key} is not healthy: it is unseen.",
                    line=f"{key} is {state.sight}: {state.because}",
                )
            elif state.sight not in UNSEEN and key in told and self._may_take_back(told[key], now):
                yield _over(key, f"{key}-{told[key][0]}-back", "is seen again", state.because)
        for key in sorted(set(told) - set(states)) if whole else ():
            text = "It is in no configuration, rule or label any more, so nothing more will be said of it."
            yield _over(key, f"{key}-{told[key][0]}-gone", "is not watched any more", text)

    def _may_take_back(self, told: tuple[str, str], now: datetime) -> bool:
        since, by = told
        return by in {"", self.name} or now - datetime.fromisoformat(since) >= OTHERS_WAIT


def _over(signal: str, key: str, what: str, text: str) -> News:
    subject = f"{signal} {what}"
    return News(signal=signal, key=key, severity=Severity.NOTE, subject=subject, text=text, line=subject)


def _told(stored: bytes | None) -> dict[str, tuple[str, str]]:
    """What the checkpoint says. Before several daemons shared it, it held no name."""
    document: dict[str, str | list[str]] = json.loads(stored) if stored else {}
    return {key: (value, "") if isinstance(value, str) else (value[0], value[1]) for key, value in document.items()}
