"""What is said of which detector looks at a series is what the poll does with it."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from cases.telemetry import Direction, Floats, SeriesBlock
from daemon.choosing import beside, choose, facts_of, told
from daemon.listing import Slo, Watch
from detectors.burn_rate import Objective
from tests.detectors.series import WARM_UP, block, noise, signal

DAYS = 5
TIMES = np.arange(DAYS * 1440)
BAND = Watch(signal=signal(), detector="auto", confirm=3)


def history(values: Floats) -> SeriesBlock:
    return block(values)


DAILY = 2.0 + np.sin(TIMES / 1440 * 2 * np.pi) + 0.05 * noise(1, len(TIMES))
FLAT = 2.0 + 0.05 * noise(2, len(TIMES))
YOUNG = np.where(len(TIMES) - 30 <= TIMES, 2.0, np.nan)


@pytest.mark.parametrize(
    ("values", "detector", "reason"),
    [
        (DAILY, "band with the time of day", "foretells it better"),
        (FLAT, "band without a season", "does not foretell it any better"),
        (FLAT[:2000], "band without a season", "a season takes 3 days"),
        (np.full(len(TIMES), 3.0), "band, constant", "a change of 0.5% counts"),
        (YOUNG, "none yet", "30m of history is too little"),
    ],
)
def test_each_series_has_its_detector(values: Floats, detector: str, reason: str) -> None:
    (facts,) = facts_of(history(values), WARM_UP)
    chosen = choose(BAND, facts)
    assert chosen.detector == detector
    assert reason in chosen.reason


def test_what_the_operator_said_goes_first() -> None:
    (facts,) = facts_of(history(DAILY), WARM_UP)
    limited = replace(BAND, signal=replace(signal(), threshold=3.0, harm=Direction.UP))
    objective = Slo(good="good", total="all", objective=Objective(share=0.999, window=timedelta(days=30)))
    assert choose(limited, facts).detector == "threshold"
    assert choose(replace(limited, detector="seasonal"), facts).detector == "band with the time of day"
    assert choose(replace(limited, slo=objective), facts).detector == "burn rate"


def test_a_newcomer_is_held_to_its_siblings_where_harm_lies_upwards() -> None:
    both = block(np.array([FLAT, YOUNG]), labels=({"pod": "a"}, {"pod": "b"}))
    up = replace(BAND, signal=replace(signal(), harm=Direction.UP))
    down = replace(BAND, signal=replace(signal(), harm=Direction.DOWN))
    _, young = facts_of(both, WARM_UP)
    assert (choose(up, young).detector, choose(down, young).detector) == ("band of its siblings", "none yet")


def test_it_is_one_line_for_people() -> None:
    three = block(np.array([FLAT, DAILY, DAILY]), labels=({"pod": "a"}, {"pod": "b"}, {"pod": "c"}))
    watch = replace(BAND, absence="all", limit=95.0, within=timedelta(hours=12))
    said = told(watch, facts_of(three, WARM_UP))
    assert said.startswith("band with the time of day: 2 series (")
    assert "; band without a season: 1 series (" in said
    assert said.endswith(", absence of all of it, saturation at 95 within 12h")
    assert beside(BAND) == ("the streaming engine, within the service's alert budget",)
    assert beside(replace(BAND, detector="seasonal")) == ()
