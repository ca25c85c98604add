"""What was asked of humans, watched: a reminder half way to the deadline, the backup at the deadline, then again.

How far each of them is stands in one checkpoint, which is swapped in one transaction with the notices: each leaves
once, whichever of the daemons on a store looks first, and whatever ends one. Nobody is past a deadline who was not
reminded half of its length before, so that neither a night without a daemon nor a clock that jumps decides anything.
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from cases.case import Case
from cases.errors import IllegalStep, PermanentError
from cases.escalation import Asked, Escalation, queue
from cases.events import Closed, Entry, Rejected
from cases.leases import Swap
from cases.moments import iso
from cases.steps import Notice, SendNotice, told
from cases.stores import CaseStore, Checkpoints, Outbox
from cases.telemetry import Severity
from config.settings import ApprovalsSettings, RouteSettings, Settings
from daemon.alerts.kinds import AGAIN, EXPIRED, IMPACT, REMINDER
from daemon.queue import asked_of
from daemon.spans_of_time import long
from remediation.ports import Ports

log = logging.getLogger("trackwalker.approvals")

KEY = "approvals"  # the checkpoint
ACTOR = "daemon"
_WANTED = {
    Asked.YES: "a change still waits for your yes",
    Asked.HELP: "a human is still needed",
    Asked.MEND: "a case is still frozen by a bug",
    Asked.LOOK: "the impact is high",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far one of them is. `asked` tells it from an earlier one of the same name.

    reminded, expired   when that was told; None: not yet
    again               how often it was told after its deadline, the last time at `last`
    """

    asked: datetime
    reminded: datetime | None = None
    expired: datetime | None = None
    last: datetime | None = None
    again: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """Looks after what is asked: a chore."""

    ports: Ports
    cases: CaseStore
    outbox: Outbox
    checkpoints: Checkpoints

    @property
    def _wanted(self) -> ApprovalsSettings:
        return self.ports.settings.approvals

    def once(self) -> None:
        """Look at every active case. Raises TemporaryError when the ledger cannot be read or written."""
        self.look(self.cases.active())

    def look(self, active: Sequence[Case]) -> None:
        """Tell what is due of these, which are all. Raises as `once`."""
        now = self.ports.now
        asked = queue_of(active, self.ports.settings)
        blob = self.checkpoints.get(KEY)
        known = _read(blob)
        after: dict[str, Standing] = {}
        effects: list[SendNotice] = []
        for one in asked:
            before = known.get(one.id)
            fresh = before if before is not None and before.asked == one.asked else Standing(asked=one.asked)
            after[one.id], notices = self._look(one, _not_ahead(fresh, now), now)
            effects += notices
        if after != known:
            swap = Swap(key=KEY, before=blob, after=_written(after))
            if not self.outbox.send(effects, now, swap=swap):
                return  # another daemon told it: the next look sees what
            for effect in effects:
                log.info("told %s: %s", effect.receiver, effect.notice.subject)
        self._end_what_is_over(asked, after, {case.id: case for case in active})
        if self._wanted.expired == "reject":
            self._reject(asked, after, {case.id: case for case in active}, now)

    def _look(self, one: Escalation, standing: Standing, now: datetime) -> tuple[Standing, tuple[SendNotice, ...]]:
        """How far it is now, and what is told of it."""
        half = (one.deadline - one.asked) / 2
        if one.asks is Asked.LOOK and standing.last is None:
            return replace(standing, last=now), self._tell(one, IMPACT, now, backup=True)
        if one.seen_by and one.asks is not Asked.YES:
            return standing, ()
        if standing.reminded is None:
            if now < one.asked + half:
                return standing, ()
            silent = bool(one.seen_by)  # who has seen it needs no reminder, and the half until the deadline runs
            return replace(standing, reminded=now), () if silent else self._tell(one, REMINDER, now)
        if standing.expired is None:
            if now < max(one.deadline, standing.reminded + half):
                return standing, ()
            return replace(standing, expired=now, last=now), self._tell(one, EXPIRED, now, backup=True)
        last = standing.last or standing.expired
        if one.seen_by or now < last + self._often():
            return standing, ()
        more = replace(standing, last=now, again=standing.again + 1)
        return more, self._tell(one, AGAIN, now, backup=True, number=more.again)

    def _often(self) -> timedelta:
        """How often it is told again: as the route has it that asks for it most often; the others leave some out."""
        return min([self._wanted.repeat, *_repeats(self.ports.settings.alerts.routes)])

    def _tell(
        self, one: Escalation, kind: str, now: datetime, *, backup: bool = False, number: int = 0
    ) -> tuple[SendNotice, ...]:
        count = f"-{number}" if number else ""
        notice = Notice(
            # by when it was asked: a gate may be asked for anew
            key=f"{one.id}-{kind}-{int(one.asked.timestamp())}{count}",
            severity=Severity.PAGE if kind in {EXPIRED, IMPACT} else _severity(one),
            subject=f"{one.service}: {_WANTED[one.asks]}",
            text=self._text(one, kind, now),
            case=one.case,
            link=self.ports.settings.api.case_page(one.case),
            gate=one.id if one.asks is Asked.YES else "",
        )
        more = tuple(name for name in self._wanted.backup if name not in self.ports.receivers) if backup else ()
        return told((*self.ports.receivers, *more), notice)

    def _text(self, one: Escalation, kind: str, now: datetime) -> str:
        owners = ", ".join(asked_of(one, self.ports.settings))
        lines = [
            one.reason,
            f"Asked {long(now - one.asked)} ago, at {iso(one.asked)}; to be answered by {iso(one.deadline)}"
            f" (urgency: {one.urgency}, impact {one.impact:.1f} of 10)" + (f"; owners: {owners}." if owners else "."),
        ]
        if kind == EXPIRED and one.asks is Asked.YES:
            ends = "it counts as a no" if self._wanted.expired == "reject" else "nothing is done without a yes"
            lines.append(f"Nobody answered in time: {ends}.")
        answer = (
            f"`trackwalker approve {one.id}` or `trackwalker reject {one.id} --reason …`"
            if one.asks is Asked.YES
            else f"`trackwalker cases show {one.case}` has all of it"
        )
        lines.append(f"{answer}; `trackwalker escalations ack {one.id}` keeps this from being told again.")
        return "\n".join(lines)

    def _end_what_is_over(
        self, asked: Sequence[Escalation], standings: Mapping[str, Standing], active: Mapping[str, Case]
    ) -> None:
        """Close cases whose gate nobody answered in time, and whose trouble passed by itself: a yes has no object.

        Held as they are, they would take in every later trouble of their kind, and ask for what is long over.
        """
        from remediation.learn import learn

        for one in asked:
            case = active[one.case]
            waits = one.asks is Asked.YES and standings[one.id].expired is not None
            if not waits or case.recovered is None or case.proposals or case.merges:
                continue
            ended = learn(case, self.ports)
            (closed,) = ended.events
            try:
                self.cases.add(case.id, Entry(at=self.ports.now, actor=ACTOR, event=closed), ended.effects, None)
            except (IllegalStep, PermanentError) as error:  # somebody answered just now, or it was removed
                log.info("gate %s stays: %s", one.id, error)

    def _reject(
        self,
        asked: Sequence[Escalation],
        standings: Mapping[str, Standing],
        active: Mapping[str, Case],
        now: datetime,
    ) -> None:
        """Let gates that nobody answered in time be a no."""
        from remediation.learn import dismissal, left_on

        for one in asked:
            if one.asks is not Asked.YES or standings[one.id].expired is None:
                continue
            because = f"nobody said yes to gate {one.id} by {iso(one.deadline)}, and silence is a no"
            try:
                no = Rejected(because=because, gate=one.id)
                self.cases.add(one.case, Entry(at=now, actor=ACTOR, event=no), (), None)
                outcome, lesson = dismissal(active[one.case], because, now)
                ended = Closed(outcome=outcome, lesson=lesson)
                off = left_on(active[one.case], because)
                self.cases.add(one.case, Entry(at=now, actor=ACTOR, event=ended), off, None)
            except (IllegalStep, PermanentError) as error:  # somebody answered just now, or it was removed
                log.info("gate %s is not closed: %s", one.id, error)
                continue
            log.warning("gate %s: %s", one.id, because)


def _repeats(routes: Sequence[RouteSettings]) -> Iterator[timedelta]:
    for route in routes:
        if route.repeat_interval is not None:
            yield route.repeat_interval
        yield from _repeats(route.routes)


def queue_of(active: Sequence[Case], settings: Settings) -> tuple[Escalation, ...]:
    """What the cases ask of humans, in the order in which to answer."""
    return queue(((case, settings.weight(case.service)) for case in active), settings.approvals.terms)


def _severity(one: Escalation) -> Severity:
    return (Severity.PAGE, Severity.TICKET, Severity.NOTE)[one.urgency.place]


def _not_ahead(standing: Standing, now: datetime) -> Standing:
    """A time ahead of now was written before a clock was set back: it counts as now."""

    def held(at: datetime | None) -> datetime | None:
        return None if at is None else min(at, now)

    reminded, expired, last = held(standing.reminded), held(standing.expired), held(standing.last)
    return replace(standing, reminded=reminded, expired=expired, last=last)


def _written(standings: Mapping[str, Standing]) -> bytes:
    document = {
        name: {
            "asked": one.asked.isoformat(),
            **{key: at.isoformat() for key in ("reminded", "expired", "last") if (at := getattr(one, key)) is not None},
            "again": one.again,
        }
        for name, one in sorted(standings.items())
    }
    return json.dumps(document).encode()


def _read(blob: bytes | None) -> dict[str, Standing]:
    document: dict[str, dict[str, Any]] = json.loads(blob) if blob else {}
    return {
        name: Standing(
            again=said["again"],
            **{key: datetime.fromisoformat(at) for key, at in said.items() if key != "again"},
        )
        for name, said in document.items()
    }
