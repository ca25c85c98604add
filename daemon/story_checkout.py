"""Two stories of an experiment: one that is scaled to everybody, and one that the kill switch ends.

An outcome is declared; ideas come from the catalogue of levers; one is wanted; its pull request is proved and merged;
half of the users are shown it; the decision comes, and what follows from it. The yes and no of people are a script's.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cases.case import Case, Hold, Phase
from cases.events import Killed, Looked
from cases.moments import iso
from cases.outcome import Ending
from config import goal_file
from config.load import load
from config.settings import Settings
from daemon.alerts.addresses import receivers_of
from daemon.build import sources_of
from daemon.decisions import Decision, Decisions, Verdict
from daemon.goals import Gauge, Goals
from daemon.interval_text import interval_text
from daemon.ledger.goals import LedgerGoals
from daemon.ledger.ledger import Ledger, open_ledger
from daemon.report import case_document
from daemon.stage_checkout import BETTER, HASTY, CheckoutStage
from daemon.story import (
    Daemon,
    StoryFailed,
    Telling,
    deploy,
    in_this_process,
    open_pull_request,
    pause,
    trial_words,
    until,
)
from demo.experiment import last_shown
from inference.words import figure, signed

WANTED = {"checkout": BETTER, "guardrail": HASTY}
"""The text that is wanted at the portfolio gate, by the name that the command line has for the story."""
BY = "human:demo-script"
BEFORE_S = 12.0  # of users before anything is declared: two readings of each signal
REVIEW_S = 3.0  # what the script takes to read a pull request
PROVED_S = 150  # the longest that a proof may take: three runs of the shop's tests, 5 s on a quiet machine
MEASURED_S = 90  # far more than a decision takes with so many users
SETTLED_S = 4.0  # after the last treated user is thought to have come: whether another one does


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What the story came to.

    looks            when, and what each look that was kept showed, while it was measured
    stopped_after_s  from the look that saw the breach to the last user who was shown the treated text; None: no breach
    """

    case: Case
    looks: tuple[tuple[datetime, Looked], ...]
    stopped_after_s: float | None
    page: Path

    @property
    def picture(self) -> str:
        """The intervals as text, and of each guardrail the two arms at the last look."""
        goal = self.case.goal
        assert goal is not None  # noqa: S101 - an experiment's
        drawn = interval_text(self.looks, goal.criteria.lift)
        lines = ["How many fewer leave, as a share of users, at each look that was kept:"]
        lines.append(drawn or "  (no look had enough users for an interval)")
        limits = {one.signal: one.at_most for one in goal.constraints}
        newest = self.looks[-1][1]
        for name, (control, treated) in newest.rails.items():
            most, known = limits[name], newest.safety.get(name, "open")
            limit = "" if most is None else f", {figure(most)} at most"
            lines.append(f"Guardrail {name}: control {figure(control)}, treated {figure(treated)}{limit}: {known}.")
        return "\n".join(lines)


def play(stage: CheckoutStage, telling: Telling, story: str, daemon: Daemon = in_this_process) -> Tried:
    """Play one of WANTED to its end. Raises StoryFailed with the scene that did not come."""
    with daemon(stage.config), open_ledger(f"sqlite:///{stage.folder}/trackwalker.db") as ledger:
        scenes = _Scenes(stage=stage, telling=telling, ledger=ledger, settings=load(stage.config))
        scenes.declared()
        name = scenes.wanted(WANTED[story])
        scenes.launched(name)
        if story == "checkout":
            stopped, ending = None, Ending.WORKED
            scenes.scaled(name)
        else:
            stopped, ending = scenes.stopped(name), Ending.ROLLED_BACK
        case = scenes.ended(name, ending)
        return Tried(case=case, looks=tuple(_looks(case, change=1)), stopped_after_s=stopped, page=scenes.page())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scenes:
    """The scenes, in the order in which they are played."""

    stage: CheckoutStage
    telling: Telling
    ledger: Ledger
    settings: Settings
    told: set[int] = field(default_factory=set[int])  # entries of the history that were told already

    def declared(self) -> None:
        """The outcome is declared from its file, and activated once its signals are read."""
        stage, tell = self.stage, self.telling.tell
        head = stage.ground.shop.head()[:10]
        tell(f"the shop serves commit {head}, {stage.crowd.rate:g} users a second come to the last step")
        gauge = self._gauge()
        text = goal_file.text_in(stage.goal)
        goal = goal_file.read(text, str(stage.goal), self.telling.clock.now(), self.settings)
        signals = (goal.signal, *(limit.signal for limit in goal.constraints))
        pause(BEFORE_S)
        until(stage, "readings of the outcome", 60, lambda: _all(gauge.tell(one).value for one in signals))
        goals = Goals(ledger=LedgerGoals(self.ledger.database), clock=self.telling.clock)
        goals.declare(goal, text, BY)
        pursued, _ = goals.activate(goal.name, gauge, BY)
        tell(f"outcome {goal.name} is declared and active: {pursued.steps[-1].because}")

    def wanted(self, text: str) -> str:
        """The portfolio gate: a yes to the idea with that text, a no to the others. The case of the idea."""
        offered = until(self.stage, "three ideas at the portfolio gate", 60, self._offered)
        for case in offered:
            idea = case.hypothesis
            assert idea is not None  # noqa: S101 - `_offered` asks
            self.telling.tell(f"idea {idea.id} of the {idea.origin}: {idea.statement}", case.opened)
        chosen = next(case for case in offered if case.hypothesis and text in case.hypothesis.turn.treated)
        for case in offered:
            if case is not chosen:
                self._decide(case, Verdict.REJECT, "one text at a time, and not this one first")
        self._decide(chosen, Verdict.APPROVE, "build it")
        return chosen.id

    def launched(self, name: str) -> None:
        """The flag is built, proved, asked for, proposed, merged and deployed."""
        case = self._reach(name, "the launch gate", PROVED_S, lambda case: case.hold is Hold.GATE and bool(case.trials))
        self.telling.tell(trial_words(case.trials[-1]))
        self._decide(case, Verdict.APPROVE, "let it go live")
        self._merged(name, change=1)
        case = self._reach(name, "the deploy marker", 60, lambda case: case.phase is Phase.DEPLOYED)
        share = case.shows.share if case.shows else 0.0
        self.telling.tell(f"the marker says that it runs; {share:.0%} of users are shown it, and are looked at")

    def scaled(self, name: str) -> None:
        """The analysis gate, and the pull request that shows it to everybody."""
        case = self._reach(name, "the decision", MEASURED_S, lambda case: case.gate.endswith("-analysis"))
        assert case.judgement is not None  # noqa: S101 - the gate is about it
        self.telling.tell(f"decided: {case.judgement.because}")
        self._decide(case, Verdict.APPROVE, "everybody is to have it")
        self._merged(name, change=2)
        self._reach(name, "the deploy marker", 60, lambda case: case.phase in {Phase.DEPLOYED, Phase.CLOSED})
        self.telling.tell("the marker says that it runs; everybody is shown it, guardrails are watched on")

    def stopped(self, name: str) -> float:
        """The kill switch, and the pull request that takes the rest out; seconds from the breach to the last user."""
        case = self._reach(name, "a breach", MEASURED_S, lambda case: _killed(case) is not None)
        seen, event = _killed(case) or (self.telling.clock.now(), Killed(because=""))
        self.telling.tell(f"the kill switch: {event.because}", seen)
        head = self.stage.ground.shop.head
        before = case.merges[-1].sha
        sha = until(self.stage, "the commit that turns it off", 60, lambda: tip if (tip := head()) != before else None)
        self.telling.tell(f"commit {sha[:10]} on main shows everybody the control, without a review")
        until(self.stage, "the sidecar", 30, lambda: self.stage.sidecar.shown == sha or None)
        pause(SETTLED_S)
        came = last_shown(self.stage.record, "treated")
        after = came - seen.timestamp()
        self.telling.tell(f"the last user who was shown the treated text came {after:.1f} s after the breach was seen")
        self._merged(name, change=2)
        if last_shown(self.stage.record, "treated") != came:
            raise StoryFailed("users were shown the treated text after it was turned off")
        return after

    def ended(self, name: str, ending: Ending) -> Case:
        """The case closes as the story has it, with its lesson."""
        case = self._reach(name, "the end of the case", 90, lambda case: case.phase is Phase.CLOSED)
        if case.outcome is None or case.outcome.ending is not ending:
            raise StoryFailed(f"it was to end {ending}, and the case ended: {case.outcome}")
        self.telling.tell(f"outcome of the case: {case.outcome.ending}: {case.outcome.because}")
        if case.lesson is None:
            raise StoryFailed("the case ended without a lesson")
        self.telling.tell(f"lesson {case.lesson.id}: {case.lesson.text}")
        assert case.goal is not None  # noqa: S101 - an experiment's
        now = self._gauge().tell(case.goal.signal)
        if now.value is not None:
            self.telling.tell(f"{case.goal.signal} reads {figure(now.value)} now; {figure(case.goal.baseline)} before")
        return case

    def page(self) -> Path:
        """The page of outcomes as the dashboard has it, in the stage's folder."""
        from daemon.web.following import followed
        from daemon.web.frame import Reader
        from daemon.web.outcomes_page import outcomes_page

        whole = followed(self.ledger, self.settings, self.telling.clock, self._gauge())
        file = self.stage.folder / "outcomes.html"
        file.write_text(outcomes_page(whole, Reader(logins=False)))
        return file

    def _offered(self) -> list[Case] | None:
        found = [case for case in self.ledger.cases.active() if case.hypothesis and case.hold is Hold.GATE]
        return found if len(found) >= 3 else None  # noqa: PLR2004 - a portfolio

    def _decide(self, case: Case, verdict: Verdict, reason: str) -> None:
        """What a person types, or presses: the same way, in the script's name."""
        receivers = receivers_of(self.settings)
        decisions = Decisions(ledger=self.ledger, settings=self.settings, clock=self.telling.clock, receivers=receivers)
        decisions.take(Decision(of=case.gate, verdict=verdict, by=BY, reason=reason))
        self.telling.tell(f"the script says {verdict} at gate {case.gate}: {reason}")

    def _merged(self, name: str, *, change: int) -> None:
        """Wait for the pull request of a change, merge it as a reviewer does, and deploy it."""
        ground = self.stage.ground

        def is_proposed(case: Case) -> bool:
            return case.phase is Phase.PROPOSED and len(case.changes) >= change

        proposed = self._reach(name, f"pull request {change}", PROVED_S, is_proposed)
        if change > 1:
            self.telling.tell(trial_words(proposed.trials[-1]))
        found = until(self.stage, "it on the forge", 20, lambda: open_pull_request(ground.api))
        self.telling.tell(f"pull request #{found.number} “{found.title}” is open")
        pause(REVIEW_S)
        merged = ground.reviewer.merge_next(within=20)
        self.telling.tell(f"the script reviewed and merged #{merged.number} as {merged.sha[:10]}")
        deploy(self.stage, self.telling, merged.sha)
        self.telling.tell(f"deployed {merged.sha[:10]}")

    def _reach(self, name: str, scene: str, seconds: float, come: Callable[[Case], bool]) -> Case:
        """Wait until the case is there, telling each look that is kept meanwhile."""

        def look() -> Case | None:
            case = self.ledger.cases.load(name)
            self._tell_looks(case)
            if come(case):
                return case
            if case.phase is Phase.ESCALATED:
                raise StoryFailed(f"the case went to a human instead: {case.escalation}")
            if case.phase is Phase.CLOSED:
                raise StoryFailed(f"the case ended before {scene}: {case.outcome}")
            return None

        return until(self.stage, scene, seconds, look)

    def _tell_looks(self, case: Case) -> None:
        for place, entry in enumerate(case.history):
            if isinstance(entry.event, Looked) and entry.event.change == 1 and place not in self.told:
                self.told.add(place)
                self.telling.tell(f"look: {_words(entry.event)}", entry.at)

    def _gauge(self) -> Gauge:
        clock = self.telling.clock
        return Gauge(settings=self.settings, clock=clock, sources=sources_of(self.settings, clock))


def document(stage: CheckoutStage, telling: Telling, told: Tried, story: str) -> dict[str, Any]:
    """What `--json` ends with."""
    case = told.case
    shown, first = case_document(case), case.merges[0]
    return {
        "ok": True,
        "story": story,
        "parts": stage.parts,
        "timeline": [{"at": iso(at), "what": what} for at, what in telling.timeline],
        "case": shown,
        "pull_request": {"number": first.pull_request, "url": first.url, "sha": first.sha},
        "outcome": shown.get("outcome", {}),
        "lesson": {"id": case.lesson.id, "text": case.lesson.text} if case.lesson else {},
        "looks": [
            {"at": iso(at), "users": list(look.users), "lift": look.lift, "low": look.low, "high": look.high}
            for at, look in told.looks
        ],
        "stopped_after_seconds": None if told.stopped_after_s is None else round(told.stopped_after_s, 2),
    }


def _looks(case: Case, *, change: int) -> Iterator[tuple[datetime, Looked]]:
    for entry in case.history:
        if isinstance(entry.event, Looked) and entry.event.change == change:
            yield entry.at, entry.event


def _words(look: Looked) -> str:
    rails = ", ".join(f"{name} {known}" for name, known in look.safety.items())
    people = f"{look.users[1]:,} users were shown it, {look.users[0]:,} the control"
    if look.low is None or look.high is None or look.lift is None:
        return f"{people}; {look.because}"
    gain = f"gain {signed(look.lift)}, between {signed(look.low)} and {signed(look.high)}"
    return f"{people}; {gain}; {look.because}" + (f"; {rails}" if rails else "")


def _killed(case: Case) -> tuple[datetime, Killed] | None:
    return next(((entry.at, entry.event) for entry in case.history if isinstance(entry.event, Killed)), None)


def _all(values: Iterator[float | None]) -> bool | None:
    return all(value is not None for value in values) or None
