"""Any walk through the life of cases, by two daemons and humans, with crashes in between: what always holds of it."""

import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, get_args

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Row, select

from cases.case import Case, Hold, Phase
from cases.errors import Fenced, IllegalStep, PermanentError
from cases.events import (
    Approved,
    Closed,
    Escalated,
    Event,
    Frozen,
    Gated,
    Guided,
    Joined,
    Opened,
    Rejected,
    Retried,
    Thawed,
)
from cases.leases import Claimed, Pause
from cases.lifecycle import NEXT, comment_of, replay
from cases.pull_request_events import Explained
from cases.steps import PostComment, Receipt
from daemon.clock import ManualClock
from daemon.ledger.ledger import Ledger
from daemon.ledger.tables import cases, effects
from tests.parts.nouns import NOW, an_event, an_opened
from tests.parts.nouns import an_entry as entry_at
from tests.parts.stores import empty_ledger, in_file

__all__ = ["empty_ledger"]

LEASE = timedelta(seconds=30)
DAEMONS = ("one", "two")
PRINTS = ("a", "b")
STEPS: tuple[type[Event], ...] = tuple(kind for kind in get_args(Event) if kind is not Opened)
WORDS: tuple[type[Event], ...] = (Guided, Frozen, Thawed, Gated, Approved, Rejected, Retried, Escalated, Joined)
LETTING_GO: tuple[type[Event], ...] = (Approved, Thawed, Guided)
HOLDS: tuple[type[Event], ...] = (Frozen, Gated, Escalated)
WAITING = frozenset({Phase.ESCALATED})
"""The phases in which a case may wait for a human alone, with nothing due."""


class Lives(RuleBasedStateMachine):
    """Two daemons and their humans on one ledger; beside it, in plain values, what it should hold."""

    template: ClassVar[Path]

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="lives-"))
        shutil.copy(self.template, self.folder / "ledger.db")
        self.clock = ManualClock(NOW)
        self.claims: list[Claimed] = []  # every claim ever given, as its holder last knew it
        self.owed: dict[str, str] = {}  # the key of an effect → intended, done or dropped
        self.fences: dict[str, int] = {}
        self.ended: dict[str, Case] = {}
        self.paused = False
        self.opened = 0
        self._open()
        self.detect(PRINTS[0])
        self.claim(DAEMONS[0])

    def _open(self) -> None:
        self.stack = ExitStack()
        self.ledger: Ledger = self.stack.enter_context(in_file(self.folder / "ledger.db").opened(clock=self.clock))

    def teardown(self) -> None:
        if not hasattr(self, "stack"):
            return
        try:
            self.in_the_end_every_case_is_taken_up()
        finally:
            self.stack.close()
            shutil.rmtree(self.folder)

    # what daemons do

    @rule(fingerprint=st.sampled_from(PRINTS))
    def detect(self, fingerprint: str) -> None:
        active = [case for case in self.ledger.cases.active() if case.fingerprint == fingerprint]
        self.opened += 1
        event = replace(an_opened(), case_id=f"{fingerprint}{self.opened}", fingerprint=fingerprint)
        case = self.ledger.cases.open(self._entry(event), (), self.clock.now())
        assert (case is None) == bool(active)

    @rule(owner=st.sampled_from(DAEMONS))
    def claim(self, owner: str) -> None:
        leased = {row.id: row for row in self._rows() if row.lease_owner}
        claimed = self.ledger.cases.claim(owner, self.clock.now(), LEASE)
        if claimed is None:
            return
        before = leased.get(claimed.case.id)
        assert before is None or before.lease_until <= self.clock.now(), "a lease that runs is never stolen"
        assert claimed.stolen_from == (before.lease_owner if before else "")
        assert claimed.fence > self.fences.get(claimed.case.id, 0)
        assert claimed.case.hold is Hold.NONE
        self.claims.append(claimed)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), steps=st.integers(1, 3))
    def work(self, data: st.DataObject, steps: int) -> None:
        """Commit steps with promises, as a worker does that may be late: then nothing changes."""
        number = data.draw(st.integers(0, len(self.claims) - 1).map(lambda n: len(self.claims) - 1 - n), label="claim")
        for _ in range(steps):
            self._step(number, data)

    def _step(self, number: int, data: st.DataObject) -> None:
        claimed = self.claims[number]
        now = self.ledger.cases.load(claimed.case.id)
        legal = [kind for kind in STEPS if (now.phase, kind) in NEXT]
        kinds = st.sampled_from(legal or STEPS) | st.sampled_from(HOLDS)  # a hold is one of many, and matters much
        kind = data.draw(kinds, label="event")
        promises = [_comment(now.id, key) for key in data.draw(st.sets(st.sampled_from("xyz"), max_size=2))]
        entries = [self._entry(_event(kind, now))]
        late = not self._holds(claimed)
        if late or (now.phase, kind) not in NEXT:
            with pytest.raises(Fenced if late else IllegalStep):
                self.ledger.cases.commit(claimed, entries, promises, self.clock.now())
            assert self.ledger.cases.load(now.id) == now
            return
        after = self.ledger.cases.commit(claimed, entries, promises, self.clock.now())
        assert after.case == self.ledger.cases.load(now.id)
        self.claims[number] = after
        for promise in promises:
            self.owed.setdefault(promise.key, "intended")

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), how=st.sampled_from(("receive", "postpone", "drop", "adopt")))
    def settle(self, data: st.DataObject, how: str) -> None:
        """Do what was promised, as a worker does: the oldest first, and the fence is asked just before."""
        claimed = data.draw(st.sampled_from(self.claims), label="claim")
        pending = self.ledger.outbox.pending(claimed.case.id)
        if not self._holds(claimed):
            with pytest.raises(Fenced):
                self.ledger.outbox.check(claimed)
            if pending:
                with pytest.raises(Fenced):
                    self.ledger.outbox.receive(Receipt(key=pending[0].effect.key, adopted=False), claimed)
            return
        self.ledger.outbox.check(claimed)
        if not pending:
            return
        key = pending[0].effect.key
        if how == "postpone":
            self.ledger.outbox.postpone(key, self.clock.now() + timedelta(minutes=1), "busy")
        elif how == "drop":
            self.ledger.outbox.drop(key, "no permission")
            self.owed[key] = "dropped"
        else:
            self.ledger.outbox.receive(Receipt(key=key, adopted=how == "adopt"), claimed)
            self.owed[key] = "done"

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), later=st.sampled_from((0, 30)))
    def let_go(self, data: st.DataObject, later: int) -> None:
        """A worker names no time only where a human or nobody is to go on."""
        claimed = data.draw(st.sampled_from(self.claims), label="claim")
        now = self.ledger.cases.load(claimed.case.id)
        rests = not now.active or now.hold is not Hold.NONE or now.phase in WAITING
        due = None if rests else self.clock.now() + timedelta(seconds=later)
        if self._holds(claimed):
            self.ledger.cases.release(claimed, due)
            assert not self._holds(claimed)
        else:
            with pytest.raises(Fenced):
                self.ledger.cases.release(claimed, due)

    # what humans and the world do

    @precondition(lambda self: self.opened)
    @rule(data=st.data(), told=st.booleans())
    def speak(self, data: st.DataObject, *, told: bool) -> None:
        """A human's word wakes the case; an anomaly that joins it (`told` False) leaves its time alone."""
        case = data.draw(st.sampled_from(self.ledger.cases.listed()), label="case")
        word = data.draw(st.sampled_from(WORDS if case.hold is Hold.NONE else LETTING_GO), label="word")
        entry = self._entry(_event(word, case))
        wakes = self.clock.now() if told or word is not Joined else None
        if (case.phase, word) not in NEXT:
            with pytest.raises(IllegalStep):
                self.ledger.cases.add(case.id, entry, (), wakes)
            return
        held = [claimed for claimed in self.claims if claimed.case.id == case.id and self._holds(claimed)]
        after = self.ledger.cases.add(case.id, entry, (), wakes)
        revoked = (after.phase, after.hold) != (case.phase, case.hold)
        assert [self._holds(claimed) for claimed in held] == [not revoked] * len(held)

    @rule(seconds=st.sampled_from((1, 40)))
    def time_goes_by(self, seconds: int) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    @rule(owner=st.sampled_from(DAEMONS))
    def crash(self, owner: str) -> None:
        """A daemon dies with all that it knew; its next life takes back what it held."""
        self.stack.close()
        self._open()
        held = sum(row.lease_owner == owner for row in self._rows())
        assert self.ledger.cases.take_back(owner, self.clock.now()) == held
        assert not [claimed for claimed in self.claims if claimed.owner == owner and self._holds(claimed)]

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), wrong=st.sampled_from(STEPS))
    def what_is_rare(self, data: st.DataObject, wrong: type[Event]) -> None:
        """Pull the lever, renew, receive what nobody promised, and try an event that does not fit."""
        if self.paused:
            self.ledger.levers.resume("human:sre", self.clock.now())
        else:
            self.ledger.levers.pause(Pause(by="human:sre", reason="a drill", since=self.clock.now()))
        self.paused = not self.paused
        with pytest.raises(PermanentError, match="was ever promised"):
            self.ledger.outbox.receive(Receipt(key="unheard of", adopted=False), None)
        claimed = data.draw(st.sampled_from(self.claims), label="claim")
        now = self.ledger.cases.load(claimed.case.id)
        if self._holds(claimed):
            assert self.ledger.cases.renew(claimed, self.clock.now(), LEASE).until == self.clock.now() + LEASE
        else:
            with pytest.raises(Fenced):
                self.ledger.cases.renew(claimed, self.clock.now(), LEASE)
        if (now.phase, wrong) not in NEXT:
            with pytest.raises(IllegalStep if self._holds(claimed) else Fenced):
                self.ledger.cases.commit(claimed, [self._entry(_event(wrong, now))], [_comment(now.id, "w")], None)
            assert self.ledger.cases.load(now.id) == now

    # what always holds

    @invariant()
    def a_case_is_its_history(self) -> None:
        rows = {row.id: row for row in self._rows()}
        for case in self.ledger.cases.listed():
            row = rows[case.id]
            assert replay(case.history) == case
            assert (row.phase, row.hold, row.version) == (case.phase, case.hold, len(case.history))

    @invariant()
    def a_fingerprint_has_one_active_case(self) -> None:
        prints = [row.fingerprint for row in self._rows() if row.phase != Phase.CLOSED]
        assert len(prints) == len(set(prints))

    @invariant()
    def fences_only_grow(self) -> None:
        now = {row.id: row.fence for row in self._rows()}
        assert all(now[name] >= fence for name, fence in self.fences.items())
        self.fences = now

    @invariant()
    def a_closed_case_stays_as_it_is_but_for_why_it_was_closed(self) -> None:
        for name, case in self.ended.items():
            assert _but_for_why(self.ledger.cases.load(name)) == _but_for_why(case)
        self.ended |= {case.id: case for case in self.ledger.cases.listed() if not case.active}

    @invariant()
    def what_was_promised_is_kept_once(self) -> None:
        with self.ledger.database.reading() as connection:
            rows = connection.execute(select(effects)).all()
        assert {row.key: row.state for row in rows} == self.owed
        assert all((row.receipt is not None) == (row.state == "done") for row in rows)

    @invariant()
    def no_case_is_stranded(self) -> None:
        owing = {key.split("-")[0] for key, state in self.owed.items() if state == "intended"}
        for row in self._rows():
            waits_for_a_human = row.hold != Hold.NONE or row.phase in {Phase.CLOSED, *WAITING}
            assert waits_for_a_human or row.due or row.lease_owner or row.id in owing, row

    @invariant()
    def the_pause_outlives_whoever_pulled_it(self) -> None:
        assert (self.ledger.levers.paused() is not None) == self.paused

    def in_the_end_every_case_is_taken_up(self) -> None:
        """Once all leases have run out, a daemon gets every case that waits for nobody, and whatever owes something."""
        self.clock.advance(timedelta(hours=1))
        owing = {key.split("-")[0] for key, state in self.owed.items() if state == "intended"}
        wanted = {
            case.id
            for case in self.ledger.cases.listed()
            if case.hold is Hold.NONE and (case.id in owing or (case.active and case.phase not in WAITING))
        }
        taken: set[str] = set()
        while (claimed := self.ledger.cases.claim("three", self.clock.now(), LEASE)) is not None:
            assert claimed.case.id not in taken
            taken.add(claimed.case.id)
        assert wanted <= taken

    def _rows(self) -> Sequence[Row[Any]]:
        with self.ledger.database.reading() as connection:
            return connection.execute(select(cases)).all()

    def _holds(self, claimed: Claimed) -> bool:
        """Whether nobody took the case from this claim: the fence says so, and its holder has not let it go."""
        row = next(row for row in self._rows() if row.id == claimed.case.id)
        return row.fence == claimed.fence and row.lease_owner == claimed.owner

    def _entry(self, event: Event) -> Any:  # noqa: ANN401 - an Entry
        return replace(entry_at(event), at=self.clock.now())


def _but_for_why(case: Case) -> Case:
    """The case without what humans said afterwards of why they closed its pull request."""
    return replace(case, history=tuple(entry for entry in case.history if not isinstance(entry.event, Explained)))


def _event(kind: type[Event], case: Case) -> Event:
    """The example of its kind; a lesson is of its own case, and no comment is heard twice."""
    event = an_event(kind)
    if isinstance(event, Closed) and event.lesson is not None:
        return replace(event, lesson=replace(event.lesson, id=f"lesson of {case.id}", case=case.id))
    if comment_of(event):
        return replace(event, comment=len(case.history))  # pyright: ignore[reportCallIssue] - it has one
    return event


def _comment(case: str, key: str) -> PostComment:
    return PostComment(key=f"{case}-{key}", repository="shop", branch="trackwalker/b", body="said")


def _walk(template: Path, *, walks: int, steps: int) -> None:
    here = type("Lives", (Lives,), {"template": template})
    bounds = settings(
        max_examples=walks,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        derandomize=walks < 100,
        database=None,
    )
    run_state_machine_as_test(here, settings=bounds)


def test_any_walk_loses_nothing_and_doubles_nothing(empty_ledger: Path) -> None:
    _walk(empty_ledger, walks=15, steps=30)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_any_of_many_walks_loses_nothing_and_doubles_nothing(empty_ledger: Path) -> None:
    _walk(empty_ledger, walks=600, steps=60)
