"""Deploy markers from merges, from the forge's record, and from several at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from cases.diagnosis import Commit
from cases.errors import PermanentError, SourceDown, TemporaryError
from cases.ports import Changes
from cases.telemetry import Deploy
from daemon.clock import ManualClock
from signals.deploys import AllMarkers, ForgeMarkers, MergeMarkers
from signals.recorded import RecordedMarkers
from tests.parts.scrapes import START, after

OLD, NEW, NEXT = "a" * 40, "b" * 40, "c" * 40


def commit(sha: str, at: datetime) -> Commit:
    return Commit(sha=sha, at=at, author="shop developer", title="Work", parents=())


def merges(*commits: Commit, delay: timedelta = timedelta(minutes=2)) -> MergeMarkers:
    def listed(repository: str, since: datetime, until: datetime) -> tuple[Commit, ...]:
        assert repository == "acme/shop"
        return tuple(c for c in reversed(commits) if since <= c.at <= until)

    return MergeMarkers(commits=listed, repository_of={"shop": "acme/shop"}.get, delay=delay)


def test_a_merge_is_live_after_the_delay() -> None:
    markers = merges(commit(OLD, after(-1)), commit(NEW, after(5)), commit(NEXT, after(59)))
    found = markers.deploys("shop", after(0), after(60))
    assert [(d.commit, d.started) for d in found] == [(OLD, after(1)), (NEW, after(7))]
    assert found[0].source == "merge + 2m (configured)"
    assert markers.deploys("cart", after(0), after(60)) == ()
    assert markers.silence("cart", after(60)) == "no repository is known for it"


@pytest.mark.parametrize(("seconds", "words"), [(90.0, "90s"), (3600.0, "60m"), (1.5, "1.5s")])
def test_the_delay_is_said_in_words(seconds: float, words: str) -> None:
    (deploy,) = merges(commit(OLD, after(1)), delay=timedelta(seconds=seconds)).deploys("shop", after(0), after(90))
    assert deploy.source == f"merge + {words} (configured)"


def marked(*told: tuple[str, float], source: str = "webhook") -> RecordedMarkers:
    recorded = [Deploy(service="shop", commit=sha, started=after(at), source=source) for sha, at in told]
    return RecordedMarkers(recorded=recorded)


def all_of(*parts: Changes) -> list[tuple[str, datetime]]:
    found = AllMarkers(parts=parts).deploys("shop", after(0), after(60))
    return [(deploy.commit[:1], deploy.started) for deploy in found]


def test_two_markers_of_one_deploy_count_once_with_the_earlier_time_and_both_sources() -> None:
    parts = (marked((OLD, 1), (NEW, 9)), marked((NEW[:10], 7), (OLD, 3), source="Flux (webhook)"))
    assert all_of(*parts) == [("a", after(1)), ("b", after(7))]
    _, later = AllMarkers(parts=parts).deploys("shop", after(0), after(60))
    assert (later.commit, later.source) == (NEW, "Flux (webhook); webhook")


def test_the_same_commit_long_after_is_another_deploy() -> None:
    assert all_of(marked((OLD, 1)), marked((OLD, 11))) == [("a", after(1))]
    assert all_of(marked((OLD, 1)), marked((OLD, 11.1))) == [("a", after(1)), ("a", after(11.1))]


def test_a_commit_that_was_deployed_twice_stays_so() -> None:
    twice = marked((OLD, 1), (NEW, 5), (OLD, 9))
    assert all_of(twice) == [("a", after(1)), ("b", after(5)), ("a", after(9))]
    assert all_of(twice, marked((OLD, 2), (NEW, 6), (OLD, 8))) == [("a", after(1)), ("b", after(5)), ("a", after(8))]


def test_recorded_markers_keep_to_their_service_and_window() -> None:
    markers = marked((NEW, 9), (OLD, 1), (NEXT, 61))
    assert [d.commit for d in markers.deploys("shop", after(0), after(60))] == [OLD, NEW]
    assert markers.deploys("cart", after(0), after(60)) == ()


@dataclass
class Down:
    """A marker that cannot be read."""

    error: Exception = field(default_factory=lambda: SourceDown("main", "closed for repairs"))

    def deploys(self, service: str, since: datetime, until: datetime) -> tuple[Deploy, ...]:
        del service, since, until
        raise self.error

    def running(self, service: str, at: datetime) -> tuple[str, ...]:
        del service, at
        raise self.error


@pytest.mark.parametrize("error", [SourceDown("main", "closed for repairs"), PermanentError("closed for repairs")])
def test_a_marker_that_is_down_hides_nothing_that_another_says(error: Exception) -> None:
    for parts in ((Down(error), marked((OLD, 1))), (marked((OLD, 1)), Down(error))):
        assert all_of(*parts) == [("a", after(1))]
        assert AllMarkers(parts=parts).running("shop", after(5)) == (OLD,)


def test_that_nothing_was_deployed_is_said_only_when_all_could_be_read() -> None:
    for parts in ((Down(), marked((OLD, 1))), (Down(),)):
        with pytest.raises(SourceDown, match="closed for repairs"):
            AllMarkers(parts=parts).deploys("shop", after(10), after(60))
        with pytest.raises(SourceDown, match="closed for repairs"):
            AllMarkers(parts=parts).running("cart", after(60))
    assert AllMarkers(parts=(marked((OLD, 1)),)).deploys("shop", after(10), after(60)) == ()


def test_a_marker_that_stays_down_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "trackwalker.deploys")
    markers = AllMarkers(parts=(Down(), marked((OLD, 1))))
    for _ in range(3):
        markers.deploys("shop", after(0), after(60))
    assert len(caplog.records) == 1
    assert "closed for repairs" in caplog.text


@dataclass
class Record:
    """A forge's record: what went live, and how it was asked."""

    live: list[tuple[datetime, str]]
    asked: list[datetime] = field(default_factory=list[datetime])
    error: TemporaryError | None = None

    def deployments(self, repository: str, environment: str, since: datetime) -> Sequence[tuple[datetime, str]]:
        assert (repository, environment) == ("acme/shop", "production")
        self.asked.append(since)
        if self.error is not None:
            raise self.error
        return [(at, sha) for at, sha in sorted(self.live) if at >= since]


def forge_markers(record: Record) -> tuple[ForgeMarkers, ManualClock]:
    clock = ManualClock(START)
    repository_of = {"shop": "acme/shop", "cart": "acme/shop"}.get
    return ForgeMarkers(forge=record, repository_of=repository_of, environment="production", clock=clock), clock


def test_the_forges_record_is_a_marker() -> None:
    markers, _ = forge_markers(Record([(after(1), OLD), (after(7), NEW)]))
    (deploy,) = markers.deploys("shop", after(5), after(60))
    assert (deploy.commit, deploy.started, deploy.environment) == (NEW, after(7), "production")
    assert deploy.source == "deployments to production on the forge"
    assert [markers.running("shop", after(at)) for at in (0, 3, 60)] == [(), (OLD,), (NEW,)]
    assert markers.deploys("unknown", after(5), after(60)) == ()
    assert "no deployment to production" in markers.silence("shop", after(0))


def test_a_hundred_polls_in_thirty_seconds_ask_the_forge_once() -> None:
    record = Record([(after(1), OLD)])
    markers, clock = forge_markers(record)
    for poll in range(100):
        assert len(markers.deploys(("shop", "cart")[poll % 2], after(0), after(60))) == 1
    assert len(record.asked) == 1
    clock.advance(timedelta(seconds=30))
    markers.deploys("shop", after(0.5), after(60))
    assert len(record.asked) == 2
    markers.deploys("shop", after(-5000), after(60))  # further back than what is known
    assert len(record.asked) == 3


def test_a_forge_that_asks_to_slow_down_is_left_alone_so_long() -> None:
    record = Record([(after(1), OLD)], error=TemporaryError("the forge asks to slow down", timedelta(minutes=7)))
    markers, clock = forge_markers(record)
    for _ in range(3):
        with pytest.raises(SourceDown, match="slow down"):
            markers.deploys("shop", after(0), after(60))
        clock.advance(timedelta(minutes=2))
    assert len(record.asked) == 1
    record.error = None
    clock.advance(timedelta(minutes=1))
    assert len(markers.deploys("shop", after(0), after(60))) == 1
