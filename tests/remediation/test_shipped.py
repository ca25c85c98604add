"""What people shipped: of ten deploys with one real effect, that one comes first, and nobody else is named with it."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from cases.moments import milliseconds
from cases.telemetry import Deploy, Direction, SeriesBlock, Signal
from remediation.shipped import ShippedSettings, moved_by, not_ours
from tests.inference.series import autocorrelated
from tests.parts.nouns import NOW, SHA

STEP = timedelta(minutes=10)
SETTINGS = ShippedSettings(warm_up=timedelta(minutes=20), min_samples=3, holds=3, alpha=0.01, signals=2)
SIGNAL = Signal(name="p95", service="shop", source="main", query="q", harm=Direction.UP)
DEPLOYS = [
    Deploy(service="shop", commit=f"{number:040x}", started=NOW - timedelta(hours=14 * (11 - number)), source="info")
    for number in range(1, 11)
]


def block(effect: float, guilty: Deploy, seed: int = 1, signal: Signal = SIGNAL) -> SeriesBlock:
    count = 21 * 144
    times = milliseconds(NOW) - (count - 1 - np.arange(count, dtype=np.int64)) * 600_000
    wave = np.sin(2 * np.pi * np.arange(count) / 144)
    values = 10 + wave + autocorrelated(count, 0.8, np.random.default_rng(seed))
    values += effect * (times >= milliseconds(guilty.started))
    rows = values[None]
    return SeriesBlock(signal=signal, labels=({"service": "shop"},), times=times, values=rows, missing=np.isnan(rows))


@pytest.mark.parametrize(("place", "effect", "to"), [(6, 3.0, "worse"), (3, -3.0, "better")])
def test_of_ten_deploys_the_one_that_moved_it_comes_first(place: int, effect: float, to: str) -> None:
    guilty = DEPLOYS[place]
    first, *rest = moved_by(block(effect, guilty), DEPLOYS, SETTINGS)
    assert (first.commit, first.to, first.signal, first.alone) == (guilty.commit, to, "p95", True)
    assert first.low < first.effect < first.high
    assert first.low * first.high > 0
    assert not any(one.alone for one in rest)


def test_ten_deploys_that_moved_nothing_are_not_named() -> None:
    assert moved_by(block(0.0, DEPLOYS[0]), DEPLOYS, SETTINGS) == []
    assert moved_by(replace(block(5.0, DEPLOYS[0]), partial="half of it"), DEPLOYS, SETTINGS) == []


def test_what_two_explain_alike_is_laid_to_neither_alone() -> None:
    twin = replace(DEPLOYS[5], commit="f" * 40, started=DEPLOYS[5].started - timedelta(minutes=1))
    found = moved_by(block(4.0, DEPLOYS[5]), [*DEPLOYS, twin], SETTINGS)
    assert {DEPLOYS[5].commit, twin.commit} <= {one.commit for one in found}
    assert not any(one.alone for one in found if one.commit in {DEPLOYS[5].commit, twin.commit})


def test_where_no_side_is_harm_it_is_said_which_way_it_went() -> None:
    (first, *_) = moved_by(block(4.0, DEPLOYS[2], signal=replace(SIGNAL, harm=None)), DEPLOYS, SETTINGS)
    assert first.to == "up"


def test_our_own_deploys_are_left_to_their_cases() -> None:
    ours = Deploy(service="shop", commit=SHA[:10], started=NOW, source="info")
    named = replace(ours, commit=SHA)
    assert not_ours([*DEPLOYS, named], [ours]) == DEPLOYS
