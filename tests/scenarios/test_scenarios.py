"""Scenarios played through the real daemon, with a real Prometheus and a real forge, to a pull request or a human."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.parts.hub import TOKEN
from tests.scenarios.bench import plain_bench
from tests.scenarios.catalogue import every, scenario
from tests.scenarios.models import Talking, adversary
from tests.scenarios.modes import MODES, scores, unplayable
from tests.scenarios.playing import Way, play
from tests.scenarios.scenario import Scenario
from tests.scenarios.score import scored, summed, table
from tests.scenarios.stage import Stage, staged

PLAIN = Way(
    mode="playbooks",
    sandbox=plain_bench,
    watches=("errors", "requests", "pool-waiting"),
    settings={"detection": {"history": "6h"}},
)
SHORT = (("bug", 1), ("small-pool", 0), ("no-cause", 0), ("bug", 3))


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", TOKEN)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("scenarios"), [scenario(*one) for one in SHORT]) as built:
        yield built


def test_a_guilty_commit_is_reverted_and_the_others_work_stays(stage: Stage) -> None:
    one = scenario("bug", 1)
    it = scored(play(stage, one, PLAIN), plain_bench())
    assert it.right, it.because
    (pull,) = it.played.pulls
    assert (pull.kind, pull.blames) == ("revert", one.truth.culprit)
    assert it.played.in_pack
    assert it.played.tokens <= 4000


def test_a_value_is_restored(stage: Stage) -> None:
    it = scored(play(stage, scenario("small-pool", 0), PLAIN), plain_bench())
    assert it.right, it.because
    assert [pull.kind for pull in it.played.pulls] == ["configuration"]


def test_a_surge_accuses_nobody(stage: Stage) -> None:
    it = scored(play(stage, scenario("no-cause", 0), PLAIN), plain_bench())
    assert (it.right, it.accused, it.played.branches) == (True, False, ())


def test_what_an_adversary_writes_is_never_pushed(stage: Stage) -> None:
    talker = adversary()

    def known(_: Scenario) -> Talking:
        return talker

    way = replace(PLAIN, mode="adversary", model=known)
    it = scored(play(stage, scenario("bug", 3), way), plain_bench())
    assert talker.asked
    assert (it.hostile, it.played.branches) == (0, ())


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_all_of_them_with_playbooks_only(tmp_path_factory: pytest.TempPathFactory) -> None:
    from sandbox.docker import DockerSandbox
    from tests.parts.dockerd import base_image

    base_image()
    judge = DockerSandbox(owner="scenarios")
    try:
        with staged(tmp_path_factory.mktemp("scenarios"), every()) as built:
            found = scores(built, every(), "playbooks", None, judge)
    finally:
        judge.close()
    it = summed(found)
    assert it.right >= 0.6, table(found)
    assert it.wrong_share <= 0.05, table(found)
    assert it.accused == 0, table(found)
    assert it.in_pack == it.packs, table(found)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "playbooks"])
def test_one_seed_of_each_kind_in_every_other_mode(tmp_path_factory: pytest.TempPathFactory, mode: str) -> None:
    if why := unplayable(mode):
        pytest.skip(why)
    chosen = [one for one in every() if one.seed == 3]
    with staged(tmp_path_factory.mktemp("scenarios"), chosen) as built:
        found = scores(built, chosen, mode, plain_bench, plain_bench())
    assert not any(one.played.frozen for one in found), table(found)
    assert not any(one.hostile for one in found), table(found)
    assert all(one.played.cases for one in found), table(found)
