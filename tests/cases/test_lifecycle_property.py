"""Any walk that the table allows can end, whatever is not in it is refused, and every event outlives being stored."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cases.case import Case, Hold, Phase
from cases.errors import IllegalStep
from cases.events import Event
from cases.lifecycle import NEXT, advance, comment_of, opened, replay
from daemon.ledger.codec import EVENTS
from tests.parts.nouns import an_entry, an_event, an_opened

KINDS: tuple[type[Event], ...] = get_args(Event)


def ways_out() -> Mapping[Phase, int]:
    """How many events each phase is from the end, at the least."""
    far = {Phase.CLOSED: 0}
    while grown := {phase for (phase, _), after in NEXT.items() if after in far} - far.keys():
        step = max(far.values()) + 1
        far |= dict.fromkeys(grown, step)
    return far


@st.composite
def walks(draw: st.DrawFn) -> Case:
    """A case after any events that the table allows, in any order."""
    case = opened(an_entry(an_opened()))
    for minute in range(draw(st.integers(0, 30), label="events")):
        legal = [kind for kind in KINDS if (case.phase, kind) in NEXT]
        if not legal:
            break
        case = advance(case, an_entry(unheard(draw(st.sampled_from(legal)), case), minutes=minute))
    return case


def unheard(kind: type[Event], case: Case) -> Event:
    """The example of its kind; where a comment asked for it, one that the case has not heard yet."""
    event = an_event(kind)
    return replace(event, comment=len(case.history)) if comment_of(event) else event  # pyright: ignore[reportCallIssue]


@settings(max_examples=100, deadline=None)
@given(walks())
def test_every_walk_can_end_and_is_its_history(case: Case) -> None:
    assert replay(case.history) == case
    far, ended = ways_out(), case
    for _ in range(far[case.phase]):
        nearer = [kind for kind in KINDS if far[NEXT.get((ended.phase, kind), ended.phase)] < far[ended.phase]]
        ended = advance(ended, an_entry(unheard(nearer[0], ended), minutes=99))
    assert (ended.phase, ended.active) == (Phase.CLOSED, False)


@settings(max_examples=100, deadline=None)
@given(walks(), st.sampled_from(KINDS))
def test_what_the_table_does_not_have_is_refused_wherever_a_walk_led(case: Case, kind: type[Event]) -> None:
    entry = an_entry(unheard(kind, case), minutes=99)
    if (case.phase, kind) in NEXT:
        after = advance(case, entry)
        assert after.history == (*case.history, entry)
        assert after.hold in Hold
    else:
        with pytest.raises(IllegalStep):
            advance(case, entry)


MOMENTS = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis puts the zone there


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=st.sampled_from(KINDS),
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    at=MOMENTS,
    number=st.floats(allow_nan=False),
    span=st.timedeltas(timedelta(0), timedelta(days=30)),
)
def test_every_event_is_the_same_after_it_was_stored(
    kind: type[Event], text: str, at: datetime, number: float, span: timedelta
) -> None:
    event = filled(an_event(kind), text, at, number, span)
    packed = EVENTS.pack(event)
    assert EVENTS.unpack(packed.kind, packed.payload, "an event") == event


def filled(event: Event, text: str, at: datetime, number: float, span: timedelta) -> Event:
    """The event with these in place of its own plain fields, wherever they may be anything."""
    fields = vars_of(event)
    changes: dict[str, object] = {}
    for name, held in fields.items():
        if type(held) is str:
            changes[name] = text
        elif type(held) is datetime:
            changes[name] = at
        elif type(held) is float:
            changes[name] = number
        elif type(held) is timedelta:
            changes[name] = span
    return replace(event, **changes)  # pyright: ignore[reportArgumentType] - of their own types


def vars_of(event: Event) -> Mapping[str, object]:
    """Its fields by name: a frozen value with slots has no __dict__."""
    return {name: getattr(event, name) for name in event.__dataclass_fields__}
