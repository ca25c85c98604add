"""Flags in Git: the one commit that nobody reviews. One key in one file, only towards off, whatever others do."""

import json
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cases.errors import PermanentError, TemporaryError
from cases.flags import FlagPlace
from daemon.clock import ManualClock, SystemClock
from remediation.experiments import flagd
from remediation.forge.flag_file import GitFlags
from remediation.forge.local.server import Fault
from remediation.forge.mirror import Mirror
from remediation.forge.quota import Limits, Quota
from tests.parts.flags import FILE, KEY, seed, turned_on
from tests.parts.hub import TOKEN, Entry, Hub, World, git, world

PLACE = FlagPlace(service="shop", key=KEY, repository="shop", file=FILE)
WHY = "the guardrail checkout errors was violated"


@pytest.fixture
def there(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        seed(made.hub)
        yield made


def flags_of(there: World) -> GitFlags:
    return GitFlags(there.forge.mirror, SystemClock())


def paths_changed(there: World, sha: str) -> list[str]:
    return git(there.hub.folder, "diff-tree", "-r", "--name-only", f"{sha}~1", sha).decode().split()


def test_it_is_one_commit_on_the_watched_branch_that_says_why(there: World) -> None:
    tip = there.hub.tip()
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    flags = GitFlags(there.forge.mirror, ManualClock(now))
    receipt = flags.off(PLACE, "case-1/kill/2", f"{WHY}\n\nTrackwalker-Key: another\n@everybody, fixes #1")
    sha = receipt.facts["sha"]
    assert there.hub.tip() == sha
    assert paths_changed(there, sha) == [FILE]
    parent, mail, date, body = (
        git(there.hub.folder, "log", "-1", "--format=%P%n%ae%n%ct%n%B", sha).decode().split("\n", 3)
    )
    assert (parent, mail, int(date)) == (tip, "trackwalker@noreply.invalid", int(now.timestamp()))
    title, _, why, *_ = body.split("\n")
    assert title == f"Turn {KEY} off"
    assert why.startswith(WHY)
    assert "@everybody" not in body
    keys = git(there.hub.folder, "log", "-1", "--format=%(trailers:key=Trackwalker-Key,valueonly)", sha)
    assert keys.strip() == b"case-1/kill/2"


def test_nothing_of_the_file_changes_but_the_one_value(there: World) -> None:
    before = there.hub.show(f"main:{FILE}")
    flags_of(there).off(PLACE, "kill-1", WHY)
    assert before.replace(b'{"fractional": [["short", 25], ["control", 75]]}', b"{}") == there.hub.show(f"main:{FILE}")


def test_a_human_who_turns_it_on_again_is_not_overruled_by_the_same_effect(there: World) -> None:
    flags = flags_of(there)
    first = flags.off(PLACE, "kill-1", WHY)
    theirs = there.hub.commit("On again, it was the network", {FILE: turned_on(there.hub.show(f"main:{FILE}"))})
    again = flags.off(PLACE, "kill-1", WHY)
    assert (again.adopted, again.facts["sha"]) == (True, first.facts["sha"])
    assert there.hub.tip() == theirs


def test_the_key_of_somebody_else_stops_nothing(there: World) -> None:
    there.hub.commit("Not ours\n\nTrackwalker-Key: kill-1", {"README": b"hm\n"})
    assert not flags_of(there).off(PLACE, "kill-1", WHY).adopted


def test_an_answer_that_was_lost_is_found_again(there: World) -> None:
    there.faults.rules.append(("POST", "git-receive-pack", Fault(status=0, after=True)))
    flags = flags_of(there)
    with pytest.raises(TemporaryError):
        flags.off(PLACE, "kill-1", WHY)
    again = flags.off(PLACE, "kill-1", WHY)
    assert (again.adopted, again.facts["sha"]) == (True, there.hub.tip())


class Racing:
    """A mirror just before each push of which somebody else commits to the watched branch, that many times."""

    def __init__(self, there: World, times: int, path: str) -> None:
        self._mirror = there.forge.mirror("shop")
        self._there = there
        self._left = times
        self._path = path

    def __getattr__(self, name: str) -> object:
        return getattr(self._mirror, name)

    def push(self, commit: str, branch: str, **more: object) -> str:
        if self._left:
            self._left -= 1
            hub = self._there.hub
            if self._path == FILE:
                document = json.loads(hub.show(f"main:{FILE}"))
                document["flags"][f"new-{self._left}"] = {"state": "DISABLED", "variants": {"a": 1}}
                hub.commit("A flag", {FILE: json.dumps(document, indent=4).encode()})
            else:
                hub.commit("A page", {self._path: b"%d\n" % self._left})
        return self._mirror.push(commit, branch, **more)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("path", [FILE, "README"])
def test_a_lost_race_is_run_again_on_what_the_others_left(there: World, path: str) -> None:
    racing = Racing(there, 2, path)
    receipt = GitFlags(lambda _: racing, SystemClock()).off(PLACE, "kill-1", WHY)  # pyright: ignore[reportArgumentType]
    assert there.hub.tip() == receipt.facts["sha"]
    held = json.loads(there.hub.show(f"main:{FILE}"))["flags"]
    assert held[KEY]["targeting"] == {}
    assert (2 if path == FILE else 0) == sum(name.startswith("new-") for name in held)


def test_whoever_never_gets_a_turn_says_so(there: World) -> None:
    racing = Racing(there, 99, "README")
    with pytest.raises(TemporaryError, match="others keep committing to main"):
        GitFlags(lambda _: racing, SystemClock()).off(PLACE, "kill-1", WHY)  # pyright: ignore[reportArgumentType]


def test_commits_that_somebody_takes_off_the_branch_stay_off(there: World) -> None:
    old = there.hub.tip()
    there.hub.commit("A secret, by mistake", {"README": b"secret\n"})
    mirror = there.forge.mirror("shop")

    class Rewound(Racing):
        def push(self, commit: str, branch: str, **more: object) -> str:
            if self._left:
                self._left -= 1
                git(there.hub.folder, "update-ref", "refs/heads/main", old)
            return mirror.push(commit, branch, **more)  # pyright: ignore[reportArgumentType]

    rewound = Rewound(there, 1, "README")
    receipt = GitFlags(lambda _: rewound, SystemClock()).off(PLACE, "kill-1", WHY)  # pyright: ignore[reportArgumentType]
    assert old == git(there.hub.folder, "rev-parse", f"{receipt.facts['sha']}~1").decode().strip()


def test_a_protected_branch_says_what_to_do(there: World) -> None:
    hook = there.hub.folder / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    # by its path: the forge's own server runs no hooks
    near = replace(there.known, url=f"file://{there.hub.folder}")
    mirror = Mirror(near, lambda: TOKEN, there.cache / "near", local_files=True)
    with pytest.raises(
        PermanentError, match=r"is still on: main takes no direct commit of ours \(.*hook declined"
    ) as told:
        GitFlags(lambda _: mirror, SystemClock()).off(PLACE, "kill-1", WHY)
    assert '"targeting": {}' in str(told.value)
    assert "let the token pass the rules of main" in str(told.value)
    assert TOKEN not in str(told.value)


def test_no_quota_holds_it_up(there: World) -> None:
    quota = Quota(Limits(spacing=timedelta(hours=1), per_minute=1, per_hour=1), SystemClock())
    quota.before("POST")
    mirror = Mirror(there.known, lambda: TOKEN, there.cache / "spent", quota=quota)
    assert not GitFlags(lambda _: mirror, SystemClock()).off(PLACE, "kill-1", WHY).adopted
    assert quota.writes == 1


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (b"{", "not readable as JSON"),
        (None, "no such file on main"),
        (Entry(content=b"elsewhere", mode="120000"), "no such file on main"),
        (b'{"flags": {}}', "there is no flag checkout-copy"),
    ],
)
def test_what_cannot_be_edited_is_left_alone(there: World, held: bytes | Entry | None, said: str) -> None:
    tip = there.hub.commit("Break it", {FILE: held})
    with pytest.raises(PermanentError, match=rf"checkout-copy in shop:config/flags.json cannot .*{said}"):
        flags_of(there).off(PLACE, "kill-1", WHY)
    assert there.hub.tip() == tip


def test_a_file_that_can_be_run_stays_so(there: World) -> None:
    there.hub.commit("Odd", {FILE: Entry(content=there.hub.show(f"main:{FILE}"), mode="100755")})
    flags_of(there).off(PLACE, "kill-1", WHY)
    assert there.hub.listing("main")[FILE.encode()].startswith(b"100755")


def test_only_the_watched_branch_is_read(there: World) -> None:
    there.hub.commit("Another share", {FILE: turned_on(there.hub.show(f"main:{FILE}"), 0.5)}, branch="trackwalker/x")
    now = flags_of(there).now(PLACE)
    assert now is not None
    assert now.shares == {"short": 0.25, "control": 0.75}


MANY, DAEMONS = 200, 2


def people(hub: Hub, over: threading.Event) -> None:
    """Add a flag to the same file twice a second, by whatever the tip is."""
    number = 0
    while not over.wait(0.5):
        tip, branch = hub.tip(), f"people-{number}"
        held = flagd.shown(
            hub.show(f"{tip}:{FILE}"), f"theirs-{number}", control=("a", 1), treated=("b", 2), share=0.5, segment={}
        )
        moved = hub.commit("Theirs", {FILE: held}, branch=branch, start=tip)
        try:
            git(hub.folder, "update-ref", "refs/heads/main", moved, tip)
        except subprocess.CalledProcessError:  # somebody was quicker: they try again, as people do
            continue
        finally:
            git(hub.folder, "update-ref", "-d", f"refs/heads/{branch}")
        number += 1


def kills(flags: GitFlags, which: int) -> None:
    """Every so many-th flag, until each is off."""
    for number in range(which, MANY, DAEMONS):
        place = FlagPlace(service="shop", key=f"f{number}", repository="shop", file=FILE)
        while True:
            try:
                flags.off(place, f"kill-{number}", WHY)
                break
            except TemporaryError:
                continue


@pytest.mark.long
def test_of_two_hundred_kills_beside_other_commits_none_is_lost(tmp_path: Path) -> None:
    """Two daemons turn 200 flags of one file off while people keep changing the same file."""
    with world(tmp_path) as made:
        content, over = b"", threading.Event()
        for number in range(MANY):
            content = flagd.shown(
                content, f"f{number}", control=("control", number), treated=("treated", -1), share=0.5, segment={}
            )
        made.hub.commit("Many flags", {FILE: content})
        threads = [
            threading.Thread(target=kills, args=(GitFlags(made.adapter().mirror, SystemClock()), which))
            for which in range(DAEMONS)
        ]
        other = threading.Thread(target=people, args=(made.hub, over))
        for thread in [*threads, other]:
            thread.start()
        for thread in threads:
            thread.join()
        over.set()
        other.join()
        held = json.loads(made.hub.show(f"main:{FILE}"))["flags"]
        log = git(made.hub.folder, "log", "--format=%ce %(trailers:key=Trackwalker-Key,valueonly,separator=)", "main")
    assert all(held[f"f{number}"]["targeting"] == {} for number in range(MANY))
    theirs = [name for name in held if name.startswith("theirs-")]
    assert len(theirs) > 5
    assert all(held[name]["targeting"] for name in theirs)
    done = [row.split()[1] for row in log.decode().splitlines() if row.startswith("trackwalker@")]
    assert sorted(done) == sorted(f"kill-{number}" for number in range(MANY))
