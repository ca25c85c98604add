"""A daemon that is told to end, stands still, has a second one beside it, or is told another time."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cases.case import Case, Phase
from cases.moments import EPOCH
from daemon.clock import SystemClock
from daemon.home import at_home
from daemon.ledger.ledger import open_ledger
from sandbox.containers import OWNER_LABEL
from tests.faults.places import Place, a_hole, a_place
from tests.parts.daemons import until
from tests.parts.dockerd import base_image, containers
from tests.parts.playhouse import house
from tests.parts.prometheus import running_prometheus

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
DRAIN_S = 5.0


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_prometheus(tmp_path_factory.mktemp("prometheus")) as running:
        yield running.url


def a_bad_commit(place: Place) -> None:
    now = int((SystemClock().now() - EPOCH) / timedelta(seconds=1))
    place.hub.commit("Open the shop", {"shop.txt": b"good\n"}, at=now - 3000)
    place.hub.commit("Close the shop", {"shop.txt": b"bad\n"}, at=now - 60)


def reproduced_by(place: Place, command: str) -> dict[str, Any]:
    """The repository, with a command that shows the fault."""
    return {"repositories": [{**place.document["repositories"][0], "test": "true", "reproduce": command}]}


def cases_of(place: Place) -> tuple[Case, ...]:
    with open_ledger(place.store) as ledger:
        return ledger.cases.listed()


def containers_at(place: Place) -> Callable[[], set[str]]:
    """Gives those of the place's next two daemons, as they are when it is called: other tests have some meanwhile."""
    with at_home(place.folder) as first, at_home(place.folder) as second:
        labels = [f"{OWNER_LABEL}={home.name}" for home in (first, second)]
    return lambda: {name for label in labels for name in containers(label)}


def test_sigterm_in_the_middle_of_a_trial(tmp_path: Path, prometheus: str) -> None:
    base_image()
    with a_place(tmp_path, prometheus, runtime={"lease": "1h"}) as place:
        a_bad_commit(place)
        trials = containers_at(place)
        with place.daemon(**reproduced_by(place, "sleep 100")) as it:
            until(trials, "a trial runs")
            assert it.end() < DRAIN_S
            assert it.process.returncode == 0
            assert "Traceback" not in it.text
        assert trials() == set()
        with open_ledger(place.store) as ledger:
            claimed = ledger.cases.claim("another", SystemClock().now() + 15 * MINUTE, MINUTE)
            assert claimed is not None, "its lease of an hour is over"
            assert (claimed.case.phase, claimed.case.trials) == (Phase.DRAFTED, ())


@pytest.mark.parametrize("silent", ["source", pytest.param("forge and receiver", marks=pytest.mark.long)])
def test_sigterm_while_something_never_answers(tmp_path: Path, prometheus: str, silent: str) -> None:
    with a_hole() as (hole, asked), a_hole() as (chat, told), a_place(tmp_path, prometheus) as place:
        (place.folder / "webhook").write_text(f"{chat}/services/x")
        changes: dict[str, Any] = {
            "source": {"signals": {"prometheus": [{"name": "main", "url": hole, "timeout": "1m"}]}},
            "forge and receiver": {
                "repositories": [{**place.document["repositories"][0], "url": f"{hole}/acme/shop.git"}],
                "forge": {**place.document["forge"], "api_url": f"{hole}/api/v3"},
                "alerts": {"receivers": [{"name": "chat", "slack": f"file:{place.folder}/webhook"}]},
            },
        }[silent]
        with place.daemon(**changes) as it:
            until(asked, "the source or the forge is asked")
            if silent == "forge and receiver":
                until(told, "the receiver is told")
            assert it.end() < DRAIN_S
            assert it.process.returncode == 0
            assert "Traceback" not in it.text


FAMILY = "or".join(f' label_replace(vector(0.2), "service", "s{number}", "", "") ' for number in range(3))


@pytest.mark.long
def test_two_daemons_on_one_store_do_nothing_twice(tmp_path: Path, prometheus: str) -> None:
    watch = [{"name": "errors", "by": "service", "query": FAMILY, "harm": "up", "threshold": 0.1}]
    with a_place(tmp_path, prometheus, watch=watch) as place:
        place.hub.commit("Open the shop", {"shop.txt": b"good\n"}, at=1_700_000_000)
        with place.daemon() as one, place.daemon(cycle="250ms") as two:
            for it in (one, two):
                it.says("own health at")
            until(lambda: len(one.notices() + two.notices()) >= 6, "three cases are opened and end with a human")
            for it in (one, two):
                assert it.metric("trackwalker_polls_total") > 0, "both look"
            polls = [it.metric("trackwalker_polls_total") for it in (one, two)]
            until(lambda: one.metric("trackwalker_polls_total") >= polls[0] + 3, "it looks once more")
            until(lambda: two.metric("trackwalker_polls_total") >= polls[1] + 3, "so does the other")
            for it in (one, two):
                it.end()
                assert it.process.returncode == 0
        told = Counter(notice["key"] for notice in one.notices() + two.notices())
        assert set(told.values()) == {1}, "no notice twice"
        found = cases_of(place)
        assert Counter(case.service for case in found) == {f"s{number}": 1 for number in range(3)}
        events = [Counter(type(entry.event).__name__ for entry in case.history) for case in found]
        assert all(count["Opened"] == count["Escalated"] == 1 for count in events)
        both = one.text + two.text
        assert "shares this store under different settings" in both
        assert "give both the same configuration" in both
        assert "Traceback" not in both


@pytest.mark.long
def test_a_daemon_that_stood_still_too_long_is_fenced_when_it_wakes(tmp_path: Path, prometheus: str) -> None:
    base_image()
    with a_place(tmp_path, prometheus) as place:
        a_bad_commit(place)
        trials = containers_at(place)
        slow = reproduced_by(place, "sleep 1.5; grep -q good shop.txt")
        with place.daemon(**slow) as one, place.daemon(**slow) as two:
            until(trials, "a trial runs")
            drafted = [it for it in (one, two) if any("→ drafted" in line for line in it.lines)]
            (sleeper,), (other,) = drafted, [it for it in (one, two) if it not in drafted]
            sleeper.stop()
            try:
                other.says("taken over from")
                other.says("→ proposed")
            finally:
                sleeper.go_on()
            sleeper.says("dropped what was in hand")
            for it in (one, two):
                it.end()
                assert it.process.returncode == 0
        (case,) = cases_of(place)
        assert case.phase is Phase.PROPOSED
        assert len(case.trials) == 1, "what the sleeper had in hand is dropped"
        told = Counter(notice["key"] for notice in one.notices() + two.notices())
        assert set(told.values()) == {1}
        assert trials() == set()


@pytest.mark.parametrize("jump", [-HOUR, pytest.param(HOUR, marks=pytest.mark.long)], ids=["back", "forth"])
def test_a_wall_clock_that_is_set_keeps_nobody_waiting(tmp_path: Path, jump: timedelta) -> None:
    with house(tmp_path) as it, it.alive() as app:
        case = it.until(Phase.PROPOSED)
        it.passes(1)
        (pull,) = it.pull_requests()
        polls = app.metrics.registry.get_sample_value("trackwalker_polls_total", {"sight": "fresh"})
        it.clock.set(it.now + jump)
        it.passes(3)
        after = app.metrics.registry.get_sample_value("trackwalker_polls_total", {"sight": "fresh"})
        assert polls is not None
        assert after is not None
        assert after >= polls + 5, "polls go by the monotonic clock"
        it.close(pull["number"])
        it.passes(10)
        ended = app.ledger.cases.load(case.id)
        assert ended.phase is Phase.CLOSED, "nothing waits for an hour that comes twice"
        assert len(it.pull_requests()) == 1
        assert len(it.subjects()) == len(set(it.subjects()))
