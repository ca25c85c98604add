"""What got slowly worse, from the nightly look to a lesson: behind every incident, and told to nobody."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cases.case import Case, Phase
from cases.errors import TemporaryError
from cases.events import Disproved
from cases.outcome import Ending
from cases.trying import Command, CommandReport, TrialOrder
from daemon.improvements import improvements_of
from daemon.keeping.daily import Errand
from daemon.opportunities import Opportunities
from tests.parts.models import TalkingModel
from tests.parts.playhouse import BAD, NORMAL, House, house

DAY = timedelta(days=1)
CACHE = b"cache:\n  entries: 50  # of the catalogue\n"
RULE = {"file": "config/cache.yaml", "path": ".cache.entries", "signal": "errors", "answers": "improvement"}
SHOP = {"name": "shop", "repository": "shop", "tune": [{**RULE, "factor": 2, "bound": 400}]}


def never() -> bool:
    return False


def drifting(it: House) -> float:
    """Nothing went wrong; a signal is worse by a hundredth each day, for four weeks."""
    it.readings.levels[:] = [(it.now - 40 * DAY, NORMAL)]
    level = NORMAL
    for day in range(28, -1, -1):
        level *= 1.02
        it.readings.becomes(level, (it.now - day * DAY).replace(hour=0, minute=0, second=0))
    it.deploy(it.commit("Cache the shop", {"config/cache.yaml": CACHE}, minutes_ago=3), minutes_ago=2)
    return level


def timed(it: House, seconds: float) -> None:
    """The benchmark takes one second, and so many where more is remembered."""
    usual = it.trial

    def trial(order: TrialOrder, command: Command) -> CommandReport:
        if command.name != "bench":
            return usual(order, command)
        took = seconds if b"entries: 100" in order.tree else 1.0
        return CommandReport(name="bench", exit_code=0, ended="exited", output="", seconds=took)

    it.trial = trial


def night(it: House) -> int:
    """The nightly look; how many cases it opened."""
    app = it.app
    assert app is not None
    (job,) = improvements_of(app.ports, app.ledger.cases, app.ledger.checkpoints, app.cycle.poll.watches.listed)
    return int(job.work(Errand(began=0, stopped=never))["opened"])


def improving(it: House) -> Case:
    assert it.app is not None
    return next(case for case in it.app.ledger.cases.listed(5) if case.improvement)


def test_it_is_measured_merged_and_remembered(tmp_path: Path) -> None:
    with house(tmp_path, services=[SHOP]) as it:
        it.recipe = {"bench": "python bench.py"}
        level = drifting(it)
        timed(it, 0.7)
        with it.alive():
            assert night(it) == 1
            assert night(it) == 0  # it is on its way
            it.until(Phase.PROPOSED)
            (pull,) = it.pull_requests()
            assert [label["name"] for label in pull["labels"]] == ["trackwalker", "trackwalker:improvement"]
            assert not pull["draft"]
            assert "an improvement, of no incident" in pull["body"]
            assert "faster: it takes 0.70 of the time, between 0.70 and 0.70 (99%, 10 pairs)" in pull["body"]
            assert "went from 0.0099" in pull["body"]
            it.merge(pull["number"], level=level * 0.6)
            case = it.until(Phase.CLOSED, minutes=200, every=2)
        assert case.outcome is not None
        assert case.outcome.ending is Ending.WORKED, case.outcome.because
        assert "always-valid" in case.outcome.because
        assert case.lesson is not None
        assert case.lesson.strategy == "playbook:tune-a-value"
        assert {notice["severity"] for notice in it.notices()} == {"note"}


@pytest.mark.long
def test_what_shows_nothing_ends_by_itself_and_is_not_tried_again(tmp_path: Path) -> None:
    with house(tmp_path, services=[SHOP]) as it:
        it.recipe = {"bench": "python bench.py"}
        drifting(it)
        timed(it, 1.0)
        with it.alive() as app:
            assert night(it) == 1
            case = it.until(Phase.CLOSED, every=1)
            assert case.outcome is not None
            assert case.outcome.ending is Ending.UNCHANGED
            assert "not shown to be faster" in case.outcome.because
            assert any(isinstance(entry.event, Disproved) for entry in case.history)
            it.clock.advance(8 * DAY)
            assert night(it) == 0
            (one,) = Opportunities(checkpoints=app.ledger.checkpoints).all()
            assert one.case == case.id
        assert it.pull_requests() == []
        assert it.subjects() == []


def test_an_incident_goes_first_and_joins_nothing(tmp_path: Path) -> None:
    with house(tmp_path, services=[SHOP]) as it:
        it.recipe = {"bench": "python bench.py"}
        level = drifting(it)
        timed(it, 0.7)
        usual, full = it.trial, True

        def trial(order: TrialOrder, command: Command) -> CommandReport:
            if full and command.name == "reproduce":
                raise TemporaryError("no container is free")
            answer = usual(order, command)
            return replace(answer, exit_code=int(b"rounded" in order.tree)) if command.name == "reproduce" else answer

        it.trial = trial
        it.deploy(it.commit("Round it all", {"shop/checkout.py": b"checkout = rounded\n"}, 1))
        it.clock.advance(timedelta(minutes=3))  # an onset is dated to some minutes, and this is not about that
        it.readings.becomes(BAD, it.now)
        with it.alive() as app:
            it.until(Phase.DRAFTED)
            assert night(it) == 1
            it.passes(3)
            live = next(case for case in app.ledger.cases.listed(5) if not case.improvement)
            assert (live.phase, improving(it).phase) == (Phase.DRAFTED, Phase.OPEN)
            full = False
            it.passes(9)
            assert [case.phase for case in app.ledger.cases.active()] == [Phase.PROPOSED, Phase.PROPOSED], it.subjects()
            assert len(improving(it).anomalies) == 1
            labels = [{label["name"] for label in pull["labels"]} for pull in it.pull_requests("open")]
            assert [("trackwalker:improvement" in names) for names in labels] == [True, False]
            assert level < BAD


BENCH = b"""import re, time
entries = int(re.search("entries: ([0-9]+)", open("config/cache.yaml").read())[1])
until = time.process_time() + 20 / entries
while time.process_time() < until:
    pass
"""


@pytest.mark.long
def test_the_benchmark_runs_in_real_containers(tmp_path: Path) -> None:
    from sandbox.docker import DockerSandbox
    from tests.parts.dockerd import base_image

    base_image()
    with house(tmp_path, services=[SHOP]) as it:
        it.recipe = {"bench": "python bench.py", "test": "python -c 'import shop.checkout'"}
        it.wrap_sandbox = lambda _: DockerSandbox(owner="improving")
        it.commit("Measure the shop", {"bench.py": BENCH}, minutes_ago=4)
        drifting(it)
        with it.alive():
            assert night(it) == 1
            it.until(Phase.PROPOSED)
            (pull,) = it.pull_requests()
        (row,) = [line for line in pull["body"].splitlines() if line.startswith("| Benchmark")]
        assert "**passed** faster: it takes 0." in row


@pytest.mark.long
def test_a_model_edits_what_no_rule_names(tmp_path: Path) -> None:
    with house(tmp_path) as it:
        it.recipe = {"bench": "python bench.py"}
        drifting(it)
        usual = it.trial
        it.trial = lambda order, command: replace(
            usual(order, command), seconds=0.5 if b"math.fsum" in order.tree else 1.0
        )
        found = {"places": [{"path": "shop/pricing.py", "function": "total"}]}
        edit = {
            "path": "shop/pricing.py",
            "search": "return round(sum(cart))",
            "replace": "return round(math.fsum(cart))",
        }
        it.model = TalkingModel({"hotspot": [found], "improvement": [{"edits": [edit], "claim": "it sums faster"}]})
        it.extra["model"] = {"provider": "ollama", "diagnose": "qwen", "prices": {"qwen": {"input": 0, "output": 0}}}
        with it.alive():
            assert night(it) == 1
            it.until(Phase.PROPOSED)
            (pull,) = it.pull_requests()
        assert "trackwalker:improvement" in str(pull["labels"])
        assert "Take less time in total() of shop/pricing.py" in pull["title"]
