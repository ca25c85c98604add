"""Merging unasked, judged by what left the process: granted in a file, announced, not refused, merged, watched."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cases.case import Case, Phase
from cases.moments import iso
from cases.pull_request_events import MergeAnnounced, Merged, MergeWithheld
from cases.trust import Book
from daemon.authority import CHECKED
from tests.parts.hub import git
from tests.parts.levers import Levered, levered
from tests.parts.playhouse import NORMAL, House, house

AUTHORITY = {"default": "observe", "file": "trust.yaml", "auto_merge": {"paths": ["shop/**"], "veto": "30m"}}
JUDGEMENT = {  # the forge dates a merge by the machine's clock, which a window of this one leaves behind
    "history": "1d", "warm_up": "2m", "window": "3h", "act_within": "3h", "look_every": "1m", "deploy_wait": "2h",
}  # fmt: skip
GRANT = 'grants:\n  - {{class: revert, risk: low, level: {level}, granted: "{at}", because: a human says so}}\n'


def grants(it: House, level: str = "auto_merge") -> None:
    """A human merges a grant."""
    text = GRANT.format(level=level, at=iso(it.now - timedelta(minutes=1)))
    it.commit(f"Grant {level}", {"trust.yaml": text.encode()}, minutes_ago=0)


def present(it: House) -> Case:
    case = it.case()
    assert case is not None
    return case


def checked(it: House, state: str = "success") -> str:
    """What a tool says of the pull request's commit; that commit."""
    sha = str(pulled(it)["head"]["sha"])
    told: dict[str, Any] = {"state": state, "context": "build", "description": "Built.", "target_url": None}
    it.world.ask("POST", f"/statuses/{sha}", "ci", json=told).raise_for_status()
    return sha


def pulled(it: House) -> dict[str, Any]:
    found: dict[str, Any] = it.world.ask("GET", f"/pulls/{it.pull_requests()[0]['number']}").json()
    return found


def of(case: Case, kind: type[Any]) -> list[Any]:
    return [entry.event for entry in case.history if isinstance(entry.event, kind)]


@contextmanager
def granted(folder: Path, **authority: Any) -> Generator[House]:  # noqa: ANN401 - keys of a configuration
    """A house in which reverts may be merged unasked."""
    with house(folder, authority={**AUTHORITY, **authority}, judgement=JUDGEMENT) as it:
        grants(it)
        yield it


def announces(life: Levered) -> None:
    """Let it come as far as the announcement."""
    life.house.until(Phase.PROPOSED)
    life.passes(1)
    checked(life.house)
    life.passes(0.5)


@contextmanager
def announced(folder: Path, **authority: Any) -> Generator[Levered]:  # noqa: ANN401 - the same
    """A house whose pull request was just announced."""
    with granted(folder, **authority) as it, levered(it) as life:
        announces(life)
        yield life


def test_a_grant_an_anomaly_a_window_a_merge_and_its_watch(tmp_path: Path) -> None:
    with announced(tmp_path) as life:
        it = life.house
        number, sha = pulled(it)["number"], pulled(it)["head"]["sha"]
        (said,) = of(present(it), MergeAnnounced)
        assert said.sha == sha
        assert timedelta(minutes=29) < said.until - it.now <= timedelta(minutes=30)
        (told,) = [body for body in it.comments(number) if "**Merged unasked at" in body]
        assert f"{said.until:%Y-%m-%d %H:%M:%S} UTC" in told
        assert f"shop: merged unasked at {said.until:%Y-%m-%d %H:%M:%S} UTC unless you say no" in it.subjects()
        it.clock.advance(said.until - it.now - timedelta(seconds=31))
        life.passes(0.5)
        assert pulled(it)["state"] == "open"
        life.passes(1)
        pull = pulled(it)
        assert (pull["merged"], pull["merged_by"]["login"]) == (True, "trackwalker")
        assert it.world.faults.count("PUT", "/merge") == 1
        assert f"Trackwalker-Case: {present(it).id}" in git(it.world.hub.folder, "log", "-1", "main").decode()
        life.passes(1)
        (merge,) = of(present(it), Merged)
        assert (merge.unasked, merge.sha) == (True, it.world.hub.tip())
        assert any("by itself, as nobody said no" in body for body in it.comments(number))
        it.deploy(merge.sha)
        it.readings.becomes(NORMAL, it.now)
        assert it.until(Phase.DEPLOYED, minutes=5).deploys[-1].commit == merge.sha
        lines = life.app.ledger.audit.listed(present(it).id)
        (asked,) = [n for n in lines if n.action == CHECKED and n.detail["kind"] == "MergePullRequest"]
        assert (asked.detail["level"], asked.detail["verdict"]) == ("auto_merge", "allow")
        marks = {mark.book: mark for mark in life.app.ledger.trust.marks()}
        assert marks[Book.SAFETY].by == ""  # nobody reviewed it
        assert Book.ACCEPTANCE not in marks  # what is merged unasked says nothing of what humans accept


def ends(life: Levered) -> None:
    """Let the window end, whatever was announced."""
    life.house.clock.advance(timedelta(minutes=31))
    life.passes(1)


def says_a_word(life: Levered, number: int) -> None:
    life.says(number, "Hm, is this really it?", "sre")


def stops(life: Levered, number: int) -> None:
    life.says(number, "/trackwalker stop", "sre")


def labels(life: Levered, number: int) -> None:
    life.house.world.ask("POST", f"/issues/{number}/labels", json={"labels": ["trackwalker:stop"]})


def requests_changes(life: Levered, number: int) -> None:
    review = {"event": "REQUEST_CHANGES", "body": ""}
    life.house.world.ask("POST", f"/pulls/{number}/reviews", "sre", json=review).raise_for_status()


def drafts(life: Levered, number: int) -> None:
    del number
    assert life.app.ports.forge.to_draft("shop", pulled(life.house)["head"]["ref"])


def commits(life: Levered, number: int) -> None:
    del number
    branch = str(pulled(life.house)["head"]["ref"])
    life.house.world.hub.commit("My own way", {"shop/mine.py": b"x = 1\n"}, branch=branch)


def takes_the_grant_back(life: Levered, number: int) -> None:
    del number
    life.house.commit("Ask again", {"trust.yaml": b"grants: []\n"}, minutes_ago=0)


def breaks_the_checks(life: Levered, number: int) -> None:
    del number
    checked(life.house, "failure")


def blinds(life: Levered, number: int) -> None:
    del number
    life.house.readings.becomes(None, life.house.now - timedelta(minutes=30))


FINAL: tuple[tuple[Callable[[Levered, int], None], str], ...] = (
    (says_a_word, "sre has something to say about it"),
    (stops, "sre has something to say about it"),
    (labels, "it is labelled trackwalker:stop"),
    (requests_changes, "sre has something to say about it"),
    (drafts, "it is a draft"),
    (commits, "somebody committed to trackwalker/"),
)
"""Somebody's no."""
PASSING: tuple[tuple[Callable[[Levered, int], None], str], ...] = (
    (takes_the_grant_back, "authority for shop/shop/revert/low is `observe`"),
    (breaks_the_checks, "checks failed on "),
    (blinds, "shop/errors, which it promises to move, has no reading now"),
)
"""What may be mended."""


@pytest.mark.long
@pytest.mark.parametrize(("does", "said"), [*FINAL, *PASSING])
def test_a_no_in_the_window_ends_it_and_is_said(
    tmp_path: Path, does: Callable[[Levered, int], None], said: str
) -> None:
    with announced(tmp_path) as life:
        it = life.house
        number = pulled(it)["number"]
        assert of(present(it), MergeAnnounced)
        does(life, number)
        life.passes(1)
        ends(life)
        (withheld,) = of(present(it), MergeWithheld)
        assert withheld.final == ((does, said) in FINAL)
        (told,) = [body for body in it.comments(number) if "**Not merged unasked:**" in body]
        assert said in told
        ends(life)
        assert (pulled(it)["merged"], it.world.faults.count("PUT", "/merge")) == (False, 0)


@pytest.mark.long
def test_a_frozen_a_paused_and_a_closed_one_are_not_merged(tmp_path: Path) -> None:
    with announced(tmp_path) as life:
        it = life.house
        number = pulled(it)["number"]
        life.pause()
        it.clock.advance(timedelta(minutes=31))
        life.passes(1)
        assert it.world.faults.count("PUT", "/merge") == 0  # promised at the most, and held
        life.says(number, "/trackwalker freeze not now", "sre")
        life.passes(1)
        life.resume()
        life.passes(2)
        assert not pulled(it)["merged"]
        life.says(number, "/trackwalker retry", "sre")
        ends(life)
        ends(life)
        assert not pulled(it)["merged"]  # somebody has spoken
        it.close(number)
        assert it.until(Phase.CLOSED, minutes=5).merges == ()
        assert it.world.faults.count("PUT", "/merge") == 0


@pytest.mark.long
def test_strangers_and_an_approval_hold_nothing_up(tmp_path: Path) -> None:
    with announced(tmp_path) as life:
        it = life.house
        number = pulled(it)["number"]
        it.world.ask("PUT", "/collaborators/mallory", json={"permission": "pull"}).raise_for_status()
        life.says(number, "/trackwalker stop", "mallory")
        it.world.ask("POST", f"/pulls/{number}/reviews", "sre", json={"event": "APPROVE", "body": ""})
        life.passes(1)
        ends(life)
        assert pulled(it)["merged"]


@pytest.mark.long
def test_checks_that_come_late_are_waited_for_and_missing_ones_are_said(tmp_path: Path) -> None:
    with granted(tmp_path) as it, levered(it) as life:
        it.until(Phase.PROPOSED)
        life.passes(2)
        number = pulled(it)["number"]
        assert [body for body in it.comments(number) if "unasked" in body] == []
        it.clock.advance(timedelta(minutes=10))
        life.passes(1)
        (told,) = [body for body in it.comments(number) if "unasked" in body]
        assert "no check has said anything" in told
        checked(it)
        life.passes(1)
        assert len(of(present(it), MergeAnnounced)) == 1
        ends(life)
        assert pulled(it)["merged"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("authority", "said"),
    [
        ({"auto_merge": {"veto": "30m"}}, "`authority.auto_merge.paths` names no path"),
        ({"auto_merge": {"paths": ["docs/**"]}}, "shop/pricing.py: outside `authority.auto_merge.paths`"),
    ],
)
def test_paths_that_nobody_named_stay_with_humans(tmp_path: Path, authority: dict[str, Any], said: str) -> None:
    with announced(tmp_path, **authority) as life:
        it = life.house
        ends(life)
        assert of(present(it), MergeAnnounced) == []
        (told,) = [body for body in it.comments(pulled(it)["number"]) if "**Not merged unasked:**" in body]
        assert said in told
        assert not pulled(it)["merged"]


@pytest.mark.long
def test_a_watched_branch_that_moves_on_has_it_proved_anew_and_announced_anew(tmp_path: Path) -> None:
    with announced(tmp_path) as life:
        it = life.house
        first = pulled(it)["head"]["sha"]
        it.commit("Paint the shop", {"paint.txt": b"blue\n"}, minutes_ago=0)
        life.passes(3)
        second = checked(it)
        assert second != first
        life.passes(1)
        assert [one.sha for one in of(present(it), MergeAnnounced)] == [first, second]
        ends(life)
        assert pulled(it)["merged"]
        assert it.world.hub.show("main:paint.txt") == b"blue\n"
