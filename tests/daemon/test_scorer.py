"""The engine in the daemon: each reading is fed once, and a restart knows what it knew, whenever it comes."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from cases.telemetry import Floats, SeriesBlock
from daemon.clock import ManualClock
from daemon.ledger.ledger import Ledger, open_ledger
from daemon.scorer import FORGOTTEN, LEARNT_FROM, STORED, Scorer, sparse
from detectors.departures import Trace
from tests.detectors.series import DAY, START, at, block, noise, signal

RECENT = timedelta(minutes=30)
KEY = "shop/errors"
VALUES = np.array([10 + noise(seed, 2 * DAY) for seed in (1, 2)])
VALUES[:, DAY + 700 : DAY + 720] += 8


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(f"sqlite:///{tmp_path}/l.db", clock=ManualClock(START)) as ledger:
        yield ledger


def window(minute: int, values: Floats = VALUES, *, length: int = 30) -> SeriesBlock:
    """What a look at that minute reads."""
    return block(values[:, minute - length + 1 : minute + 1], signal(), first=minute - length + 1)


def history(minute: int) -> SeriesBlock:
    return block(VALUES[:, minute - 429 : minute - 29], signal(), first=minute - 429)


def fed(scorer: Scorer, minutes: range) -> Trace:
    """Look at each of these minutes, as the daemon does; what was said at the last of them."""
    trace = Trace.nothing((0, 0))
    for minute in minutes:
        trace = scorer.feed({KEY: window(minute)}, at(minute))[KEY]
        scorer.keep(at(minute))
    return trace


def same(one: Trace, other: Trace) -> bool:
    return all(
        np.array_equal(getattr(one, n), getattr(other, n), equal_nan=True) for n in ("raw", "expected", "spread")
    )


def test_how_often_one_looks_makes_no_difference(ledger: Ledger) -> None:
    often, seldom = (Scorer(ledger.checkpoints, recent=RECENT) for _ in range(2))
    for scorer in (often, seldom):
        scorer.learn({KEY: history(DAY + 690)})
    told = fed(often, range(DAY + 690, DAY + 715))
    assert same(told, fed(seldom, range(DAY + 690, DAY + 715, 24)))
    assert told.raw[:, -14:].max() > 0.45 > told.raw[:, :-16].max()
    assert told.expected[:, -1] == pytest.approx([10, 10], abs=1)


@pytest.mark.parametrize("ended", [DAY + 691, DAY + 719, DAY + 722, DAY + 751])
def test_a_daemon_that_is_killed_at_any_look_says_the_same_afterwards(ledger: Ledger, ended: int) -> None:
    whole = Scorer(ledger.checkpoints, recent=RECENT)
    whole.learn({KEY: history(DAY + 640)})
    fed(whole, range(DAY + 640, ended + 1))
    until = range(ended + 1, ended + 6)
    again = Scorer(ledger.checkpoints, recent=RECENT)
    assert again.learn({KEY: history(ended + 1)}) == {}  # it is known; the history only fills what came since
    assert same(fed(again, until), fed(whole, until))


def test_learning_anew_every_hour_does_not_forget_what_was_said_of_the_last_readings(ledger: Ledger) -> None:
    scorer = Scorer(ledger.checkpoints, recent=RECENT)
    assert scorer.learn({KEY: history(DAY + 700)})[KEY].raw.shape == (2, 400)
    before = fed(scorer, range(DAY + 700, DAY + 711))
    assert scorer.learn({KEY: history(DAY + 710)}) == {}
    assert same(scorer.feed({KEY: window(DAY + 710)}, at(DAY + 710))[KEY], before)


def test_series_come_and_go_and_give_their_rows_away(ledger: Ledger) -> None:
    scorer = Scorer(ledger.checkpoints, recent=RECENT)
    scorer.learn({KEY: history(DAY)})
    fed(scorer, range(DAY, DAY + 5))
    one = block(VALUES[:1, DAY - 20 : DAY + 10], signal(), first=DAY - 20)
    trace = scorer.feed({KEY: one}, at(DAY + 9))[KEY]
    assert trace.raw.shape == (1, 30)
    assert np.all(trace.raw[0] > 0)
    back = scorer.feed({KEY: window(DAY + 10)}, at(DAY + 10))[KEY]
    assert np.isnan(back.expected[1, -6:-1]).all()  # it was not there at those looks
    assert not np.isnan(back.expected[1, -1])
    later = at(DAY) + FORGOTTEN + timedelta(days=1)
    assert scorer.feed({}, later) == {}
    young = scorer.feed({KEY: window(2 * DAY - 1)}, at(2 * DAY - 1))[KEY]
    assert not young.raw.any()  # it begins anew


def test_a_long_history_is_thinned_to_what_a_start_can_wait_for() -> None:
    whole = block(VALUES, signal())
    few = sparse(whole)
    assert len(few.times) == 960 <= LEARNT_FROM < len(whole.times)
    assert (few.times[-1], few.values[1, -1]) == (whole.times[-1], VALUES[1, -1])
    assert set(np.diff(few.times).tolist()) == {180_000}
    assert sparse(few) is few


def test_a_partial_answer_teaches_nothing(ledger: Ledger) -> None:
    scorer = Scorer(ledger.checkpoints, recent=RECENT)
    scorer.learn({KEY: history(DAY)})
    part = block(VALUES[:, DAY - 29 : DAY + 1], signal(), first=DAY - 29, partial="a shard is away")
    assert np.isnan(scorer.feed({KEY: part}, at(DAY))[KEY].expected).all()
    assert not np.isnan(scorer.feed({KEY: window(DAY)}, at(DAY))[KEY].expected).any()


@pytest.mark.parametrize("blob", [b"", b"\xff\xff\xff\xff", b"\x02\x00\x00\x00{}", b"\x05\x00\x00\x00[1,2]junk"])
def test_a_checkpoint_that_cannot_be_read_is_said_and_all_is_learnt_anew(
    ledger: Ledger, blob: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    ledger.checkpoints.put(STORED, blob, START)
    scorer = Scorer(ledger.checkpoints, recent=RECENT)
    assert "cannot be read" in caplog.text
    assert set(scorer.learn({KEY: history(DAY)})) == {KEY}
