"""What a lease promises, wherever the ledger is kept: who gets a case, for how long, and who may write no more."""

from datetime import timedelta

import pytest

from cases.case import Hold, Phase
from cases.errors import Fenced
from cases.events import Closed, Diagnosed, Event, Frozen, Gated, Guided, Thawed
from cases.leases import Claimed
from cases.steps import Receipt
from cases.stores import CaseStore, Outbox
from tests.parts.nouns import NOW
from tests.parts.steps import LATER, LEASE, a_comment, a_notice, born, did, taken


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
