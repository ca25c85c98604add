"""Play a scenario through the real daemon on a given clock, from a quiet service to a pull request or a question."""

import logging
import os
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from cases.case import Case, Phase
from cases.diagnosis import Finding
from cases.ports import Clock, LanguageModel, Sandbox
from config.load import load
from config.settings import Settings
from daemon.app import App, running
from daemon.build import Outside, outside_of
from daemon.clock import ManualClock
from daemon.home import Home
from tests.parts.hub import UNHURRIED, git
from tests.scenarios.scenario import Scenario
from tests.scenarios.stage import Stage

WATCHES: Sequence[dict[str, str]] = (
    {"name": "errors", "query": "service_error_ratio", "harm": "up", "severity": "page"},
    {"name": "latency", "query": "service_latency_p95_seconds", "harm": "up", "severity": "page"},
    {"name": "requests", "query": "service_requests_per_second", "harm": "up"},
    {"name": "memory", "query": "process_resident_memory_bytes", "harm": "up"},
    {"name": "db-queries", "query": "db_queries_per_request", "harm": "up"},
    {"name": "outgoing-calls", "query": "outgoing_calls_per_second", "harm": "up"},
    {"name": "pool-waiting", "query": "db_pool_waiting", "harm": "up"},
    {"name": "cache-hits", "query": "cache_hit_ratio", "harm": "down"},
)
DECIDED = frozenset({Phase.PROPOSED, Phase.ESCALATED})
AFTERWARDS = 4  # steps that are played on after a question to a human: more may come to light
BYTES_A_TOKEN = 3  # the worst case by which the product reserves money


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """A pull request that was opened."""

    branch: str
    kind: str
    origin: str
    draft: bool
    title: str
    blames: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What a daemon made of a scenario, as it was seen from outside and in its ledger.

    seconds      from the turn that found the trouble to the pull request (or the question), the target's own tests
                 and the clock's given time left out; None where nothing was found
    cpu          the same in processor time, of the daemon and of the programs that it starts, the target's tests too
    minutes      of the scenario's time from the onset to the decision
    tokens       of the evidence pack, at three bytes each
    in_pack      whether the pack names the culprit; None where there is none
    place        the culprit's place among the suspects, 1 for the first; 0 where it is none of them
    """

    scenario: Scenario
    mode: str
    cases: int
    pulls: tuple[Pull, ...]
    convicted: tuple[int | None, ...]
    escalations: tuple[str, ...]
    frozen: tuple[str, ...]
    seconds: float | None
    cpu: float | None
    minutes: float | None
    tokens: int
    in_pack: bool | None
    place: int
    branches: tuple[str, ...]
    repository: Path
    asked: int = 0
    asked_tokens: int = 0
    usd: float = 0.0

    @property
    def decision(self) -> str:
        """In a word or two."""
        if self.frozen:
            return "frozen"
        if self.pulls:
            return "pull request"
        if self.escalations:
            return "a human"
        return "waits" if self.cases else "not seen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How it is played: the mode's name, its model, and its sandbox (None: the real one).

    watches  names of what is watched; empty is all of it
    """

    mode: str
    model: Callable[[Scenario], LanguageModel] | None = None
    sandbox: Callable[[], Sandbox] | None = None
    settings: dict[str, Any] | None = None
    watches: tuple[str, ...] = ()


@contextmanager
def _silent() -> Generator[None]:
    """A scenario is judged by what it left, not by its log."""
    own = logging.getLogger("trackwalker")
    level = own.level
    own.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        own.setLevel(level)


def play(stage: Stage, scenario: Scenario, way: Way) -> Played:
    """One life of a daemon over the scenario."""
    repository = stage.copied(scenario, way.mode)
    model = way.model(scenario) if way.model is not None else None

    def build(settings: Settings, home: Home, clock: Clock) -> Outside:
        runtime = "docker" if way.sandbox is None else "process"
        sandbox = settings.sandbox.model_copy(update={"runtime": runtime})
        outside = outside_of(settings.model_copy(update={"sandbox": sandbox}), home, clock, process_sandbox=True)
        return replace(outside, model=model, sandbox=way.sandbox() if way.sandbox else outside.sandbox)

    clock = ManualClock(scenario.watched)
    with tempfile.TemporaryDirectory(prefix=f"{scenario.name}-") as folder:
        settings = settings_of(stage, scenario, way, repository, Path(folder))
        with _silent(), running(settings, clock=clock, build=build) as app:
            spent = _through(app, clock, scenario)
            found = app.ledger.cases.listed(50)
            minutes = _minutes(found, scenario)
            branches = git(repository, "for-each-ref", "--format=%(refname:short)", "refs/heads/trackwalker/*")
            usd = app.ledger.spend.total().usd
    lived = Lived(found=tuple(found), spent=spent, minutes=minutes, branches=tuple(branches.decode().split()), usd=usd)
    return _played(stage, scenario, way, lived, repository, model)


def settings_of(stage: Stage, scenario: Scenario, way: Way, repository: Path, folder: Path) -> Settings:
    """What an operator of that service would have written down."""
    name = scenario.service
    full_name = f"{repository.parent.name}/{name}"
    document: dict[str, Any] = {
        "store": f"sqlite:///{folder}/ledger.db",
        "signals": {
            "prometheus": [{"name": "main", "url": stage.prometheus}],
            "loki": [{"name": "logs", "url": stage.loki, "selector": f'{{app="{name}"}}'}],
        },
        "watch": [{**one, "service": name, "query": f'{one["query"]}{{service="{name}"}}', "source": "main"}
                  for one in WATCHES if not way.watches or one["name"] in way.watches],
        "repositories": [
            {
                "name": name, "url": f"{stage.forge.url}/{full_name}.git", "full_name": full_name,
                **({"reproduce": scenario.reproduce} if scenario.reproduce else {}),
            }
        ],
        "deploys": [{"prometheus": "build_info", "source": "main"}],
        "forge": {"api_url": stage.forge.api_url, "token": "env:TOKEN", **UNHURRIED},
        "authority": {"default": "pull_request"},
        "runtime": {"executor": "inline"},
        "api": {"listen": "127.0.0.1:0"},
        "detection": {"history": "1d"},
        **(way.settings or {}),
    }  # fmt: skip
    path = folder / "trackwalker.yaml"
    path.write_text(yaml.safe_dump(document))
    return load(path)


def _through(app: App, clock: ManualClock, scenario: Scenario) -> tuple[float, float] | None:
    """Let the scenario's time go by until something is decided; the seconds and the work that it took to decide."""
    spent, worked, left = 0.0, 0.0, AFTERWARDS
    seen = decided = False
    while clock.now() < scenario.ends and left:
        began, work = time.perf_counter(), _work()
        app.cycle.turn()
        app.cycle.turn()  # what the poll found is taken up in the next turn
        took, work = time.perf_counter() - began, _work() - work
        found = app.ledger.cases.listed(50)
        if found and not decided:
            seen, spent, worked = True, spent + took, worked + work
        decided = bool(found) and all(case.phase in DECIDED or case.hold.name == "FROZEN" for case in found)
        if any(case.phase is Phase.PROPOSED for case in found):
            break
        left -= decided
        clock.advance(scenario.step)
    return (spent, worked) if seen else None


def _work() -> float:
    """Processor time so far, of this process and of those that ended below it, in seconds."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _minutes(found: Sequence[Case], scenario: Scenario) -> float | None:
    ends = [entry.at for case in found for entry in case.history[-1:]]
    return (max(ends) - scenario.onset) / timedelta(minutes=1) if ends else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """What one life left: its cases, the seconds and the work that deciding took, branches, money."""

    found: tuple[Case, ...]
    spent: tuple[float, float] | None
    minutes: float | None
    branches: tuple[str, ...]
    usd: float


def _played(
    stage: Stage, scenario: Scenario, way: Way, lived: Lived, repository: Path, model: LanguageModel | None
) -> Played:
    found, spent = lived.found, lived.spent
    own = sum(trial.own_seconds for case in found for trial in case.trials)
    questions = getattr(model, "asked", [])
    texts = [piece.text for question in questions for piece in question.material]
    culprit = scenario.truth.culprit
    sha = stage.shas[scenario.name][culprit] if culprit is not None else ""
    return Played(
        scenario=scenario,
        mode=way.mode,
        cases=len(found),
        pulls=tuple(_pull(stage, scenario, case) for case in found if case.proposals),
        convicted=tuple(
            stage.blamed(scenario, case.diagnosis.suspects[0].commit.sha)
            for case in found
            if case.diagnosis is not None and case.diagnosis.finding is Finding.SUSPECT
        ),
        escalations=tuple(case.escalation for case in found if case.phase is Phase.ESCALATED),
        frozen=tuple(case.hold_reason for case in found if case.hold.name == "FROZEN"),
        seconds=None if spent is None else spent[0] - own,
        cpu=None if spent is None else spent[1],
        minutes=lived.minutes,
        tokens=max((_tokens(case) for case in found), default=0),
        in_pack=_in_pack(found, scenario, sha),
        place=max((_place(case, sha) for case in found), default=0) if sha else 0,
        branches=lived.branches,
        repository=repository,
        asked=len(questions),
        asked_tokens=sum(len(text.encode()) for text in texts) // BYTES_A_TOKEN,
        usd=lived.usd,
    )


def _pull(stage: Stage, scenario: Scenario, case: Case) -> Pull:
    change = case.change
    blamed = change.blames or change.inverse_of
    trial = case.trial
    return Pull(
        branch=change.branch(case.id),
        kind=str(change.kind),
        origin=change.origin,
        draft=trial is None or str(trial.claim) != "proved",
        title=change.title,
        blames=stage.blamed(scenario, blamed) if blamed else None,
    )


def _tokens(case: Case) -> int:
    facts = case.diagnosis.facts if case.diagnosis is not None else ()
    return sum(len(f"{fact.id}: {fact.fact}\n".encode()) for fact in facts) // BYTES_A_TOKEN


def _in_pack(found: Sequence[Case], scenario: Scenario, sha: str) -> bool | None:
    facts = [fact.fact for case in found if case.diagnosis is not None for fact in case.diagnosis.facts]
    if sha:
        return any(sha[:7] in fact for fact in facts)
    mending = scenario.truth.mending
    if mending is None:
        return None
    return any(mending.path in fact and mending.function in fact for fact in facts)


def _place(case: Case, sha: str) -> int:
    suspects = case.diagnosis.suspects if case.diagnosis is not None else ()
    return next((place for place, one in enumerate(suspects, start=1) if one.commit.sha == sha), 0)
