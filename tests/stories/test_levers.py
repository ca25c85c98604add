"""Levers in a human's hand, on the whole daemon: pause, freeze, guide, retry, override; and the kill rule, without."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from cases.case import Case, Hold, Phase
from cases.events import Entry, Frozen, Heard, Thawed
from cases.events import Killed as KilledEvent
from cases.outcome import Ending
from cases.steps import Notice
from daemon.heed import Acknowledgements, Heed
from daemon.ledger.case_store import LedgerCases
from daemon.ledger.tables import levers
from daemon.main import trackwalker
from tests.parts.levers import Levered, levered, pause_file, recorded
from tests.parts.old_shop import EDIT, old_shop
from tests.parts.playhouse import NORMAL, House, house

CATASTROPHE = 3.0


def present(it: House) -> Case:
    case = it.case()
    assert case is not None
    return case


def until(it: Levered, *phases: Phase, minutes: float = 60) -> Case:
    for _ in range(round(minutes * 2)):
        it.passes()
        case = it.house.case()
        if case is not None and case.phase in phases:
            return case
    raise AssertionError(f"no case came to {phases}: {it.house.case()}")


def pulled(it: House) -> int:
    """The number of the one pull request."""
    (pull,) = it.pull_requests()
    return int(pull["number"])


def test_nothing_is_written_after_the_pause_whenever_it_is_pulled(tmp_path: Path) -> None:
    """Pulled right after each write, and between the steps where there is none: what is in hand ends, and no more."""
    with old_shop(tmp_path, edits=[EDIT]) as it:
        written = recorded(it)
        with levered(it) as life:
            struck: set[tuple[str, Phase | None]] = set()
            first: list[int] = []

            def strike(name: str) -> None:
                case = it.case()
                at = (name, case.phase if case is not None else None)
                if name in {"run", "ask"} and at in struck:
                    return  # a step that is struck begins anew: at each of its trials it would never end
                first.append(len(written.calls))
                struck.add(at)
                life.pause(name)

            written.after = strike
            phases: set[Phase] = set()
            for _ in range(100):
                case = it.case()
                if Phase.DEPLOYED in phases:
                    break
                if case is not None and case.phase is Phase.PROPOSED and it.pull_requests("open"):
                    it.merge(pulled(it))
                first.clear()
                life.passes()
                if not first:
                    life.pause("between two turns")
                # a step that is in hand may still try or ask; nothing else begins
                assert {*written.calls[first[0] :]} <= {"run", "ask"} if first else True
                phases.add(present(it).phase if it.case() else Phase.OPEN)
                before = len(written.calls)
                life.passes()
                assert written.calls[before:] == []
                life.resume()
            assert {name for name, _ in struck} >= {"ask", "run", "push", "open_pull_request", "comment", "store_plot"}
            assert phases >= {Phase.DRAFTED, Phase.PROPOSED, Phase.DEPLOYED}


@pytest.mark.long
def test_harm_during_a_pause_is_told_and_its_rollback_waits(tmp_path: Path) -> None:
    with house(tmp_path) as it:
        written = recorded(it)
        with levered(it) as life:
            until(life, Phase.PROPOSED)
            life.passes()
            life.pause()
            it.merge(pulled(it), deployed=False)
            it.readings.becomes(CATASTROPHE, it.now)  # before any marker says that it runs
            before = len(written.calls)
            until(life, Phase.REVERTING, minutes=12)
            life.passes(1)
            assert written.calls[before:] == []
            assert {"shop: what was merged does harm", "shop: rollback waits"} <= set(it.subjects())
            life.resume()
            assert until(life, Phase.PROPOSED).change.rolls_back == 1


def test_the_file_stops_the_daemon_and_its_end_lets_it_go_on(tmp_path: Path) -> None:
    with house(tmp_path) as it:
        written = recorded(it)
        with levered(it) as life:
            pause_file(life.app).write_text("moving the database\n")
            until(life, Phase.DRAFTED)
            life.passes(1)
        with levered(it) as life:  # ended and started again: the file is still there
            life.passes(1)
            assert written.calls == []
            assert present(it).phase is Phase.DRAFTED
            assert "shop: errors is up" in it.subjects()  # alerts still run
            pause_file(life.app).unlink()
            until(life, Phase.PROPOSED)


def test_a_comment_pauses_and_resumes_and_is_answered_once(tmp_path: Path) -> None:
    with house(tmp_path) as it:
        written = recorded(it)
        with levered(it) as life:
            until(life, Phase.PROPOSED)
            life.passes()
            number = pulled(it)
            said = life.says(number, "Hm.\r\n/trackwalker pause the team is away\r\n/trackwalker resume", "sre")
            life.passes()
            pause = life.app.ledger.levers.paused()
            assert pause is not None
            assert (pause.by, pause.reason) == ("comment:sre", "the team is away")
            before = len(written.calls)
            it.merge(number)
            life.passes(2)
            assert written.calls[before:] == []  # "Merged" waits
            (answer,) = life.answers(number, said)  # the acknowledgement does not
            assert answer.startswith("**Paused** (the team is away).")
        with levered(it) as life:
            life.passes(1)
            assert life.app.ledger.levers.paused() is not None
            again = life.says(number, "/trackwalker resume", "reviewer")
            life.passes(2)
            assert life.app.ledger.levers.paused() is None
            assert len(life.answers(number, said)) == len(life.answers(number, again)) == 1
            heard = [entry.actor for entry in present(it).history if isinstance(entry.event, Heard)]
            assert heard == ["comment:sre", "comment:reviewer"]
            assert any("**Merged**" in body for body in it.comments(number))


def test_freeze_guide_and_retry_are_heard_and_strangers_edits_and_quotations_are_not(tmp_path: Path) -> None:
    with house(tmp_path) as it, levered(it) as life:
        until(life, Phase.PROPOSED)
        life.passes()
        number = pulled(it)
        it.world.ask("PUT", "/collaborators/mallory", json={"permission": "pull"})
        stranger = life.says(number, "/trackwalker pause\nobey me", "mallory")
        quoted = life.says(
            number, "> /trackwalker pause\n\n    /trackwalker pause\n`/trackwalker pause`\n/trackwalkers"
        )
        ours = life.says(number, "/trackwalker pause", "trackwalker")
        edited = life.says(number, "Looks good", "sre")
        it.world.ask("PATCH", f"/issues/comments/{edited}", "mallory", json={"body": "/trackwalker freeze"})
        early = life.says(number, "/trackwalker approve")
        nonsense = life.says(number, "/trackwalker rm -rf / @everyone <!-- trackwalker:x --> fixes #1")
        length = len(present(it).history)
        life.passes(2)
        assert life.app.ledger.levers.paused() is None
        assert present(it).hold is Hold.NONE
        assert [life.answers(number, silent) for silent in (stranger, quoted, ours)] == [[], [], []]
        assert "edited" in life.answers(number, edited)[0]
        assert "waits for nobody's yes" in life.answers(number, early)[0]
        (told,) = life.answers(number, nonsense)
        assert "no command of mine" in told
        assert "everyone" not in told
        assert len(present(it).history) == length + 3  # a line for each that was answered, however often it was read

        life.says(number, "/trackwalker freeze wait for the release", "sre")
        life.passes()
        case = present(it)
        assert (case.phase, case.hold) == (Phase.PROPOSED, Hold.FROZEN)
        assert case.hold_reason == "wait for the release (said by sre)"
        assert case.history[-1].actor == "comment:sre"
        life.says(number, "/trackwalker guide look at the cache")
        other = Heed(ports=life.app.ports, cases=Late(life.app.ledger.cases), levers=life.app.ledger.levers)
        again = life.says(number, "/trackwalker retry")
        none = life.says(number, "/trackwalker retry")
        life.passes(1)
        assert present(it).hold is Hold.NONE
        other.once()  # another daemon, which looked at the cases before all this
        life.passes()
        assert present(it).guidance == ("look at the cache",)
        assert present(it).hold is Hold.NONE
        assert life.answers(number, again)[0].startswith("**Let go.**")
        assert "there is nothing to retry" in life.answers(number, none)[0]


class Late(LedgerCases):
    """The ledger's cases, listed as they were before somebody else wrote to them."""

    def __init__(self, cases: LedgerCases) -> None:
        vars(self).update(vars(cases))
        self._seen = cases.active()

    def active(self) -> tuple[Case, ...]:
        return self._seen


class Killed(BaseException):
    """What `kill -9` looks like from the inside: nothing after this runs."""


def test_killed_while_it_hears_it_does_it_once_and_answers_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise Killed

    with house(tmp_path) as it:
        with levered(it) as life:
            until(life, Phase.PROPOSED)
            life.passes()
            number = pulled(it)
        said: list[int] = []
        for moment in ("before the entry", "before the answer", "after the answer"):
            with levered(it) as life:
                said.append(life.says(number, "/trackwalker pause", f"sre{len(said)}"))

                def answer_and_die(
                    self: Acknowledgements,
                    notice: Notice,
                    real: Callable[[Acknowledgements, Notice], None] = Acknowledgements.notify,
                ) -> None:
                    real(self, notice)
                    raise Killed

                if moment == "before the entry":
                    monkeypatch.setattr(life.app.ledger.cases, "add", die)
                else:
                    dying = answer_and_die if moment == "after the answer" else die
                    monkeypatch.setattr(Acknowledgements, "notify", dying)
                with pytest.raises(Killed):
                    life.passes(1)
                monkeypatch.undo()
            it.clock.advance(timedelta(minutes=1))  # what the dead one was about to hand over is due again
            with levered(it) as life:
                life.passes()
                assert life.app.ledger.levers.paused() is not None
                life.resume()
                life.passes()
                assert life.app.ledger.levers.paused() is None
                assert [len(life.answers(number, comment)) for comment in said] == [1] * len(said)
                with life.app.ledger.database.reading() as connection:
                    pulls = connection.execute(select(levers.c.actor).order_by(levers.c.seq)).scalars().all()
                assert pulls == [who for index in range(len(said)) for who in (f"comment:sre{index}", "human:sre")]


def invoke(it: House, *words: str) -> tuple[int, str]:
    """A command of the human's, on the same store."""
    path = it.folder / "trackwalker.yaml"
    done = CliRunner().invoke(trackwalker, [*words, "--config", str(path)])
    return done.exit_code, done.output + (str(done.exception) if done.exception else "")


def test_a_dropped_case_takes_its_pull_request_back_and_is_a_remembered_no(tmp_path: Path) -> None:
    with house(tmp_path) as it, levered(it) as life:
        case = until(life, Phase.PROPOSED)
        life.passes()
        number = pulled(it)
        assert invoke(it, "override", case.id, "--drop", "--reason", "the cause is another @sre")[0] == 0
        life.passes(1)
        case = life.app.ledger.cases.load(case.id)
        assert case.outcome is not None
        assert (case.phase, case.outcome.ending) == (Phase.CLOSED, Ending.DISMISSED)
        (pull,) = it.pull_requests("open")
        assert pull["draft"]
        (told,) = [body for body in it.comments(number) if "**Dropped**" in body]
        assert "the cause is another" in told
        assert "@sre" not in told
        assert case.lesson is not None
        assert case.lesson.ending is Ending.DISMISSED
        status, said = invoke(it, "cases", "why", case.id)
        assert status == 0
        assert "Overridden" in said
        assert "drop: the cause is another" in " ".join(said.split())
        assert invoke(it, "override", case.id, "--drop", "--reason", "again")[0] != 0


def test_force_passes_gate_and_limits_and_nothing_else(tmp_path: Path) -> None:
    budget = {"prs_open": 1}
    with house(tmp_path, budget=budget, authority={"default": "observe"}) as it, levered(it) as life:
        it.world.hub.commit(
            "Something else", {"b.txt": b"1\n"}, branch="trackwalker/0badc0de-1", start=it.world.hub.tip()
        )
        made = it.world.ask(
            "POST", "/pulls", "trackwalker", json={"title": "x", "head": "trackwalker/0badc0de-1", "base": "main"}
        )
        assert made.status_code == 201
        case = until(life, Phase.PROVED)
        life.passes(2)
        assert present(it).hold is Hold.GATE
        status, said = invoke(it, "override", case.id, "--force", "--reason", "the pager does not stop")
        assert (status, "passes its gate" in said) == (0, True)
        assert until(life, Phase.PROPOSED, minutes=5).id == case.id
        status, said = invoke(it, "override", case.id, "--force", "--reason", "more")
        assert status != 0
        assert "is proposed" in said


def test_a_catastrophe_is_killed_though_its_case_is_frozen(tmp_path: Path) -> None:
    with house(tmp_path) as it, levered(it) as life:
        until(life, Phase.PROPOSED)
        life.passes()
        it.merge(pulled(it), level=NORMAL)
        case = until(life, Phase.DEPLOYED)
        entry = Entry(at=it.now, actor="human:sre", event=Frozen(reason="hands off"))
        life.app.ledger.cases.add(case.id, entry, (), None)
        it.readings.becomes(CATASTROPHE, it.now)
        life.passes(4)
        assert present(it).phase is Phase.DEPLOYED  # it does not last yet
        life.passes(2)
        case = present(it)
        assert (case.phase, case.hold) == (Phase.REVERTING, Hold.FROZEN)
        assert any(isinstance(entry.event, KilledEvent) for entry in case.history)
        life.passes(1)
        (told,) = [notice for notice in it.notices() if notice["subject"] == "shop: what was merged does harm"]
        assert told["severity"] == "page"
        assert "Its rollback waits: the case is frozen (hands off)" in told["text"]
        assert len(it.pull_requests()) == 1
        entry = Entry(at=it.now, actor="human:sre", event=Thawed(because="go"))
        life.app.ledger.cases.add(case.id, entry, (), it.now)
        assert until(life, Phase.PROPOSED).change.rolls_back == 1
