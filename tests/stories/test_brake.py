"""The brake on the whole daemon: a service that breaks down right after a merge has it taken back at once, and once."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cases.case import Phase
from cases.events import Killed
from cases.telemetry import SeriesBlock, Signal
from tests.parts.levers import Levered, levered
from tests.parts.playhouse import QUERY, Readings
from tests.stories.test_unasked import JUDGEMENT, announces, checked, ends, granted, of, present, pulled

LOOPING = 5.0  # the readings of the story count starts as well as errors
BRAKE = {"kill": {"worse_by": None}, "brake": {"crash_loops": [{"query": QUERY, "above": 3.0}]}}


def broken(life: Levered, level: float) -> str:
    """Our merge runs, and the readings become what they are: why it is taken back, which is proposed."""
    it = life.house
    announces(life)
    ends(life)
    life.passes(1)
    assert present(it).phase is Phase.MERGED
    it.deploy(it.world.hub.tip())
    it.readings.becomes(level, it.now)
    case = it.until(Phase.PROPOSED, minutes=20)
    (killed,) = of(case, Killed)
    assert killed.judgement is not None
    assert killed.judgement.braked
    assert "the brake: shop broke down" in killed.because
    assert case.change.rolls_back == 1
    return str(killed.because)


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_crash_loop_after_our_merge_is_taken_back_at_once_and_once(tmp_path: Path) -> None:
    with granted(tmp_path) as it:
        it.extra["judgement"] = {**JUDGEMENT, **BRAKE, "warm_up": "2h"}  # the judgement has not begun
        with levered(it) as life:
            assert "its instances start over and over" in broken(life, LOOPING)
            assert "shop: what was merged does harm" in it.subjects()
        with levered(it) as life:  # another life, and more looks: no second one
            life.passes(3)
            assert len(of(present(it), Killed)) == 1
            first, second = sorted(it.pull_requests(), key=lambda pull: pull["number"])
            assert (first["state"], second["state"]) == ("closed", "open")
            assert "is taken back by the brake: shop broke down" in pulled(it)["body"]
            checked(it)
            life.passes(1)
            ends(life)
            assert pulled(it)["merged"]  # harm was judged, and it is young
            assert len(it.pull_requests()) == 2


GOOD, TOTAL, A_SECOND = "good_total", "all_total", 20.0
BROKEN = 0.97  # of its events fail


@dataclass
class Counted(Readings):
    """The readings, and the good and all events a second that an objective counts."""

    def read(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        block = super().read(replace(signal, query=QUERY), start, end, step)
        if signal.query not in {GOOD, TOTAL}:
            return block
        failing = block.values if signal.query == GOOD else 0.0 * block.values
        return replace(block, values=A_SECOND * (1.0 - failing))


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_budget_that_burns_after_our_merge_is_answered_at_once_and_once(tmp_path: Path) -> None:
    with granted(tmp_path) as it:
        it.readings = Counted(it.readings.levels)
        it.extra["judgement"] = {**JUDGEMENT, "kill": {"worse_by": None}, "warm_up": "2h"}
        slo = {"good": GOOD, "total": TOTAL, "objective": 99}
        it.extra["watch"] = [
            {"name": "errors", "service": "shop", "query": QUERY, "harm": "up", "severity": "page"},
            {"name": "success", "service": "shop", "slo": slo},
        ]
        with levered(it) as life:
            assert "what its objective allows" in broken(life, BROKEN)
            life.passes(3)
            assert len(of(present(it), Killed)) == 1
            assert len(it.pull_requests()) == 2
            assert "is taken back by the brake: shop broke down" in pulled(it)["body"]
