"""The checks of an edit: what a test run says, read without believing more than it shows."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from cases.change import ChangeClass, Patch
from cases.trying import CommandReport
from cases.verdict import Check, Verdict
from remediation.checks import REPRODUCTION, by_the_new_test, new_test
from remediation.failure import Failure
from remediation.failures import failures, outcomes_of
from tests.parts.nouns import a_change

LONG = """\
=================================== FAILURES ===================================
__________________________________ test_comma __________________________________

    def test_comma():
>       assert total(['1,50']) == 1.5

tests/test_comma.py:5:
_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _
shop/pricing.py:6: in total
    return sum(amount(item) for item in cart)
text = '1,50'

    def amount(text):
>       return float(text)
E       ValueError: could not convert string to float: '1,50'

shop/pricing.py:2: ValueError
----------------------------- Captured stdout call -----------------------------
shop/other.py:1: KeyError
____________________________ TestCart.test_decoded _____________________________

tests/test_comma.py:9:
/usr/lib/python3.11/json/decoder.py:355: JSONDecodeError
________________________ ERROR at setup of test_fixture ________________________
E       fixture 'cart' not found
_________________________________ test_short ___________________________________
shop/pricing.py:2: in amount
    return float(text)
E   shop.errors.BadAmount: no
_________________________________ test_plain ___________________________________
E   assert 1 == 2
tests/test_comma.py:12: AssertionError
=========================== short test summary info ============================
FAILED tests/test_comma.py::test_comma - ValueError
"""
PATCH: Patch = replace(a_change(), kind=ChangeClass.EDIT, inverse_of=None, tests=("tests/test_comma.py",))
NEW = "tests.test_comma::test_comma"


def ran(*tests: tuple[str, str], output: str = LONG, ended: str = "exited") -> CommandReport:
    code = int(any(outcome == "failed" for _, outcome in tests)) if ended == "exited" else None
    return CommandReport(name="test", exit_code=code, ended=ended, output=output, seconds=0.1, tests=tests)


def test_how_each_test_failed() -> None:
    assert failures(ran()) == {
        "test_comma": Failure(exception="ValueError", path="shop/pricing.py"),
        "TestCart.test_decoded": Failure(exception="JSONDecodeError", path="tests/test_comma.py"),
        "test_short": Failure(exception="BadAmount", path="shop/pricing.py"),
        "test_plain": Failure(exception="AssertionError", path="tests/test_comma.py"),
    }


def test_which_tests_a_file_holds() -> None:
    report = ran(
        (NEW, "failed"), ("tests.test_comma.TestCart::test_decoded", "failed"),
        ("tests.test_comma_more::test_a", "passed"),
        ("tests.test_comma", "failed"), ("web/cart.test.js::adds", "passed"),
    )  # fmt: skip
    assert set(outcomes_of(report, "tests/test_comma.py")) == {NEW, "tests.test_comma.TestCart::test_decoded"}
    assert set(outcomes_of(report, "web/cart.test.js")) == {"web/cart.test.js::adds"}


OTHER = ("tests.test_pricing::test_adds", "passed")


@pytest.mark.parametrize(
    ("without", "with_it", "verdict", "said"),
    [
        (ran((NEW, "failed"), OTHER), ran((NEW, "passed"), OTHER), Verdict.PASSED, "ValueError once the rest is out"),
        (ran((NEW, "passed")), ran((NEW, "passed")), Verdict.FAILED, "it passes without the change"),
        (ran((NEW, "failed")), ran((NEW, "failed")), Verdict.FAILED, "it fails with the change as well"),
        (ran((NEW, "failed")), ran((NEW, "skipped")), Verdict.FAILED, "no test of tests/test_comma.py was run"),
        (ran(("tests.test_comma", "failed")), ran((NEW, "passed")), Verdict.FAILED, "cannot even be collected"),
        (ran((NEW, "failed"), output=""), ran((NEW, "passed")), Verdict.INCONCLUSIVE, "does not say with what"),
        (ran(ended="timed out"), ran((NEW, "passed")), Verdict.ERROR, "to their end"),
        (ran((NEW, "failed")), ran(ended="out of memory"), Verdict.ERROR, "to their end"),
        (ran(), ran(), Verdict.INCONCLUSIVE, "leaves no report a test"),
    ],
)  # fmt: skip
def test_the_new_test(without: CommandReport, with_it: CommandReport, verdict: Verdict, said: str) -> None:
    check = new_test((without, with_it), PATCH)
    assert check.verdict is verdict
    assert said in check.detail


@pytest.mark.parametrize("kind", ["ImportError", "NameError", "SyntaxError", "AttributeError"])
def test_an_error_of_the_tests_own_shows_no_fault(kind: str) -> None:
    own = f"____ test_comma ____\n\ntests/test_comma.py:2: {kind}\n"
    check = new_test((ran((NEW, "failed"), output=own), ran((NEW, "passed"))), PATCH)
    assert check.verdict is Verdict.FAILED
    assert f"an error of its own ({kind})" in check.detail
    inside = own.replace("tests/test_comma.py:2: ", "tests/test_comma.py:2: \nshop/pricing.py:3: ")
    assert new_test((ran((NEW, "failed"), output=inside), ran((NEW, "passed"))), PATCH).verdict is Verdict.PASSED


def reproduced(production: Failure | None, verdict: Verdict = Verdict.INCONCLUSIVE) -> Check:
    pair = (ran((NEW, "failed")), ran((NEW, "passed")))
    command = Check(name=REPRODUCTION, verdict=verdict, base="not run", change="not run", detail="no command")
    return by_the_new_test(command, new_test(pair, PATCH), pair, PATCH, production)


def test_the_new_test_stands_for_a_reproduction_only_where_it_fails_as_production_does() -> None:
    assert reproduced(Failure(exception="ValueError", path="shop/pricing.py")).verdict is Verdict.PASSED
    assert reproduced(Failure(exception="builtins.ValueError", path="shop/pricing.py")).verdict is Verdict.PASSED
    for production, said in (
        (Failure(exception="KeyError", path="shop/pricing.py"), "production KeyError in shop/pricing.py"),
        (Failure(exception="ValueError", path="shop/cart.py"), "the new test shows ValueError in shop/pricing.py"),
        (None, "no stack trace of production"),
    ):
        check = reproduced(production)
        assert check.verdict is Verdict.INCONCLUSIVE
        assert said in check.detail
    for verdict in (Verdict.FAILED, Verdict.ERROR, Verdict.PASSED):
        kept = reproduced(Failure(exception="ValueError", path="shop/pricing.py"), verdict)
        assert (kept.verdict, kept.base) == (verdict, "not run")


@pytest.mark.parametrize("line", ["_" * 200_000, "E   " + "a." * 50_000, "x:" * 50_000, "____ a ____\n" * 5_000])
def test_hostile_output_is_little_work(line: str) -> None:
    lines: Sequence[str] = ("____ test_comma ____", line)
    assert failures(ran(output="\n".join(lines))) == {}
