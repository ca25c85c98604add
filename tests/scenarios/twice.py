"""A scenario's fault, and the very same one two days later: one daemon, one ledger, a human who merges each time.

The second time somebody takes the mending out again, among innocent work of the same kind as the first time; where code
was mended that nobody had just changed, it was taken out before anybody looks, and only the input brings it out. The
telemetry is the scenario's, and then its again. What a model answers depends on nothing but what it is shown.
"""

import json
import logging
import re
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from cases.asking import Question
from cases.case import Case, Phase
from cases.moments import EPOCH, milliseconds
from cases.ports import Clock
from cases.telemetry import Deploy
from config.settings import Settings
from daemon.app import App, running
from daemon.build import Outside, outside_of
from daemon.clock import ManualClock, SystemClock
from daemon.home import Home
from demo.loki import standin
from remediation.forge.local.server import serve
from remediation.packing import tokens
from signals.recorded import RecordedMarkers, RecordedSource, Recording
from tests.parts.hub import TOKEN, git
from tests.parts.loki import put
from tests.scenarios.bench import plain_bench
from tests.scenarios.making import PAST
from tests.scenarios.models import Said, Talking, facts
from tests.scenarios.playing import WATCHES, Way, settings_of
from tests.scenarios.scenario import Mending, Scenario
from tests.scenarios.stage import Stage, write_repository

MERGED = 40
"""Minutes from the onset to the human's merge."""
LATER = 2880
"""Minutes from the first onset to the second."""
RESTED = 1440  # minutes: until then a day is like the one before it, and then like those before the second onset
LATENT = 1800  # minutes before the second onset at which code that nobody looks at is as it was
JUDGED = {
    "history": "1d",
    "warm_up": "2m",
    "window": "3h",
    "act_within": "3h",
    "look_every": "1m",
    "deploy_wait": "15m",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one case took until its pull request was open: tokens are three bytes of what was asked and answered."""

    asked: tuple[str, ...]
    tokens_in: int
    tokens_out: int
    trials: int
    seconds: float

    @property
    def tokens(self) -> int:
        """What was bought."""
        return self.tokens_in + self.tokens_out


@dataclass(frozen=True, slots=True, kw_only=True)
class Twice:
    """Both cases of a fault, and what each took. `second` is None where the first one did not end well."""

    scenario: Scenario
    first: Case
    before: Cost
    second: Case | None = None
    after: Cost | None = None
    text: str = ""


class Reader:
    """Answers from what stands in the question alone: whoever shows it code that it knows to be wrong has it mended."""

    def __init__(self, known: Sequence[Mending]) -> None:
        self._known = known

    def __call__(self, question: Question) -> Said:
        """The answer to one question."""
        shown = "\n".join(piece.text for piece in question.material)
        mending = next((one for one in self._known if one.search in shown and one.path in shown), None)
        if question.name == "diagnose":
            return _diagnosed(question, mending)
        if question.name == "review":
            return {"verdict": "pass"}
        if mending is None:
            return {"cannot": "nothing that is shown is known to be wrong"}
        test = {"path": mending.test_path, "content": mending.test}
        if question.name == "reproduce":
            return {"test": test}
        edits = [{"path": mending.path, "search": mending.search, "replace": mending.replace}]
        return {"edits": edits, "test": test, "claim": "what is shown takes too little", "risk": "none seen"}


def _diagnosed(question: Question, mending: Mending | None) -> Said:
    told = facts(question)
    if mending is not None:
        ids = [number for number, text in told if mending.path in text] or ["E1"]
        place = {"path": mending.path, "function": mending.function, "evidence": ids[:3], "confidence": 0.9}
        return {"verdict": "hypotheses", "hypotheses": [{"statement": "it takes too little", **place}]}
    linked = [(number, text) for number, text in told if re.match(r"[0-9a-f]{10} “", text) and "; " in text]
    if not linked:
        return {"verdict": "none", "missing": "no commit that is shown is linked to it"}
    number, text = linked[0]
    said = {"kind": "change", "commit": text[:10], "evidence": [number], "confidence": 0.7}
    return {"verdict": "hypotheses", "hypotheses": [{"statement": "it is linked to the trouble", **said}]}


def played_twice(folder: Path, scenario: Scenario, known: Sequence[Mending]) -> Twice:
    """Play the fault, merge what is proposed, wait for its judgement, and play the fault again."""
    scenario = _today(scenario)  # the forge says by its own clock when something was merged
    name = scenario.service
    shas = write_repository(scenario, folder / "forge" / "acme" / f"{name}.git")
    deploys = [
        Deploy(service=name, commit=shas[d.commit], started=d.at, source="build_info on main") for d in scenario.deploys
    ]
    model = Talking("reader", Reader(known))
    clock = ManualClock(scenario.watched)
    with (
        serve(folder / "forge", "127.0.0.1:0", TOKEN) as forge,
        standin.LokiStandIn(now=clock.now) as log,
        tempfile.TemporaryDirectory(prefix=f"{name}-") as home,
    ):
        put(log, {"app": name}, _lines(scenario))
        stage = Stage(folder=folder, prometheus="http://127.0.0.1:9", loki=log.url, forge=forge, shas={})
        repository = folder / "forge" / "acme" / f"{name}.git"
        settings = settings_of(stage, scenario, Way(mode="twice", settings=_further()), repository, Path(home))

        def build(settings: Settings, home: Home, clock: Clock) -> Outside:
            sandbox = settings.sandbox.model_copy(update={"runtime": "process"})
            outside = outside_of(settings.model_copy(update={"sandbox": sandbox}), home, clock, process_sandbox=True)
            source = RecordedSource(name="main", recordings=_recordings(scenario), look_back=timedelta(minutes=2))
            changes = RecordedMarkers(recorded=deploys)
            return replace(outside, sources={"main": source}, changes=changes, model=model, sandbox=plain_bench())

        logging.getLogger("trackwalker").setLevel(logging.CRITICAL)
        with running(settings, clock=clock, build=build) as app:
            it = _Playing(app, clock, scenario, model, deploys, shas, repository, forge.api_url)
            return it.through()


def _further() -> dict[str, Any]:
    limits = {"prs_per_hour": 10, "prs_open": 10}
    return {"judgement": JUDGED, "pull_requests": {"dashboard": False}, "budget": limits}


@dataclass(slots=True)
class _Playing:
    app: App
    clock: ManualClock
    scenario: Scenario
    model: Talking
    deploys: list[Deploy]
    shas: Sequence[str]
    repository: Path
    api_url: str

    def through(self) -> Twice:
        """Both times."""
        first, before, _ = self._once(0)
        if first.phase is not Phase.PROPOSED:
            return Twice(scenario=self.scenario, first=first, before=before)
        sha = self._merge(first)
        self._turns(lambda: self._case().phase is Phase.CLOSED, self.at(MERGED + 240))
        closed = self._case()
        if closed.outcome is None or str(closed.outcome.ending) != "worked":
            return Twice(scenario=self.scenario, first=closed, before=before)
        self._relapse(sha)
        self.clock.advance(self.at(LATER) + (self.scenario.watched - self.scenario.onset) - self.clock.now())
        second, after, text = self._once(LATER, closed.id)
        return Twice(scenario=self.scenario, first=closed, before=before, second=second, after=after, text=text)

    def at(self, minute: float) -> datetime:
        """The moment of a minute after the first onset."""
        return self.scenario.onset + timedelta(minutes=minute)

    def _once(self, shift: int, other: str = "") -> tuple[Case, Cost, str]:
        asked, told, seconds = len(self.model.asked), len(self.model.told), 0.0
        ends = self.at(shift + MERGED)
        while self.clock.now() < ends:
            began = time.perf_counter()
            self.app.cycle.turn()
            self.app.cycle.turn()
            found = [case for case in self.app.ledger.cases.listed(1) if case.id != other]
            seconds += time.perf_counter() - began if found else 0
            if found and found[0].phase is Phase.PROPOSED:
                break
            self.clock.advance(self.scenario.step)
        case = self._case()
        questions, said = self.model.asked[asked:], self.model.told[told:]
        cost = Cost(
            asked=tuple(question.purpose for question in questions),
            tokens_in=sum(tokens(_bytes(question)) for question in questions),
            tokens_out=sum(tokens(len(json.dumps(answer).encode())) for _, answer in said),
            trials=len(case.trials),
            seconds=seconds,
        )
        found_pull = [
            pull["body"] or "" for pull in self._pulls() if pull["head"]["ref"].startswith(f"trackwalker/{case.id}-")
        ]
        return case, cost, found_pull[0] if found_pull else ""

    def _case(self) -> Case:
        return self.app.ledger.cases.listed(1)[0]

    def _pulls(self) -> list[dict[str, Any]]:
        return self._ask("GET", "/pulls?state=all")

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
        url = f"{self.api_url}/repos/acme/{self.scenario.service}{path}"
        answer = httpx.request(method, url, headers={"Authorization": f"token {TOKEN}"}, json=body, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def _merge(self, case: Case) -> str:
        """A human merges at the agreed minute, and it is deployed at once."""
        if self.clock.now() < self.at(MERGED):
            self.clock.advance(self.at(MERGED) - self.clock.now())
        (pull,) = (one for one in self._pulls() if one["head"]["ref"] == case.change.branch(case.id))
        if pull["draft"]:
            self._ask("PATCH", f"/pulls/{pull['number']}", {"draft": False})
        sha: str = self._ask("PUT", f"/pulls/{pull['number']}/merge", {"merge_method": "merge"})["sha"]
        self._deploy(sha, self.clock.now() + timedelta(seconds=30))
        return sha

    def _turns(self, done: Callable[[], bool], until: datetime) -> None:
        while self.clock.now() < until and not done():
            self.clock.advance(timedelta(minutes=1))
            self.app.cycle.turn()
            self.app.cycle.turn()

    def _deploy(self, sha: str, at: datetime) -> None:
        self.deploys.append(Deploy(service=self.scenario.service, commit=sha, started=at, source="build_info on main"))

    def _relapse(self, merge: str) -> None:
        """The mending is taken out again, among work like the first time's."""
        it, truth = self.scenario, self.scenario.truth
        old = truth.mending is not None
        if old:
            self._deploy(
                self._undo(merge, self.at(LATER - LATENT - 20), "Merge a branch from before"), self.at(LATER - LATENT)
            )
        for deploy in [one for one in it.deploys if self.at(-300) < one.at <= it.onset]:
            at = deploy.at + timedelta(minutes=LATER)
            if deploy.commit == truth.culprit and not old:
                sha = self._undo(merge, at - timedelta(minutes=10), f"{it.commits[deploy.commit].title} once more")
            else:
                sha = self._touch(deploy.commit, at - timedelta(minutes=10))
            self._deploy(sha, at)

    def _undo(self, merge: str, at: datetime, title: str) -> str:
        """What the merge brought is as it was before, and nothing else."""
        names = git(self.repository, "diff", "--name-only", f"{merge}^1", merge).decode().split()
        before = git(self.repository, "ls-tree", "-r", "--name-only", f"{merge}^1").decode().split()
        held = {path: git(self.repository, "show", f"{merge}^1:{path}") if path in before else None for path in names}
        return self._commit(held, at, title)

    def _touch(self, number: int, at: datetime) -> str:
        """Innocent work on the files that an innocent commit touched the first time."""
        commit = self.scenario.commits[number]
        mark = b"\n\nTOUCHED = %d\n" % _seconds(at)
        code = [path for path in commit.files if path.endswith(".py")]
        return self._commit(
            {path: git(self.repository, "show", f"main:{path}") + mark for path in code}, at, f"{commit.title} again"
        )

    def _commit(self, held: Mapping[str, bytes | None], at: datetime, title: str) -> str:
        tip = git(self.repository, "rev-parse", "main").strip()
        lines = [b"commit refs/heads/main", b"committer Noor <noor@example.com> %d +0000" % _seconds(at)]
        lines += [b"data %d\n%s" % (len(title.encode()), title.encode()), b"from " + tip]
        for path, text in held.items():
            name = path.encode()
            gone = b"D " + name
            lines.append(gone if text is None else b"M 100644 inline %s\ndata %d\n%s" % (name, len(text), text))
        git(self.repository, "fast-import", "--quiet", "--force", stdin=b"\n".join([*lines, b""]))
        return git(self.repository, "rev-parse", "main").decode().strip()


def _today(scenario: Scenario) -> Scenario:
    """The same as if it were watched from now on."""
    by = timedelta(minutes=round((SystemClock().now() - scenario.watched) / timedelta(minutes=1)))
    return replace(
        scenario,
        commits=tuple(replace(one, at=one.at + by) for one in scenario.commits),
        deploys=tuple(replace(one, at=one.at + by) for one in scenario.deploys),
        log=tuple(replace(one, at=one.at + by) for one in scenario.log),
        begins=scenario.begins + by,
        watched=scenario.watched + by,
        onset=scenario.onset + by,
        ends=scenario.ends + by,
    )


def _seconds(at: datetime) -> int:
    return round((at - EPOCH).total_seconds())


def _bytes(question: Question) -> int:
    schema = len(json.dumps(question.schema).encode())
    told = sum(len(f"{piece.title}{piece.source}{piece.text}".encode()) for piece in question.material)
    return len(question.task.encode()) + schema + told


def _recordings(scenario: Scenario) -> dict[str, Recording]:
    minutes = np.arange(-PAST, LATER + MERGED + 20)  # after the first onset
    like = np.where(minutes < MERGED + 2, minutes, np.where(minutes < RESTED, minutes - RESTED, minutes - LATER))
    begins = milliseconds(scenario.begins)
    times = begins + (minutes + PAST) * 60_000
    found: dict[str, Recording] = {}
    for watch in WATCHES:
        mine = [one for one in scenario.series if one.metric == watch["query"]]
        values = np.array([np.array(one.values)[like + PAST] for one in mine])
        labels = tuple({"service": scenario.service, **one.labels} for one in mine)
        query = f'{watch["query"]}{{service="{scenario.service}"}}'
        found[query] = Recording(times=times.astype(np.int64), values=values, labels=labels)
    return found


def _lines(scenario: Scenario) -> list[tuple[int, str]]:
    """The scenario's log until the merge, and again from an hour before the second onset."""
    ends = scenario.onset + timedelta(minutes=MERGED + 2)
    later = timedelta(minutes=LATER)
    told = [(line.at, line.text) for line in scenario.log if line.at < ends]
    told += [(line.at + later, line.text) for line in scenario.log]
    return [(_seconds(at) * 1_000_000_000 + at.microsecond * 1000, text) for at, text in sorted(told)]
