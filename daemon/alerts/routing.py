"""Routes: which receivers hear of a notice, and with which others in one message.

The router is a receiver of its own kind. What is told to it is addressed to real receivers, each under a key of its
own, so that whoever dies in between addresses nothing twice. Notices of a group are promised for one moment, that of
the group's next message; `daemon.alerts.delivery` makes one message of what is due together.
"""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from cases.errors import TemporaryError
from cases.leases import Swap
from cases.ports import Clock
from cases.steps import Notice, SendNotice
from cases.stores import Checkpoints, Outbox
from config.settings import RouteSettings, Settings
from daemon.alerts.addresses import ROUTES, names_of
from daemon.alerts.kinds import AGAIN, IMPACT, kind_of
from daemon.alerts.labels import Labels

log = logging.getLogger("trackwalker.routes")

PREFIX = "route/"
"""A group's checkpoint is `route/RECEIVER/GROUP`."""
TRIES = 20
GROUP_BY = ("service",)
GROUP_WAIT = timedelta(seconds=30)
GROUP_INTERVAL = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One way that a notice goes. `path` says which route, as the configuration has it; "" is the top, without groups.

    receiver   None: every receiver
    """

    path: str
    receiver: str | None
    group_by: tuple[str, ...] = GROUP_BY
    wait: timedelta = GROUP_WAIT
    interval: timedelta = GROUP_INTERVAL
    repeat: timedelta


def hops(settings: Settings, labels: Mapping[str, str]) -> tuple[Hop, ...]:
    """The ways of a notice with these labels: one at least."""
    top = Hop(path="", receiver=None, repeat=settings.approvals.repeat)
    return tuple(_below(settings.alerts.routes, labels, top, "alerts.routes")) or (top,)


def receivers_on(hop: Hop, settings: Settings) -> tuple[str, ...]:
    """The receivers of a way."""
    return names_of(settings) if hop.receiver is None else (hop.receiver,)


def _below(routes: Sequence[RouteSettings], labels: Mapping[str, str], above: Hop, path: str) -> Iterator[Hop]:
    """The ways through the first route that matches, and through those after it as long as it says to go on."""
    for place, route in enumerate(routes):
        if not all(matcher.matches(labels) for matcher in route.matchers):
            continue
        here = replace(
            above,
            path=f"{path}[{place}]",
            receiver=above.receiver if route.receiver is None else route.receiver,
            group_by=above.group_by if route.group_by is None else route.group_by,
            wait=route.group_wait or above.wait,
            interval=route.group_interval or above.interval,
            repeat=route.repeat_interval or above.repeat,
        )
        below = tuple(_below(route.routes, labels, here, f"{here.path}.routes"))
        yield from below or (here,)
        if not route.continue_:
            return


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """What is known of one group for one receiver.

    flush   when its next message leaves, or the last one left; None: there was none
    again   when what nobody answered was last told again, by its name
    """

    flush: datetime | None = None
    again: Mapping[str, datetime]

    @staticmethod
    def read(blob: bytes | None) -> "_Group":
        document: dict[str, Any] = json.loads(blob) if blob else {"flush": None, "again": {}}
        again = {name: datetime.fromisoformat(at) for name, at in document["again"].items()}
        return _Group(flush=datetime.fromisoformat(document["flush"]) if document["flush"] else None, again=again)

    def written(self) -> bytes:
        flush = self.flush.isoformat() if self.flush is not None else None
        return json.dumps({"flush": flush, "again": {name: at.isoformat() for name, at in self.again.items()}}).encode()

    def next(self, hop: Hop, now: datetime) -> datetime:
        """When the message leaves that a notice of now is part of."""
        flush = self.flush
        # One further off than any wait was written before a clock was set back.
        if flush is not None and now <= flush <= now + max(hop.wait, hop.interval):
            return flush
        if flush is None or flush > now or now >= flush + hop.interval:
            return now + hop.wait
        return flush + hop.interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """Addresses notices (see `cases.ports.Notifier`)."""

    settings: Settings
    labels: Labels
    outbox: Outbox
    checkpoints: Checkpoints
    clock: Clock

    @property
    def name(self) -> str:
        """See `ROUTES`."""
        return ROUTES

    def notify(self, notice: Notice) -> None:
        """Promise it to every receiver on its ways, once each. Raises TemporaryError when the ledger takes nothing."""
        labels = self.labels.of(notice)
        done: set[str] = set()
        for hop in hops(self.settings, labels):
            for receiver in receivers_on(hop, self.settings):
                if receiver not in done:
                    done.add(receiver)
                    self._address(notice, receiver, hop, labels)

    def _address(self, notice: Notice, receiver: str, hop: Hop, labels: Mapping[str, str]) -> None:
        effect = SendNotice(key=f"{notice.key}@{receiver}", receiver=receiver, notice=notice)
        at_once = not hop.path or kind_of(notice) == IMPACT
        repeats = kind_of(notice) == AGAIN
        if at_once and not repeats:
            self.outbox.send([effect], self.clock.now())
            return
        group = _name(hop, labels)
        # What ends with the id of a case goes with it (`daemon.keeping.removal`).
        key = f"{PREFIX}{receiver}/{group}" + (f"/{labels['case']}" if "case" in hop.group_by else "")
        for _ in range(TRIES):
            now = self.clock.now()
            blob = self.checkpoints.get(key)
            known = _Group.read(blob)
            asked = notice.key.partition(f"-{AGAIN}-")[0]
            if repeats and (last := known.again.get(asked)) is not None and last <= now < last + hop.repeat:
                log.info("%s is not told again to %s before %s", asked, receiver, last + hop.repeat)
                return
            due = now if at_once else known.next(hop, now)
            again = {name: at for name, at in known.again.items() if at > now - hop.repeat}
            after = _Group(flush=due, again={**again, **({asked: now} if repeats else {})})
            swap = Swap(key=key, before=blob, after=after.written())
            if self.outbox.send([replace(effect, group=group)], now, swap=swap, due=due):
                return
        raise TemporaryError(f"others have addressed notices to {receiver} all the time")


def _name(hop: Hop, labels: Mapping[str, str]) -> str:
    """A group's name: its route, and what is alike in it."""
    alike = [hop.path, *(f"{label}={labels.get(label, '')}" for label in hop.group_by)]
    return hashlib.sha256("\x1f".join(alike).encode("utf-8", "replace")).hexdigest()[:16]


def together(notices: Sequence[Notice]) -> Notice:
    """Several notices as one message, as urgent as the most urgent of them."""
    if len(notices) == 1:
        return notices[0]
    ordered = sorted(notices, key=lambda notice: notice.severity.urgency)
    cases = {notice.case for notice in notices}
    keys = hashlib.sha256("\x1f".join(sorted(notice.key for notice in notices)).encode("utf-8", "replace"))
    return Notice(
        key=f"group-{keys.hexdigest()[:16]}",
        severity=ordered[0].severity,
        subject=f"{len(notices)} notices: {ordered[0].subject}",
        text="\n\n".join(f"[{notice.severity}] {notice.subject}\n{notice.text}".rstrip() for notice in ordered),
        case=notices[0].case if len(cases) == 1 else "",
        link=next((notice.link for notice in ordered if notice.link), ""),
        gate=next((notice.gate for notice in ordered if notice.gate), "") if len(cases) == 1 else "",
    )
