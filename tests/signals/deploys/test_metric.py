"""Deploy markers from a metric with the commit in a label."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from cases.errors import PermanentError, SourceDown
from cases.ports import SignalSource
from signals.deploys import BuildInfoMarkers, Showing
from signals.prometheus import PrometheusSource
from signals.promql import selector
from signals.recorded import RecordedSource
from tests.parts.scrapes import START, after, scraped

OLD, NEW = "a" * 40, "b" * 40
QUERY = 'build_info{service="shop"}'


def exported(seen: dict[str, Sequence[range]], partial: str = "") -> RecordedSource:
    """Revision → the seconds in which it is exported."""
    return scraped(QUERY, {(("service", "shop"), ("revision", r)): runs for r, runs in seen.items()}, partial=partial)


def markers(source: SignalSource, metric: str = "build_info") -> BuildInfoMarkers:
    showing = Showing(
        source=source, metric=metric, service_label="service", version=lambda labels: labels.get("revision", "")
    )
    return BuildInfoMarkers(showing=showing)


def deploys(source: RecordedSource, since: float, until: float) -> list[tuple[str, float]]:
    found = markers(source).deploys("shop", after(since), after(until))
    assert all(deploy.source == "build_info on main" for deploy in found)
    return [(deploy.commit[:1], (deploy.started - START).total_seconds()) for deploy in found]


def test_a_deploy_begins_at_the_first_sample_of_a_revision() -> None:
    source = exported({OLD: [range(-3600, 605)], NEW: [range(610, 3600)]})
    assert deploys(source, 0, 60) == [("b", 610)]


def test_what_ran_before_the_window_is_no_deploy_but_known_to_run() -> None:
    source = exported({OLD: [range(-3600, 605)], NEW: [range(610, 3600)]})
    assert deploys(source, 30, 60) == []
    assert markers(source).running("shop", after(5)) == (OLD,)
    assert markers(source).running("shop", after(30)) == (NEW,)
    assert markers(source).running("shop", after(-90)) == ()


def test_a_deploy_keeps_its_time_whenever_it_is_asked_for() -> None:
    source = exported({OLD: [range(-3600, 605)], NEW: [range(610, 3600)]})
    assert {tuple(deploys(source, since, 50)) for since in (0, 0.13, 3.7, 9.99)} == {(("b", 610),)}


def test_a_rollout_begins_with_its_first_instance() -> None:
    source = exported({OLD: [range(-3600, 1200)], NEW: [range(610, 3600)]})
    assert deploys(source, 0, 60) == [("b", 610)]
    assert markers(source).running("shop", after(15)) == (OLD, NEW)


def test_an_old_revision_that_comes_back_is_a_deploy() -> None:
    source = exported({OLD: [range(-3600, 605), range(1200, 3600)], NEW: [range(605, 1200)]})
    assert deploys(source, 0, 60) == [("b", 605), ("a", 1200)]


def test_a_missed_scrape_during_a_rollout_is_no_deploy() -> None:
    source = exported({OLD: [range(-3600, 900), range(930, 1200)], NEW: [range(605, 3600)]})
    assert deploys(source, 0, 60) == [("b", 605)]


def test_silence_is_no_deploy() -> None:
    source = exported({OLD: [range(-3600, 600), range(1800, 3600)]})
    assert deploys(source, 0, 60) == []


def test_a_new_revision_after_a_long_silence_is_one() -> None:
    source = exported({OLD: [range(-3600, 600)], NEW: [range(1800, 3600)]})
    assert deploys(source, 0, 60) == [("b", 1800)]


def test_a_service_that_is_seen_for_the_first_time_was_deployed() -> None:
    assert deploys(exported({NEW: [range(610, 3600)]}), 0, 60) == [("b", 610)]


def test_a_service_without_the_metric_has_no_markers_and_is_told_so() -> None:
    source = exported({OLD: [range(-3600, 3600)]})
    assert markers(source).deploys("cart", after(0), after(60)) == ()
    assert markers(source).running("cart", after(60)) == ()
    assert markers(source).silence("cart", after(60)) == 'main has no series build_info{service="cart"}'
    assert markers(source).silence("shop", after(60)) == ""


def test_a_metric_without_the_label_says_which_it_has() -> None:
    labels = (("__name__", "argocd_app_info"), ("service", "shop"), ("sync_status", "Synced"))
    source = scraped('argocd_app_info{service="shop"}', {labels: [range(-600, 3600)]})
    why = markers(source, "argocd_app_info").silence("shop", after(10))
    assert "names a version; its labels are service, sync_status" in why
    assert why.endswith(
        "Argo CD's own metrics name no revision: use webhook: argocd, or a metric of the service itself"
    )


def test_a_partial_answer_is_no_list_of_deploys() -> None:
    source = exported({OLD: [range(-3600, 3600)]}, partial="store 3 is away")
    with pytest.raises(SourceDown, match="markers of shop are not whole: store 3 is away"):
        deploys(source, 0, 60)


def test_a_service_name_cannot_break_out_of_its_quotes() -> None:
    assert selector("build_info", {"service": 'x"} or up{a="\\\n'}) == r'build_info{service="x\"} or up{a=\"\\\n"}'
    assert selector("m", {"a": "b"}, {"c": 'd"|e'}) == r'm{a="b",c=~"d\"|e"}'
    with pytest.raises(PermanentError, match="no label name"):
        selector("build_info", {}, {"a-b": "c"})
    with pytest.raises(PermanentError, match="no metric name"):
        selector("up or vector(1)", {})


def test_the_same_from_a_real_prometheus(prometheus: PrometheusSource) -> None:
    (deploy,) = markers(prometheus).deploys("shop", after(0), after(29))
    assert (deploy.commit, deploy.started) == (NEW, START + timedelta(seconds=607))
    assert deploy.runs(NEW[:10])
    assert markers(prometheus).running("shop", after(5)) == (OLD,)
