"""The stand-in."""

from dataclasses import replace

import pytest

from cases.errors import PermanentError
from cases.ports import Sandbox
from cases.trying import CommandReport
from sandbox.scripted import ScriptedSandbox, tree_hash
from tests.sandbox.orders import an_order, tree_of

PASSED = CommandReport(name="command 1", exit_code=0, ended="exited", output="ok", seconds=0.5)
FAILED = replace(PASSED, exit_code=1, output="no")
BASE, CHANGED = tree_of({"a": "1"}), tree_of({"a": "2"})


def test_it_answers_by_tree_and_by_command() -> None:
    sandbox = ScriptedSandbox({(tree_hash(BASE), "command 1"): FAILED, "command 1": PASSED})
    port: Sandbox = sandbox
    reports = [port.run(an_order("pytest", image="x", tree=tree)) for tree in (BASE, CHANGED)]
    assert [report.commands for report in reports] == [(FAILED,), (PASSED,)]
    assert [order.tree for order in sandbox.orders] == [BASE, CHANGED]
    assert (reports[0].own_seconds, port.reap()) == (0.5, 0)


def test_it_answers_by_a_function_and_ends_at_a_time_out() -> None:
    late = replace(PASSED, exit_code=None, ended="timed out")
    sandbox = ScriptedSandbox(lambda _, command: late if command.line == "hang" else PASSED)
    assert (PASSED, late) == sandbox.run(an_order("go", "hang", "never", image="x")).commands


def test_a_script_that_does_not_fit_is_a_bug_and_an_order_that_does_not_is_refused() -> None:
    with pytest.raises(LookupError, match="no answer for command 'command 1' on tree"):
        ScriptedSandbox({}).run(an_order("go", image="x"))
    with pytest.raises(PermanentError, match="no command"):
        ScriptedSandbox({}).run(an_order(image="x"))
    assert "nothing was run" in ScriptedSandbox({}).describe()
