"""What every store of the ledger promises, on a real file: CaseStore, Outbox, LessonStore, Levers, Checkpoints."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cases.case import Case, Hold, Phase
from cases.errors import Fenced, IllegalStep, PermanentError
from cases.events import (
    Closed,
    Diagnosed,
    Drafted,
    Entry,
    Escalated,
    Event,
    Frozen,
    Gated,
    Guided,
    Joined,
    Proposed,
    Proved,
    Thawed,
)
from cases.leases import Claimed, Pause
from cases.outcome import Ending, Lesson
from cases.ports import CaseStore, Checkpoints, LessonStore, Levers, Outbox
from cases.steps import (
    Effect,
    Notice,
    OpenPullRequest,
    PostComment,
    PushBranch,
    Receipt,
    SendNotice,
    StorePlot,
)
from cases.telemetry import Severity
from daemon.clock import ManualClock
from daemon.ledger.ledger import Ledger, open_ledger
from tests.parts.nouns import NOW, a_change, a_lesson, an_entry, an_event, an_opened, an_outcome

LEASE = timedelta(seconds=30)
LATER = NOW + timedelta(hours=1)


@pytest.fixture(scope="module")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger's file with nothing in it, to be copied: making the tables takes longer than most of these tests."""
    path = tmp_path_factory.mktemp("ledger") / "empty.db"
    with open_ledger(f"sqlite:///{path}"):
        pass
    return path


@pytest.fixture
def ledger(tmp_path: Path, empty_ledger: Path) -> Iterator[Ledger]:
    path = shutil.copy(empty_ledger, tmp_path / "ledger.db")
    with open_ledger(f"sqlite:///{path}", clock=ManualClock(NOW)) as ledger:
        yield ledger


@pytest.fixture
def store(ledger: Ledger) -> CaseStore:
    return ledger.cases


@pytest.fixture
def outbox(ledger: Ledger) -> Outbox:
    return ledger.outbox


def born(store: CaseStore, name: str = "a", due: datetime = NOW, minutes: float = 0) -> Case:
    event = replace(an_opened(), case_id=name, fingerprint=f"print of {name}")
    case = store.open(an_entry(event, minutes), (), due)
    assert case is not None
    return case


def taken(store: CaseStore, owner: str = "one", now: datetime = NOW) -> Claimed:
    claimed = store.claim(owner, now, LEASE)
    assert claimed is not None
    return claimed


def did(kind: type[Event], minutes: float = 1) -> Entry:
    return an_entry(an_event(kind), minutes)


def a_comment(key: str = "comment") -> PostComment:
    return PostComment(key=key, repository="shop", branch="trackwalker/a-1", body="told you")


def a_notice(key: str = "notice") -> SendNotice:
    told = Notice(key=key, severity=Severity.PAGE, subject="errors", text="they rose", case="a", link="http://x/1")
    return SendNotice(key=f"{key}@mail", receiver="mail", notice=told)


# Opening and reading


def test_an_opened_case_is_what_its_history_says(store: CaseStore) -> None:
    case = born(store)
    assert store.load("a") == case
    assert (case.phase, case.opened, case.history) == (Phase.OPEN, NOW, (case.history[0],))


def test_one_active_case_a_fingerprint(store: CaseStore) -> None:
    born(store)
    again = replace(an_opened(), case_id="b", fingerprint="print of a")
    assert store.open(an_entry(again), (), NOW) is None
    assert [case.id for case in store.active()] == ["a"]
    store.add("a", did(Closed), (), None)
    assert store.open(an_entry(again), (), NOW) is not None


def test_an_id_is_given_once(store: CaseStore) -> None:
    born(store)
    with pytest.raises(PermanentError, match="case a already"):
        store.open(an_entry(replace(an_opened(), case_id="a", fingerprint="another")), (), NOW)


def test_active_is_oldest_first_and_listed_newest_first(store: CaseStore) -> None:
    for minutes, name in enumerate("abc"):
        born(store, name, minutes=minutes)
    store.add("b", did(Closed), (), None)
    assert [case.id for case in store.active()] == ["a", "c"]
    assert [case.id for case in store.listed()] == ["c", "b", "a"]
    assert [case.id for case in store.listed(limit=2)] == ["c", "b"]


def test_a_case_that_is_not_there_is_said_so(store: CaseStore) -> None:
    with pytest.raises(PermanentError, match="no case nobody"):
        store.load("nobody")
    with pytest.raises(PermanentError, match="no case nobody"):
        store.add("nobody", did(Guided), (), None)


# Claiming


def test_the_longest_due_is_claimed_first_and_only_once(store: CaseStore) -> None:
    born(store, "a", due=NOW - timedelta(minutes=1))
    born(store, "b", due=NOW - timedelta(minutes=2))
    born(store, "c", due=NOW + timedelta(minutes=1))
    assert [taken(store).case.id, taken(store, "two").case.id] == ["b", "a"]
    assert store.claim("one", NOW, LEASE) is None


def test_a_claim_carries_the_case_its_fence_and_its_end(store: CaseStore) -> None:
    case = born(store)
    assert taken(store) == Claimed(case=case, owner="one", fence=1, until=NOW + LEASE)


def test_a_lease_that_ran_out_may_be_taken_and_fences_the_old_holder(store: CaseStore, outbox: Outbox) -> None:
    born(store)
    old = taken(store)
    assert store.claim("two", NOW + LEASE - timedelta(microseconds=1), LEASE) is None
    new = taken(store, "two", NOW + LEASE)
    assert new.fence > old.fence
    for refused in (
        lambda: store.commit(old, (did(Diagnosed),), (), NOW),
        lambda: store.renew(old, NOW, LEASE),
        lambda: store.release(old, None),
        lambda: outbox.check(old),
    ):
        with pytest.raises(Fenced, match="case a was claimed by one"):
            refused()
    assert store.load("a").phase is Phase.OPEN
    outbox.check(new)


def test_the_same_owner_is_fenced_by_its_own_later_claim(store: CaseStore) -> None:
    born(store)
    old = taken(store)
    taken(store, now=NOW + LEASE)
    with pytest.raises(Fenced):
        store.commit(old, (did(Diagnosed),), (), NOW)


def test_a_lease_that_ran_out_and_nobody_took_still_holds(store: CaseStore) -> None:
    born(store)
    claimed = taken(store)
    assert store.commit(claimed, (did(Diagnosed, 600),), (), NOW).case.phase is Phase.DIAGNOSED


def test_a_renewed_lease_is_not_taken(store: CaseStore) -> None:
    born(store)
    renewed = store.renew(taken(store), NOW + timedelta(seconds=20), LEASE)
    assert renewed.until == NOW + timedelta(seconds=50)
    assert store.claim("two", NOW + timedelta(seconds=49), LEASE) is None
    assert taken(store, "two", NOW + timedelta(seconds=50)).case.id == "a"


def test_a_released_claim_writes_no_more(store: CaseStore) -> None:
    born(store)
    claimed = taken(store)
    store.release(claimed, LATER)
    assert store.claim("two", NOW, LEASE) is None
    with pytest.raises(Fenced, match="nobody holds it"):
        store.commit(claimed, (did(Diagnosed),), (), NOW)
    assert taken(store, "two", LATER).case.id == "a"


def test_a_case_without_a_due_time_waits_to_be_woken(store: CaseStore) -> None:
    born(store)
    store.release(taken(store), None)
    assert store.claim("one", LATER, LEASE) is None
    store.add("a", did(Guided), (), LATER)
    assert store.claim("one", LATER - timedelta(seconds=1), LEASE) is None
    assert taken(store, now=LATER).case.guidance


def test_a_holder_that_died_without_letting_go_is_followed_by_another(store: CaseStore) -> None:
    born(store)
    store.commit(taken(store), (did(Diagnosed),), (), None)  # nothing is due, and nobody lets go
    assert taken(store, "two", NOW + LEASE).case.phase is Phase.DIAGNOSED


@pytest.mark.parametrize("stop", [Frozen, Gated])
def test_held_cases_are_not_claimed_until_they_are_let_go(store: CaseStore, stop: type[Event]) -> None:
    born(store)
    store.add("a", did(stop), (), None)
    assert store.claim("one", LATER, LEASE) is None
    store.add("a", did(Thawed), (), None)
    assert taken(store, now=LATER).case.hold is Hold.NONE


def test_a_closed_case_is_not_claimed(store: CaseStore) -> None:
    born(store)
    claimed = store.commit(taken(store), (did(Closed),), (a_notice(),), NOW)
    assert store.claim("two", LATER, LEASE) is None, "not even when its lease ran out"
    store.release(claimed, NOW)
    assert store.claim("two", LATER, LEASE) is None


def test_a_closed_case_comes_back_while_it_owes_the_forge_an_effect(store: CaseStore, outbox: Outbox) -> None:
    born(store)
    claimed = store.commit(taken(store), (did(Closed),), (a_comment(),), NOW)
    store.release(claimed, None)
    later = taken(store, "two", LATER)
    assert not later.case.active
    outbox.receive(Receipt(key="comment", adopted=False), later)
    store.release(later, None)
    assert store.claim("two", LATER, LEASE) is None


def test_an_owner_takes_back_what_its_former_life_held_and_nothing_else(store: CaseStore) -> None:
    for name in "abc":
        born(store, name)
    mine, others = taken(store), taken(store, "two")
    store.release(taken(store, "three"), None)
    assert store.take_back("one", NOW) == 1
    again = taken(store)
    assert (again.case.id, store.claim("one", NOW, LEASE)) == (mine.case.id, None)
    with pytest.raises(Fenced):
        store.commit(mine, (did(Diagnosed),), (), NOW)
    store.commit(others, (did(Diagnosed),), (), NOW)


# Committing


def test_a_step_advances_the_case_and_promises_its_effects(store: CaseStore, outbox: Outbox) -> None:
    born(store)
    claimed = store.commit(taken(store), (did(Diagnosed), did(Drafted)), (a_comment(), a_notice()), LATER)
    assert claimed.case == store.load("a")
    assert claimed.case.phase is Phase.DRAFTED
    assert claimed.case.change == a_change()
    assert [intent.effect for intent in outbox.pending("a")] == [a_comment()]
    assert [intent.effect for intent in outbox.notices(LATER)] == [a_notice()]
    again = store.commit(claimed, (did(Proved),), (), LATER)
    assert [type(entry.event).__name__ for entry in again.case.history] == ["Opened", "Diagnosed", "Drafted", "Proved"]


def test_a_step_that_cannot_happen_leaves_nothing_behind(store: CaseStore, outbox: Outbox) -> None:
    born(store)
    claimed = taken(store)
    with pytest.raises(IllegalStep):
        store.commit(claimed, (did(Diagnosed), did(Proposed)), (a_comment(),), None)
    assert store.load("a").phase is Phase.OPEN
    assert outbox.pending("a") == ()
    assert store.commit(claimed, (did(Diagnosed),), (), None).case.phase is Phase.DIAGNOSED


def test_effects_may_be_promised_without_an_event(store: CaseStore, outbox: Outbox) -> None:
    born(store)
    store.commit(taken(store), (), (a_comment(),), NOW)
    (intent,) = outbox.pending("a")
    assert (intent.case, intent.attempts, intent.due, intent.last_error) == ("a", 0, NOW, "")


def test_a_fact_added_during_a_step_is_kept_and_the_step_goes_on(store: CaseStore) -> None:
    born(store)
    claimed = taken(store)
    store.add("a", did(Joined), (), None)
    case = store.commit(claimed, (did(Diagnosed, 2),), (), NOW).case
    assert (len(case.anomalies), case.phase) == (2, Phase.DIAGNOSED)
    assert case == store.load("a")


@pytest.mark.parametrize("word", [Frozen, Escalated, Closed])
def test_a_word_that_stops_the_case_takes_it_from_its_holder(
    store: CaseStore, outbox: Outbox, word: type[Event]
) -> None:
    born(store)
    claimed = taken(store)
    store.add("a", did(word), (), None)
    with pytest.raises(Fenced):
        outbox.check(claimed)
    with pytest.raises(Fenced):
        store.commit(claimed, (did(Diagnosed),), (a_comment(),), NOW)
    assert outbox.pending("a") == ()


def test_a_case_that_was_stopped_during_a_step_goes_on_when_let_go(store: CaseStore) -> None:
    born(store)
    store.commit(taken(store), (), (), None)
    store.add("a", did(Frozen), (), None)
    store.add("a", did(Thawed), (), None)
    assert taken(store, "two", LATER).case.id == "a"


def test_a_wake_during_a_step_is_not_lost(store: CaseStore) -> None:
    born(store)
    claimed = taken(store)
    store.add("a", did(Guided), (), NOW)
    claimed = store.commit(claimed, (did(Diagnosed, 2),), (), LATER)
    store.release(claimed, LATER)
    woken = taken(store, "two", NOW)
    store.release(woken, LATER)
    assert store.claim("two", NOW, LEASE) is None, "one wake, one look"


def test_adding_to_a_closed_case_is_no_step(store: CaseStore) -> None:
    born(store)
    store.add("a", did(Closed), (), None)
    with pytest.raises(IllegalStep, match="Guided"):
        store.add("a", did(Guided), (), NOW)


# The outbox

FORGE: tuple[Effect, ...] = (
    StorePlot(key="plot", repository="shop", path="a/1.png", content=b"\x89PNG\x00\xff"),
    PushBranch(key="push", repository="shop", branch="b", base="0" * 40, edits=a_change().lead.edits, message="Undo"),
    OpenPullRequest(key="open", repository="shop", branch="b", title="T", body="B", labels=("x",), draft=True),
    a_comment(),
)


def test_pending_effects_keep_their_order_until_each_has_its_receipt(store: CaseStore, outbox: Outbox) -> None:
    born(store)
    claimed = store.commit(taken(store), (did(Diagnosed),), FORGE, NOW)
    assert tuple(intent.effect for intent in outbox.pending("a")) == FORGE
    assert outbox.receipt("push") is None
    receipt = Receipt(key="push", adopted=True, facts={"sha": "1" * 40})
    outbox.receive(receipt, claimed)
    assert [intent.effect.key for intent in outbox.pending("a")] == ["plot", "open", "comment"]
    assert outbox.receipt("push") == receipt
    assert outbox.receipt("never promised") is None


def test_a_second_receipt_is_left_alone(store: CaseStore, outbox: Outbox) -> None:
    born(store)
    claimed = store.commit(taken(store), (), (a_comment(),), NOW)
    first = Receipt(key="comment", adopted=False, facts={"url": "http://x/1"})
    outbox.receive(first, claimed)
    outbox.receive(Receipt(key="comment", adopted=True, facts={"url": "http://x/2"}), claimed)
    assert outbox.receipt("comment") == first


def test_a_receipt_under_a_lost_claim_is_refused(store: CaseStore, outbox: Outbox) -> None:
    born(store)
    old = store.commit(taken(store), (), (a_comment(),), NOW)
    taken(store, "two", NOW + LEASE)
    with pytest.raises(Fenced):
        outbox.receive(Receipt(key="comment", adopted=False), old)
    assert len(outbox.pending("a")) == 1


def test_a_key_is_promised_once(store: CaseStore, outbox: Outbox) -> None:
    born(store)
    claimed = store.commit(taken(store), (), (a_comment(), a_comment()), NOW)
    other = replace(a_comment(), body="something else")
    claimed = store.commit(claimed, (did(Diagnosed),), (other,), NOW)
    assert [intent.effect for intent in outbox.pending("a")] == [a_comment()]
    outbox.receive(Receipt(key="comment", adopted=False), claimed)
    store.commit(claimed, (did(Drafted),), (a_comment(),), NOW)
    assert outbox.pending("a") == ()


def test_a_postponed_effect_says_when_how_often_and_why(store: CaseStore, outbox: Outbox) -> None:
    born(store)
    store.commit(taken(store), (), (a_comment(),), NOW)
    outbox.postpone("comment", NOW + timedelta(minutes=1), "503")
    outbox.postpone("comment", LATER, "still 503 \ud800")
    (intent,) = outbox.pending("a")
    assert (intent.attempts, intent.due, intent.last_error) == (2, LATER, "still 503 ?")


def test_a_dropped_effect_holds_nothing_up(store: CaseStore, outbox: Outbox) -> None:
    born(store)
    store.commit(taken(store), (), (a_comment(),), NOW)
    outbox.drop("comment", "the pull request is locked")
    outbox.postpone("comment", NOW, "too late")
    assert outbox.pending("a") == ()


def test_notices_come_when_they_are_due_and_oldest_first(outbox: Outbox) -> None:
    outbox.send([a_notice("one"), a_notice("two"), a_notice("three")], NOW)
    assert outbox.notices(NOW - timedelta(seconds=1)) == ()
    outbox.postpone("one@mail", LATER, "421")
    assert [intent.effect.key for intent in outbox.notices(NOW)] == ["two@mail", "three@mail"]
    assert [intent.effect.key for intent in outbox.notices(LATER, limit=2)] == ["one@mail", "two@mail"]
    outbox.receive(Receipt(key="two@mail", adopted=False), None)
    outbox.send([a_notice("two")], LATER)
    assert [intent.effect.key for intent in outbox.notices(LATER)] == ["one@mail", "three@mail"]
    assert {intent.case for intent in outbox.notices(LATER)} == {""}


def test_only_notices_are_sent_without_a_case(outbox: Outbox) -> None:
    with pytest.raises(TypeError, match="comment is a PostComment"):
        outbox.send([a_notice(), a_comment()], NOW)
    assert outbox.notices(LATER) == ()


def test_a_key_that_nobody_promised_is_said_so(outbox: Outbox) -> None:
    for call in (
        lambda: outbox.receive(Receipt(key="ghost", adopted=False), None),
        lambda: outbox.postpone("ghost", NOW, "x"),
        lambda: outbox.drop("ghost", "x"),
    ):
        with pytest.raises(PermanentError, match="no effect ghost"):
            call()


# Lessons, levers, checkpoints


def closed_with(store: CaseStore, name: str, lesson: Lesson) -> None:
    born(store, name)
    event = Closed(outcome=replace(an_outcome(), ending=Ending.WORKED), lesson=lesson)
    store.add(name, an_entry(event, 5), (), None)


def test_lessons_are_recalled_by_fingerprint_then_by_service_newest_first(ledger: Ledger) -> None:
    lessons: LessonStore = ledger.lessons
    taught = {
        "old": replace(a_lesson(), id="old", fingerprint="same", at=NOW - timedelta(days=2)),
        "new": replace(a_lesson(), id="new", fingerprint="same", at=NOW - timedelta(days=1)),
        "near": replace(a_lesson(), id="near", fingerprint="other", at=NOW),
        "far": replace(a_lesson(), id="far", fingerprint="other", service="elsewhere", at=NOW),
    }
    for name, lesson in taught.items():
        closed_with(ledger.cases, name, lesson)
    assert lessons.recall("same", "shop") == (taught["new"], taught["old"], taught["near"])
    assert lessons.recall("same", "shop", limit=1) == (taught["new"],)
    assert lessons.recall("none", "nowhere") == ()


def test_a_pause_holds_until_it_is_taken_back(ledger: Ledger) -> None:
    levers: Levers = ledger.levers
    assert levers.paused() is None
    pause = Pause(by="sre", reason="a release", since=NOW)
    levers.pause(pause)
    assert levers.paused() == pause
    longer = Pause(by="lead", reason="a longer one", since=LATER)
    levers.pause(longer)
    assert levers.paused() == longer
    levers.resume("sre", LATER)
    assert levers.paused() is None


def test_a_pause_is_seen_at_once_through_another_door(ledger: Ledger) -> None:
    with open_ledger(f"sqlite:///{ledger.database.path}") as other:
        assert other.levers.paused() is None
        ledger.levers.pause(Pause(by="sre", reason="a release", since=NOW))
        assert other.levers.paused() == ledger.levers.paused() is not None


def test_a_checkpoint_is_replaced_whole(ledger: Ledger) -> None:
    checkpoints: Checkpoints = ledger.checkpoints
    assert checkpoints.get("cursor") is None
    checkpoints.put("cursor", b"\x00\xff" * 10_000, NOW)
    checkpoints.put("cursor", b"", LATER)
    checkpoints.put("other", b"x", NOW)
    assert (checkpoints.get("cursor"), checkpoints.get("other")) == (b"", b"x")
