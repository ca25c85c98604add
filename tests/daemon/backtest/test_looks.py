"""A backtest says what the daemon would have said: at the same moments, by the same detectors, never by what comes."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from cases.moments import from_milliseconds, milliseconds
from cases.stores import Checkpoints
from cases.telemetry import Direction, Floats, SeriesBlock
from config.settings import DetectionSettings
from daemon.backtest.columns import between, joined, thinned
from daemon.backtest.gather import Stretch, from_sources
from daemon.backtest.looks import Looked, look
from daemon.backtest.stories import stories
from daemon.clock import ManualClock
from daemon.ledger.ledger import open_ledger
from daemon.listing import Watch
from daemon.scorer import Scorer
from detectors.baseline import fit
from detectors.detect import detect
from signals.recorded import RecordedSource, Recording
from tests.detectors.series import MINUTE, START, at, block, noise, signal

WANTED = DetectionSettings()
GRAIN = 300_000
DAY = 1440


def watch_of(readings: SeriesBlock) -> Watch:
    return Watch(signal=readings.signal, detector="auto", confirm=WANTED.confirm)


def looked_at(readings: SeriesBlock, first: int = 0) -> Looked:
    # So generous that nothing is held back: how a budget is kept has tests of its own.
    return look(watch_of(readings), readings, thinned(readings, GRAIN), WANTED, start=at(first), allowed=100)


def troubled(seed: int, minutes: int = DAY) -> Floats:
    """Noise with a spike too short to count, one that counts, a long one, and one that is still on at the end."""
    values = 10 + noise(seed, minutes)
    for first, length in ((400, 2), (500, 4), (700, 90), (minutes - 20, 20)):
        values[first : first + length] += 40
    values[300:340] = np.nan
    return values


@pytest.mark.parametrize("harm", [Direction.UP, None])
def test_all_looks_at_once_find_what_each_look_alone_finds(harm: Direction | None, tmp_path: Path) -> None:
    readings = block([troubled(1).tolist(), (20 - troubled(2)).tolist()], signal(harm=harm))
    found = looked_at(readings)
    told = {(e.anomaly.labels["route"], e.anomaly.direction, milliseconds(e.seen)) for e in found.episodes}
    with open_ledger(f"sqlite:///{tmp_path}/l.db", clock=ManualClock(START)) as ledger:
        assert told == one_by_one(readings, ledger.checkpoints)
    assert len(told) == (3 if harm else 6)
    assert all(e.seen >= e.anomaly.detected >= e.anomaly.onset and e.end >= e.anomaly.detected for e in found.episodes)
    longest = max(found.episodes, key=lambda e: e.end - e.anomaly.onset)
    assert (longest.anomaly.onset, longest.end) == (at(700), at(789))


def one_by_one(readings: SeriesBlock, checkpoints: Checkpoints) -> set[tuple[str, Direction, int]]:
    """What a daemon says that looks each minute and learns each hour: each trouble at the first look that has it."""
    history, told = thinned(readings, GRAIN), set[tuple[str, Direction, int]]()
    scorer, key = Scorer(checkpoints, recent=WANTED.recent), readings.signal.key
    recent, refit = WANTED.recent // MINUTE * 60_000, WANTED.refit // MINUTE * 60_000
    baseline, due, before = None, 0, set[tuple[str, Direction]]()
    for now in readings.times.tolist():
        newest = (now - recent) // GRAIN * GRAIN
        if now >= due:
            learnt = between(history, newest - 4_032 * GRAIN, newest)
            enough = len(learnt.times) and int((~learnt.missing).sum(axis=1).max()) * 5 >= WANTED.warm_up // MINUTE
            baseline = fit(learnt, warm_up=WANTED.warm_up) if enough else None
            due = now + (refit if baseline is not None else 60_000)
        seen_now = between(readings, now - recent, now)
        traces = scorer.feed({key: seen_now}, from_milliseconds(now))
        if baseline is None:
            continue
        seen = detect(seen_now, baseline, confirm=WANTED.confirm, trace=traces[key]).anomalies
        names = {(anomaly.labels["route"], anomaly.direction) for anomaly in seen}
        told |= {(*name, now) for name in names - before}
        before = names
    return told


def test_a_noisy_past_makes_a_departure_dearer_where_the_budget_is_small() -> None:
    values, draw = 10 + noise(7, 3 * DAY + 300), np.random.default_rng(3)
    for first in range(300, 3 * DAY, 120):
        values[first : first + 15] += draw.exponential(5)

    def told(size: float, allowed: float) -> int:
        now = values.copy()
        now[-40:-30] += size
        whole = block(now, signal())
        readings = between(whole, milliseconds(at(3 * DAY - 30)), int(whole.times[-1]))
        history = thinned(whole, GRAIN)
        return len(look(watch_of(whole), readings, history, WANTED, start=at(3 * DAY), allowed=allowed).episodes)

    assert (told(10, 100), told(10, 0.01)) == (1, 0)
    assert told(60, 0.01) == 1  # far beyond all that was


def test_what_comes_later_changes_nothing() -> None:
    values = troubled(3)
    whole = [e for e in looked_at(block(values, signal())).episodes if e.seen < at(720)]
    early = looked_at(block(values[:720], signal())).episodes
    assert [(e.seen, e.anomaly) for e in early] == [(e.seen, e.anomaly) for e in whole]
    assert early[-1].end == at(719)  # it was still on


def test_a_threshold_needs_no_history() -> None:
    readings = block([1, 9, 9, 1, 9, 9, 9, 9, 1, 1], signal(threshold=5))
    (episode,) = looked_at(readings).episodes
    assert (episode.anomaly.detector, episode.anomaly.onset, episode.seen, episode.end) == (
        "threshold", at(4), at(6), at(7),
    )  # fmt: skip


def test_a_stretch_is_read_in_pieces_and_a_trouble_before_it_is_told_at_its_first_look() -> None:
    values = troubled(5, 2 * DAY)
    values[DAY + 1000 : DAY + 1090] += 40  # at a time of day that was calm the day before
    recorded = block(values)
    recording = Recording(times=recorded.times, values=recorded.values, labels=({"route": "/checkout"},))
    source = RecordedSource(name="main", recordings={"errors": recording}, look_back=timedelta(seconds=59))
    (found,) = from_sources(
        [watch_of(recorded)], {"main": source}, WANTED, Stretch(since=at(DAY + 1020), until=at(2 * DAY - 1))
    )
    assert found.block.times[0] == milliseconds(at(DAY + 1020))
    assert len(found.block.times) == DAY - 1020
    first, last = found.episodes
    assert (first.anomaly.onset, first.seen, first.end) == (at(DAY + 1000), at(DAY + 1020), at(DAY + 1089))
    assert (last.anomaly.onset, last.end) == (at(2 * DAY - 20), at(2 * DAY - 1))
    assert found.remarks == ()


def test_a_source_that_is_down_is_said_and_only_raised_when_nothing_is_left() -> None:
    from cases.errors import SourceDown

    recorded = block([1.0] * 10, signal(threshold=5))
    fine = RecordedSource(name="main", recordings={})
    away = RecordedSource(name="away", recordings={})
    away.down("connection refused")
    mine = watch_of(recorded)
    other = replace(mine, signal=replace(mine.signal, name="other", source="away"))
    stretch = Stretch(since=START, until=at(10))
    found = list(from_sources([mine, other], {"main": fine, "away": away}, WANTED, stretch))
    assert found[0].remarks == ("the source has no series for the query in this stretch",)
    assert "connection refused" in found[1].remarks[0]
    with pytest.raises(SourceDown, match="connection refused"):
        list(from_sources([other], {"away": away}, WANTED, stretch))


def test_cases_are_what_triage_makes_of_the_anomalies() -> None:
    spikes = np.full((3, 600), 1.0)
    spikes[0, 100:110] = spikes[1, 104:130] = 9  # one moment, one case
    spikes[2, 125:140] = 9  # while it is open: it joins
    spikes[0, 400:410] = 9  # long after: a case of its own
    episodes = [
        episode
        for row in range(3)
        for episode in looked_at(block(spikes[row], signal(f"s{row}", threshold=5))).episodes
    ]
    told = stories(episodes, lull=timedelta(minutes=30))
    assert [(story.case.opened, story.end, len(story.case.anomalies)) for story in told] == [
        (at(102), at(139), 3),
        (at(402), at(409), 1),
    ]
    assert told[0].case.id != told[1].case.id


def test_blocks_are_thinned_and_joined_as_a_source_would_answer() -> None:
    readings = block([[1, 2, np.nan, 4, 5, 6, np.nan, np.nan], [np.nan] * 8], first=1)
    thin = thinned(readings, GRAIN)
    assert thin.times.tolist() == [milliseconds(at(5)), milliseconds(at(10))]
    assert thin.values[0].tolist() == [5, 6]
    assert bool(thin.missing[1].all())
    partial = block([[7.0, 7.0]], first=11, labels=({"route": "/0"},), partial="a store is away")
    new = block([[8.0]], first=13, labels=({"route": "/new"},))
    whole = joined(readings.signal, [readings, partial, new])
    assert [labels["route"] for labels in whole.labels] == ["/0", "/1", "/new"]
    assert np.isnan(whole.values[0, 8:]).all()
    assert whole.values[2, -1] == 8
