"""A moment of the past, replayed: everything that a pull request needs, and nothing that leaves the machine."""

import json
import re
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cases.case import Phase
from cases.errors import PermanentError
from cases.trying import Command, CommandReport, TrialOrder
from daemon.replay.as_of import OutwardWrite, ReadOnlyForge
from daemon.replay.loop import Replayed, Wanted, replay
from daemon.replay.pages import check_folder, summary, write
from tests.parts.hub import git
from tests.parts.playhouse import NORMAL, House, house


def replayed(it: House, at: datetime, *, trial: bool = True, service: str = "shop") -> Replayed:
    wanted = Wanted(service=service, at=at, trial=trial)
    return replay(it.settings(), wanted, clock=it.clock, build=it._outside)  # pyright: ignore[reportPrivateUsage]


def refs(it: House) -> str:
    return git(it.world.hub.folder, "for-each-ref").decode()


def test_a_moment_becomes_a_pull_request_on_disk_and_nothing_is_written_outside(tmp_path: Path) -> None:
    with house(tmp_path) as it:
        at = it.now
        before = refs(it)
        # what came later must not show: a commit, its deploy, and a level that would make the case another one
        it.clock.advance(timedelta(hours=2))
        it.deploy(it.commit("Round everything", {"shop/pricing.py": b"round = 1\n"}, minutes_ago=60), minutes_ago=50)
        it.readings.becomes(NORMAL, it.now - timedelta(minutes=55))
        later = refs(it)
        it.world.faults.requests.clear()
        told = replayed(it, at)
        assert told.case is not None
        assert told.case.phase is Phase.PROPOSED
        assert told.case.change.inverse_of == it.shas["Round checkout totals"]
        assert told.case.change.lead.base == it.shas["Reword the checkout"]
        out = tmp_path / "out"
        written = write(told, told.case, out)
        assert {path.name for path in written} == {
            "pull-request.md", "anomaly.png", "change.patch", "why.md", "case.json",
        }  # fmt: skip
        assert_read_only(it)
        assert before != later == refs(it)
        assert it.notices() == []

        body = (out / "pull-request.md").read_text()
        assert body.startswith("# Revert")
        assert "](anomaly.png)" in body
        assert (out / "anomaly.png").read_bytes().startswith(b"\x89PNG")
        assert "Round everything" not in body + (out / "why.md").read_text()
        check_patch(it, told.case.change.lead.base, out / "change.patch")
        shown = summary(told, written)
        assert shown["pull_request"]["title"] in body
        assert shown["done"] == []
        assert [line.split()[0] for line in shown["outward"]] == [
            "tell",
            "store",
            "push",
            "open",
            "show",
            "ask",
            "tell",
        ]
        assert json.loads((out / "case.json").read_text())["case"]["id"] == told.case.id


def assert_read_only(it: House) -> None:
    """Every request read: git fetches by POST too, and only that."""
    requests = it.world.faults.requests
    assert requests
    for method, path in requests:
        assert method == "GET" or (method, path.rsplit("/", 1)[1]) == ("POST", "git-upload-pack"), (method, path)
    assert not any("receive-pack" in path for _, path in requests)


def check_patch(it: House, base: str, patch: Path) -> None:
    tree = it.folder / "checked-out"
    tree.mkdir()
    archive = git(it.world.hub.folder, "archive", base)
    subprocess.run(["tar", "-x", "-C", str(tree)], input=archive, check=True)
    subprocess.run(["git", "apply", str(patch.resolve())], cwd=tree, check=True, capture_output=True)
    assert (tree / "shop/pricing.py").read_bytes() == b"def total(cart):\n    return sum(cart)\n"


def test_without_a_trial_it_is_a_draft_that_says_so_and_an_observer_would_have_been_asked(tmp_path: Path) -> None:
    with house(tmp_path, authority={"default": "observe"}) as it:
        it.trial = unasked
        told = replayed(it, it.now, trial=False)
        assert told.case is not None
        shown = summary(told, ())
        assert "is `observe`" in shown["asked_first"]
        assert shown["pull_request"]["draft"] is True
        write(told, told.case, tmp_path / "out")
        body = (tmp_path / "out/pull-request.md").read_text()
        assert "the trial was left out" in body
        assert re.search(r"\*\*guess\*\*", body)


def unasked(order: TrialOrder, command: Command) -> CommandReport:
    raise AssertionError(f"nothing may be tried: {command.name} of {order.key}")


def test_what_is_quiet_unseen_or_unexplained_is_said(tmp_path: Path) -> None:
    with house(tmp_path) as it:
        before = replayed(it, it.now - timedelta(hours=3))
        assert before.case is None
        assert before.unseen == ()
        assert summary(before, ())["anomalous"] is False
        it.readings.down = "connection refused"
        away = replayed(it, it.now)
        assert away.case is None
        assert "connection refused" in "".join(away.unseen)
        it.readings.down = ""
        it.deploys.clear()
        told = replayed(it, it.now)
        assert told.case is not None
        assert told.case.phase is Phase.ESCALATED
        shown = summary(told, write(told, told.case, tmp_path / "out"))
        assert "no deploy marker" in shown["not_opened_because"]
        assert shown["pull_request"] is None
        assert {Path(name).name for name in shown["files"]} == {"why.md", "case.json"}


def test_bad_use_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with house(tmp_path) as it:
        with pytest.raises(PermanentError, match="nothing watches the service 'cart'; watched are: shop"):
            replayed(it, it.now, service="cart")
        with pytest.raises(PermanentError, match="is still to come"):
            replayed(it, it.now + timedelta(seconds=1))
        assert it.world.faults.requests == []
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    with pytest.raises(PermanentError, match="is not an empty folder"):
        check_folder(tmp_path / "full")


def test_the_forge_of_a_replay_cannot_write(tmp_path: Path) -> None:
    with house(tmp_path) as it:
        forge = ReadOnlyForge(it.world.forge, it.now - timedelta(minutes=35))
        assert forge.head("shop") == it.shas["Cache the catalogue"]
        assert [commit.title for commit in forge.commits("shop", it.now - timedelta(days=9), it.now)] == [
            "Cache the catalogue",
            "Open the shop",
        ]
        for writing in (
            lambda: forge.push("shop", "trackwalker/a-1", "0" * 40, (), "m"),
            lambda: forge.open_pull_request("shop", "trackwalker/a-1", "t", "b", (), draft=True),
            lambda: forge.to_draft("shop", "trackwalker/a-1"),
            lambda: forge.comment("shop", "trackwalker/a-1", "k", "b"),
            lambda: forge.store_plot("shop", "a.png", b""),
            lambda: forge.permissions("shop"),
        ):
            with pytest.raises(OutwardWrite):
                writing()
        with pytest.raises(PermanentError, match="no commit on its watched branch"):
            ReadOnlyForge(it.world.forge, it.now - timedelta(days=9)).head("shop")
