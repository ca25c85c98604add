"""Back to normal: said only of what was seen to be normal."""

import numpy as np
import pytest

from cases.telemetry import Direction, SeriesBlock
from detectors.baseline import fit
from detectors.recovery import Recovery, recovery
from tests.detectors.series import MINUTE, WARM_UP, at, block, noise, signal
from tests.detectors.test_triage import anomaly, case

GONE = np.nan
CHECKOUT, CART = {"route": "/checkout"}, {"route": "/cart"}
HISTORY = np.array([0.01 + 0.001 * noise(seed, 1440) for seed in (1, 2)])
BASELINE = fit(block(HISTORY, labels=(CHECKOUT, CART)), warm_up=WARM_UP)


def readings(checkout: list[float], cart: list[float] | None = None, partial: str = "") -> SeriesBlock:
    return block([checkout, cart or [0.01] * len(checkout)], first=1440, labels=(CHECKOUT, CART), partial=partial)


def asked(recent: SeriesBlock | None, late: float = 0) -> Recovery:
    minute = 1439 + late + (len(recent.times) if recent else 10)
    return recovery(
        case(anomaly(minute=1400)),
        {recent.signal.key: recent} if recent else {},
        {"shop/errors": BASELINE},
        at(minute),
        confirm=3,
        stale_after=5 * MINUTE,
    )


def test_so_many_samples_within_the_band_are_recovery() -> None:
    said = asked(readings([0.3, 0.3, 0.01, 0.01, 0.01]))
    assert said.recovered
    assert said.because == "the last 3 samples of shop/errors are back within what is expected"


@pytest.mark.parametrize(
    ("recent", "late", "because"),
    [
        (None, 0, "was not read"),
        (readings([0.3, 0.3, 0.3, 0.01, 0.01]), 0, "still up at route=/checkout"),
        (readings([0.01] * 5, [0.01, 0.01, 0.01, 0.01, 0.4]), 0, "still up at route=/cart"),
        (readings([0.01] * 5), 9, "is stale"),
        (readings([0.01] * 5, partial="store 3 is away"), 0, "is blind"),
        (readings([GONE] * 5), 0, "fewer than 3 fresh samples of route=/checkout"),
        (readings([0.01] * 5 + [GONE] * 9), 0, "fewer than 3 fresh samples of route=/checkout"),
        (readings([GONE] * 3 + [0.01] * 2), 0, "fewer than 3 fresh samples of route=/checkout"),
        (block([0.01] * 5, first=1440, labels=(CART,)), 0, "has no samples any more of route=/checkout"),
        (block(np.empty((0, 5)), first=1440), 0, "is missing"),
    ],
)
def test_anything_else_is_not(recent: SeriesBlock | None, late: float, because: str) -> None:
    said = asked(recent, late)
    assert not said.recovered
    assert because in said.because


def test_without_a_band_or_threshold_nothing_is_known() -> None:
    recent = readings([0.01] * 5)
    said = recovery(case(anomaly()), {"shop/errors": recent}, {}, at(1444), confirm=3, stale_after=5 * MINUTE)
    assert not said.recovered
    assert "nothing is known" in said.because


def test_a_threshold_needs_no_band() -> None:
    limit = signal(threshold=0.1)
    for level, recovered in ((0.09, True), (0.11, False)):
        recent = block([[level] * 5] * 2, limit, first=1440, labels=(CHECKOUT, CART))
        said = recovery(case(anomaly()), {"shop/errors": recent}, {}, at(1444), confirm=3, stale_after=5 * MINUTE)
        assert said.recovered is recovered


def test_every_signal_must_be_back_on_its_own_side() -> None:
    traffic = signal("traffic", harm=Direction.DOWN)
    both = case(anomaly(), anomaly("traffic", direction=Direction.DOWN))
    baselines = {
        "shop/errors": BASELINE,
        "shop/traffic": fit(block(100 + noise(3, 1440), traffic, labels=(CHECKOUT,)), warm_up=WARM_UP),
    }
    for level, recovered in ((100.0, True), (20.0, False), (500.0, True)):
        recent = {
            "shop/errors": readings([0.01] * 5),
            "shop/traffic": block([level] * 5, traffic, first=1440, labels=(CHECKOUT,)),
        }
        said = recovery(both, recent, baselines, at(1444), confirm=3, stale_after=5 * MINUTE)
        assert said.recovered is recovered
        assert [signal.signal for signal in said.signals] == ["shop/errors", "shop/traffic"]
