"""Nothing lost, nothing half, nothing twice: kill -9, a stopped process, two processes, wrong clocks. On both."""

import itertools
import signal
import subprocess
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, true

from cases.case import Phase
from cases.errors import Fenced, PermanentError
from cases.events import Diagnosed
from cases.lifecycle import replay
from daemon.clock import ManualClock, SystemClock
from daemon.ledger import history as told_by
from daemon.ledger.ledger import Ledger
from daemon.ledger.tables import audit, cases, effects, history
from tests.daemon.ledger import programs
from tests.parts.nouns import NOW, an_entry, an_event
from tests.parts.sharing import lines, started, tell
from tests.parts.steps import a_case, a_comment
from tests.parts.stores import Place

KILLS = 4
HOUR = timedelta(hours=1)
SERVER_SELDOM = ("sqlite", pytest.param("postgres", marks=pytest.mark.long))  # killed on both in tests/faults/kills


def assert_whole(ledger: Ledger) -> None:
    """Every row of a case agrees with its history, and every entry, promise and receipt stands in the audit."""
    with ledger.database.reading() as connection:
        told = connection.execute(select(audit.c.case_id, audit.c.action, audit.c.detail)).all()
        rows = connection.execute(select(cases)).all()
        numbers = connection.execute(select(history.c.case_id, history.c.seq).order_by(history.c.seq)).all()
        promised = connection.execute(select(effects)).all()
        rebuilt = {case.id: case for case in told_by.rebuild(connection, true())}
    for row in rows:
        case = rebuilt[row.id]
        assert replay(case.history) == case
        assert (row.phase, row.hold, row.version) == (case.phase, case.hold, len(case.history))
        assert [seq for name, seq in numbers if name == row.id] == list(range(1, row.version + 1))
        assert len([1 for name, action, _ in told if name == row.id and action.startswith("case.")]) == row.version
        assert row.version - 1 == len([1 for effect in promised if effect.case_id == row.id]), "one promise a step"
    for effect in promised:
        actions = [action for _, action, detail in told if f'"{effect.key}"' in detail]
        assert actions == ["effect.promised"] + ["effect.done"] * (effect.state == "done")
        assert (effect.receipt is not None) == (effect.state == "done")


@pytest.mark.parametrize("place", SERVER_SELDOM, indirect=True)
def test_kill_9_at_any_moment_loses_nothing_and_leaves_no_half_step(place: Place) -> None:
    said: list[str] = []
    with started("mortal", place) as program, place.opened() as ledger:
        for kill in range(KILLS):
            tell(program, f"go {kill}")
            said += itertools.islice(lines(program), 18)
            threading.Event().wait(kill % 5 / 1000)  # a step takes some milliseconds: each kill meets another part
            tell(program, "kill")
            said += itertools.takewhile(lambda line: line != "killed", lines(program))
            assert_whole(ledger)
        assert len(said) >= 18 * KILLS
        for line in said:
            what, name, *more = line.split()
            if what == "step":
                assert len(ledger.cases.load(name).history) >= int(more[0])
            else:
                assert ledger.outbox.receipt(name) is not None
        tell(program, f"go {KILLS}")
        assert "end" in lines(program)
        assert_whole(ledger)
        assert {str(case.phase) for case in ledger.cases.active()} == {"proposed"}
        assert [ledger.outbox.pending(case.id) for case in ledger.cases.active()] == [()] * programs.CASES


@pytest.mark.parametrize("nowhere", SERVER_SELDOM, indirect=True)
def test_two_processes_make_one_ledger_and_never_hold_the_same_case_at_once(nowhere: Place, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    with started("share", nowhere, "one", str(marks)) as one, started("share", nowhere, "two", str(marks)) as two:
        assert [next(lines(program)) for program in (one, two)] == ["ready", "ready"]
        with nowhere.opened() as ledger:
            for name in "abcdefgh":
                a_case(ledger, name)
            outs = ["", ""]

            def ask(number: int, program: subprocess.Popen[str]) -> None:
                outs[number], errors = program.communicate("go\n", timeout=60)
                outs[number] += errors

            threads = [threading.Thread(target=ask, args=pair) for pair in enumerate((one, two))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert outs == ["end\n", "end\n"]
            spoke = [case.guidance for case in ledger.cases.active()]
    assert [len(words) for words in spoke] == [programs.ROUNDS] * 8
    assert {word for words in spoke for word in words} == {"one", "two"}, "both had work"


def test_a_process_that_stood_still_longer_than_its_lease_writes_no_more(place: Place) -> None:
    clock, pause = SystemClock(), threading.Event()
    with place.opened() as ledger:
        a_case(ledger)
    with place.opened() as ledger, started("sleeper", place, "one", "0.4") as sleeper:
        assert next(lines(sleeper)) == "claimed"
        sleeper.send_signal(signal.SIGSTOP)
        claimed = None
        for _ in range(200):
            claimed = claimed or ledger.cases.claim("two", clock.now(), HOUR)
            pause.wait(0 if claimed else 0.05)
        assert claimed is not None
        assert claimed.stolen_from == "one"
        promised = a_comment("promised")
        ledger.cases.commit(claimed, (an_entry(an_event(Diagnosed), 1),), (promised,), None)
        sleeper.send_signal(signal.SIGCONT)
        out, errors = sleeper.communicate("go\n", timeout=30)
        assert (out, errors) == ("fenced\n" * 5, "")
        assert [intent.effect for intent in ledger.outbox.pending("a")] == [promised]
        case = ledger.cases.load("a")
        assert (case.phase, len(case.history)) == (Phase.DIAGNOSED, 2)
        ledger.outbox.check(claimed)


@pytest.mark.parametrize("wrong", [HOUR, -HOUR], ids=["ahead", "behind"])
def test_a_clock_that_is_wrong_by_an_hour_breaks_no_lease_of_a_server_and_no_fence_anywhere(
    place: Place, wrong: timedelta
) -> None:
    right = SystemClock()
    with place.opened() as ledger:
        a_case(ledger)
        late = right.now() + min(wrong, -wrong)  # whichever is behind claims, and the other one comes after it
        first = ledger.cases.claim("one", late, timedelta(seconds=30))
        assert first is not None
        assert first.until == late + timedelta(seconds=30), "by the clock of whoever asked"
        second = ledger.cases.claim("two", late + HOUR, timedelta(seconds=30))
        if place.kind == "postgres":
            assert second is None, "the server's time decides"
            first = ledger.cases.renew(first, right.now() - HOUR, timedelta(seconds=30))
            assert ledger.cases.claim("two", right.now() + HOUR, timedelta(seconds=30)) is None
            ledger.outbox.check(first)
            return
        assert second is not None, "a file has no time of its own"
        assert second.stolen_from == "one"
        with pytest.raises(Fenced):
            ledger.outbox.check(first)


def test_a_lease_ends_on_the_server_when_it_should_whatever_the_host_believes(place: Place) -> None:
    with place.opened() as ledger:
        a_case(ledger)
        behind = SystemClock().now() - HOUR
        assert ledger.cases.claim("one", behind, timedelta(milliseconds=50)) is not None
        threading.Event().wait(0.06)
        stolen = ledger.cases.claim("two", behind, timedelta(seconds=30))
        assert (stolen is not None) == (place.kind == "postgres")


def test_on_a_given_clock_leases_go_by_it(place: Place) -> None:
    with place.opened(clock=ManualClock(NOW)) as ledger:
        a_case(ledger)
        assert ledger.cases.claim("one", NOW, HOUR) is not None
        assert ledger.cases.claim("two", NOW + HOUR - timedelta(seconds=1), HOUR) is None
        assert ledger.cases.claim("two", NOW + HOUR, HOUR) is not None


def test_a_clock_that_was_set_back_holds_nothing_up(place: Place) -> None:
    with place.opened(clock=ManualClock(NOW)) as ledger:
        for name in "ab":
            a_case(ledger, name)
        claimed = ledger.cases.claim("one", NOW + HOUR, HOUR)
        assert claimed is not None
        other = ledger.cases.claim("one", NOW + HOUR, HOUR)
        assert other is not None
        ledger.cases.commit(other, (), (a_comment(),), None)
        ledger.cases.release(other, NOW + HOUR)
        ledger.cases.hasten(NOW, timedelta(seconds=30))
        again = ledger.cases.claim("two", NOW, HOUR)
        assert again is not None
        assert again.case.id == other.case.id
        assert ledger.cases.claim("two", NOW + timedelta(seconds=29), HOUR) is None
        assert ledger.cases.claim("two", NOW + timedelta(seconds=30), HOUR) is not None


def test_many_threads_write_at_once(ledger: Ledger) -> None:
    def open_some(first: int) -> None:
        for number in range(first, first + 10):
            a_case(ledger, f"case{number}")

    threads = [threading.Thread(target=open_some, args=(first,)) for first in (0, 10, 20, 30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {case.id for case in ledger.cases.active()} == {f"case{number}" for number in range(40)}


def test_a_damaged_entry_names_its_case_and_number(ledger: Ledger) -> None:
    a_case(ledger)
    with ledger.database.writing() as connection:
        connection.execute(history.update().values(payload='{"case_id": "a secret"}'))
    with pytest.raises(PermanentError, match="entry 1 of case a does not read as Opened") as failure:
        ledger.cases.load("a")
    assert "secret" not in str(failure.value)
