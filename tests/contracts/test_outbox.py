"""What the outbox promises, wherever it is kept."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cases.errors import Fenced, PermanentError
from cases.events import Diagnosed, Drafted
from cases.steps import Effect, OpenPullRequest, PushBranch, Receipt, StorePlot
from cases.stores import CaseStore, Outbox
from tests.parts.nouns import NOW, a_change
from tests.parts.steps import LATER, LEASE, a_comment, a_notice, born, did, taken

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
