"""The life of a case: every pair is decided, every phase reaches the end, the history is the case."""

import itertools
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.case import Case, Hold, Phase
from cases.errors import IllegalStep
from cases.events import (
    Approved,
    Drafted,
    Event,
    Frozen,
    Gated,
    Harmed,
    Heard,
    Joined,
    Killed,
    Opened,
    Overridden,
    Override,
    Retried,
    Thawed,
)
from cases.lifecycle import NEXT, advance, heard, opened, replay
from cases.pull_request_events import Explained, Merged
from tests.parts.nouns import NOW, a_change, an_entry, an_event, an_opened

EVENTS: tuple[type[Event], ...] = get_args(Event)


@pytest.mark.parametrize(("phase", "kind"), list(itertools.product(Phase, EVENTS)))
def test_every_pair_of_phase_and_event_is_decided(phase: Phase, kind: type[Event]) -> None:
    case = replace(opened(an_entry(an_opened())), phase=phase)
    entry = an_entry(an_event(kind))
    if (phase, kind) in NEXT:
        assert advance(case, entry).phase is NEXT[phase, kind]
    else:
        with pytest.raises(IllegalStep, match=kind.__name__):
            advance(case, entry)


def test_a_case_is_born_once() -> None:
    assert not [pair for pair in NEXT if pair[1] is Opened]
    with pytest.raises(IllegalStep, match="Joined"):
        opened(an_entry(an_event(Joined)))
    with pytest.raises(IllegalStep, match="empty"):
        replay(())


def test_every_phase_can_reach_the_end() -> None:
    ends = {Phase.CLOSED}
    while grown := {phase for (phase, _), after in NEXT.items() if after in ends} - ends:
        ends |= grown
    assert ends == set(Phase)


def test_every_active_phase_can_be_escalated_held_and_closed() -> None:
    names = {
        "Escalated",
        "Frozen",
        "Thawed",
        "Gated",
        "Approved",
        "Rejected",
        "Closed",
        "Joined",
        "Recovered",
        "Guided",
    }
    for phase in set(Phase) - {Phase.CLOSED}:
        assert names <= {kind.__name__ for of, kind in NEXT if of is phase}
    assert [kind for of, kind in NEXT if of is Phase.CLOSED] == [Explained]


@given(st.lists(st.sampled_from(EVENTS), max_size=40))
def test_a_case_is_what_its_history_says(kinds: list[type[Event]]) -> None:
    case = opened(an_entry(an_opened()))
    for minute, kind in enumerate(kinds):
        try:
            case = advance(case, an_entry(an_event(kind), minutes=minute))
        except IllegalStep:
            continue
    assert replay(case.history) == case
    assert case.entered <= case.history[-1].at


def test_a_hold_keeps_the_phase_and_lets_it_go() -> None:
    case = opened(an_entry(an_opened()))
    gated = advance(case, an_entry(Gated(reason="authority is observe")))
    assert (gated.phase, gated.hold, gated.hold_reason) == (Phase.OPEN, Hold.GATE, "authority is observe")
    assert advance(gated, an_entry(Approved(because="yes"))).hold is Hold.NONE
    frozen = advance(case, an_entry(Frozen(reason="a bug")))
    assert (frozen.phase, frozen.hold) == (Phase.OPEN, Hold.FROZEN)
    assert advance(frozen, an_entry(Thawed(because="mended"))).hold is Hold.NONE


def test_a_rollback_is_the_next_change_of_the_same_case() -> None:
    story = ["Diagnosed", "Drafted", "Proved", "Proposed", "Merged", "Deployed", "Harmed"]
    by_name = {kind.__name__: kind for kind in EVENTS}
    case = opened(an_entry(an_opened()))
    for name in story:
        case = advance(case, an_entry(an_event(by_name[name])))
    assert case.phase is Phase.REVERTING
    case = advance(case, an_entry(Drafted(change=a_change(number=2, rolls_back=1))))
    assert (case.phase, case.change.number, case.change.rolls_back) == (Phase.DRAFTED, 2, 1)
    assert case.trial is None
    assert case.merge is None
    assert case.judgement is None
    assert [type(entry.event) for entry in case.history if isinstance(entry.event, (Merged, Harmed))] == [
        Merged,
        Harmed,
    ]


def test_a_retry_starts_afresh() -> None:
    case = opened(an_entry(an_opened()))
    by_name = {kind.__name__: kind for kind in EVENTS}
    for name in ("Diagnosed", "Escalated"):
        case = advance(case, an_entry(an_event(by_name[name])))
    again = advance(case, an_entry(Retried(because="again")))
    assert (again.phase, again.diagnosis, again.escalation) == (Phase.OPEN, None, "")


def test_a_naive_time_raises_at_birth() -> None:
    with pytest.raises(ValueError, match="UTC"):
        replace(an_opened().anomaly, onset=NOW.replace(tzinfo=None))


def test_a_case_without_a_change_says_so() -> None:
    case: Case = opened(an_entry(an_opened()))
    with pytest.raises(LookupError, match="no change"):
        _ = case.change


def test_a_comment_is_heard_once_whatever_it_asked_for() -> None:
    case = opened(an_entry(an_opened()))
    case = advance(case, an_entry(Frozen(reason="wait", comment=7)))
    case = advance(case, an_entry(Thawed(because="go", comment=8)))
    for again in (Heard(comment=7, by="sre", word="pause", answer="paused"), Frozen(reason="wait", comment=8)):
        with pytest.raises(IllegalStep, match="heard"):
            advance(case, an_entry(again))
    assert heard(case) == {7, 8}
    assert advance(case, an_entry(Frozen(reason="no comment's"))).hold is Hold.FROZEN


def test_force_lets_a_gate_go_and_no_freeze() -> None:
    case = opened(an_entry(an_opened()))
    force = an_entry(Overridden(how=Override.FORCE, text="go"))
    assert advance(advance(case, an_entry(Gated(reason="ask"))), force).hold is Hold.NONE
    assert advance(advance(case, an_entry(Frozen(reason="wait"))), force).hold is Hold.FROZEN


def test_a_kill_is_a_judgement_of_what_was_merged() -> None:
    case = replace(opened(an_entry(an_opened())), phase=Phase.DEPLOYED)
    killed = advance(case, an_entry(an_event(Killed)))
    assert killed.phase is Phase.REVERTING
    assert [judgement.change for judgement in killed.judgements] == [1]
    assert killed.escalation == "guardrail"
