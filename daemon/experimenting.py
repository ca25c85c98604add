"""Experiments as people ask for them: which there are, how far each is, and how one is stopped."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cases.case import Case, Hold, Phase
from cases.errors import IllegalStep, PermanentError
from cases.events import Entry, Killed, Looked, Rejected
from cases.goal import State
from cases.hypothesis import Hypothesis
from cases.measure import Segments
from cases.moments import iso
from cases.ports import Clock
from cases.steps import Effect
from config.settings import Settings
from daemon.ledger.goals import LedgerGoals
from daemon.ledger.ledger import Ledger
from daemon.ledger.portfolios import LedgerPortfolios


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One idea and what became of it; no case yet where the daemon has not looked since it was offered."""

    goal: str
    idea: Hypothesis
    case: Case | None

    @property
    def state(self) -> str:
        """How far it is, in two or three words."""
        case = self.case
        if case is None:
            return "offered"
        if case.outcome is not None:
            return str(case.outcome.ending)
        if case.hold is Hold.GATE:
            return f"waits at {case.gate}"
        if case.shows is not None:
            return f"shown to {case.shows.share:.0%} ({case.phase})"
        return str(case.phase)

    @property
    def said(self) -> str:
        """The newest that is known of it."""
        case = self.case
        if case is None:
            return ""
        if case.outcome is not None:
            return case.outcome.because
        if case.judgements:
            return case.judgements[-1].because
        return case.looks[-1].because if case.looks else case.hold_reason.partition("\n")[0]

    @property
    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        idea, case = self.idea, self.case
        return {
            "id": idea.id,
            "case": case.id if case else None,
            "outcome": self.goal,
            "state": self.state,
            "said": self.said,
            "statement": idea.statement,
            "mechanism": idea.mechanism,
            "prediction": {"signal": idea.prediction.signal, "up": idea.prediction.up, "size": idea.prediction.size},
            "plan": {
                "users": idea.plan.users,
                "least": idea.plan.least,
                "days": idea.plan.days,
                "guardrails": list(idea.plan.guardrails),
            },
            "flag": idea.turn.flag,
            "shares": list(idea.shares),
            "effort": str(idea.effort),
            "risk": str(idea.risk),
            "blast_radius": idea.blast_radius,
            "origin": idea.origin,
            "cited": list(idea.cited),
            "looks": [
                {
                    "at": iso(entry.at),
                    "users": list(look.users),
                    "control": look.control,
                    "treated": look.treated,
                    "lift": look.lift,
                    "low": look.low,
                    "high": look.high,
                    "hope": look.hope,
                    "safety": dict(look.safety),
                    "segments": _apart(look.segments),
                    "because": look.because,
                }
                for entry, look in _looks(case)
            ],
        }


def tried(ledger: Ledger, goal: str = "") -> tuple[Tried, ...]:
    """Every idea of every goal, or of one, the oldest first. PermanentError for a goal that is not there."""
    goals, portfolios = LedgerGoals(ledger.database), LedgerPortfolios(ledger.database)
    names = [goals.load(goal).goal.name] if goal else [one.goal.name for one in goals.listed()]
    return tuple(
        Tried(goal=name, idea=idea, case=_case(ledger, name, idea))
        for name in names
        for idea in portfolios.load(name).ideas
    )


def found(ledger: Ledger, name: str) -> Tried:
    """The one of that hypothesis' or case's id. Raises PermanentError."""
    every = tried(ledger)
    one = next((one for one in every if name in {one.idea.id, one.case.id if one.case else ""}), None)
    if one is None:
        known = ", ".join(one.idea.id for one in every) or "none yet"
        raise PermanentError(f"there is no experiment {name}; there are: {known}")
    return one


def stop(ledger: Ledger, clock: Clock, name: str, by: str, because: str) -> Tried:
    """End it: everybody is shown the control at once where it runs; else it is a remembered no.

    Raises PermanentError where there is none, or it has ended.
    """
    one = found(ledger, name)
    case = one.case
    if case is None or not case.active:
        ended = one.said if case is not None else "the daemon has not looked since it was offered"
        raise PermanentError(f"experiment {name} is not running: {ended}")
    now = clock.now()
    effects: tuple[Effect, ...] = ()
    event: Killed | Rejected = Rejected(because=because)
    if case.shows is not None:
        from remediation.learn import left_on

        if case.phase is Phase.REVERTING or case.change.rolls_back is not None:
            raise PermanentError(f"experiment {name} is being taken back already")
        effects = left_on(case, because)
        if case.phase in {Phase.MERGED, Phase.DEPLOYED}:
            event = Killed(because=f"{by} stopped it: {because}")
    try:
        ledger.cases.add(case.id, Entry(at=now, actor=by, event=event), effects, now)
    except IllegalStep as moved:
        raise PermanentError(f"experiment {name} cannot be stopped as it is: {moved}") from None
    return found(ledger, name)


def _case(ledger: Ledger, goal: str, idea: Hypothesis) -> Case | None:
    from remediation.experiments.opening import named

    try:
        return ledger.cases.load(named(goal, idea.id))
    except PermanentError:
        return None


def _looks(case: Case | None) -> Iterator[tuple[Entry, Looked]]:
    for entry in case.history if case is not None else ():
        if isinstance(entry.event, Looked):
            yield entry, entry.event


def _apart(segments: Segments | None) -> dict[str, Any] | None:
    """The effects by segment as JSON has them."""
    if segments is None:
        return None
    return {
        "by": segments.by,
        "most": segments.most,
        "because": segments.because,
        "effects": [
            {
                "segment": one.segment,
                "users": list(one.users),
                "lift": one.lift,
                "low": one.low,
                "high": one.high,
                "word": one.word,
                "because": one.because,
            }
            for one in segments.effects
        ],
    }


def brought(ledger: Ledger, settings: Settings, clock: Clock, file: Path, by: str, *, keep: bool) -> Hypothesis:
    """An idea that somebody brought in a file, for an active goal. Raises ConfigError, PermanentError."""
    from config.hypothesis_file import read, text_in
    from remediation.experiments.given import given

    goals = LedgerGoals(ledger.database)
    active = {one.goal.name: one.goal for one in goals.listed() if one.state is State.ACTIVE}
    written = read(text_in(file), str(file), active, settings)
    idea = given(written, active[written.outcome], settings, by)
    if keep:
        LedgerPortfolios(ledger.database).add(idea.goal, idea, by, clock.now())
    return idea
