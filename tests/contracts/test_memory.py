"""What lessons, levers and checkpoints promise, wherever they are kept."""

from dataclasses import replace
from datetime import timedelta

from cases.events import Closed
from cases.leases import Pause
from cases.outcome import Ending, Lesson
from cases.stores import CaseStore, Checkpoints, LessonStore, Levers
from daemon.ledger.ledger import Ledger
from tests.parts.nouns import NOW, a_lesson, an_entry, an_outcome
from tests.parts.steps import LATER, born
from tests.parts.stores import Place


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
    assert lessons.newest(limit=1) == lessons.newest()[:1]
    assert {lesson.id for lesson in lessons.newest()} >= {lesson.id for lesson in taught.values()}


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


def test_a_pause_is_seen_at_once_through_another_door(ledger: Ledger, place: Place) -> None:
    with place.opened() as other:
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
