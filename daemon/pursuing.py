"""What is done for active goals: hypotheses become cases, a goal that is reached or over comes to its end.

A chore. What was offered is kept before any case is opened, so that whatever ends the daemon in between, the next look
goes on with the same hypotheses.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from cases.case import Case, Phase
from cases.errors import IllegalStep, PermanentError, TemporaryError
from cases.events import Closed, Entry, Killed, Rejected
from cases.goal import Pursued, State, Step
from cases.stores import CaseStore
from cases.telemetry import Signal
from daemon.goals import Gauge, Reading
from daemon.ledger.goals import LedgerGoals
from daemon.ledger.portfolios import LedgerPortfolios
from daemon.ledger.spend import LedgerSpend
from remediation.ports import Ports

log = logging.getLogger("trackwalker.pursuing")

ACTOR = "daemon"
LASTS = timedelta(days=1)
"""A goal is achieved when the middle reading of so long a time is at its target."""
FEWEST = 20
"""Readings that say so."""
MOST_LESSONS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Pursuing:
    """Looks after goals. Used by one thread at a time."""

    ports: Ports
    cases: CaseStore
    goals: LedgerGoals
    portfolios: LedgerPortfolios
    spend: LedgerSpend

    def once(self) -> None:
        """Look at every goal. One that cannot be looked at now holds no other up.

        Raises TemporaryError when the ledger cannot be read or written.
        """
        for pursued in self.goals.listed():
            mine = [
                case for case in self.cases.active() if case.goal is not None and case.goal.name == pursued.goal.name
            ]
            try:
                if pursued.state is State.ACTIVE:
                    self._pursue(pursued)
                elif mine:
                    self._end(pursued, mine)
            except (TemporaryError, PermanentError) as error:
                log.warning("outcome %s: %s", pursued.goal.name, error)

    def _pursue(self, pursued: Pursued) -> None:
        goal, now = pursued.goal, self.ports.now
        signal = self._signal(goal.signal)
        if self._achieved(pursued, signal):
            because = f"{goal.signal} was at {goal.target:g} or better for a day, in the middle"
            self.goals.step(goal.name, Step(to=State.ACHIEVED, at=now, by=ACTOR, because=because))
            log.info("outcome %s is achieved: %s", goal.name, because)
            return
        if goal.over(now):
            because = f"its last day, {goal.horizon}, has passed"
            self.goals.step(goal.name, Step(to=State.ABANDONED, at=now, by=ACTOR, because=because))
            return
        offered = self.portfolios.load(goal.name)
        if not offered.made or offered.wanted:
            self._make(pursued)
            offered = self.portfolios.load(goal.name)
        self._open(pursued, signal, {one.id for one in offered.ideas} - self._known(goal.name))

    def _make(self, pursued: Pursued) -> None:
        """Make hypotheses; what was offered before is not offered again."""
        from daemon.segments import cards_there
        from remediation.experiments.portfolio import candidates

        goal = pursued.goal
        had = self.portfolios.load(goal.name).ideas
        others = [case.hypothesis for case in self.cases.active() if case.hypothesis is not None]
        made = candidates(
            goal,
            self.ports.settings,
            self.ports.lessons.newest(MOST_LESSONS),
            live=[idea for idea in others if idea.id not in {one.id for one in had}],
            rejected=had,
            cards=cards_there(self.ports.settings, self.ports.clock),
            model=self.ports.model if self._spent(goal.name) < goal.budget_usd else None,
        )
        refused = tuple(f"{what}: {why}" for what, why in made.refused)
        self.portfolios.offer(goal.name, made.hypotheses, refused, made.cost, ACTOR, self.ports.now)
        log.info("outcome %s: %d hypotheses are offered", goal.name, len(made.hypotheses))

    def _spent(self, goal: str) -> float:
        """What models have cost for a goal so far: for its ideas, and for the cases that came of them."""
        cases = (_case_of(goal, idea.id) for idea in self.portfolios.load(goal).ideas)
        return sum(call.usd for case in (f"{goal}-1", *cases) for call in self.spend.calls(case))

    def _open(self, pursued: Pursued, signal: Signal, fresh: set[str]) -> None:
        """Open a case for each hypothesis that has none."""
        from remediation.experiments.opening import opened

        if not fresh:
            return
        goal, now = pursued.goal, self.ports.now
        reading = self._now(signal)
        for idea in self.portfolios.load(goal.name).ideas:
            if idea.id in fresh:
                event = opened(goal, idea, signal, reading.value or 0.0, reading.labels, now)
                self.cases.open(Entry(at=now, actor=ACTOR, event=event), (), now)
                log.info("case %s: %s (outcome %s)", event.case_id, idea.statement, goal.name)

    def _known(self, goal: str) -> set[str]:
        """The hypotheses of a goal that have a case, ended ones as well."""
        known: set[str] = set()
        for idea in self.portfolios.load(goal).ideas:
            try:
                self.cases.load(_case_of(goal, idea.id))
            except PermanentError:
                continue
            known.add(idea.id)
        return known

    def _end(self, pursued: Pursued, mine: Sequence[Case]) -> None:
        """The goal ended: what is not built yet is dropped; what runs is taken back, unless it was shown to work."""
        from remediation.learn import dismissal, left_on

        because = f"outcome {pursued.goal.name} is {pursued.state}: {pursued.steps[-1].because}"
        for case in mine:
            now = self.ports.now
            try:
                if case.shows is None and not case.has_pull_request:
                    self.cases.add(case.id, Entry(at=now, actor=ACTOR, event=Rejected(because=because)), (), None)
                    outcome, lesson = dismissal(case, because, now)
                    ended = Closed(outcome=outcome, lesson=lesson)
                    self.cases.add(case.id, Entry(at=now, actor=ACTOR, event=ended), (), None)
                elif pursued.state is State.ABANDONED and case.change.rolls_back is None:
                    runs = case.phase in {Phase.MERGED, Phase.DEPLOYED}
                    event = Killed(because=because) if runs else Rejected(because=because)
                    self.cases.add(case.id, Entry(at=now, actor=ACTOR, event=event), left_on(case, because), now)
            except IllegalStep as moved:
                log.info("case %s: %s", case.id, moved)

    def _signal(self, key: str) -> Signal:
        found = next((signal for signal in self.ports.watched() if signal.key == key), None)
        if found is None:
            raise PermanentError(f"no watch is named {key} now")
        return found

    def _now(self, signal: Signal) -> Reading:
        gauge = Gauge(settings=self.ports.settings, clock=self.ports.clock, sources=self.ports.signals)
        reading = gauge.read(signal.key)
        if reading.value is None:
            raise TemporaryError(reading.because)
        return reading

    def _achieved(self, pursued: Pursued, signal: Signal) -> bool:
        """Whether the middle of a day's readings is at the target, since it became active."""
        active = next(step.at for step in reversed(pursued.steps) if step.to is State.ACTIVE)
        now, step = self.ports.now, self.ports.settings.detection.step
        if now - active < LASTS:
            return False
        block = self.ports.read_history(signal, now - LASTS, now, max(step, LASTS / 200))
        if block.partial or len(block.labels) != 1:
            return False
        values = block.values[0][~block.missing[0]]
        return len(values) >= FEWEST and pursued.goal.met(float(np.median(values)))


def _case_of(goal: str, idea: str) -> str:
    from remediation.experiments.opening import named

    return named(goal, idea)
