"""What an experiment's gain is worth for a dollar: whole cents by hand, and nothing said where nothing is known."""

from dataclasses import replace
from typing import Any

from cases.case import Case
from cases.events import Looked
from cases.lifecycle import opened
from config.settings import Settings
from remediation.worth import Worth, worth_of
from tests.parts.nouns import an_entry, an_opened
from tests.parts.settings import some_settings
from tests.parts.trying import ASKED, PRIMARY, goal, idea


def told(cents: float | None) -> Settings:
    """The outcome's signal is a revenue; `cents` is what a unit of it is worth."""
    measure: dict[str, Any] = {
        "signal": PRIMARY, "source": "books", "kind": "revenue", "query": "select unit, time, value from sales",
    }  # fmt: skip
    document: dict[str, Any] = {**ASKED, "measures": [measure if cents is None else {**measure, "cents": cents}]}
    return some_settings(**document)


def tried(*looks: Looked) -> Case:
    more = replace(goal(), baseline=1.0, target=2.0)
    return replace(opened(an_entry(an_opened())), goal=more, hypothesis=idea(), looks=looks)


LOOK = Looked(change=1, users=(900, 1_000), crossed=0, because="so", lift=0.0501, low=-0.01, high=0.1)
NOTHING = Looked(change=1, users=(9, 9), crossed=0, because="too early")


def test_it_is_counted_in_whole_cents() -> None:
    found = worth_of(tried(LOOK), told(100), 0.0)
    assert found == Worth(users=1_000, gain=5_010, low=-1_000, high=10_000, spent=0)
    assert found is not None
    assert found.document["cents_for_a_dollar"] is None
    assert str(found) == "worth: +$50.10 (-$10.00 to +$100.00) of 1,000 users; models cost $0.00"


def test_for_each_dollar_that_was_spent() -> None:
    found = Worth(users=1_000, gain=5_010, low=-1_000, high=10_000, spent=300)
    assert [found.for_a_dollar(cents) for cents in (5_010, -1_000, 10_000, None)] == [1_670, -334, 3_333, None]
    assert found.document["cents_for_a_dollar_interval"] == [-334, 3_333]
    assert str(found).endswith("models cost $3.00: +$16.70 for a dollar (-$3.34 to +$33.33)")


def test_a_look_that_could_say_nothing_hides_none_before_it() -> None:
    assert worth_of(tried(LOOK, NOTHING), told(100), 0.0) == worth_of(tried(LOOK), told(100), 0.0)
    found = worth_of(tried(NOTHING), told(100), 0.0)
    assert found is not None
    assert (found.gain, found.document["interval_cents"]) == (None, None)
    assert str(found) == "worth: nothing can be said yet; models cost $0.00"


def test_a_look_that_the_case_does_not_have_yet_is_the_newest() -> None:
    newer = replace(LOOK, users=(1_900, 2_000))
    assert worth_of(tried(LOOK), told(100), 0.0, newer) == worth_of(tried(LOOK, newer), told(100), 0.0)
    assert worth_of(tried(), told(100), 0.0, newer) == worth_of(tried(newer), told(100), 0.0)


def test_what_models_cost_is_rounded_up() -> None:
    assert [found.spent for usd in (0.0, 0.001, 0.07, 1.101) if (found := worth_of(tried(LOOK), told(100), usd))] == [
        0, 1, 7, 111,
    ]  # fmt: skip


def test_nothing_is_said_before_anybody_has_looked() -> None:
    assert worth_of(tried(), told(100), 0.0) is None


def test_nothing_is_said_unless_it_is_asked_for() -> None:
    assert worth_of(tried(LOOK), told(None), 0.0) is None
