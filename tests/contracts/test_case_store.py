"""What the store of cases promises, wherever it keeps them: opening, reading, and the steps of a case."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cases.case import Phase
from cases.errors import Fenced, IllegalStep, PermanentError
from cases.events import (
    Closed,
    Diagnosed,
    Drafted,
    Entry,
    Escalated,
    Event,
    Frozen,
    Guided,
    Joined,
    Opened,
    Proved,
    Recovered,
    Thawed,
    Traced,
)
from cases.pull_request_events import Proposed
from cases.stores import CaseStore, Outbox
from tests.parts.nouns import NOW, a_change, an_entry, an_opened
from tests.parts.steps import LATER, LEASE, a_comment, a_notice, born, did, taken


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


def test_ended_gives_the_newest_closed_cases_of_the_services(store: CaseStore) -> None:
    for number in range(25):
        event = replace(an_opened(), case_id=f"s{number:02}", fingerprint=f"{number}", service="shop")
        store.open(an_entry(event, number), (), NOW)
        store.add(f"s{number:02}", did(Closed, number), (), None)
    for name in ("cart", "mail"):
        store.open(an_entry(replace(an_opened(), case_id=name, fingerprint=name, service=name)), (), NOW)
    store.add("cart", did(Closed), (), None)
    born(store)
    found = [case.id for case in store.ended({"shop", "cart", "mail"})]
    assert found == [f"s{number:02}" for number in range(24, 4, -1)] + ["cart"]
    assert [case.id for case in store.ended({"cart"})] == ["cart"]
    assert store.ended(()) == ()


def test_since_gives_what_something_happened_to(store: CaseStore) -> None:
    for name in "abc":
        born(store, name)
    store.add("b", did(Closed, 10), (), None)
    store.add("c", did(Guided, 20), (), None)
    assert [case.id for case in store.since(NOW)] == ["a", "b", "c"]
    assert [case.id for case in store.since(NOW + timedelta(minutes=10))] == ["b", "c"]
    assert [case.id for case in store.since(NOW + timedelta(minutes=21))] == []


def test_a_case_that_is_not_there_is_said_so(store: CaseStore) -> None:
    with pytest.raises(PermanentError, match="no case nobody"):
        store.load("nobody")
    with pytest.raises(PermanentError, match="no case nobody"):
        store.add("nobody", did(Guided), (), None)


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


def test_a_fact_that_two_daemons_tell_is_kept_once(store: CaseStore) -> None:
    """Both look at the same series: the second one to tell finds it told."""
    born(store)
    mine = an_opened().anomaly
    other = replace(mine, signal=replace(mine.signal, name="another symptom"))
    for _ in range(2):
        store.add("a", an_entry(Joined(anomaly=other), 1), (), None)
        store.add("a", an_entry(Recovered(because="within range"), 2), (), NOW)
    assert [type(entry.event) for entry in store.load("a").history] == [Opened, Joined, Recovered]
    later = replace(other, onset=NOW + timedelta(minutes=3))
    case = store.add("a", an_entry(Joined(anomaly=later), 3), (), None)
    assert case.recovered is None, "what came back is news"
    assert len(case.anomalies) == 3


def traced_to(service: str) -> Entry:
    mine = an_opened().anomaly
    return an_entry(Traced(anomaly=replace(mine, signal=replace(mine.signal, service=service)), because="it is"), 1)


def test_a_case_that_is_traced_to_another_service_is_taken_back_and_is_that_services(store: CaseStore) -> None:
    born(store)
    claimed = taken(store)
    case = store.add("a", traced_to("db"), (), NOW)
    assert (case.service, [echo.anomaly.signal.service for echo in case.echoes]) == ("db", ["shop"])
    assert case == store.load("a")
    with pytest.raises(Fenced):
        store.commit(claimed, (did(Diagnosed),), (), None)
    assert taken(store).case == case
    store.add("a", did(Closed, 2), (), None)
    assert [ended.id for ended in store.ended({"db"})] == ["a"]


def test_no_two_cases_are_about_one_trouble_however_they_came_to_it(store: CaseStore) -> None:
    born(store)
    mine = traced_to("db").event
    assert isinstance(mine, Traced)
    opened = Opened(case_id="b", service="db", fingerprint=mine.anomaly.fingerprint, anomaly=mine.anomaly)
    assert store.open(an_entry(opened), (), NOW) is not None
    with pytest.raises(IllegalStep, match="case b is about that already"):
        store.add("a", traced_to("db"), (), NOW)
    assert store.load("a").service == "shop"
