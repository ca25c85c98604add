"""The repository's own linters: by finding, wherever its line moved to."""

from dataclasses import replace

import pytest

from cases.change import ChangeClass, Patch
from cases.trying import CommandReport
from cases.verdict import Verdict
from remediation.lint import findings, lint
from tests.parts.nouns import a_change

EDIT: Patch = replace(a_change(), kind=ChangeClass.EDIT, inverse_of=None)
RUFF = "shop/cart.py:3:1: F401 `os` imported but unused\nFound 1 error.\n"
MOVED = "./shop/cart.py:9:1: F401 `os` imported but unused\nFound 1 error.\n"
TWICE = RUFF + "shop/cart.py:12:1: F401 `os` imported but unused\n"


def said(output: str, code: int | None = None, ended: str = "exited") -> CommandReport:
    code = int(bool(output)) if code is None else code
    return CommandReport(name="lint", exit_code=code, ended=ended, output=output, seconds=0.5)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("a.py:1:2: E501 Line too long (130 > 120)", ("a.py", "E501 Line too long (# > #)")),
        ("\x1b[1ma.py\x1b[0m:7: error: Name 'x' is not defined", ("a.py", "error: Name 'x' is not defined")),
        ("src/a.ts(3,5): error TS2322: no", ("src/a.ts", "error TS2322: no")),
        ("web/a.js:3:10: Unexpected var. [Error/no-var]", ("web/a.js", "Unexpected var. [Error/no-var]")),
        ("cart.go:3:2: undefined: x", ("cart.go", "undefined: x")),
    ],
)
def test_what_linters_print(line: str, found: tuple[str, str]) -> None:
    assert list(findings(said(line))) == [found]


def test_what_is_no_finding() -> None:
    assert not findings(said("Found 3 errors.\nAll checks passed!\nhttp://host:80/ x\n12:30:01 ok\n"))


@pytest.mark.parametrize(
    ("base", "change", "verdict", "detail"),
    [
        (said(""), said(""), Verdict.PASSED, "the change adds none"),
        (said(RUFF), said(MOVED), Verdict.PASSED, "the change adds none"),
        (said(RUFF), said(""), Verdict.PASSED, "the change adds none"),
        (said(""), said(RUFF), Verdict.FAILED, "the change adds 1: shop/cart.py: F401"),
        (said(RUFF), said(TWICE), Verdict.FAILED, "the change adds 1: shop/cart.py: F401"),
        (said(""), said("boom\n", 2), Verdict.FAILED, "they fail with the change: boom"),
        (said("no ruff\n", 127), said("no ruff\n", 127), Verdict.INCONCLUSIVE, "fail on base already"),
        (said("", ended="timed out"), said(RUFF), Verdict.INCONCLUSIVE, "could not be run to their end"),
        (said("[9 bytes before this were left out]\n" + RUFF), said(RUFF), Verdict.INCONCLUSIVE, "more than can be"),
    ],
)
def test_a_change_adds_no_finding(base: CommandReport, change: CommandReport, verdict: Verdict, detail: str) -> None:
    check = lint((base, change), EDIT)
    assert check.verdict is verdict
    assert detail in check.detail


def test_a_revert_may_bring_back_what_was_there() -> None:
    check = lint((said(""), said(RUFF)), a_change())
    assert check.verdict is Verdict.PASSED
    assert "brings 1 again: shop/cart.py" in check.detail


def test_linters_that_were_not_run_take_nothing_away() -> None:
    assert lint(None, EDIT).verdict is Verdict.INCONCLUSIVE
