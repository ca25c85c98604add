"""Faster is what runs in turn show: noise, and whatever a benchmark says of itself, is not."""

from collections.abc import Callable

import numpy as np
import pytest

from cases.trying import CommandReport, SandboxReport
from cases.verdict import Verdict
from remediation.speed import NO_SLOWER, PAIRS, speed


def one(seconds: float, code: int = 0, ended: str = "exited") -> SandboxReport:
    report = CommandReport(name="bench", exit_code=code, ended=ended, output="0.000001 s", seconds=seconds)
    return SandboxReport(commands=(report,), seconds=seconds, own_seconds=seconds)


def taking(typical: float, seed: int, order: list[str], name: str) -> Callable[[], SandboxReport]:
    chance = np.random.default_rng(seed)

    def run() -> SandboxReport:
        order.append(name)
        return one(typical * float(np.exp(chance.normal(0, 0.02))))

    return run


@pytest.mark.parametrize(
    ("change", "verdict", "said"),
    [
        (0.8, Verdict.PASSED, "faster: it takes 0.8"),
        (1.25, Verdict.FAILED, "slower: it takes 1.2"),
        (1.0, Verdict.INCONCLUSIVE, "not shown to be faster: it takes"),
    ],
)
def test_only_a_shown_speed_up_is_faster(change: float, verdict: Verdict, said: str) -> None:
    order: list[str] = []
    check = speed(taking(1, 1, order, "base"), taking(change, 2, order, "change"))
    assert check.verdict is verdict
    assert check.detail.startswith(said)
    assert check.detail.endswith("(99%, 10 pairs)")
    assert order.count("base") == order.count("change") == PAIRS + 1
    assert order[:6] == ["change", "base", "base", "change", "change", "base"]


def test_what_saves_something_else_may_cost_no_time_that_counts() -> None:
    order: list[str] = []
    for change, verdict in ((1.0, Verdict.PASSED), (1.05, Verdict.FAILED), (0.8, Verdict.PASSED)):
        check = speed(taking(1, 1, order, "base"), taking(change, 2, order, "change"), NO_SLOWER)
        assert check.verdict is verdict, check.detail
    assert check.detail.startswith("no slower by a twentieth: it takes 0.8")


def test_a_benchmark_that_breaks_with_the_change_is_its_fault_and_one_on_base_is_not() -> None:
    fine, broken = (lambda: one(1.0)), (lambda: one(1.0, 1))
    assert speed(broken, fine).verdict is Verdict.INCONCLUSIVE
    turns = iter([one(1.0)] * 3 + [one(1.0, 1)] * 9)
    check = speed(fine, lambda: next(turns))
    assert (check.verdict, check.detail) == (Verdict.FAILED, "with the change: it ends with exit 1")


def test_what_cannot_be_measured_is_not_shown() -> None:
    assert "has no `bench`" in speed(None, None).detail
    slow = speed(lambda: one(500.0), lambda: one(1.0))
    assert slow.verdict is Verdict.INCONCLUSIVE
    assert "one run takes 500 s; make it shorter than 120 s" in slow.detail
    assert speed(lambda: one(1.0, ended="timed out"), lambda: one(1.0)).verdict is Verdict.INCONCLUSIVE
