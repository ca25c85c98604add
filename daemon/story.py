"""The story that `trackwalker demo` plays, and that the acceptance test judges by what left the process.

Traffic flows; a bad commit is merged among innocent ones and deployed; the error ratio rises; Trackwalker finds it,
names the culprit, proves the revert and opens a pull request; a reviewer merges it; the service redeploys; the metric
recovers; the outcome and the lesson are kept.
"""

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from cases.case import Case, Phase
from cases.errors import TrackwalkerError
from cases.events import Diagnosed, Disproved, Proved
from cases.moments import iso
from cases.outcome import Ending
from cases.ports import Clock
from cases.telemetry import Deploy
from cases.verdict import Trial
from daemon.ledger.ledger import Ledger, open_ledger
from daemon.report import case_document
from daemon.stage import Stage
from demo.deployment import Deployer
from demo.faults import BAD_MERGE, WRONG_VALUE, Scenario
from demo.forge_api import ForgeApi, OpenPullRequest
from demo.telemetry import Telemetry

T = TypeVar("T")
SCENARIOS = {"loop": BAD_MERGE, "wrong-value": WRONG_VALUE}
"""The stories by the name that the command line has for them."""

HEALTHY_S = 16.0  # live traffic before the fault
DECOY_S = 4.0  # from the bad deploy to the decoy's
REVIEW_S = 25.0  # what the reviewer takes to read: long enough to know how bad it is
POLL_S = 0.2
BEFORE_ONSET = timedelta(seconds=45)  # how much of what was normal the picture shows


class StoryFailed(TrackwalkerError):  # noqa: N818 - it reads as what happened
    """The story did not come to its next scene in time."""


@dataclass(slots=True)
class Telling:
    """What has happened so far; `say` hears each line as it happens."""

    clock: Clock
    say: Callable[[datetime, str], None]
    timeline: list[tuple[datetime, str]] = field(default_factory=list[tuple[datetime, str]])
    deploys: list[Deploy] = field(default_factory=list[Deploy])

    def tell(self, what: str, at: datetime | None = None) -> datetime:
        """Add a line; `at` is now unless the world dated it."""
        moment = at or self.clock.now()
        self.timeline.append((moment, what))
        self.say(moment, what)
        return moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the story came to."""

    case: Case
    pull_request: dict[str, Any]
    plot: Path
    opened_after_s: float  # anomaly seen → pull request open, without the target's own commands


class Set(Protocol):
    """What any stage has: what may die, and where its files are."""

    @property
    def folder(self) -> Path:
        """Where everything of it lies."""
        ...

    @property
    def deployer(self) -> Deployer:
        """What runs the shop."""
        ...

    @property
    def telemetry(self) -> Telemetry:
        """What measures it."""
        ...


Daemon = Callable[[Path], AbstractContextManager[None]]


@contextmanager
def in_this_process(config: Path) -> Generator[None]:
    """The daemon in a thread of this process, from its own config file."""
    from config.load import load
    from daemon.app import running
    from daemon.build import outside_of
    from daemon.clock import SystemClock

    clock = SystemClock()
    with running(load(config), clock=clock, build=partial(outside_of, process_sandbox=True)) as app:
        thread = threading.Thread(target=app.cycle.run, name="cycle")
        thread.start()
        try:
            yield
        finally:
            clock.wake()
            thread.join()


def play(stage: Stage, telling: Telling, daemon: Daemon = in_this_process, scenario: Scenario = BAD_MERGE) -> Told:
    """Play the story to its end. Raises StoryFailed with the scene that did not come."""
    with daemon(stage.config), open_ledger(f"sqlite:///{stage.folder}/trackwalker.db") as ledger:
        telling.tell(f"the shop serves commit {stage.shop.head()[:10]}, customers come, Trackwalker watches")
        pause(HEALTHY_S)
        _break_it(stage, telling, scenario)
        case = _proposed(stage, telling, ledger)
        opened_after = _merge_it(stage, telling, case)
        case = _closed(stage, telling, ledger, case)
    return Told(
        case=case,
        pull_request={"number": case.merges[0].pull_request, "url": case.merges[0].url, "sha": case.merges[0].sha},
        plot=_plot(stage, case, telling.deploys),
        opened_after_s=opened_after,
    )


def _break_it(stage: Stage, telling: Telling, scenario: Scenario) -> None:
    for commit in scenario.deployed:
        sha = stage.shop.merge_pull_request(commit)
        telling.tell(f"merged {sha[:10]} “{commit.title}”" + ("  ← the bad one" if commit is scenario.accused else ""))
    deploy(stage, telling, stage.shop.head())
    telling.tell(f"deployed {stage.shop.head()[:10]}: all {len(scenario.deployed)} run now")
    for decoy in scenario.later:
        pause(DECOY_S)
        sha = stage.shop.merge_pull_request(decoy)
        deploy(stage, telling, sha)
        telling.tell(f"merged and deployed {sha[:10]} “{decoy.title}”, an innocent decoy")


def deploy(stage: Set, telling: Telling, sha: str) -> None:
    """Deploy a commit, and note it."""
    stage.deployer.deploy(sha)
    telling.deploys.append(Deploy(service="shop", commit=sha, started=telling.clock.now(), source="the stage"))


def _proposed(stage: Stage, telling: Telling, ledger: Ledger) -> Case:
    case = until(stage, "an anomaly that opens a case", 60, lambda: next(iter(ledger.cases.active()), None))
    anomaly = case.anomaly
    telling.tell(
        f"case {case.id}: {anomaly.signal.name} reads {anomaly.value:.3f}, "
        f"expected {anomaly.low:.3f} to {anomaly.high:.3f}",
        case.opened,
    )
    case = until(stage, "a pull request", 90, lambda: at_phase(ledger, case.id, {Phase.PROPOSED, Phase.ESCALATED}))
    if case.phase is Phase.ESCALATED:
        raise StoryFailed(f"the case went to a human instead: {case.escalation}")
    _tell_diagnosis(case, telling)
    return case


def _tell_diagnosis(case: Case, telling: Telling) -> None:
    for entry in case.history:
        match entry.event:
            case Diagnosed(diagnosis=diagnosis):
                ranked = ", ".join(f"{s.commit.short} ({s.score:.2f})" for s in diagnosis.suspects[:4])
                telling.tell(f"suspects: {ranked}", entry.at)
            case Proved(trial=trial) | Disproved(trial=trial):
                telling.tell(trial_words(trial), entry.at)
            case _:
                continue


def trial_words(trial: Trial) -> str:
    """What the sandbox found."""
    checks = "; ".join(
        f"{check.name.lower()} {check.base} → {check.change}" if check.base else f"{check.name.lower()}: {check.change}"
        for check in trial.checks
    )
    return f"tried change {trial.change} in the sandbox: {trial.claim}; {checks}"


def _merge_it(stage: Stage, telling: Telling, case: Case) -> float:
    """Wait for the pull request, review it and deploy it; seconds from the anomaly to the open pull request."""
    found = until(stage, "the pull request on the forge", 20, lambda: open_pull_request(stage.api))
    took = (telling.clock.now() - case.opened).total_seconds() - sum(trial.own_seconds for trial in case.trials)
    draft = ", as a draft" if found.draft else ""
    telling.tell(f"pull request #{found.number} “{found.title}” is open{draft}")
    # a daemon that dies with a notice in hand leaves it due a minute later
    until(stage, "a message on the pager", 80, lambda: len(stage.pager.messages) > 1 or None)
    for message in stage.pager.messages:
        telling.tell(f"on call was told: {message.splitlines()[0]}")
    pause(REVIEW_S)
    merged = stage.reviewer.merge_next(within=20)
    ready = "marked it ready and " if merged.draft else ""
    telling.tell(f"the reviewer {ready}merged #{merged.number} as {merged.sha[:10]}")
    deploy(stage, telling, merged.sha)
    telling.tell(f"deployed {merged.sha[:10]}")
    return took


def open_pull_request(api: ForgeApi) -> OpenPullRequest | None:
    """The oldest pull request of ours that is open."""
    return next(iter(api.open_pull_requests(label="trackwalker")), None)


def _closed(stage: Stage, telling: Telling, ledger: Ledger, case: Case) -> Case:
    running = until(stage, "the deploy marker", 60, lambda: at_phase(ledger, case.id, {Phase.DEPLOYED, Phase.CLOSED}))
    telling.tell(f"the marker says that it runs since {iso(running.deploys[-1].started)}; the watch begins")
    ended = until(stage, "the judgement", 150, lambda: at_phase(ledger, case.id, {Phase.CLOSED}))
    if ended.outcome is None or ended.outcome.ending is not Ending.WORKED:
        raise StoryFailed(f"the change was to work, and the case ended: {ended.outcome}")
    telling.tell(f"outcome: {ended.outcome.ending}: {ended.outcome.because}")
    if ended.lesson:
        telling.tell(f"lesson {ended.lesson.id}: {ended.lesson.text}")
    return ended


def at_phase(ledger: Ledger, case_id: str, phases: set[Phase]) -> Case | None:
    """The case, once it is in one of the phases."""
    case = ledger.cases.load(case_id)
    return case if case.phase in phases else None


def pause(seconds: float) -> None:
    """Let the story go on by itself for a while."""
    threading.Event().wait(seconds)


def until(stage: Set, scene: str, seconds: float, look: Callable[[], T | None]) -> T:
    """Look until there is something; the world is checked as well, so that a dead part shows as itself."""
    for _ in range(int(seconds / POLL_S)):
        found = look()
        if found is not None:
            return found
        stage.deployer.check()
        stage.telemetry.check()
        pause(POLL_S)
    raise StoryFailed(f"waited {seconds:.0f} s for {scene}, in vain; the files are in {stage.folder} with --keep")


def _plot(stage: Stage, case: Case, deploys: Sequence[Deploy]) -> Path:
    """Draw the whole story into the stage's folder, from the stage's own telemetry."""
    from cases.moments import milliseconds
    from cases.telemetry import Direction
    from config.load import load
    from daemon.build import sources_of
    from inference.interruption import Interruption, ItsSettings
    from remediation.picture import draw_outcome
    from remediation.reading import of_anomaly
    from remediation.seen import Judged

    settings = load(stage.config)
    signal, judgement = case.anomaly.signal, settings.judgement
    source = sources_of(settings)[signal.source]
    onset, end = case.anomaly.onset, case.history[-1].at
    shown = source.read(signal, onset - BEFORE_ONSET, end, timedelta(seconds=1))
    used = source.read(signal, onset - judgement.history, end, judgement.step)
    reading, judged = (of_anomaly(block, case.anomaly) for block in (shown, used))
    its = ItsSettings(
        alpha=judgement.alpha,
        warm_up=judgement.warm_up / timedelta(milliseconds=1),
        min_samples=judgement.min_samples,
        holds=judgement.holds,
    )
    drawn = stage.folder / "story.png"
    event = Interruption(
        deploy=milliseconds(case.deploys[-1].started),
        harm="up" if (signal.harm or case.anomaly.direction) is Direction.UP else "down",
        anomaly=(milliseconds(onset), None),
    )
    basis = Judged(event=event, times=judged.times, values=judged.values)
    drawn.write_bytes(draw_outcome(case, reading, basis, deploys, its, case.judgement))
    return drawn


def document(stage: Stage, telling: Telling, told: Told, story: str = "loop") -> dict[str, Any]:
    """What `--json` ends with."""
    case = told.case
    shown = case_document(case)
    return {
        "ok": True,
        "story": story,
        "parts": stage.parts,
        "timeline": [{"at": iso(at), "what": what} for at, what in telling.timeline],
        "case": shown,
        "pull_request": {**told.pull_request, "opened_after_seconds": round(told.opened_after_s, 1)},
        "outcome": shown.get("outcome", {}),
        "lesson": {"id": case.lesson.id, "text": case.lesson.text} if case.lesson else {},
        "plot": str(told.plot),
    }
