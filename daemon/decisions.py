"""Decisions of humans: a yes or a no at a gate, an acknowledgement. One way, whoever brings them.

A decision is validated as a whole, or refused with a reason; it can name nothing but what waits. The same one again
changes nothing and says so; a contrary one is refused, with who decided before. Refusals are kept in the audit.
"""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from cases.case import Case, Hold
from cases.errors import IllegalStep, PermanentError
from cases.escalation import Escalation, escalations_of
from cases.events import Acknowledged, Approved, Closed, Entry, Event, Gated, Rejected
from cases.moments import iso
from cases.ports import Clock
from cases.steps import Notice, told
from cases.telemetry import Severity
from config.settings import Settings
from daemon.alerts.kinds import CLOSED, DECIDED, SEEN
from daemon.alerts.wording import one_line
from daemon.ledger.audit import AuditEntry
from daemon.ledger.ledger import Ledger

log = logging.getLogger("trackwalker.decisions")

REFUSED = "lever.refused"  # the action of its line in the audit
LONGEST = 64 * 1024  # bytes of a document
_NUMBERED = re.compile(r"(?P<case>.+?)-(?:[a-z]?[0-9]+|portfolio|[0-9]+-analysis)")


class Verdict(StrEnum):
    """What was decided."""

    APPROVE = "approve"
    REJECT = "reject"
    ACKNOWLEDGE = "acknowledge"


class Refused(PermanentError):  # noqa: N818 - it is an answer, and reads as one where it is raised
    """The decision is not taken; the message says why."""


class Unknown(Refused):
    """It names nothing that there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision. `of` names a gate, another escalation, or a case: then whatever that one asks. `by` is proved.

    asked  when what they saw was asked; a gate that was asked anew since is another question. None: whenever it was
    """

    of: str
    verdict: Verdict
    by: str
    reason: str = ""
    asked: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What it came to. `repeated`: it had been decided so before, and nothing changed."""

    of: str
    case: str
    verdict: Verdict
    repeated: bool
    said: str


class _Document(BaseModel):
    """A decision as a file or a message has it. What else it says is no part of any decision, and is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    decision: Literal["approve", "reject", "acknowledge"]
    gate: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._-]+$")]
    reason: Annotated[str, StringConstraints(max_length=1000)] = ""


def parsed(text: bytes, by: str) -> Decision:
    """The decision in a JSON document. Raises Refused, with what is wrong; nothing of the document is repeated."""
    if len(text) > LONGEST:
        raise Refused(f"the document is longer than {LONGEST // 1024} KiB")
    try:
        said = _Document.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False, include_url=False)[0]
        where = ".".join(one_line(str(step), 40) for step in first["loc"])
        raise Refused(
            f"it is no decision ({f'{where}: ' if where else ''}{one_line(first['msg'], 120)}); write "
            '{"decision": "approve" | "reject" | "acknowledge", "gate": ID, "reason": TEXT}'
        ) from None
    return Decision(of=said.gate, verdict=Verdict(said.decision), by=by, reason=said.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """Takes decisions for one ledger. `receivers` are told what was decided. Safe for threads and several daemons."""

    ledger: Ledger
    settings: Settings
    clock: Clock
    receivers: Sequence[str]

    def take(self, decision: Decision) -> Decided:
        """Take one. Raises Refused with the reason, which the audit keeps."""
        try:
            decided = self._taken(decision)
        except Refused as refused:
            self._keep(decision, str(refused))
            raise
        log.info("%s by %s: %s", decision.verdict, decision.by, decided.said)
        return decided

    def refuse(self, decision: Decision, because: str) -> None:
        """Refuse one before it is looked at, as of a stranger. Raises Refused; the audit keeps it."""
        self._keep(decision, because)
        raise Refused(because)

    def _taken(self, decision: Decision) -> Decided:
        reason = one_line(decision.reason, 1000)
        if decision.verdict is Verdict.REJECT and not reason:
            raise Refused("a no needs a reason: the next case of its kind reads it")
        case = self._case(decision.of)
        if decision.verdict is Verdict.ACKNOWLEDGE:
            return self._acknowledged(case, decision, reason)
        gate = case.gate if decision.of == case.id else decision.of
        if case.hold is not Hold.GATE or case.gate != gate:
            return self._before(case, decision, gate)
        asked = next(entry.at for entry in reversed(case.history) if isinstance(entry.event, Gated))
        if decision.asked not in {None, asked}:
            raise Refused(f"gate {gate} was asked anew at {iso(asked)}, and may mean another change: look at it again")
        events: list[Event] = [Approved(because=reason or f"approved by {decision.by}", gate=gate)]
        if decision.verdict is Verdict.REJECT:
            from remediation.learn import dismissal

            outcome, lesson = dismissal(case, reason, self.clock.now())
            events = [Rejected(because=reason, gate=gate), Closed(outcome=outcome, lesson=lesson)]
        try:
            self._add(case, decision, events, DECIDED, gate)
        except IllegalStep:  # somebody else decided between the look and the write
            return self._before(self.ledger.cases.load(case.id), decision, gate)
        ends = "goes on" if decision.verdict is Verdict.APPROVE else "is closed"
        return Decided(
            of=gate, case=case.id, verdict=decision.verdict, repeated=False, said=f"gate {gate}: case {case.id} {ends}"
        )

    def _before(self, case: Case, decision: Decision, gate: str) -> Decided:
        """A gate that is not waited at: the same decision again is harmless, any other is refused."""
        entry = _decided(case, gate)
        if entry is None:
            waits = f"; it waits at gate {case.gate}" if case.gate else ""
            raise Refused(
                f"case {case.id} does not wait at {f'gate {gate}' if gate else 'any gate'}: it is {case.phase}{waits}"
            )
        same = Approved if decision.verdict is Verdict.APPROVE else Rejected
        word = "approved" if isinstance(entry.event, Approved) else "rejected"
        said = f"gate {gate} was {word} by {entry.actor} at {iso(entry.at)}"
        if not isinstance(entry.event, same):
            raise Refused(said)
        return Decided(of=gate, case=case.id, verdict=decision.verdict, repeated=True, said=f"{said}; nothing changed")

    def _acknowledged(self, case: Case, decision: Decision, reason: str) -> Decided:
        asked = escalations_of(case, self.settings.weight(case.service), self.settings.approvals.terms)
        mine = [one for one in asked if decision.of in {one.id, case.id}]
        if not mine:
            raise Refused(f"case {case.id} asks nothing of that name: it is {case.phase} (hold: {case.hold})")
        fresh = [one for one in mine if not one.seen_by]
        for one in fresh:
            self._add(case, decision, [Acknowledged(ask=one.id, because=reason)], SEEN, one.id)
        names = ", ".join(one.id for one in mine)
        said = f"{names} is not told again" if fresh else f"{names} was acknowledged by {mine[0].seen_by} before"
        return Decided(of=names, case=case.id, verdict=decision.verdict, repeated=not fresh, said=said)

    def _add(self, case: Case, decision: Decision, events: Sequence[Event], kind: str, named: str) -> None:
        """Write the events in their name; the first of them with the notice of it."""
        now = self.clock.now()
        words = {Verdict.APPROVE: "approved", Verdict.REJECT: "rejected", Verdict.ACKNOWLEDGE: "seen"}
        ends = decision.verdict is Verdict.REJECT  # the end of a case is told under one key, however it ends
        notice = Notice(
            key=f"{case.id}-{CLOSED}" if ends else f"{named}-{kind}-{len(case.history)}",
            severity=Severity.NOTE,
            subject=f"{case.service}: {words[decision.verdict]} by {decision.by.partition(':')[2] or decision.by}",
            text=f"{named} of case {case.id}." + (f" Reason: {decision.reason}" if decision.reason else ""),
            case=case.id,
            link=self.settings.api.case_page(case.id),
        )
        due = None if decision.verdict is Verdict.ACKNOWLEDGE else now
        for place, event in enumerate(events):
            effects = told(self.receivers, notice) if place == 0 else ()
            self.ledger.cases.add(case.id, Entry(at=now, actor=decision.by, event=event), effects, due)

    def _case(self, named: str) -> Case:
        """The case of that name, or of the gate or escalation of that name."""
        numbered = _NUMBERED.fullmatch(named)
        for candidate in (named, numbered["case"] if numbered else ""):
            if candidate:
                try:
                    return self.ledger.cases.load(candidate)
                except PermanentError as error:
                    log.debug("%s", error)
        what = "gate, escalation or case" if numbered else "case"
        raise Unknown(f"there is no {what} {one_line(named, 60)}")

    def _keep(self, decision: Decision, because: str) -> None:
        """A line in the audit: who was refused what, and why."""
        detail = {"of": one_line(decision.of, 100), "verdict": str(decision.verdict), "because": because}
        entry = AuditEntry(at=self.clock.now(), actor=decision.by, action=REFUSED, detail=detail)
        self.ledger.audit.append(entry)
        log.info("%s by %s is refused: %s", decision.verdict, decision.by, because)


def queued(ledger: Ledger, settings: Settings) -> tuple[Escalation, ...]:
    """What is asked of humans now, in the order in which to answer."""
    from daemon.approvals import queue_of

    return queue_of(ledger.cases.active(), settings)


def _decided(case: Case, gate: str) -> Entry | None:
    """The newest word about that gate; "" is the newest gate of the case."""
    at_gate = ""
    found: Entry | None = None
    for place, entry in enumerate(case.history):
        match entry.event:
            case Gated(gate=named):
                at_gate = named or f"{case.id}-g{place + 1}"
            case Approved() | Rejected() if gate in {"", at_gate}:
                found = entry
            case _:
                continue
    return found
