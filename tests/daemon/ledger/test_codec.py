"""Every event and effect comes back as it went in; what cannot be read is named, and not quoted."""

import dataclasses
import json
import math
import typing
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from types import UnionType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.errors import PermanentError
from cases.events import Event, Guided, Judged
from cases.outcome import Lesson
from cases.steps import Effect, Receipt
from daemon.ledger.codec import EFFECTS, EVENTS, LESSONS, RECEIPTS, Vocabulary
from tests.parts.nouns import a_judgement

SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=20),
    int: st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False),
    bool: st.booleans(),
    bytes: st.binary(max_size=20),
    datetime: st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    timedelta: st.timedeltas(timedelta(0), timedelta(days=400)),
    date: st.dates(),
    type(None): st.none(),
}


def any_of(kind: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 - types of every kind
    """Values of a noun's field, by its type; written apart from the codec, so that it can disagree with it."""
    if kind in SIMPLE:
        return SIMPLE[kind]
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return st.builds(typing.cast("Any", kind), **{name: any_of(hint) for name, hint in hints.items()})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(list(kind))
    inner = typing.get_args(kind)
    if typing.get_origin(kind) is UnionType:
        return st.one_of([any_of(one) for one in inner])
    if typing.get_origin(kind) is Mapping:
        return st.dictionaries(any_of(inner[0]), any_of(inner[1]), max_size=3)
    assert typing.get_origin(kind) is tuple
    if inner[-1] is Ellipsis:
        return st.lists(any_of(inner[0]), max_size=2).map(tuple)
    return st.tuples(*(any_of(one) for one in inner))


@pytest.mark.parametrize(
    ("vocabulary", "kind"),
    [(EVENTS, kind) for kind in typing.get_args(Event)]
    + [(EFFECTS, kind) for kind in typing.get_args(Effect)]
    + [(LESSONS, Lesson), (RECEIPTS, Receipt)],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
@given(choice=st.data())
@settings(max_examples=8, deadline=None)
def test_every_noun_comes_back_as_it_went_in(vocabulary: Vocabulary[Any], kind: type, choice: st.DataObject) -> None:
    noun = choice.draw(any_of(kind))
    packed = vocabulary.pack(noun)
    assert vocabulary.unpack(packed.kind, packed.payload, "a row") == noun
    assert packed.kind == kind.__name__


def test_times_come_back_in_utc_to_the_microsecond() -> None:
    event = Judged(judgement=replace(a_judgement(), at=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)))
    packed = EVENTS.pack(event)
    back = EVENTS.unpack(packed.kind, packed.payload, "a row")
    assert isinstance(back, Judged)
    assert back.judgement.at.isoformat() == "2026-01-02T03:04:05.000006+00:00"


def test_numbers_that_are_none_come_back() -> None:
    event = Judged(judgement=replace(a_judgement(), effect=math.nan, low=-math.inf, high=math.inf))
    packed = EVENTS.pack(event)
    back = EVENTS.unpack(packed.kind, packed.payload, "a row")
    assert isinstance(back, Judged)
    assert back.judgement.effect is not None
    assert math.isnan(back.judgement.effect)
    assert (back.judgement.low, back.judgement.high) == (-math.inf, math.inf)


def test_half_a_surrogate_pair_becomes_a_question_mark() -> None:
    hostile: str = json.loads('"a\\ud800b\\u0000c"')
    packed = EVENTS.pack(Guided(text=hostile))
    packed.payload.encode()
    assert EVENTS.unpack(packed.kind, packed.payload, "a row") == Guided(text="a?b\x00c")


def test_a_value_of_the_wrong_type_is_refused_before_it_is_stored() -> None:
    wrong = typing.cast("str", 5)
    with pytest.raises(TypeError, match="Guided"):
        EVENTS.pack(Guided(text=wrong))
    with pytest.raises(TypeError, match="int is none of"):
        EVENTS.pack(typing.cast("Event", 5))


@pytest.mark.parametrize(
    ("kind", "payload", "told"),
    [
        ("Vanished", "{}", "does not know .Vanished."),
        ("Guided", "{}", "text: Field required"),
        ("Guided", '{"text":"hush","more":1}', "more: Unexpected"),
        ("Guided", '{"text":"hu', "another version wrote it, or the database is damaged"),
        ("Guided", '{"text":"hush"},{}', "Unexpected|does not read"),
    ],
)
def test_what_cannot_be_read_names_its_row_and_does_not_quote_it(kind: str, payload: str, told: str) -> None:
    with pytest.raises(PermanentError, match=told) as failure:
        EVENTS.unpack(kind, payload, "entry 3 of case deadbeef")
    assert str(failure.value).startswith("entry 3 of case deadbeef ")
    assert "hush" not in str(failure.value)
