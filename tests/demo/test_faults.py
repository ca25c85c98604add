"""The shop and its story's commits: what passes, what fails, and how much of the traffic notices."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from demo import faults
from demo.errors import EditError
from demo.faults import Commit, Replace
from demo.load import draw
from demo.repository import Clone, Git

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # the shop's tests need pytest and nothing else
}
SERVE = """
import io, json, sys
from shop.app import Shop
from shop.payment import CardNetwork
from shop.settings import load
shop = Shop(load(), revision="test", network=CardNetwork(answers_after_ms=0), log=io.StringIO())
for order in json.load(sys.stdin):
    print(shop.handle("POST", "/checkout", order.encode()).status)
"""
SUITES = """
import json, os, sys
import pytest
for tree in sys.argv[1:]:
    if not (child := os.fork()):  # pytest is imported once; each suite runs in a process of its own
        os.chdir(tree)
        os.dup2(os.open("../output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        status = pytest.main(["-q", "-p", "no:cacheprovider"])
        sys.stdout.flush()
        os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(json.dumps([status, open(os.path.join(tree, "../output")).read()]), flush=True)
"""


def run_in(tree: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=tree,
        env=ENVIRONMENT,
        input=stdin,
        text=True,
        capture_output=True,
        check=False,
    )


def checkouts(count: int, *, campaign: bool = False) -> list[str]:
    dice = np.random.default_rng(3)
    drawn = (draw(dice, campaign=campaign) for _ in range(3 * count))
    return [request.body.decode() for request in drawn if request.body is not None][:count]


def failing_share(tree: Path, *, campaign: bool = False) -> float:
    """The share of checkouts that the shop of that tree answers with a 5xx."""
    served = run_in(tree, "-c", SERVE, stdin=json.dumps(checkouts(1000, campaign=campaign)))
    assert served.returncode == 0, served.stderr
    statuses = Counter(served.stdout.split())
    assert statuses.total() == 1000
    assert set(statuses) <= {"200", "500", "503"}
    return 1 - statuses["200"] / 1000


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory, first_bare: Path) -> dict[str, Path]:
    """The shop after each step of the story, and with the accused reverted on top of all."""
    root = tmp_path_factory.mktemp("shop")
    bare = shutil.copytree(first_bare, root / "shop.git")
    clone = Clone(root / "developer", url=str(bare))
    git = Git(bare)
    first, *merges = git("rev-list", "--first-parent", "--reverse", "main").splitlines()
    shas = {"first": first}
    shas |= {commit.title: sha for commit, sha in zip(faults.HISTORY, merges, strict=True)}
    shas["base"] = clone.head()
    for commit in (faults.BEFORE, faults.BAD, faults.AFTER, faults.DECOY, faults.PARTIAL_MEND):
        shas[commit.title] = clone.merge(commit)
    # beside the others, on what was there before all of them
    clone.git("checkout", "--quiet", "--detach", shas["base"])
    for edit in faults.FEWER_CONNECTIONS.edits:
        edit.apply(clone.tree)
    clone.git("commit", "--quiet", "--all", "-m", faults.FEWER_CONNECTIONS.message)
    clone.git("push", "--quiet", "origin", "HEAD:refs/heads/fewer")
    shas[faults.FEWER_CONNECTIONS.title] = clone.git("rev-parse", "HEAD")
    for name, accused in (("bad reverted", faults.BAD), ("mend reverted", faults.PARTIAL_MEND)):
        clone.git("checkout", "--quiet", "--detach", "origin/main")
        clone.git("revert", "--no-edit", "-m", "1", shas[accused.title])
        clone.git("push", "--quiet", "origin", f"HEAD:refs/heads/{name.replace(' ', '-')}")
        shas[name] = clone.git("rev-parse", "HEAD")
    for name, sha in shas.items():
        git.export(sha, root / "trees" / name)
    return {name: root / "trees" / name for name in shas}


@pytest.fixture(scope="module")
def suites(trees: dict[str, Path]) -> dict[str, tuple[int, str]]:
    """Status and output of the shop's own tests at each step."""
    ran = run_in(Path.cwd(), "-P", "-c", SUITES, *(str(tree) for tree in trees.values()))
    assert ran.returncode == 0, ran.stderr
    ends = [json.loads(line) for line in ran.stdout.splitlines()]
    return {name: (status, output) for name, (status, output) in zip(trees, ends, strict=True)}


@pytest.mark.parametrize(
    "step",
    [
        "first",
        *(commit.title for commit in faults.HISTORY),
        *(commit.title for commit in (faults.BEFORE, faults.BAD, faults.AFTER, faults.DECOY, faults.PARTIAL_MEND)),
        faults.FEWER_CONNECTIONS.title,
        "bad reverted",
        "mend reverted",
    ],
)
def test_the_shops_own_tests_pass_at_every_step(suites: dict[str, tuple[int, str]], step: str) -> None:
    status, output = suites[step]
    assert status == 0, output


def test_the_mistake_brought_a_test_of_its_own(suites: dict[str, tuple[int, str]]) -> None:
    passed = [int(suites[step][1].split(" passed")[0].split()[-1]) for step in (faults.BEFORE.title, faults.BAD.title)]
    assert passed[1] == passed[0] + 1


@pytest.mark.parametrize(
    ("step", "status"),
    [
        ("base", 0),
        (faults.BEFORE.title, 0),
        (faults.BAD.title, 1),
        (faults.DECOY.title, 1),
        ("bad reverted", 0),
        (faults.FEWER_CONNECTIONS.title, 0),
    ],
)
def test_the_reproduction_shows_the_mistake_and_nothing_else(trees: dict[str, Path], step: str, status: int) -> None:
    ran = run_in(trees[step], "reproduce.py")
    assert ran.returncode == status, ran.stdout + ran.stderr
    assert ("FAILED" in ran.stdout) is bool(status)


def test_the_mistake_fails_a_third_of_the_checkouts(trees: dict[str, Path]) -> None:
    assert failing_share(trees["base"]) == pytest.approx(0.025, abs=0.015)
    assert 0.30 < failing_share(trees[faults.BAD.title]) < 0.45
    assert failing_share(trees["bad reverted"]) == pytest.approx(0.025, abs=0.015)


def test_too_few_connections_fail_the_baskets_and_no_test_sees_it(trees: dict[str, Path]) -> None:
    assert 0.22 < failing_share(trees[faults.FEWER_CONNECTIONS.title]) < 0.34


def test_reverting_the_mend_makes_the_campaign_clearly_worse(trees: dict[str, Path]) -> None:
    fixed = trees["bad reverted"]  # the mend without the mistake
    mended = failing_share(fixed, campaign=True)
    without = failing_share(trees["base"], campaign=True)
    assert 0.15 < mended < 0.3
    assert without > mended + 0.2


def test_a_revert_of_the_squashed_mistake_has_no_conflict_with_the_decoy(clone: Clone) -> None:
    git = clone.git
    git("checkout", "--quiet", "main")
    for commit in (faults.BAD, faults.DECOY):
        for edit in commit.edits:
            edit.apply(clone.tree)
        git("commit", "--quiet", "--all", "-m", commit.message)
    git("revert", "--no-edit", "HEAD~1")
    assert (clone.tree / "shop/pricing.py").read_text() == git("show", "origin/main:shop/pricing.py") + "\n"


def test_an_edit_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("twice, twice")
    with pytest.raises(EditError, match="'twice' 2 times"):
        Replace(path="a.txt", search="twice", replace="once").apply(tmp_path)


def test_a_branch_is_named_after_its_title() -> None:
    assert Commit(title="Sell 3 kinds, of tea!", body="", edits=()).branch == "sell-3-kinds-of-tea"


def test_the_repository_starts_without_leftovers(trees: dict[str, Path]) -> None:
    kinds = {path.suffix for path in trees["first"].rglob("*") if path.is_file()}
    assert kinds == {".py", ".yaml", ".toml", ".md"}
