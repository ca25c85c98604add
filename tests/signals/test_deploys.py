"""Deploy markers: from a metric, from merges, and from several at once."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cases.diagnosis import Commit
from cases.errors import PermanentError, SourceDown
from cases.moments import milliseconds
from cases.telemetry import Deploy
from signals.deploys import AllMarkers, BuildInfoMarkers, MergeMarkers
from signals.prometheus import PrometheusSource
from signals.promql import selector
from signals.recorded import RecordedMarkers, RecordedSource, Recording
from tests.parts.prometheus import exposition, running_prometheus

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
OLD, NEW, NEXT = "a" * 40, "b" * 40, "c" * 40
QUERY = 'build_info{service="shop"}'


def after(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def scraped(seen: dict[str, Sequence[range]], every: int = 5, partial: str = "") -> RecordedSource:
    """A scrape each few seconds: revision → the seconds (after START) in which it is exported."""
    seconds = range(
        min(r[0] for runs in seen.values() for r in runs), max(r[-1] for rs in seen.values() for r in rs) + 1
    )
    times = np.array([milliseconds(START) + 1000 * s for s in seconds if s % every == 0], dtype=np.int64)
    values = np.array(
        [
            [1.0 if any(s in run for run in runs) else np.nan for s in seconds if s % every == 0]
            for runs in seen.values()
        ]
    )
    labels = tuple({"service": "shop", "revision": revision} for revision in seen)
    recording = Recording(times=times, values=values, labels=labels, partial=partial)
    return RecordedSource(name="main", recordings={QUERY: recording})


def deploys(source: RecordedSource, since: float, until: float) -> list[tuple[str, float]]:
    found = BuildInfoMarkers(source=source).deploys("shop", after(since), after(until))
    assert all(deploy.source == "build_info on main" for deploy in found)
    return [(deploy.commit[:1], (deploy.started - START).total_seconds()) for deploy in found]


def test_a_deploy_begins_at_the_first_sample_of_a_revision() -> None:
    source = scraped({OLD: [range(-3600, 605)], NEW: [range(610, 3600)]})
    assert deploys(source, 0, 60) == [("b", 610)]


def test_what_ran_before_the_window_is_no_deploy_but_known_to_run() -> None:
    source = scraped({OLD: [range(-3600, 605)], NEW: [range(610, 3600)]})
    assert deploys(source, 30, 60) == []
    markers = BuildInfoMarkers(source=source)
    assert markers.running("shop", after(5)) == (OLD,)
    assert markers.running("shop", after(30)) == (NEW,)
    assert markers.running("shop", after(-90)) == ()


def test_a_deploy_keeps_its_time_whenever_it_is_asked_for() -> None:
    source = scraped({OLD: [range(-3600, 605)], NEW: [range(610, 3600)]})
    assert {tuple(deploys(source, since, 50)) for since in (0, 0.13, 3.7, 9.99)} == {(("b", 610),)}


def test_a_rollout_begins_with_its_first_instance() -> None:
    source = scraped({OLD: [range(-3600, 1200)], NEW: [range(610, 3600)]})
    assert deploys(source, 0, 60) == [("b", 610)]
    assert BuildInfoMarkers(source=source).running("shop", after(15)) == (OLD, NEW)


def test_an_old_revision_that_comes_back_is_a_deploy() -> None:
    source = scraped({OLD: [range(-3600, 605), range(1200, 3600)], NEW: [range(605, 1200)]})
    assert deploys(source, 0, 60) == [("b", 605), ("a", 1200)]


def test_a_missed_scrape_during_a_rollout_is_no_deploy() -> None:
    source = scraped({OLD: [range(-3600, 900), range(930, 1200)], NEW: [range(605, 3600)]})
    assert deploys(source, 0, 60) == [("b", 605)]


def test_silence_is_no_deploy() -> None:
    source = scraped({OLD: [range(-3600, 600), range(1800, 3600)]})
    assert deploys(source, 0, 60) == []


def test_a_new_revision_after_a_long_silence_is_one() -> None:
    source = scraped({OLD: [range(-3600, 600)], NEW: [range(1800, 3600)]})
    assert deploys(source, 0, 60) == [("b", 1800)]


def test_a_service_that_is_seen_for_the_first_time_was_deployed() -> None:
    assert deploys(scraped({NEW: [range(610, 3600)]}), 0, 60) == [("b", 610)]


def test_a_service_without_the_metric_has_no_markers() -> None:
    source = scraped({OLD: [range(-3600, 3600)]})
    assert BuildInfoMarkers(source=source).deploys("cart", after(0), after(60)) == ()
    assert BuildInfoMarkers(source=source).running("cart", after(60)) == ()


def test_a_partial_answer_is_no_list_of_deploys() -> None:
    source = scraped({OLD: [range(-3600, 3600)]}, partial="store 3 is away")
    with pytest.raises(SourceDown, match="markers of shop are not whole: store 3 is away"):
        deploys(source, 0, 60)


def test_a_service_name_cannot_break_out_of_its_quotes() -> None:
    assert selector("build_info", {"service": 'x"} or up{a="\\\n'}) == r'build_info{service="x\"} or up{a=\"\\\n"}'
    with pytest.raises(PermanentError, match="no label name"):
        selector("build_info", {"a-b": "c"})
    with pytest.raises(PermanentError, match="no metric name"):
        selector("up or vector(1)", {})


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusSource]:
    at = START.timestamp()
    series = {
        (("service", "shop"), ("revision", OLD)): [(at + s, 1.0) for s in range(-1800, 600, 15)],
        (("service", "shop"), ("revision", NEW)): [(at + s, 1.0) for s in range(607, 1800, 15)],
    }
    text = exposition("build_info", series) + "\n# EOF\n"
    with running_prometheus(tmp_path_factory.mktemp("prometheus"), text) as running:
        source = PrometheusSource("main", url=running.url)
        yield source
        source.close()


def test_the_same_from_a_real_prometheus(prometheus: PrometheusSource) -> None:
    markers = BuildInfoMarkers(source=prometheus)
    (deploy,) = markers.deploys("shop", after(0), after(29))
    assert (deploy.commit, deploy.started) == (NEW, START + timedelta(seconds=607))
    assert deploy.runs(NEW[:10])
    assert markers.running("shop", after(5)) == (OLD,)


def commit(sha: str, at: datetime) -> Commit:
    return Commit(sha=sha, at=at, author="shop developer", title="Work", parents=())


def merges(*commits: Commit) -> MergeMarkers:
    def listed(repository: str, since: datetime, until: datetime) -> tuple[Commit, ...]:
        assert repository == "acme/shop"
        return tuple(c for c in reversed(commits) if since <= c.at <= until)

    return MergeMarkers(commits=listed, repositories={"shop": "acme/shop"}, delay=timedelta(minutes=2))


def test_a_merge_is_live_after_the_delay() -> None:
    markers = merges(commit(OLD, after(-1)), commit(NEW, after(5)), commit(NEXT, after(59)))
    found = markers.deploys("shop", after(0), after(60))
    assert [(d.commit, d.started) for d in found] == [(OLD, after(1)), (NEW, after(7))]
    assert found[0].source == "merge + 2m (configured)"
    assert markers.deploys("cart", after(0), after(60)) == ()


def marked(*told: tuple[str, float], source: str = "webhook") -> RecordedMarkers:
    recorded = [Deploy(service="shop", commit=sha, started=after(at), source=source) for sha, at in told]
    return RecordedMarkers(recorded=recorded)


def all_of(*parts: RecordedMarkers) -> list[tuple[str, datetime]]:
    found = AllMarkers(parts=parts).deploys("shop", after(0), after(60))
    return [(deploy.commit[:1], deploy.started) for deploy in found]


def test_two_markers_of_one_deploy_count_once_with_the_earlier_time() -> None:
    assert all_of(marked((OLD, 1), (NEW, 9)), marked((NEW[:10], 7), (OLD, 3))) == [("a", after(1)), ("b", after(7))]


def test_a_commit_that_was_deployed_twice_stays_so() -> None:
    twice = marked((OLD, 1), (NEW, 5), (OLD, 9))
    assert all_of(twice) == [("a", after(1)), ("b", after(5)), ("a", after(9))]
    assert all_of(twice, marked((OLD, 2), (NEW, 6), (OLD, 8))) == [("a", after(1)), ("b", after(5)), ("a", after(8))]


def test_recorded_markers_keep_to_their_service_and_window() -> None:
    markers = marked((NEW, 9), (OLD, 1), (NEXT, 61))
    assert [d.commit for d in markers.deploys("shop", after(0), after(60))] == [OLD, NEW]
    assert markers.deploys("cart", after(0), after(60)) == ()


def test_one_marker_that_cannot_be_read_leaves_all_unknown() -> None:
    down = scraped({OLD: [range(-3600, 3600)]})
    down.down("closed for repairs")
    with pytest.raises(SourceDown, match="closed for repairs"):
        AllMarkers(parts=(marked((OLD, 1)), BuildInfoMarkers(source=down))).deploys("shop", after(0), after(60))
