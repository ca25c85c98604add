"""Kill rules, looked at beside the poll: what was merged is watched whatever its case waits for.

A step watches a case that is let go. One that is frozen or gated has none, and a change that is merged and not yet
marked as running has no watch: here both are looked at, and all of them for catastrophes. It only reads. What follows
is the case's next step, and obeys its hold and the pause; humans hear of it at once.
"""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cases.case import Case, Hold, Phase
from cases.errors import IllegalStep, PermanentError, TemporaryError
from cases.events import Entry, Escalated, Event, Harmed, Killed
from cases.lifecycle import NEXT
from cases.outcome import Judgement, Ruling
from cases.steps import Effect
from cases.stores import CaseStore, Levers, Outbox
from cases.telemetry import Severity
from remediation.neutral import neutral
from remediation.ports import Ports

if TYPE_CHECKING:
    from remediation.kill import Running

log = logging.getLogger("trackwalker.kills")

ACTOR = "daemon"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Harm: what happens to the case, why, and the effects that belong to it."""

    event: Event
    because: str
    effects: tuple[Effect, ...] = ()


class Kills:
    """Looks at every active case that has a merge. Used by one thread at a time."""

    def __init__(self, *, ports: Ports, cases: CaseStore, outbox: Outbox, levers: Levers) -> None:
        self._ports = ports
        self._cases = cases
        self._outbox = outbox
        self._levers = levers
        self._judged: dict[str, float] = {}  # when a held case was judged last, in monotonic seconds

    def once(self) -> None:
        """Look once. A source that cannot be read kills nothing, and holds no other case up.

        Raises TemporaryError when the ledger cannot be read or written.
        """
        merged = [case for case in self._cases.active() if case.merges]
        self._judged = {case.id: self._judged[case.id] for case in merged if case.id in self._judged}
        for case in merged:
            try:
                found = self._look(case)
            except (TemporaryError, PermanentError) as error:
                log.warning("case %s: whether it must be killed cannot be seen: %s", case.id, error)
                continue
            if found is not None:
                self._fire(case, found)

    def _look(self, case: Case) -> _Found | None:
        if case.hypothesis is not None:
            return self._guarded(case)
        from remediation.kill import KillRule, catastrophe, running

        wanted, what = self._ports.settings.judgement, running(case)
        if what is None or case.phase is Phase.REVERTING or case.change.rolls_back == what.change:
            return None  # it is being taken back
        if any(judgement.change == what.change for judgement in case.judgements):
            return None
        if wanted.kill.worse_by is not None:
            rule = KillRule(worse_by=wanted.kill.worse_by, lasting=wanted.kill.lasting, step=wanted.step)
            judgement = catastrophe(case, what, self._ports.read, self._ports.now, rule)
            if judgement is not None:
                return _Found(event=self._killed(case, what, judgement), because=judgement.because)
        judgement = self._brake(case, what)
        if judgement is not None:
            return _Found(event=self._killed(case, what, judgement), because=judgement.because)
        if case.phase is Phase.DEPLOYED and case.hold is not Hold.NONE:
            return self._judge(case)
        return None

    def _guarded(self, case: Case) -> _Found | None:
        """Whether an experiment breaks a guardrail, in whatever phase it is and whatever it waits for.

        One that is let go, and has only just begun, is looked at by its own step.
        """
        if case.shows is None or case.phase is Phase.REVERTING or case.change.rolls_back is not None:
            return None
        own = case.phase is Phase.DEPLOYED and case.hold is Hold.NONE and case.judgement is None
        if own or any(judgement.ruling is Ruling.HARMFUL for judgement in case.judgements):
            return None
        from remediation.guard import harm

        found = harm(case, self._ports)
        if found is None:
            return None
        event = Killed(because=found.because, judgement=found.judgement)
        return _Found(event=event, because=found.because, effects=found.effects)

    def _brake(self, case: Case, what: "Running") -> Judgement | None:
        """Whether the case's service broke down right after the change."""
        from daemon.gauges import gauges_of, rule_of
        from remediation.brake import pulled

        settings = self._ports.settings
        return pulled(what, gauges_of(settings, case.service), self._ports.read, self._ports.now, rule_of(settings))

    def _killed(self, case: Case, what: "Running", judgement: Judgement) -> Event:
        """What a catastrophe does: the same as harm does, sooner."""
        follows = ""
        if any(change.number == what.change and change.rolls_back is not None for change in case.changes):
            follows = "it is itself a rollback, and a rollback is not rolled back"
        elif self._ports.now - what.since > self._ports.settings.judgement.act_within:
            follows = "it is past the time in which harm is answered with a rollback"
        if follows:
            return Escalated(
                reason=f"change {what.change} does harm: {judgement.because}; {follows}: decide what to do"
            )
        return Killed(because=f"change {what.change} is taken back: {judgement.because}", judgement=judgement)

    def _judge(self, case: Case) -> _Found | None:
        """Judge a case that is held as its own step would, as often, and take nothing but harm from it."""
        from remediation.way import watched

        tick, every = self._ports.clock.monotonic(), self._ports.settings.judgement.look_every.total_seconds()
        if tick - self._judged.get(case.id, float("-inf")) < every:
            return None
        self._judged[case.id] = tick
        seen = watched(case, self._ports)
        harm = next((event for event in seen.events if isinstance(event, Harmed)), None)
        return None if harm is None else _Found(event=harm, because=harm.judgement.because, effects=seen.effects)

    def _fire(self, case: Case, found: _Found) -> None:
        """Write it down, and page, once."""
        now = self._ports.now
        told = self._ports.tell(
            f"{case.id}-{case.merges[-1].change}-killed",
            Severity.PAGE,
            f"{case.service}: what was merged does harm",
            f"{found.because}.\n{self._follows(case, found.event)} Case {case.id}.",
            case=case.id,
        )
        if case.phase is Phase.ESCALATED or (case.phase, type(found.event)) not in NEXT:
            self._outbox.send(told, now)  # a human has it already, and hears that it got worse
            return
        try:
            due = None if case.hold is not Hold.NONE and case.hypothesis is None else now  # a flag waits for nobody
            self._cases.add(case.id, Entry(at=now, actor=ACTOR, event=found.event), (*found.effects, *told), due)
        except IllegalStep:
            return  # it has just moved: the next look sees where to
        log.error("case %s: %s: %s", case.id, type(found.event).__name__, found.because)

    def _follows(self, case: Case, event: Event) -> str:
        """What comes next, in words."""
        if NEXT.get((case.phase, type(event))) is not Phase.REVERTING:
            return f"Change {case.merges[-1].change} is merged, and it is a human's turn: decide what to do."
        if case.hold is not Hold.NONE:
            return f"Its rollback waits: the case is {case.hold} ({neutral(case.hold_reason)})."
        pause = self._levers.paused()
        if pause is not None:
            return f"Its rollback waits: paused by {neutral(pause.by)} ({neutral(pause.reason)})."
        return "Its rollback is drafted now."
