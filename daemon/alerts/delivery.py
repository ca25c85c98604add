"""Delivery: what the outbox holds for receivers, handed over; late where it must be, lost never in silence.

At least once: a daemon that dies between the handing over and the receipt hands it over again. A receiver that does
not answer keeps no other one waiting. What is due together for one receiver and group is one message. A receiver that
refuses a notice, or is silent for long, is reported to the others, once a notice, with the notice's own words. What an
alert that pages already says of its case is not told again; what is not urgent waits while nobody is to be disturbed.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from cases.errors import PermanentError, SourceDown, TemporaryError
from cases.leases import Intent
from cases.moments import iso
from cases.ports import Notifier
from cases.steps import Notice, Receipt, SendNotice
from cases.stores import Outbox
from daemon.alerts.addresses import ROUTES
from daemon.alerts.hours import Hours
from daemon.alerts.routing import together
from daemon.observe.metrics import Metrics

log = logging.getLogger("trackwalker.delivery")

FIRST_DELAY = timedelta(seconds=10)
LONGEST_DELAY = timedelta(minutes=15)
HELD = timedelta(minutes=1)  # for no other daemon to hand them over too; whoever dies meanwhile leaves them due then
TELL_AFTER = 4  # failures in a row, about two minutes: then the others hear of it
ASK_TIMES = 3  # failures, half a minute: then receivers are told whatever an alert may say
PAGE = 20  # notices of one round
PAGES = 10  # as many pages may be gathered where groups are due: what is in one is one message
REPORT = "undelivered:"  # how the key of a report begins: a report is not reported on


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """What one round came to: how many notices each way, and the sentences of what went wrong.

    carried   were not sent, for an alert that pages already says it
    """

    delivered: int = 0
    carried: int = 0
    postponed: int = 0
    dropped: int = 0
    troubles: tuple[str, ...] = ()

    @property
    def ending(self) -> str:
        """How a single notice fared."""
        ways = {"delivered": self.delivered, "carried": self.carried, "postponed": self.postponed}
        return next((way for way, count in ways.items() if count), "dropped")

    def plus(self, other: "DeliveryReport") -> "DeliveryReport":
        """Both of them together."""
        return DeliveryReport(
            delivered=self.delivered + other.delivered,
            carried=self.carried + other.carried,
            postponed=self.postponed + other.postponed,
            dropped=self.dropped + other.dropped,
            troubles=(*self.troubles, *other.troubles),
        )


class Carrier(Protocol):
    """What may say a notice in a receiver's place: see `daemon.alerts.enrich`."""

    def carries(self, notice: Notice) -> str:
        """Where it is said already, in words, or "". Raises SourceDown or PermanentError when that cannot be told."""
        ...


class Delivery:
    """Hands due notices to the receivers of those names, unless `alert` carries what they say."""

    def __init__(
        self,
        outbox: Outbox,
        notifiers: Mapping[str, Notifier],
        alert: Carrier | None = None,
        metrics: Metrics | None = None,
        hours: Hours | None = None,
    ) -> None:
        self._outbox = outbox
        self._notifiers = notifiers
        self._alert = alert
        self._metrics = metrics or Metrics()
        self._hours = hours

    def due(self, now: datetime) -> DeliveryReport:
        """Deliver what is due, as far as one page of the outbox goes. Raises only what the outbox itself raises."""
        report = DeliveryReport()
        silent: dict[str, TemporaryError] = {}
        with self._metrics.stage("deliver"):
            for intents in _messages(self._taken(now)):
                one = self._one(intents, silent, now)
                self._metrics.notices.labels(intents[0].effect.receiver, one.ending).inc(len(intents))
                report = report.plus(one)
        return report

    def _taken(self, now: datetime) -> list[Intent]:
        """A page of what is due; and where a group is, all of it."""
        taken: list[Intent] = []
        for _ in range(PAGES):
            page = self._outbox.take_notices(now, HELD, PAGE)
            taken += page
            grouped = any(isinstance(intent.effect, SendNotice) and intent.effect.group for intent in page)
            if len(page) < PAGE or not grouped:
                break
        return taken

    def _one(self, intents: "Sequence[_Due]", silent: dict[str, TemporaryError], now: datetime) -> DeliveryReport:
        """Hand one message over: a notice, or those of a group that are due together."""
        report = DeliveryReport()
        left: list[_Due] = []
        for due in intents:
            aside = self._aside(due, now)
            report = report if aside is None else report.plus(aside)
            left += [due] if aside is None else []
        if not left:
            return report
        first = left[0].effect
        whole = replace(first, notice=together([due.effect.notice for due in left]))
        try:
            # Who was silent a moment ago is not waited for again: the others have their turn.
            self._hand_over(whole, silent.get(first.receiver))
        except TemporaryError as error:
            silent[first.receiver] = error
            for due in left:
                self._later(due.intent, due.effect, error, now)
            return report.plus(DeliveryReport(postponed=len(left), troubles=(str(error),)))
        except PermanentError as error:
            for due in left:
                self._never(due.effect, error, now)
            return report.plus(DeliveryReport(dropped=len(left), troubles=(str(error),)))
        for due in left:
            self._outbox.receive(Receipt(key=due.effect.key, adopted=False), None)
        return report.plus(DeliveryReport(delivered=len(left)))

    def _aside(self, due: "_Due", now: datetime) -> DeliveryReport | None:
        """What becomes of a notice that is not handed over now; None for one that is."""
        effect = due.effect
        end = self._hours.until(effect.notice, now) if self._hours is not None and ":" not in effect.receiver else None
        if end is not None:
            self._outbox.defer(effect.key, end)
            log.info("notice %s waits until %s: it is not urgent, and nobody is to be disturbed", effect.key, iso(end))
            return DeliveryReport(postponed=1)
        try:
            where = self._carried(effect, due.intent.attempts)
        except SourceDown as error:
            self._outbox.postpone(effect.key, now + FIRST_DELAY, str(error))
            log.warning("notice %s waits for an alert to carry it: %s", effect.key, error)
            return DeliveryReport(postponed=1, troubles=(str(error),))
        if where:
            self._outbox.receive(Receipt(key=effect.key, adopted=True, facts={"carried": where}), None)
            log.info("notice %s is not sent: %s", effect.key, where)
            return DeliveryReport(carried=1)
        return None

    def _carried(self, effect: SendNotice, attempts: int) -> str:
        """Where it is said already, or "". Raises SourceDown while that cannot be told and may be soon."""
        if self._alert is None or attempts >= ASK_TIMES:
            return ""
        try:
            return self._alert.carries(effect.notice)
        except PermanentError as error:
            log.error("notice %s is sent, for no alert can be asked: %s", effect.key, error)  # noqa: TRY400 - a sentence
            return ""

    def _hand_over(self, effect: SendNotice, silent: TemporaryError | None) -> None:
        if silent is not None:
            raise silent
        notifier = self._notifiers.get(effect.receiver)
        if notifier is None:
            raise PermanentError(f"there is no receiver {effect.receiver!r} any more")
        notifier.notify(effect.notice)

    def _later(self, intent: Intent, effect: SendNotice, error: TemporaryError, now: datetime) -> None:
        wait = max(error.retry_after, backoff(intent.attempts))
        self._outbox.postpone(effect.key, now + wait, str(error))
        log.warning("notice %s waits: %s", effect.key, error)
        if intent.attempts + 1 == TELL_AFTER:
            self._tell_the_others(effect, f"It is tried again and again: {error}.", now)

    def _never(self, effect: SendNotice, error: PermanentError, now: datetime) -> None:
        # The report first: a daemon that dies here drops it next time, and the report's key keeps it single.
        self._tell_the_others(effect, f"It was given up: {error}.", now)
        self._outbox.drop(effect.key, str(error))
        log.error("notice %s was given up: %s", effect.key, error)

    def _tell_the_others(self, effect: SendNotice, because: str, now: datetime) -> None:
        if effect.key.startswith(REPORT):
            return
        told = replace(
            effect.notice,
            key=f"{REPORT}{effect.key}",
            subject=f"Not delivered to {effect.receiver}: {effect.notice.subject}",
            text=f"{because}\n\n{effect.notice.text}",
        )
        others = [name for name in self._notifiers if name not in {effect.receiver, ROUTES}]
        self._outbox.send([SendNotice(key=f"{told.key}@{name}", receiver=name, notice=told) for name in others], now)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """A notice that is due, with what the outbox knows of it."""

    intent: Intent
    effect: SendNotice


def _messages(intents: Iterable[Intent]) -> list[list[_Due]]:
    """The notices that are due, those of one group for one receiver together; in the order of the first of each."""
    found: dict[tuple[str, str], list[_Due]] = {}
    for intent in intents:
        effect = intent.effect
        if not isinstance(effect, SendNotice):
            raise TypeError(f"{effect.key} is a {type(effect).__name__}, no notice")
        alone = ("", effect.key)
        place = (effect.receiver, effect.group) if effect.group else alone
        found.setdefault(place, []).append(_Due(intent=intent, effect=effect))
    return list(found.values())


def backoff(attempts: int) -> timedelta:
    """How long to wait after that many failures before: twice as long each time, a quarter of an hour at the most."""
    return min(LONGEST_DELAY, FIRST_DELAY * (1 << min(attempts, 10)))
