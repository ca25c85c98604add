"""The proof: what the sandbox must show before anything is proposed, and what it never concludes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from cases.case import Case
from cases.change import ChangeClass, Patch
from cases.diagnosis import Finding, Hypothesis
from cases.events import Diagnosed, Disproved, Drafted, Escalated, Proved
from cases.lifecycle import advance, opened
from cases.ports import Quarantine
from cases.trying import Command, CommandReport, TrialOrder
from cases.verdict import Claim, Verdict
from daemon.clock import ManualClock
from remediation.prove import prove
from remediation.quarantine import MemoryQuarantine
from sandbox.scripted import ScriptedSandbox
from tests.parts.nouns import NOW, SHA, a_change, a_diagnosis, an_entry, an_opened
from tests.parts.ports import some_ports
from tests.parts.settings import some_settings

Tests = Sequence[tuple[str, str]]
Answers = dict[str, CommandReport]
REPOSITORY = {"name": "shop", "url": "http://127.0.0.1:9/acme/shop.git", "full_name": "acme/shop"}


def ran(name: str, code: int | None = 0, ended: str = "exited", tests: Tests = (), output: str = "") -> CommandReport:
    return CommandReport(name=name, exit_code=code, ended=ended, output=output, seconds=0.1, tests=tuple(tests))


def a_drafted_case() -> Case:
    case = opened(an_entry(an_opened()))
    case = advance(case, an_entry(Diagnosed(diagnosis=a_diagnosis())))
    return advance(case, an_entry(Drafted(change=a_change())))


def proved(
    *answers: Answers, again: Sequence[tuple[Answers, Answers]] = (), reproduce: bool = True
) -> tuple[object, ...]:
    """The events of one proof; answers are for base, change, and where it is run again for base, change.

    `again` answers each further run of the reproduction alone, on base and on change; without it, it is as it was.
    """
    turns = iter(answers)
    last: dict[str, Answers] = {}
    repeats: dict[str, int] = {}

    def answer(order: TrialOrder, command: Command) -> CommandReport:
        side = order.key.rpartition("-")[2]
        if not any(one.name == "test" for one in order.commands):
            turn = repeats[side] = repeats.get(side, -1) + 1
            return (again[turn][side == "change"] if again else last[side])[command.name]
        if command is order.commands[0]:
            last[side] = next(turns)
        return last[side][command.name]

    settings = some_settings(repositories=[{**REPOSITORY, **({"reproduce": "python r.py"} if reproduce else {})}])
    with some_ports(settings=settings, sandbox=ScriptedSandbox(answer), head=SHA) as ports:
        return prove(a_drafted_case(), ports).events


GREEN = (("t::a", "passed"), ("t::b", "passed"))
FAILS, PASSES = ran("reproduce", 1), ran("reproduce", 0)
SUITE = ran("test", tests=GREEN)


def test_fails_before_passes_after_is_proved() -> None:
    (event,) = proved({"reproduce": FAILS, "test": SUITE}, {"reproduce": PASSES, "test": SUITE})
    assert isinstance(event, Proved)
    assert (event.trial.claim, event.trial.verdict) == (Claim.PROVED, Verdict.PASSED)
    assert [(check.base, check.change) for check in event.trial.checks] == [
        ("exit 1", "exit 0"),
        ("2 passed", "2 passed"),
    ]
    assert event.trial.checks[0].detail == "the fault shows on base and is gone with the change, in each of 3 runs"
    assert event.trial.own_seconds == pytest.approx(0.4 + 2 * 0.2)  # reproduced twice more on each


SHOWN, GONE = {"reproduce": FAILS, "test": SUITE}, {"reproduce": PASSES, "test": SUITE}
HANGS = {"reproduce": ran("reproduce", None, "timed out")}


@pytest.mark.parametrize(
    ("again", "verdict", "said"),
    [
        ([(GONE, GONE), (SHOWN, GONE)], Verdict.INCONCLUSIVE, "2 of 3 runs agree; in another, the fault does not show"),
        ([(SHOWN, GONE), (GONE, SHOWN)], Verdict.INCONCLUSIVE, "2 of 3 runs agree; in another, the fault does not"),
        ([(SHOWN, SHOWN), (SHOWN, SHOWN)], Verdict.INCONCLUSIVE, "1 of 3 runs agree; in another, the fault shows with"),
        ([(SHOWN, HANGS), (SHOWN, GONE)], Verdict.ERROR, "1 of 3 runs agree; in another, it could not be run"),
        ([(HANGS, GONE), (GONE, GONE)], Verdict.ERROR, "1 of 3 runs agree; in another, it could not be run"),
    ],
)
def test_what_comes_and_goes_is_never_proved(
    again: Sequence[tuple[Answers, Answers]], verdict: Verdict, said: str
) -> None:
    event, *_ = proved(SHOWN, GONE, again=again)
    assert isinstance(event, Proved)
    assert event.trial.claim is Claim.CORRELATED
    assert event.trial.checks[0].verdict is verdict
    assert f"came and went: {said}" in event.trial.checks[0].detail


NEW = "tests.test_comma::test_comma"
SAYS = "____ test_comma ____\n\nshop/pricing.py:2: ValueError\n"


def edited(*turned: tuple[str, str]) -> tuple[Proved, list[TrialOrder]]:
    """What is proved of an edit whose new test ends so without the edit and with it, run by run; and the orders."""
    ends = {side: iter([pair[side == "change"] for pair in turned]) for side in ("without", "change")}

    def answer(order: TrialOrder, command: Command) -> CommandReport:
        outcome = next(ends[order.key.rpartition("-")[2]])
        tests = ((NEW, outcome), ("t::a", "passed"))
        return ran(command.name, int(outcome == "failed"), tests=tests, output=SAYS)

    change = replace(a_change(), kind=ChangeClass.EDIT, inverse_of=None, tests=("tests/test_comma.py",))
    hypothesis = Hypothesis(
        statement="ValueError is raised in shop/pricing.py:2 amount()", path="shop/pricing.py", line=2,
        function="amount", evidence=("E1",), confidence=0.5, origin="stack trace", exception="ValueError",
    )  # fmt: skip
    diagnosis = replace(a_diagnosis(), finding=Finding.HYPOTHESIS, suspects=(), hypotheses=(hypothesis,))
    case = advance(opened(an_entry(an_opened())), an_entry(Diagnosed(diagnosis=diagnosis)))
    case = advance(case, an_entry(Drafted(change=change)))
    sandbox = ScriptedSandbox(answer)
    with some_ports(settings=some_settings(repositories=[REPOSITORY]), sandbox=sandbox, head=SHA) as ports:
        (event,) = prove(case, ports).events
    assert isinstance(event, Proved)
    return event, sandbox.orders


def test_a_new_test_must_show_it_each_time() -> None:
    event, orders = edited(*[("failed", "passed")] * 3)
    assert event.trial.claim is Claim.PROVED
    cause, new, _ = event.trial.checks
    assert cause.detail.endswith("as production does, and passes with the change, in each of 3 runs")
    assert new.detail == f"{NEW}: ValueError once the rest is out, in each of 3 runs"
    assert [[one.name for one in order.commands] for order in orders] == [
        ["test"],
        ["test"],
        ["test"] * 2,
        ["test"] * 2,
    ]


@pytest.mark.parametrize(
    ("again", "said"),
    [
        (("passed", "passed"), "it passes without the change"),
        (("failed", "failed"), "it fails with the change as well"),
    ],
)
def test_a_new_test_that_comes_and_goes_proves_nothing(again: tuple[str, str], said: str) -> None:
    event, _ = edited(("failed", "passed"), ("failed", "passed"), again)
    assert event.trial.claim is Claim.CORRELATED
    cause, new, _ = event.trial.checks
    assert (cause.verdict, new.verdict) == (Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE)
    assert new.detail == f"came and went: 2 of 3 runs agree; in another, {said}: {NEW}"


def test_what_proves_nothing_is_not_run_again() -> None:
    sandbox = ScriptedSandbox({"reproduce": PASSES, "test": SUITE})
    settings = some_settings(repositories=[{**REPOSITORY, "reproduce": "./r"}])
    with some_ports(settings=settings, sandbox=sandbox, head=SHA) as ports:
        prove(a_drafted_case(), ports)
    assert len(sandbox.orders) == 2


def test_a_fault_that_stays_disproves_the_suspect() -> None:
    (event,) = proved({"reproduce": FAILS, "test": SUITE}, {"reproduce": FAILS, "test": SUITE})
    assert isinstance(event, Disproved)


@pytest.mark.parametrize("reproduce", [True, False])
def test_without_a_reproduction_it_is_only_correlated(reproduce: bool) -> None:  # noqa: FBT001 - pytest's parameter
    answers = {"reproduce": PASSES, "test": SUITE}
    (event,) = proved(answers, answers, reproduce=reproduce)
    assert isinstance(event, Proved)
    assert event.trial.claim is Claim.CORRELATED
    assert event.trial.verdict is Verdict.INCONCLUSIVE


def test_a_test_that_breaks_disproves_and_one_that_the_revert_removes_is_named() -> None:
    broken = ran("test", 1, tests=(("t::a", "passed"), ("t::b", "failed")))
    base, change = {"reproduce": FAILS, "test": SUITE}, {"reproduce": PASSES, "test": broken}
    (event,) = proved(base, change, base, change)
    assert isinstance(event, Disproved)
    assert "t::b" in event.trial.checks[1].detail
    removed = ran("test", tests=(("t::a", "passed"),))
    (event,) = proved(base, {"reproduce": PASSES, "test": removed})
    assert isinstance(event, Proved)
    assert event.trial.checks[1].detail == "the revert removes 1: t::b"


def test_a_flaky_test_is_left_out_and_named() -> None:
    flaky = ran("test", 1, tests=(("t::a", "passed"), ("t::b", "failed")))
    base, change = {"reproduce": FAILS, "test": SUITE}, {"reproduce": PASSES, "test": SUITE}
    (event,) = proved(base, {"reproduce": PASSES, "test": flaky}, base, change)
    assert isinstance(event, Proved)
    assert "flaky, left out: t::b" in event.trial.checks[1].detail


@pytest.mark.parametrize(
    ("suite", "said"),
    [
        (ran("test", 5), "has no tests"),
        (ran("test", 2, output="ImportError: no module x"), "fail on base already (exit 2): ImportError"),
        (ran("test", None, "timed out"), "could not be run to their end"),
        (ran("test", 137, "out of memory"), "could not be run to their end"),
        (ran("test", 1, tests=(("t::a", "failed"),)), "no test passes on base"),
    ],
)
def test_no_tests_and_could_not_run_are_never_a_pass(suite: CommandReport, said: str) -> None:
    first, second = proved({"reproduce": FAILS, "test": suite}, {"reproduce": PASSES, "test": suite})
    assert isinstance(first, Proved)
    assert first.trial.claim is Claim.GUESS
    assert isinstance(second, Escalated)
    assert said in second.reason


def test_a_suite_without_a_report_is_judged_by_its_exit() -> None:
    fine, broken = ran("test"), ran("test", 1, output="boom")
    (event,) = proved({"reproduce": FAILS, "test": fine}, {"reproduce": PASSES, "test": fine})
    assert isinstance(event, Proved)
    bad = {"reproduce": PASSES, "test": broken}
    (event,) = proved({"reproduce": FAILS, "test": fine}, bad, {"reproduce": FAILS, "test": fine}, bad)
    assert isinstance(event, Disproved)


def test_the_orders_carry_the_repositorys_commands_and_limits() -> None:
    sandbox = ScriptedSandbox({"reproduce": FAILS, "test": SUITE})
    repository = {
        **REPOSITORY,
        "reproduce": "./r", "test": "./t", "sandbox": {"image": "img", "memory_mib": 256, "timeout": "1m"},
    }  # fmt: skip
    with some_ports(settings=some_settings(repositories=[repository]), sandbox=sandbox, head=SHA) as ports:
        prove(a_drafted_case(), ports)
    base, change = sandbox.orders
    assert [(c.name, c.line, c.timeout) for c in base.commands] == [
        ("reproduce", "./r", timedelta(minutes=1)),
        ("test", "./t", timedelta(minutes=1)),
    ]
    assert (base.image, base.memory_mib, base.key, change.key) == ("img", 256, "deadbeef-1-base", "deadbeef-1-change")
    assert base.tree != change.tree


class Scripted:
    """A sandbox that answers each command of each side in turn; the last answer goes on."""

    def __init__(self, **answers: Sequence[CommandReport]) -> None:
        self._answers = {name: list(turns) for name, turns in answers.items()}
        self.sandbox = ScriptedSandbox(self._answer)

    def _answer(self, order: TrialOrder, command: Command) -> CommandReport:
        turns = self._answers[f"{order.key.rpartition('-')[2]}_{command.name}"]
        return turns.pop(0) if len(turns) > 1 else turns[0]

    def proved(self, change: Patch, quarantine: Quarantine | None = None, **repository: str) -> object:
        case = opened(an_entry(an_opened()))
        case = advance(case, an_entry(Diagnosed(diagnosis=a_diagnosis())))
        case = advance(case, an_entry(Drafted(change=change)))
        settings = some_settings(repositories=[{**REPOSITORY, **repository}])
        with some_ports(settings=settings, sandbox=self.sandbox, head=SHA) as ports:
            return prove(case, replace(ports, quarantine=quarantine)).events[0]

    @property
    def orders(self) -> list[str]:
        return [order.key.rpartition("-")[2] for order in self.sandbox.orders]


TUNED: Patch = replace(a_change(), kind=ChangeClass.CONFIGURATION, inverse_of=None, blames=None)
LOST = ran("test", 1, tests=(("t::a", "passed"), ("t::b", "failed")))


def test_what_comes_and_goes_with_a_change_alone_is_run_a_third_time_and_proves_nothing() -> None:
    sides = Scripted(base_test=[SUITE], change_test=[LOST, SUITE])
    event = sides.proved(TUNED)
    assert isinstance(event, Proved)
    assert event.trial.checks[1].verdict is Verdict.INCONCLUSIVE
    assert "t::b: comes and goes with the change, and in 3 runs never did" in event.trial.checks[1].detail
    assert sides.orders == ["base", "change"] * 3


def test_what_base_does_too_is_remembered_and_needs_no_second_look() -> None:
    quarantine = MemoryQuarantine(ManualClock(NOW))
    sides = Scripted(base_test=[SUITE, LOST], change_test=[LOST])
    event = sides.proved(TUNED, quarantine)
    assert isinstance(event, Proved)
    assert event.trial.checks[1].detail == "flaky, left out: t::b"
    assert quarantine.known("shop") == {"t::b"}
    again = Scripted(base_test=[SUITE], change_test=[LOST])
    assert isinstance(again.proved(TUNED, quarantine), Proved)
    assert again.orders == ["base", "change"]


FINDING = "shop/pricing.py:3:1: F401 `os` imported but unused\n"


@pytest.mark.parametrize(("found", "kind"), [("", Proved), (FINDING, Disproved)])
def test_a_change_that_adds_a_finding_fails(found: str, kind: type) -> None:
    sides = Scripted(
        base_test=[SUITE], change_test=[SUITE], base_lint=[ran("lint")],
        change_lint=[ran("lint", int(bool(found)), output=found)],
    )  # fmt: skip
    event = sides.proved(TUNED, lint="make lint")
    assert isinstance(event, kind)
    assert isinstance(event, Proved | Disproved)
    assert event.trial.checks[-1].name == "Linters"


def test_linters_that_say_nothing_take_nothing_from_a_proof() -> None:
    rotten = ran("lint", 127, output="sh: no ruff")
    sides = Scripted(
        base_reproduce=[FAILS], change_reproduce=[PASSES], base_test=[SUITE], change_test=[SUITE],
        base_lint=[rotten], change_lint=[rotten],
    )  # fmt: skip
    event = sides.proved(a_change(), lint="make lint", reproduce="./r")
    assert isinstance(event, Proved)
    assert event.trial.claim is Claim.PROVED
    assert "fail on base already" in event.trial.checks[-1].detail


@pytest.mark.parametrize(
    ("seconds", "claim", "kind"), [(0.5, Claim.PROVED, Proved), (1.0, Claim.CORRELATED, Disproved)]
)
def test_an_improvement_is_proved_by_its_benchmark(seconds: float, claim: Claim, kind: type) -> None:
    sides = Scripted(
        base_test=[SUITE], change_test=[SUITE],
        base_bench=[replace(ran("bench"), seconds=1.0)], change_bench=[replace(ran("bench"), seconds=seconds)],
    )  # fmt: skip
    event = sides.proved(replace(TUNED, kind=ChangeClass.IMPROVEMENT), bench="python bench.py")
    assert isinstance(event, kind)
    assert isinstance(event, Proved | Disproved)
    assert event.trial.claim is claim
    assert event.trial.checks[0].name == "Benchmark"


def test_a_command_that_fails_though_no_test_is_lost_is_said() -> None:
    crashed = replace(SUITE, exit_code=139, output="Segmentation fault")
    event = Scripted(base_test=[SUITE], change_test=[crashed]).proved(TUNED)
    assert isinstance(event, Disproved)
    assert (
        "no test is lost, and the command fails all the same (exit 139): Segmentation" in event.trial.checks[1].detail
    )
