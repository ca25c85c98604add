"""Tests that come and go decide nothing, whichever way they came."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from cases.change import ChangeClass, Patch
from cases.trying import CommandReport, SandboxReport
from cases.verdict import Verdict
from remediation.checks import STILL_PASSES, Runs, still_passes
from remediation.flaky import settled, unsteady
from tests.parts.nouns import a_change

EDIT: Patch = replace(a_change(), kind=ChangeClass.EDIT, inverse_of=None)
REVERT = a_change()
SUITE = tuple(f"t::{n}" for n in range(10))


def ran(*failing: str, tests: Sequence[str] = SUITE, ended: str = "exited") -> SandboxReport:
    outcomes = tuple((test, "failed" if test in failing else "passed") for test in tests)
    code = int(bool(failing))
    command = CommandReport(name="test", exit_code=code, ended=ended, output="", seconds=1.0, tests=outcomes)
    return SandboxReport(commands=(command,), seconds=1.0, own_seconds=1.0)


def judged(
    *runs: tuple[SandboxReport, SandboxReport], known: set[str] | None = None, patch: Patch = EDIT
) -> tuple[Verdict, str]:
    turns = [Runs(base=base, change=change) for base, change in runs]
    first = still_passes(turns[-1].of("test"), patch)
    (check,) = settled((first,), turns, known or set(), patch)
    assert check.name == STILL_PASSES
    return check.verdict, check.detail


def test_what_fails_each_time_with_the_change_is_its_fault() -> None:
    assert judged((ran(), ran("t::1")), (ran(), ran("t::1"))) == (Verdict.FAILED, "1 pass no longer: t::1")


def test_what_differs_on_base_is_left_out_and_named() -> None:
    runs = [(ran(), ran("t::1")), (ran("t::1"), ran("t::1"))]
    assert judged(*runs) == (Verdict.PASSED, "flaky, left out: t::1")
    assert judged(*runs[::-1]) == (Verdict.PASSED, "flaky, left out: t::1")
    assert unsteady([Runs(base=base, change=change) for base, change in runs]).base == {"t::1"}


def test_what_was_seen_before_is_left_out_at_once() -> None:
    assert judged((ran(), ran("t::1")), known={"t::1", "t::gone"}) == (Verdict.PASSED, "flaky, left out: t::1")


def test_a_flaky_neighbour_covers_for_nothing() -> None:
    verdict, detail = judged((ran(), ran("t::1", "t::2")), (ran("t::1"), ran("t::1", "t::2")))
    assert (verdict, detail) == (Verdict.FAILED, "1 pass no longer: t::2")


def test_what_comes_and_goes_with_the_change_alone_shows_nothing() -> None:
    verdict, detail = judged((ran(), ran("t::1")), (ran(), ran()), (ran(), ran()))
    assert verdict is Verdict.INCONCLUSIVE
    assert detail == "t::1: comes and goes with the change, and in 3 runs never did without it"


def test_a_revert_brings_back_what_ran_before_flaky_or_not() -> None:
    verdict, detail = judged((ran(), ran("t::1")), (ran(), ran()), patch=REVERT)
    assert (verdict, detail) == (Verdict.PASSED, "flaky, left out: t::1")


@pytest.mark.parametrize("known", [False, True])
def test_too_many_leave_nothing_to_rest_on(known: bool) -> None:  # noqa: FBT001 - pytest's parameter
    flaky = ("t::1", "t::2", "t::3", "t::4")
    runs = [(ran(), ran())] if known else [(ran(), ran()), (ran(*flaky), ran())]
    verdict, detail = judged(*runs, known=set(flaky) if known else None)
    assert verdict is Verdict.INCONCLUSIVE
    assert detail == "4 of 10 tests come and go: nothing can rest on the others"


def test_a_suite_without_a_report_comes_and_goes_as_a_whole() -> None:
    fails = replace(ran("x", tests=()).commands[0], exit_code=1)
    bad = SandboxReport(commands=(fails,), seconds=1.0, own_seconds=1.0)
    good = ran(tests=())
    assert judged((good, bad), (good, bad))[0] is Verdict.FAILED
    for runs in ([(good, bad), (bad, bad)], [(good, bad), (good, good)]):
        verdict, detail = judged(*runs)
        assert verdict is Verdict.INCONCLUSIVE
        assert "come and go as a whole" in detail


def test_a_run_that_did_not_end_says_nothing_of_flaky_tests() -> None:
    ended = ran("t::1", ended="timed out")
    assert unsteady([Runs(base=ran(), change=ran()), Runs(base=ended, change=ran())]).base == frozenset()
