"""What the generated scenarios are: the same each time, honest about their truth, and with the truth kept apart."""

import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import timedelta
from difflib import SequenceMatcher
from pathlib import Path

import pytest

from cases.trying import Command, CommandReport, TrialOrder
from tests.parts.hub import git
from tests.scenarios.bench import HIDDEN, plain_bench, right
from tests.scenarios.catalogue import every, scenario
from tests.scenarios.scenario import KINDS, SEEDS, Scenario
from tests.scenarios.stage import history, tar_of, write_repository

A_MINUTE = timedelta(minutes=1)
TESTS = Command(name="test", line="python -m pytest -q", timeout=A_MINUTE)
JUDGED = Command(name="hidden", line=f"{sys.executable} -B {HIDDEN}", timeout=A_MINUTE)


@pytest.fixture(scope="module")
def all_of_them() -> list[Scenario]:
    return every()


def test_there_are_four_of_each_kind_and_a_quarter_has_nobody_to_blame(all_of_them: list[Scenario]) -> None:
    assert {one.name for one in all_of_them} == {f"{kind}-{seed}" for kind in KINDS for seed in SEEDS}
    assert sum(one.truth.culprit is None for one in all_of_them) >= len(all_of_them) / 4


def test_each_has_a_past_of_thirty_to_sixty_commits_in_their_order(all_of_them: list[Scenario]) -> None:
    for one in all_of_them:
        assert 30 <= len(one.commits) <= 60, one.name
        assert [c.at for c in one.commits] == sorted(c.at for c in one.commits), one.name
        assert all(one.commits[deploy.commit].at < deploy.at for deploy in one.deploys), one.name
        assert one.commits[-1].at < one.watched, one.name


def test_blaming_the_latest_deploy_is_mostly_wrong(all_of_them: list[Scenario]) -> None:
    assert sum(one.latest == one.truth.culprit for one in all_of_them) < len(all_of_them) / 3


def test_the_same_kind_and_seed_make_the_same_scenario(tmp_path: Path) -> None:
    one, again = scenario("cache-ttl", 2), scenario("cache-ttl", 2)
    assert one == again
    first, second = write_repository(one, tmp_path / "a.git"), write_repository(again, tmp_path / "b.git")
    assert first == second
    assert history([one], {one.name: first}) == history([again], {one.name: second})


def test_the_truth_is_nowhere_but_in_a_folder_of_its_own(tmp_path: Path) -> None:
    one = scenario("small-pool", 0)
    shas = write_repository(one, tmp_path / "forge" / "it.git")
    (tmp_path / "truth").mkdir()
    told = json.loads(one.write_truth(tmp_path / "truth").read_text())
    assert told["culprit"] == one.truth.culprit
    objects = git(tmp_path / "forge" / "it.git", "cat-file", "--batch-all-objects", "--batch")
    public = objects + history([one], {one.name: shas}).encode() + "\n".join(line.text for line in one.log).encode()
    for secret in (one.truth.hidden.splitlines()[0], one.truth.hidden.strip().splitlines()[-1]):
        assert secret.encode() not in public


def test_a_hidden_program_tells_the_fault_from_its_undoing() -> None:
    check(scenario("bug", 1))


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_every_hidden_program_does(all_of_them: list[Scenario]) -> None:
    for one in all_of_them:
        if one.truth.remedies:
            check(one)


def check(one: Scenario) -> None:
    """On the head it fails; with the guilty commit left out (or the code mended) it passes. The tests pass on both."""
    for name, tree in (("head", one.head()), ("mended", undone(one))):
        files = {path: text.encode() for path, text in tree.items()}
        tests, hidden = (run(files, command) for command in (TESTS, JUDGED))
        assert tests.exit_code == 0, f"{one.name} {name}: {tests.output}"
        told = right(plain_bench(), hidden_order(JUDGED), files, one.truth.hidden)
        assert (told == "") == (name == "mended"), f"{one.name} {name}: {told}"
        assert hidden.exit_code != 0  # the program is in no tree by itself


def run(files: dict[str, bytes], command: Command) -> CommandReport:
    return plain_bench().run(replace(hidden_order(command), tree=tar_of(files))).commands[0]


def hidden_order(command: Command) -> TrialOrder:
    return TrialOrder(key="hidden", image="", tree=b"", commands=(command,))


def undone(one: Scenario) -> dict[str, str]:
    """The head without the guilty commit, by git's own three-way merge of each file; or with the code mended."""
    tree, truth = one.head(), one.truth
    if truth.mending is not None:
        held = tree[truth.mending.path]
        assert held.count(truth.mending.search) == 1
        return {**tree, truth.mending.path: held.replace(truth.mending.search, truth.mending.replace)}
    assert truth.culprit is not None
    before: dict[str, str | None] = {}
    for commit in one.commits[: truth.culprit]:
        before |= commit.files
    for path, after in one.commits[truth.culprit].files.items():
        was = before.get(path)
        if was is None:
            del tree[path]
        else:
            tree[path] = merged(tree[path], after or "", was)
    return tree


def merged(now: str, base: str, other: str) -> str:
    """What stands now, with what leads from `base` to `other` done to it.

    Where git sees a conflict, because somebody changed the lines beside, the lines themselves are looked for; where
    they were changed too, it is settled for the other side.
    """
    whole, conflicts = by_git(now, base, other)
    if not conflicts:
        return whole
    old, new = base.splitlines(keepends=True), other.splitlines(keepends=True)
    done = now
    for _, i1, i2, j1, j2 in (step for step in SequenceMatcher(None, old, new).get_opcodes() if step[0] != "equal"):
        gone = "".join(old[i1:i2])
        if not gone or done.count(gone) != 1:
            return by_git(now, base, other, "--theirs")[0]
        done = done.replace(gone, "".join(new[j1:j2]))
    return done


def by_git(now: str, base: str, other: str, *ways: str) -> tuple[str, bool]:
    """Git's three-way merge of one file, and whether it saw a conflict."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("now", now), ("base", base), ("other", other)):
            (Path(folder) / name).write_text(text)
        line = ["git", "merge-file", "-p", *ways, "now", "base", "other"]
        ran = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
    assert 0 <= ran.returncode < 128, ran.stderr
    return ran.stdout, ran.returncode != 0
