"""Deploy markers from the tags of images, as kube-state-metrics has them, on a real Prometheus (see conftest)."""

import re
from datetime import timedelta

import pytest

from daemon.clock import ManualClock
from signals.deploys import ImageMarkers, Showing, TagBook, tag_of
from signals.prometheus import PrometheusSource
from tests.parts.scrapes import START, after

OLD, NEW = "a" * 40, "b" * 40
RELEASED = "c" * 40
DIGEST = f"sha256:{'0' * 64}"
FORM = re.compile("(?:sha-|git-)?([0-9a-f]{7,40})")


@pytest.mark.parametrize(
    ("image", "tag"),
    [
        ("registry.example:5000/team/shop:v1.4.2", "v1.4.2"),
        (f"registry.example:5000/team/shop:sha-{OLD}@{DIGEST}", f"sha-{OLD}"),
        (f"registry.example:5000/team/shop@{DIGEST}", ""),
        ("registry.example:5000/team/shop", ""),
        ("shop:latest", "latest"),
        ("", ""),
    ],
)
def test_the_tag_of_an_image(image: str, tag: str) -> None:
    assert tag == tag_of(image)


class Tags:
    """Git tags of acme/shop, and how often they were asked for."""

    def __init__(self) -> None:
        self.known = {"v1.4.2": RELEASED, "20260301": RELEASED}
        self.asked: list[str] = []

    def tagged(self, repository: str, tag: str) -> str | None:
        assert repository == "shop"
        self.asked.append(tag)
        return self.known.get(tag)


def test_a_tag_names_a_commit_by_its_form_or_by_git() -> None:
    tags, clock = Tags(), ManualClock(START)
    book = TagBook(form=FORM, tagged=tags.tagged, clock=clock)
    assert book.commit("shop", f"git-{OLD[:9]}") == OLD[:9]
    assert tags.asked == []
    assert [book.commit("shop", tag) for tag in ("v1.4.2", "v1.4.2", "20260301", "1234567")] == [
        RELEASED, RELEASED, RELEASED, "1234567",
    ]  # fmt: skip
    assert tags.asked == ["v1.4.2", "20260301", "1234567"]  # what was found is asked for once


def test_a_tag_that_comes_after_its_image_is_found_later() -> None:
    tags, clock = Tags(), ManualClock(START)
    book = TagBook(form=FORM, tagged=tags.tagged, clock=clock)
    assert [book.commit("shop", "v2") for _ in range(3)] == ["", "", ""]
    tags.known["v2"] = NEW
    assert book.commit("shop", "v2") == ""
    assert tags.asked == ["v2"]
    clock.advance(timedelta(minutes=5))
    assert book.commit("shop", "v2") == NEW


def markers(source: PrometheusSource) -> ImageMarkers:
    showing = Showing(
        source=source,
        metric="kube_pod_container_info",
        service_label="container",
        version=lambda labels: tag_of(labels.get("image", "")),
        grouped_by="image",
        match={"namespace": "prod|canary"},
    )
    book = TagBook(form=FORM, tagged=Tags().tagged, clock=ManualClock(START))
    return ImageMarkers(showing=showing, tags=book, repository_of={"shop": "shop", "proxy": "shop"}.get)


def test_a_new_tag_is_a_deploy_from_the_first_pod_on(prometheus: PrometheusSource) -> None:
    (deploy,) = markers(prometheus).deploys("shop", after(0), after(29))
    assert (deploy.commit, deploy.started) == (RELEASED, START + timedelta(seconds=607))
    assert deploy.source == "kube_pod_container_info on main, image tag v1.4.2"


def test_during_the_rollout_both_run(prometheus: PrometheusSource) -> None:
    assert markers(prometheus).running("shop", after(5)) == (OLD,)
    assert markers(prometheus).running("shop", after(12)) == (OLD, RELEASED)
    assert markers(prometheus).running("shop", after(25)) == (RELEASED,)


def test_a_tag_that_names_no_commit_is_no_marker_and_says_so(prometheus: PrometheusSource) -> None:
    assert markers(prometheus).running("proxy", after(5)) == ()
    assert markers(prometheus).deploys("proxy", after(0), after(29)) == ()
    why = markers(prometheus).silence("proxy", after(5))
    assert why == "the image tag latest holds no commit by `tag`, and is no git tag of its repository"
    assert markers(prometheus).silence("shop", after(5)) == ""
    assert "no series" in markers(prometheus).silence("cart", after(5))
