"""No order reaches a sandbox before the audit has a line of it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cases.errors import TemporaryError
from cases.leases import Pause
from cases.trying import Command, CommandReport, TrialOrder
from daemon.audited import NO_CASE, AuditedSandbox, HeldModel
from daemon.clock import ManualClock
from daemon.invariants.calls import promised_first
from daemon.invariants.ground import Ground
from daemon.invariants.told import told
from daemon.ledger.ledger import open_ledger
from sandbox.scripted import ScriptedSandbox
from tests.parts.models import TalkingModel
from tests.parts.nouns import NOW, an_entry, an_opened
from tests.parts.questions import a_question
from tests.parts.settings import some_settings

ORDER = TrialOrder(
    key="deadbeef-1-base",
    image="an-image",
    tree=b"",
    commands=(Command(name="test", line="pytest", timeout=timedelta(minutes=5)),),
)


def test_an_order_has_a_line_before_it_runs_and_one_after_it_ended(tmp_path: Path) -> None:
    with open_ledger(f"sqlite:///{tmp_path}/ledger.db", clock=ManualClock(NOW)) as ledger:
        ledger.cases.open(an_entry(an_opened()), (), NOW)
        seen: list[str] = []

        def answer(order: TrialOrder, command: Command) -> CommandReport:
            seen.extend(line.action for line in ledger.audit.listed(after=2))
            if order.image == "away":
                raise TemporaryError("the engine went away")
            return CommandReport(name=command.name, exit_code=0, ended="exited", output="", seconds=0.1)

        sandbox = AuditedSandbox(ScriptedSandbox(answer), ledger.audit, ledger.clock, ledger.levers)
        sandbox.run(ORDER)
        assert seen == ["sandbox.run"]
        began, ended = ledger.audit.listed(after=2)
        assert (began.case, began.parent, began.detail["key"], began.detail["image"]) == (
            "deadbeef", 2, "deadbeef-1-base", "an-image",
        )  # fmt: skip
        assert began.detail["deadline"] == "2026-03-04T05:13:07.000000+00:00"
        assert (ended.action, ended.parent, ended.detail["how"]) == ("sandbox.ended", 3, "test: exited")
        with pytest.raises(TemporaryError, match="went away"):
            sandbox.run(replace(ORDER, image="away"))
        assert [line.action for line in ledger.audit.listed(after=4)] == ["sandbox.run", "sandbox.ended"]
        assert ledger.audit.listed()[-1].detail["how"] == "TemporaryError"


def test_neither_a_trial_nor_a_question_begins_in_a_pause(tmp_path: Path) -> None:
    with open_ledger(f"sqlite:///{tmp_path}/ledger.db", clock=ManualClock(NOW)) as ledger:
        ledger.cases.open(an_entry(an_opened()), (), NOW)
        ran: list[str] = []

        def answer(order: TrialOrder, command: Command) -> CommandReport:
            ran.append(order.key)
            return CommandReport(name=command.name, exit_code=0, ended="exited", output="", seconds=0.1)

        sandbox = AuditedSandbox(ScriptedSandbox(answer), ledger.audit, ledger.clock, ledger.levers)
        model = HeldModel(TalkingModel({}), ledger.levers)
        ledger.levers.pause(Pause(by="human:sre", reason="a release", since=NOW))
        with pytest.raises(TemporaryError, match="paused by human:sre: no trial begins"):
            sandbox.run(ORDER)
        with pytest.raises(TemporaryError, match="paused by human:sre: no question begins"):
            model.ask(a_question())
        assert "sandbox.run" not in {line.action for line in ledger.audit.listed()}
        ledger.levers.resume("human:sre", NOW)
        sandbox.run(ORDER)
        assert ran == [ORDER.key]


def test_an_order_of_the_night_follows_from_the_schedule_and_no_other_one_does(tmp_path: Path) -> None:
    with open_ledger(f"sqlite:///{tmp_path}/ledger.db", clock=ManualClock(NOW)) as ledger:

        def answer(order: TrialOrder, command: Command) -> CommandReport:
            del order
            return CommandReport(name=command.name, exit_code=0, ended="exited", output="", seconds=0.1)

        sandbox = AuditedSandbox(ScriptedSandbox(answer), ledger.audit, ledger.clock, ledger.levers)
        sandbox.run(replace(ORDER, key=f"{NO_CASE}-shop"))
        sandbox.run(replace(ORDER, key="another-shop"))
        lines = ledger.audit.listed()
        assert [(line.action, line.case) for line in lines] == [
            ("sandbox.run", ""), ("sandbox.ended", ""), ("sandbox.run", "another"), ("sandbox.ended", "another"),
        ]  # fmt: skip
        ground = Ground(
            told=told(ledger.database), database=ledger.database, settings=some_settings(), forge=None, overdue=tuple
        )
        (found,) = promised_first(ground)
        assert (found.row, found.what.partition(":")[0]) == (
            f"audit {lines[2].seq}",
            "sandbox.run follows from nothing",
        )
