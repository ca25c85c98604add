"""Two hundred things that people do to pull requests, told in random order, each twice: the ledger says what is true.

What the forge tells comes late, out of order, repeated, forged or never; what counts is what the forge shows when it is
asked.
"""

import random
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cases.case import Case, Phase
from cases.change import FileEdit
from cases.events import Diagnosed, Drafted, Entry, Opened, Proved
from cases.pull_request import PullRequestState
from cases.pull_request_events import ClosedUnmerged, Merged, Proposed, TakenOver
from cases.steps import OpenPullRequest, PushBranch
from config.secret import Secret
from daemon.api.deliveries import FORGE, FORGE_KEPT, Deliveries
from daemon.api.forge_webhook import ForgeWebhook
from daemon.clock import ManualClock, SystemClock
from daemon.ledger.ledger import Ledger, open_ledger
from daemon.observe.metrics import Metrics
from daemon.worker import Worker
from detectors.suspects import rank
from remediation.ports import Ports
from remediation.way import step
from sandbox.scripted import ScriptedSandbox
from signals.deploys import AllMarkers
from signals.recorded import NoLogs
from tests.parts.hooks import HOOK_KEY, Delivery, of_comment, of_pull, of_push, signed
from tests.parts.hub import World, world
from tests.parts.nouns import a_change, a_diagnosis, a_trial, an_anomaly
from tests.parts.settings import some_settings

ROUNDS = 4
LEASE = timedelta(seconds=30)
OFTEN = ("comment", "label", "base moves", "close and reopen")
SELDOM = ("review", "commit", "close", "merge", "delete")
ENDS = frozenset({"close", "merge", "delete"})


@dataclass
class Desk:
    """Cases with open pull requests, a worker that polls, a door for hints, and people at the forge."""

    there: World
    ledger: Ledger
    clock: ManualClock
    worker: Worker
    hook: ForgeWebhook
    luck: random.Random
    numbers: dict[str, int] = field(default_factory=dict[str, int])  # case → pull request
    did: Counter[str] = field(default_factory=Counter[str])
    told: Counter[str] = field(default_factory=Counter[str])

    def open(self, index: int) -> None:
        """A case whose pull request is about to be opened."""
        case_id, forge, now = f"{index:08x}", self.there.forge, self.clock.now()
        anomaly = an_anomaly(f"errors{index}")
        part = forge.part("shop", forge.head("shop"), [FileEdit(path=f"f{index}.txt", content=b"new\n")])
        change = replace(a_change(), parts=(part,), inverse_of=None)
        branch = change.branch(case_id)
        opened = Opened(case_id=case_id, service="shop", fingerprint=anomaly.fingerprint, anomaly=anomaly)
        store = self.ledger.cases
        store.open(Entry(at=now, actor="daemon", event=opened), (), now)
        claimed = store.claim("one", now, LEASE)
        assert claimed is not None
        events = (
            Diagnosed(diagnosis=a_diagnosis()),
            Drafted(change=change),
            Proved(trial=a_trial()),
            Proposed(change=1, repository="shop", branch=branch),
        )
        key = f"{case_id}-1"
        effects = (
            PushBranch(
                key=f"{key}-branch", repository="shop", branch=branch, base=part.base, edits=part.edits, message="M\n"
            ),
            OpenPullRequest(
                key=f"{key}-pull-request", repository="shop", branch=branch, title="T", body="B", labels=(), draft=False
            ),
        )
        entries = [Entry(at=now, actor="daemon", event=event) for event in events]
        store.release(store.commit(claimed, entries, effects, now), now)
        self.poll()
        receipt = self.ledger.outbox.receipt(f"{key}-pull-request")
        assert receipt is not None
        self.numbers[case_id] = int(receipt.facts["number"])

    def poll(self) -> None:
        """Work whatever is due."""
        while (claimed := self.ledger.cases.claim("one", self.clock.now(), LEASE)) is not None:
            self.worker.work(claimed)

    def api(self, method: str, path: str, **json: Any) -> Any:  # noqa: ANN401 - JSON
        answer = self.there.ask(method, path, json=json or None)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def pull(self, case_id: str) -> dict[str, Any]:
        """As much of the pull request as its messages need."""
        shown = self.api("GET", f"/issues/{self.numbers[case_id]}")
        ends = {"head": {"ref": f"trackwalker/{case_id}-1"}, "base": {"repo": {"full_name": "acme/shop"}}}
        return {name: shown[name] for name in ("number", "state", "url", "updated_at")} | ends

    def do(self, case_id: str) -> list[Delivery]:
        """Something that a human does to a pull request, and what the forge sends of it."""
        number = self.numbers[case_id]
        pull = self.pull(case_id)
        doing = self.luck.choice(SELDOM if self.luck.random() < max(0.1, len(self.numbers) / 100) else OFTEN)
        if pull["state"] != "open":
            doing = "comment"
        self.did[doing] += 1
        told: list[Delivery] = []
        match doing:
            case "comment":
                return [of_comment(pull, self.api("POST", f"/issues/{number}/comments", body="Hm."))]
            case "review":
                self.api("POST", f"/pulls/{number}/reviews", event="COMMENT", body="Hm.")
            case "label":
                self.api("POST", f"/issues/{number}/labels", labels=["seen"])
            case "base moves":
                self.there.hub.commit("Aside", {f"aside{self.did[doing]}.txt": b"1\n"})
            case "close and reopen":
                self.api("PATCH", f"/issues/{number}", state="closed")
                told.append(of_pull(self.pull(case_id), "closed"))
                self.api("PATCH", f"/issues/{number}", state="open")
            case "commit":
                self.there.hub.commit("Mine", {f"mine{number}.txt": b"1\n"}, branch=pull["head"]["ref"])
                told.append(of_push(pull, int(SystemClock().now().timestamp())))
            case "close":
                self.api("PATCH", f"/issues/{number}", state="closed")
            case "merge":
                self.api("PUT", f"/pulls/{number}/merge", merge_method="squash")
            case _:
                self.api("DELETE", f"/git/refs/heads/{pull['head']['ref']}")
                told.append(of_push(pull, int(SystemClock().now().timestamp()), deleted=True))
        return [*told, of_pull(self.pull(case_id), doing)]

    def tell(self, delivery: Delivery) -> None:
        """Send it, and with some luck a forged one and a replayed one beside it, which move nothing."""
        answer = delivery.send(self.hook)
        assert isinstance(answer, dict)
        self.told["hint" if answer["hint"] else str(answer["because"])] += 1
        if self.luck.random() < 0.2:
            assert delivery.send(self.hook, x_hub_signature_256=signed(delivery.body, "stolen")) == 401
            again = replace(delivery, number=f"again-{self.luck.random()}").send(self.hook)
            assert isinstance(again, dict)
            assert not again["hint"]


@contextmanager
def a_desk(folder: Path, seed: int) -> Generator[Desk]:
    clock = ManualClock(SystemClock().now())
    settings = some_settings(model={"provider": "none"})
    with (
        world(folder, around=lambda plain: plain) as there,
        open_ledger(f"sqlite:///{folder}/ledger.db", clock=clock) as ledger,
    ):
        there.hub.commit("Begin", {"a.txt": b"1\n"})
        ports = Ports(
            clock=clock, settings=settings, signals={}, changes=AllMarkers(parts=()), rank=rank, forge=there.forge,
            sandbox=ScriptedSandbox({}), lessons=ledger.lessons, cases=ledger.cases, outbox=ledger.outbox,
            receivers=(), logs=NoLogs(), watched=settings.watched,
        )  # fmt: skip
        worker = Worker(
            cases=ledger.cases, outbox=ledger.outbox, levers=ledger.levers, ports=ports, metrics=Metrics(clock),
            step=step,
        )  # fmt: skip
        hook = ForgeWebhook(
            secret=Secret.parse("env:HOOK"),
            cases=ledger.cases,
            deliveries=Deliveries(checkpoints=ledger.checkpoints, key=FORGE, kept=FORGE_KEPT),
            clock=clock,
            repositories={"acme/shop": "shop"},
            listen=list[None],
        )
        yield Desk(there, ledger, clock, worker, hook, random.Random(seed))  # noqa: S311 - a story, told again


def told_by_ledger(case: Case) -> tuple[PullRequestState, str | None]:
    """How the pull request ended, as the case's history has it."""
    merged = next((e.event.sha for e in case.history if isinstance(e.event, Merged)), None)
    if merged is not None:
        return PullRequestState.MERGED, merged
    closed = any(isinstance(e.event, ClosedUnmerged) for e in case.history)
    return (PullRequestState.CLOSED if closed else PullRequestState.OPEN), None


def told_by_forge(it: Desk, case_id: str) -> tuple[PullRequestState, str | None]:
    pull = it.api("GET", f"/pulls/{it.numbers[case_id]}")
    if pull["merged"]:
        return PullRequestState.MERGED, pull["merge_commit_sha"]
    return PullRequestState(pull["state"]), None


def play(it: Desk, cases: int, events: int, rounds: int) -> None:
    for index in range(cases):
        it.open(index)
    mail: list[Delivery] = []
    for _ in range(rounds):
        for _ in range(events // rounds):
            mail += it.do(it.luck.choice(sorted(it.numbers)))
        twice = [one for one in mail for _ in range(2) if it.luck.random() < 0.95]  # one in twenty is lost
        it.luck.shuffle(twice)
        kept = len(twice) // 4  # a quarter comes in a later round
        mail = []
        for index, delivery in enumerate(twice):
            if index < kept:
                mail.append(delivery)
            else:
                it.tell(delivery)
        it.clock.advance(timedelta(seconds=1))
        it.poll()
    for delivery in mail:
        it.tell(delivery)
    it.clock.advance(timedelta(minutes=1))
    it.poll()


@pytest.mark.parametrize(
    ("seed", "cases", "events"),
    [(4711, 4, 32), *(pytest.param(seed, 20, 200, marks=pytest.mark.long) for seed in range(5))],
)
def test_the_ledger_says_what_the_forge_shows(
    tmp_path: Path, seed: int, cases: int, events: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", HOOK_KEY)
    with a_desk(tmp_path, seed) as it:
        play(it, cases, events, ROUNDS)
        assert sum(it.did.values()) == events
        assert {"close and reopen", "comment"} <= set(it.did)
        assert events < 200 or set(it.did) >= ENDS
        assert it.told["hint"] > 0 < it.told["it was taken already"]
        for case_id, number in it.numbers.items():
            case = it.ledger.cases.load(case_id)
            assert told_by_ledger(case) == told_by_forge(it, case_id), (case_id, number)
            kinds = Counter(type(entry.event) for entry in case.history)
            assert max(kinds[Merged], kinds[ClosedUnmerged], kinds[TakenOver]) <= 1
            state, _ = told_by_ledger(case)
            phases = {PullRequestState.OPEN: Phase.PROPOSED, PullRequestState.MERGED: Phase.MERGED}
            assert case.phase is phases.get(state, Phase.CLOSED)
        assert len(it.api("GET", "/pulls?state=all&per_page=100")) == cases  # nothing was opened twice
        for number in it.numbers.values():
            said = [comment["body"] for comment in it.api("GET", f"/issues/{number}/comments?per_page=100")]
            stages = Counter(body.rpartition("<!--")[2] for body in said if "<!--" in body)
            assert set(stages.values()) <= {1}  # nor said twice
