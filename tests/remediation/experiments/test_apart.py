"""Effects by a property of users: by hand, where there is nothing, and where there are too many values."""

from dataclasses import replace

import numpy as np
import pytest

from cases.goal import Goal
from cases.measure import EVERYBODY, OTHERS, Segments, Tally, Users
from inference.experiments.segments import effects
from inference.experiments.sequence import Sequence
from remediation.experiments.apart import Asked, apart, arm_of, asked
from remediation.experiments.words import segments_said
from tests.parts.ideas import GOAL, SLOW, a_shop
from tests.parts.nouns import NOW

PLAN = Sequence(planned=40_000, alpha=0.05)
ARMS = ("control", "treated")


def tally(users: int, rate: float) -> Tally:
    """Users of whom a share has the event."""
    return Tally(columns=("value",), users=users, means=(rate,), scatter=((users * rate * (1 - rate),),))


def users(rates: dict[str, tuple[int, float, float]], goal: Goal = SLOW) -> Users:
    """Segment → users of each arm, and the share of the control and of the treated."""
    tallies = {
        (segment, goal.signal, variant): tally(count, rate)
        for segment, (count, *both) in rates.items()
        for variant, rate in zip(ARMS, both, strict=True)
    }
    exposed: dict[str, int] = dict.fromkeys(ARMS, sum(count for count, _, _ in rates.values()))
    return Users(exposed=exposed, crossed=0, tallies=tallies, first=NOW, newest=NOW, rows=0)


def found(rates: dict[str, tuple[int, float, float]], goal: Goal = SLOW, most: int = 8) -> Segments:
    return apart(users(rates, goal), goal, ARMS, Asked(by="country", most=most), PLAN, 0.05)


def words(segments: Segments) -> dict[str, str]:
    return {one.segment: one.word for one in segments.effects}


def test_each_segment_has_its_effect_with_more_as_better() -> None:
    rates = {"de": (10_000, 0.4, 0.3), "at": (10_000, 0.3, 0.4), "ch": (10_000, 0.3, 0.305), "li": (60, 0.9, 0.1)}
    less = found(rates)  # less of it is better
    assert words(less) == {"at": "worse", "ch": "no difference shown", "de": "better", "li": "not known"}
    assert [one.users for one in less.effects if one.segment == "li"] == [(60, 60)]
    more = found(rates, replace(SLOW, target=2.0))
    assert words(more) == {"at": "better", "ch": "no difference shown", "de": "worse", "li": "not known"}
    mirrored = [(-one.high, -one.low) for one in more.effects if one.low is not None and one.high is not None]
    assert mirrored == [(one.low, one.high) for one in less.effects if one.low is not None]


def test_the_interval_is_that_of_all_segments_at_once() -> None:
    (one,) = found({"de": (10_000, 0.4, 0.3)}, most=8).effects
    control, treated = (arm_of(tally(10_000, rate)) for rate in (0.4, 0.3))
    assert control is not None
    assert treated is not None
    right = effects({"de": (control, treated)}, planned=PLAN, effect=0.05, most=8)["de"]
    assert right.low is not None
    assert right.high is not None
    assert (one.lift, one.low, one.high) == pytest.approx((0.1, -right.high, -right.low))
    (alone,) = found({"de": (10_000, 0.4, 0.3)}, most=1).effects
    assert alone.low is not None
    assert one.low is not None
    assert one.low < alone.low  # of several each says less


def test_of_too_many_values_nothing_is_said_and_small_ones_do_not_count() -> None:
    big: dict[str, tuple[int, float, float]] = dict.fromkeys(("a", "b", "c"), (1_000, 0.4, 0.1))
    assert not found(big, most=2).effects
    assert found(big, most=2).because == "3 values of country have users enough, and 2 share the chance of an error"
    assert len(found({**big, "d": (99, 0.4, 0.1)}, most=3).effects) == 4
    assert OTHERS not in words(found({**big, OTHERS: (1_000, 0.4, 0.1), EVERYBODY: (9_000, 0.4, 0.1)}, most=3))


def test_users_who_all_do_the_same_tell_nothing() -> None:
    (one,) = found({"de": (1_000, 0.0, 0.0)}).effects
    assert (one.word, one.low) == ("not known", None)
    assert "differ" in one.because


def test_what_is_asked_for() -> None:
    plain, told = (a_shop().services[0].experiments, a_shop(experiments=BY).services[0].experiments)
    assert plain is not None
    assert told is not None
    assert asked(SLOW, plain) is None
    assert asked(GOAL, plain) == Asked(by="country", most=2)  # the outcome names two countries
    assert asked(replace(GOAL, segment={"country": ("de",)}), plain) is None
    assert asked(replace(GOAL, segment={"country": ("de", "at"), "plan": ("free", "paid")}), plain) is None
    assert asked(SLOW, told) == Asked(by="country", most=5)
    assert asked(GOAL, told) == Asked(by="country", most=2)


BY = {
    "by": "country",
    "by_most": 5,
    "exposures": {
        "source": "events",
        "query": "select unit, variant, time, country from s where flag = :flag and time >= :start and time < :end",
    },
}


def test_what_is_said_names_only_what_differs() -> None:
    said = segments_said(found({"de": (10_000, 0.4, 0.3), "at": (10_000, 0.3, 0.3), "li": (60, 0.9, 0.1)}))
    assert said.startswith("By country, intervals for 8 at once: de better: gain +0.1 (+0.0")
    assert said.endswith("; no difference shown: at; not known: li.")
    assert segments_said(Segments(by="plan", most=8)) == "By plan: nothing is said (no user had a value of it)."


def ever_told(runs: int, looks: int, seed: int) -> int:
    """In how many A/A experiments of five segments any was ever called different."""
    rng, wrong = np.random.default_rng(seed), 0
    names, each = "abcde", 300
    for _ in range(runs):
        events = rng.binomial(each, 0.3, (len(names), 2, looks)).cumsum(axis=2)
        told = False
        for look in range(looks):
            count = each * (look + 1)
            rates = {name: (count, *(events[place, :, look] / count)) for place, name in enumerate(names)}
            parts = apart(users(rates), SLOW, ARMS, Asked(by="country", most=5), PLAN, 0.5)
            told |= bool({"better", "worse"} & {one.word for one in parts.effects})
        wrong += told
    return wrong


def test_hardly_any_segment_differs_where_there_is_nothing() -> None:
    assert ever_told(30, 10, seed=3) <= 4  # 30 times 5 % is 1.5


@pytest.mark.long
def test_of_a_thousand_experiments_with_nothing_in_them() -> None:
    """At most 5 %, and three standard errors of chance."""
    assert ever_told(1_000, 20, seed=4) <= 0.05 * 1_000 + 3 * np.sqrt(0.05 * 0.95 * 1_000)
