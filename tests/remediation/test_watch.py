"""The watch: readings in, the judgement and its comment out, by what the metric really did."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from cases.anomaly import AnomalyKind
from cases.case import Case, Phase
from cases.change import ChangeClass
from cases.errors import PermanentError, SourceDown
from cases.events import (
    Drafted,
    Entry,
    Escalated,
    Extended,
    Harmed,
    Judged,
    Proved,
    Recovered,
)
from cases.lifecycle import replay
from cases.outcome import Judgement, Ruling
from cases.pull_request_events import Adopted, Merged, Proposed
from cases.steps import PostComment, StorePlot
from cases.telemetry import Deploy, Direction, Scale, SeriesBlock, Signal
from remediation.picture import draw_look
from remediation.seen import Seen
from remediation.watch import Around, watch
from tests.parts.nouns import SHA, a_change, a_trial
from tests.remediation.watched import (
    BAD,
    DEPLOY,
    HOUR,
    MINUTE,
    NORMAL,
    ONSET,
    PERSISTS,
    RECOVERS,
    SETTINGS,
    WORSENS,
    Weeks,
    World,
    a_case,
    began,
    comment,
    deployed,
    judged,
    merged,
    to_the_end,
)


def test_a_change_that_ends_the_anomaly_worked() -> None:
    result, now, case = to_the_end(a_case(), RECOVERS)
    judgement = judged(result)
    assert judgement.ruling is Ruling.WORKED
    assert now - DEPLOY <= HOUR
    assert judgement.signal == "shop/errors"
    assert judgement.normal == pytest.approx(NORMAL, abs=0.001)
    assert judgement.anomalous == pytest.approx(BAD, abs=0.02)
    assert judgement.after == pytest.approx(NORMAL, abs=0.001)
    assert judgement.confidence == pytest.approx(0.98)
    assert judgement.evidence is not None
    assert judgement.evidence > 20
    assert judgement.samples >= 12
    assert "alpha 0.01" in judgement.settings
    assert case.phase is Phase.DEPLOYED
    assert result.again is None


def test_the_comment_says_it_in_the_words_of_the_field() -> None:
    result, _, _ = to_the_end(a_case(), RECOVERS)
    (effect,) = result.effects
    assert isinstance(effect, PostComment)
    assert effect.key == "deadbeef-1-judgement"
    assert effect.branch == "trackwalker/deadbeef-1"
    body = comment(result)
    for words in (
        "**Worked: errors of shop came back after change 1.**", "always-valid 98% interval", "20 min warm-up excluded",
        "normal 0.005", "anomalous 0.3", "after `0123456789` began to run", "readings after it", "timing only",
        "Settings:",
    ):  # fmt: skip
        assert words in body
    assert "caused" not in body


def test_a_change_that_makes_it_worse_is_harmful_and_goes_back() -> None:
    result, now, case = to_the_end(a_case(), WORSENS)
    judgement = judged(result)
    assert isinstance(result.events[0], Harmed)
    assert judgement.ruling is Ruling.HARMFUL
    assert judgement.effect == pytest.approx(0.6, abs=0.1)
    assert case.phase is Phase.REVERTING
    assert now - DEPLOY <= HOUR
    body = comment(result)
    assert "**Harmful: errors of shop got worse after change 1.**" in body
    assert "fewer than 1 deploy in 100 would ever show this" in body
    assert "a rollback is drafted" in body


def test_a_change_that_does_nothing_never_worked() -> None:
    result, now, _ = to_the_end(a_case(), PERSISTS, every=HOUR)
    judgement = judged(result)
    assert judgement.ruling in {Ruling.INCONCLUSIVE, Ruling.UNCHANGED}
    assert now == DEPLOY + SETTINGS.window
    assert comment(result)


def test_what_goes_on_says_how_it_stands() -> None:
    case = a_case()
    early = watch(case, PERSISTS.read, DEPLOY + 10 * MINUTE, SETTINGS)
    assert early.events == ()
    assert "warm-up lasts until" in early.waiting
    few = watch(case, PERSISTS.read, DEPLOY + 25 * MINUTE, SETTINGS)
    assert few.events == ()
    assert "5 of 12 needed readings" in few.waiting
    later = watch(case, PERSISTS.read, DEPLOY + 2 * HOUR, SETTINGS)
    assert later.events == ()
    assert later.effects == ()
    assert later.again == DEPLOY + 2 * HOUR + SETTINGS.look_every
    assert "watching errors of shop, 2 h after the deploy: against the anomalous 0.3" in later.waiting


def test_another_signal_of_the_case_can_show_the_harm() -> None:
    world = replace(RECOVERS, levels={**RECOVERS.levels, "latency": ((ONSET, 0.02), (DEPLOY, 0.2))})
    case = a_case(also=(began("latency"),))
    result, _, _ = to_the_end(case, world)
    judgement = judged(result)
    assert judgement.ruling is Ruling.HARMFUL
    assert judgement.signal == "shop/latency"
    assert "alpha 0.005" in judgement.settings  # each signal has its share
    body = comment(result)
    assert "fewer than 1 deploy in 100" in body
    assert "Also watched for harm: errors" in body


def test_a_signal_whose_harm_is_down_is_judged_the_other_way_round() -> None:
    low = replace(began(direction=Direction.DOWN), signal=replace(began().signal, harm=Direction.DOWN))
    case = replace(a_case(), anomalies=(low,))
    levels = ((ONSET - 100 * HOUR, 10.0), (ONSET, 2.0), (DEPLOY, 10.0))
    assert judged(to_the_end(case, World(levels={"errors": levels}))[0]).ruling is Ruling.WORKED
    sunk = ((ONSET - 100 * HOUR, 10.0), (ONSET, 5.0), (DEPLOY, 1.0))
    assert judged(to_the_end(case, World(levels={"errors": sunk}))[0]).ruling is Ruling.HARMFUL


def test_late_harm_goes_to_a_human() -> None:
    late = World(levels={"errors": ((ONSET, BAD), (DEPLOY + 7 * HOUR, 0.9))})
    result, now, case = to_the_end(a_case(), late, every=HOUR / 2)
    (event,) = result.events
    assert isinstance(event, Escalated)
    assert now > DEPLOY + SETTINGS.act_within
    assert case.phase is Phase.ESCALATED
    assert "change 1 does harm: errors of shop" in event.reason
    assert "past the 6 h" in event.reason
    assert "interval" in event.reason
    assert "Harmful, for a human to decide" in comment(result)


def rolled_back(rollback_at: datetime) -> Case:
    """Change 1 did harm, and its rollback runs since then."""
    harm = judged(to_the_end(a_case(), WORSENS)[0])
    change = replace(a_change(2, rolls_back=1), promise=a_change().promise)
    at = rollback_at - MINUTE
    return a_case(
        (at, Harmed(judgement=harm)),
        (at, Drafted(change=change)),
        (at, Proved(trial=replace(a_trial(), change=2))),
        (at, Proposed(change=2, repository="shop", branch=change.branch("deadbeef"))),
        (at, merged(2)),
        (rollback_at, deployed(2, rollback_at)),
    )


def test_a_rollback_is_judged_against_the_harm_that_it_undoes() -> None:
    back = DEPLOY + 2 * HOUR
    world = World(levels={"errors": ((ONSET, BAD), (DEPLOY, 0.9), (back, BAD))})
    result = watch(rolled_back(back), world.read, back + HOUR, SETTINGS)
    judgement = judged(result)
    assert judgement.ruling is Ruling.WORKED
    assert judgement.change == 2
    assert judgement.normal == pytest.approx(BAD, abs=0.03)  # what was there before the harm, though no good
    assert judgement.anomalous == pytest.approx(0.9, abs=0.1)
    assert "the rollback of change 1" in comment(result)


def test_a_rollback_that_does_harm_is_not_rolled_back() -> None:
    back = DEPLOY + 2 * HOUR
    world = World(levels={"errors": ((ONSET, BAD), (DEPLOY, 0.9), (back, 3.0))})
    result = watch(rolled_back(back), world.read, back + HOUR, SETTINGS)
    (event,) = result.events
    assert isinstance(event, Escalated)
    assert "a rollback is not rolled back" in event.reason


def test_no_traffic_after_the_deploy_is_inconclusive_and_never_a_pass() -> None:
    result, now, _ = to_the_end(a_case(), replace(PERSISTS, silent=DEPLOY), every=6 * HOUR)
    judgement = judged(result)
    assert judgement.ruling is Ruling.INCONCLUSIVE
    assert "no traffic is not a pass" in judgement.because
    assert judgement.samples == 0
    assert now == DEPLOY + SETTINGS.window
    assert "Inconclusive: no verdict on change 1 after 1 d" in comment(result)


def test_too_little_traffic_makes_the_watch_longer_once() -> None:
    world = replace(PERSISTS, silent=DEPLOY + 25 * MINUTE)
    case, end = a_case(), DEPLOY + SETTINGS.window
    first = watch(case, world.read, end, SETTINGS)
    (event,) = first.events
    assert isinstance(event, Extended)
    assert event.until == end + SETTINGS.act_within
    assert "5 of 12 needed readings" in event.because
    result, now, _ = to_the_end(case, world, every=HOUR)
    assert judged(result).ruling is Ruling.INCONCLUSIVE
    assert now >= event.until


def test_a_recovery_into_silence_is_not_a_pass() -> None:
    world = replace(RECOVERS, silent=DEPLOY + 40 * MINUTE)
    result = watch(a_case(), world.read, DEPLOY + 2 * HOUR, SETTINGS)
    assert result.events == ()
    assert "missing is not healthy" in result.waiting


@pytest.mark.parametrize(
    ("world", "words"),
    [
        (replace(RECOVERS, labels={"service": "shop", "route": "/other"}), "the series is not there any more"),
        (replace(RECOVERS, partial="shard 2 is down"), "its answer is not whole"),
    ],
)
def test_a_series_that_cannot_be_seen_decides_nothing(world: World, words: str) -> None:
    going = watch(a_case(), world.read, DEPLOY + 2 * HOUR, SETTINGS)
    assert going.events == ()
    assert words in going.waiting
    ended = judged(watch(a_case(), world.read, DEPLOY + SETTINGS.window, SETTINGS))
    assert ended.ruling is Ruling.INCONCLUSIVE
    assert words in ended.because


def test_a_source_that_is_down_is_the_cycles_business() -> None:
    def down(signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        raise SourceDown(signal.source, f"no answer for {start} to {end} by {step}")

    with pytest.raises(SourceDown, match="main: no answer"):
        watch(a_case(), down, DEPLOY + 2 * HOUR, SETTINGS)


def test_the_past_is_read_from_well_before_the_onset_until_now() -> None:
    asked: list[tuple[str, datetime, datetime, timedelta]] = []
    read: Callable[..., SeriesBlock] = RECOVERS.read

    def noted(signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        asked.append((signal.key, start, end, step))
        return read(signal, start, end, step)

    now = DEPLOY + 2 * HOUR
    watch(a_case(), noted, now, SETTINGS)
    assert asked == [("shop/errors", ONSET - timedelta(seconds=5) - SETTINGS.history, now, MINUTE)]


def test_an_anomaly_that_was_over_before_the_deploy_leaves_nothing_to_mend() -> None:
    over = World(levels={"errors": ((ONSET, BAD), (ONSET + 30 * MINUTE, NORMAL))})
    recovered = (ONSET + 40 * MINUTE, Recovered(because="back in its band"))
    case = a_case()
    case = replay([*case.history[:-1], Entry(at=recovered[0], actor="daemon", event=recovered[1]), case.history[-1]])
    result, _, _ = to_the_end(case, over, every=HOUR)
    judgement = judged(result)
    assert judgement.ruling in {Ruling.UNCHANGED, Ruling.INCONCLUSIVE}
    assert judgement.anomalous is None


def test_a_change_that_a_human_merged_as_their_own_gets_no_comment() -> None:
    case = a_case()
    opened, merge = case.history[0], case.history[-2].event
    assert isinstance(merge, Merged)
    adopted = Entry(at=ONSET, actor="sre", event=Adopted(change=a_change(), sha=SHA, by="sre"))
    result, _, _ = to_the_end(replay([opened, adopted, case.history[-1]]), RECOVERS)
    assert judged(result).ruling is Ruling.WORKED
    assert result.effects == ()


def test_a_promise_about_a_signal_that_is_none_of_the_cases_is_a_humans_to_judge() -> None:
    change = replace(a_change(), promise=replace(a_change().promise, signal="shop/revenue"))
    with pytest.raises(PermanentError, match=r"promises to move 'shop/revenue'.*shop/errors"):
        watch(a_case(change=change), RECOVERS.read, DEPLOY + 2 * HOUR, SETTINGS)


def test_a_case_that_never_ran_cannot_be_watched() -> None:
    with pytest.raises(PermanentError, match="no deploy"):
        watch(replace(a_case(), deploys=()), RECOVERS.read, DEPLOY, SETTINGS)


def test_the_operators_margin_speaks_of_the_promised_signal_only() -> None:
    case = a_case(also=(began("latency"),))
    world = replace(WORSENS, levels={**WORSENS.levels, "latency": ((ONSET, 0.02), (DEPLOY, 0.2))})
    judgement = judged(to_the_end(case, world, replace(SETTINGS, margin=5.0))[0])
    assert judgement.signal == "shop/latency"
    assert "margin a quarter of the normal deviation" in judgement.settings


@pytest.mark.parametrize(("after", "ruling"), [(0.003, Ruling.WORKED), (NORMAL, None), (0.01, Ruling.HARMFUL)])
def test_an_improvement_is_held_against_how_it_has_been(after: float, ruling: Ruling | None) -> None:
    slow = replace(began(), kind=AnomalyKind.DRIFT)
    case = a_case(change=replace(a_change(), kind=ChangeClass.IMPROVEMENT))
    case = replace(case, anomalies=(slow,), recovered=None)
    world = World(levels={"errors": ((DEPLOY, after),)})
    result = watch(case, world.read, DEPLOY + 4 * HOUR, SETTINGS)
    if ruling is None:
        assert (result.events, result.again) == ((), DEPLOY + 4 * HOUR + SETTINGS.look_every)
        return
    (event,) = result.events
    assert isinstance(event, Judged | Harmed)
    assert event.judgement.ruling is ruling
    assert event.judgement.low is not None
    if ruling is Ruling.WORKED:
        assert "always-valid" in event.judgement.because


def another(at: datetime) -> Around:
    """Ours, and somebody else's deploy."""
    ours = Deploy(service="shop", commit=SHA, started=DEPLOY, source="build_info")
    theirs = replace(ours, commit="feedface" * 5, started=at)
    return Around(others=lambda since, until: tuple(one for one in (ours, theirs) if since <= one.started <= until))


def test_harm_beside_another_deploy_goes_to_a_human_and_is_not_rolled_back() -> None:
    result = watch(a_case(), WORSENS.read, DEPLOY + HOUR, SETTINGS, another(DEPLOY + 2 * MINUTE))
    (event,) = result.events
    assert isinstance(event, Escalated)
    assert "another deploy of that time explains it about as well" in event.reason
    assert "**Contested, for a human to decide: errors of shop" in comment(result)
    alone = watch(a_case(), WORSENS.read, DEPLOY + HOUR, SETTINGS, another(DEPLOY - 24 * HOUR))
    assert isinstance(alone.events[0], Harmed)


def test_the_judgement_comes_with_its_picture() -> None:
    case = a_case()

    def plot(seen: Seen, judgement: Judgement, key: str, repository: str) -> tuple[StorePlot, str]:
        assert seen.judged is not None
        drawn = draw_look(case, seen, seen.judged, judgement, ())
        return StorePlot(
            key=f"{key}-plot", repository=repository, path="p.png", content=drawn
        ), "http://127.0.0.1/p.png"

    result = watch(case, WORSENS.read, DEPLOY + HOUR, SETTINGS, Around(plot=plot))
    stored, said = result.effects
    assert isinstance(stored, StorePlot)
    assert stored.content.startswith(b"\x89PNG")
    assert isinstance(said, PostComment)
    assert "](http://127.0.0.1/p.png)" in said.body


def test_the_same_query_of_other_services_is_a_control() -> None:
    signal = replace(
        began().signal, query="q", pick={"service": "shop"}, controls=("q",), scale=Scale.GAUGE, harm=Direction.UP
    )
    case = replace(a_case(), anomalies=(replace(began(), signal=signal, onset=DEPLOY - 3 * MINUTE),))
    settings = replace(SETTINGS, history=timedelta(days=9), step=10 * MINUTE, min_samples=3)
    case = replace(case, recovered=DEPLOY - MINUTE)
    world = Weeks(effect=1.0)
    result = watch(case, world.read, DEPLOY + 5 * HOUR, settings)
    judgement = judged(result)
    assert judgement.ruling is Ruling.HARMFUL
    assert "1 control series" in judgement.settings
    assert judgement.effect == pytest.approx(1.0, abs=0.6)
    assert [asked.pick for asked in world.asked] == [{"service": "shop"}, {}]
    unaided = replace(case, anomalies=(replace(case.anomaly, signal=replace(signal, controls=())),))
    assert watch(unaided, Weeks(effect=1.0).read, DEPLOY + 5 * HOUR, settings).events == ()
    assert watch(case, Weeks(effect=0.0).read, DEPLOY + 5 * HOUR, settings).events == ()
