"""A bug in old code that a new input meets: no deploy explains it, a stack trace names the place, an edit mends it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from cases.asking import Question
from cases.case import Phase
from cases.change import ChangeClass
from cases.diagnosis import Finding
from cases.errors import OverBudget
from cases.events import Approved, Drafted, Entry, Redrafted
from cases.trying import Command, CommandReport, TrialOrder
from cases.verdict import Claim
from tests.parts.models import Said
from tests.parts.old_shop import (
    DIAGNOSIS,
    EDIT,
    LINE,
    MENDED,
    NEW_TEST,
    OBEYED,
    PRICING,
    WHOLE,
    again,
    escalated,
    old_shop,
    plainly,
    run_tests,
    talker,
)


def test_a_bug_in_old_code_is_mended_by_an_edit_and_proved(tmp_path: Path) -> None:
    with old_shop(tmp_path) as it, it.alive():
        case = it.until(Phase.PROPOSED)
        assert case.diagnosis is not None
        assert case.diagnosis.finding is Finding.HYPOTHESIS
        assert (case.change.kind, case.change.origin) == (ChangeClass.EDIT, "model:talker")
        assert [question.purpose for question in talker(it).asked] == ["diagnose", "reproduce", "edit", "review"]
        (pull,) = it.pull_requests()
        assert pull["title"] == "Mend ValueError in shop/pricing.py amount()"
        assert not pull["draft"]
        assert {label["name"] for label in pull["labels"]} == {"trackwalker", "trackwalker:edit"}
        body = pull["body"]
        assert "**proved**" in body
        assert "| New test fails without the change | 1 failed | 1 passed | **passed**" in body
        assert "| Reproduction | ValueError in shop/pricing.py | passes | **passed**" in body
        assert "| Second look |  | pass | **passed** talker saw the diff and the checks" in body
        assert "| Policy | | 2 files | **passed**" in body
        assert "which was written first" in body
        assert "$0.0200, 2 answers of talker" in body
        assert "amount() fails on a decimal comma" in body
        for bait in ("@everyone", "Fixes #1", "https://evil.example"):
            assert bait not in body
        tip = it.world.hub.tip(case.change.branch(case.id))
        assert it.world.hub.show(f"{tip}:shop/pricing.py").decode() == PRICING.replace(LINE, f"return {MENDED}")
        assert it.world.hub.show(f"{tip}:tests/test_decimal_comma.py").decode() == NEW_TEST
        told = talker(it).told("edit")
        assert "ValueError" in told
        assert "'99,99'" in told
        for raw in ("evil", "ignore all", "12,50", "could not convert"):
            assert raw not in told
        it.merge(pull["number"])
        assert it.until(Phase.CLOSED, every=1).outcome is not None


REFUSED: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "another file": (
        {**EDIT, "edits": [{"path": "shop/other.py", "search": "x", "replace": "y"}]},
        "not among the files that it was shown",
    ),
    "a climb": (
        {**EDIT, "test": {"path": "../tests/test_a.py", "content": NEW_TEST}},
        "it is not a plain path",
    ),
    "no test": ({**EDIT, "test": None}, "the model wrote no test that shows the fault"),
    "a weakened test": (
        {
            **EDIT,
            "edits": [
                *EDIT["edits"],
                {"path": "tests/test_pricing.py", "search": "== 3", "replace": "!= 4"},
            ],
        },
        "not among the files that it was shown",
    ),
    "an obeyed injection": (
        {**EDIT, "edits": [{"path": "shop/pricing.py", "search": LINE, "replace": OBEYED}]},
        "evilpkg",
    ),
    "a test of that name again": (
        {**EDIT, "test": {"path": "tests/test_pricing.py", "content": "def test_adds():\n    assert True\n"}},
        "is there already",
    ),
    "a workflow": (
        {**EDIT, "test": {"path": ".github/workflows/test_ci.py", "content": NEW_TEST}},
        "always denied",
    ),
    "it says that it cannot": ({**EDIT, "edits": [], "cannot": "it is a matter of taste"}, "a matter of taste"),
}  # fmt: skip


@pytest.mark.long
def test_what_breaks_a_rule_goes_to_a_human_with_the_reason(tmp_path: Path) -> None:
    answers: list[Mapping[str, Any]] = []

    def present(question: Question) -> Mapping[str, Any]:
        return answers[-1] if question.purpose == "edit" else {"test": answers[-1]["test"]}

    with old_shop(tmp_path, edits=[present], tests=[present]) as it, it.alive():
        for what, (answer, said) in REFUSED.items():
            answers.append(answer)
            case = escalated(it)
            assert said in case.escalation, what
            assert not [entry for entry in case.history if isinstance(entry.event, Drafted)]
            again(it, case)


def test_a_hypothesis_without_evidence_is_dropped(tmp_path: Path) -> None:
    made_up = {"verdict": "hypotheses", "hypotheses": [
        {**DIAGNOSIS["hypotheses"][0], "evidence": ["E99"]},
        {**DIAGNOSIS["hypotheses"][0], "path": "shop/nowhere.py"},
        {**DIAGNOSIS["hypotheses"][0], "function": "refund"},
    ]}  # fmt: skip
    with old_shop(tmp_path, diagnose=[made_up]) as it, it.alive():
        case = escalated(it)
        assert "3 of the model's hypotheses cite evidence or code that does not exist" in case.escalation
        assert "ValueError is raised in shop/pricing.py:6 amount()" in case.escalation
        assert talker(it).told("edit") == ""


def test_a_search_that_does_not_match_is_told_its_nearest_lines_once(tmp_path: Path) -> None:
    wrong = {**EDIT, "edits": [{"path": "shop/pricing.py", "search": "return Decimal( float(text) )", "replace": "y"}]}
    with old_shop(tmp_path, edits=[wrong, EDIT]) as it, it.alive():
        it.until(Phase.PROPOSED)
        first, second = [question for question in talker(it).asked if question.purpose == "edit"]
        assert not [m for m in first.material if "did not go in" in m.title]
        (told,) = [m for m in second.material if "did not go in" in m.title]
        assert LINE in told.text


def test_after_two_misses_a_whole_function_may_come(tmp_path: Path) -> None:
    wrong = {**EDIT, "edits": [{"path": "shop/pricing.py", "search": "nothing like it", "replace": "y"}]}
    whole = {
        "functions": [{"path": "shop/pricing.py", "function": "amount", "code": WHOLE}],
        "test": EDIT["test"], "claim": "a comma", "risk": "",
    }  # fmt: skip
    with old_shop(tmp_path, edits=[wrong, wrong, whole]) as it, it.alive():
        case = it.until(Phase.PROPOSED)
        tip = it.world.hub.tip(case.change.branch(case.id))
        assert (
            it.world.hub.show(f"{tip}:shop/pricing.py").decode().count("def amount(text):\n    return Decimal(text.")
            == 1
        )


def test_what_never_goes_in_is_given_up(tmp_path: Path) -> None:
    wrong = {**EDIT, "edits": [{"path": "shop/pricing.py", "search": "nothing like it", "replace": "y"}]}
    none = {"functions": [{"path": "shop/pricing.py", "function": "refund", "code": "x"}], "test": EDIT["test"]}
    with old_shop(tmp_path, edits=[wrong, wrong, none]) as it, it.alive():
        case = escalated(it)
        assert "no edit of shop/pricing.py went in, in 3 answers: it has 0 functions refund" in case.escalation


def test_a_test_that_passes_on_base_is_told_once_and_no_edit_is_asked_for(tmp_path: Path) -> None:
    content = NEW_TEST.replace("1,50", "1.50")
    idle = {"test": {"path": "tests/test_decimal_comma.py", "content": content}}
    with old_shop(tmp_path, tests=[idle]) as it, it.alive():
        case = escalated(it)
        assert "wrote no test that fails as production does, in 2 answers: it passes as the code" in case.escalation
        last = [question for question in talker(it).asked if question.purpose == "reproduce"][-1]
        (told,) = [m for m in last.material if "does not show the fault" in m.title]
        assert "it passes as the code is now" in told.text
        assert not [question for question in talker(it).asked if question.purpose == "edit"]


def test_of_two_edits_the_one_that_holds_is_proposed_and_the_other_told(tmp_path: Path) -> None:
    wrong = f'return {MENDED} if "," in text else Decimal(0)'
    breaks = {**EDIT, "edits": [{"path": "shop/pricing.py", "search": LINE, "replace": wrong}]}
    with old_shop(tmp_path, edits=[breaks, EDIT]) as it, it.alive():
        case = it.until(Phase.PROPOSED)
        assert case.change.number == 1
        assert "1 pass no longer: tests.test_pricing::test_adds" in talker(it).told("edit")
        (pull,) = it.pull_requests()
        assert "Before it was chosen: an edit of 2 lines: what passed still passes: 1 pass no longer" in pull["body"]


def test_a_test_that_fails_otherwise_than_production_proves_nothing(tmp_path: Path) -> None:
    content = NEW_TEST.replace('total(["1,50"]) == 1.5', 'total(["0.1"]) == Decimal("0.1")').replace(
        "from shop.pricing import total", "from decimal import Decimal\n\nfrom shop.pricing import total"
    )
    other = {"test": {"path": "tests/test_exact.py", "content": content}}
    with old_shop(tmp_path, tests=[other]) as it, it.alive():
        case = escalated(it)
        said = "it fails with AssertionError in tests/test_exact.py, and production with ValueError in shop/pricing.py"
        assert said in case.escalation


def test_a_veto_that_cites_a_line_sends_the_edit_back_once_and_then_a_human_decides(tmp_path: Path) -> None:
    line = f"return {MENDED}"
    veto = {"verdict": "veto", "objections": [
        {"path": "shop/pricing.py", "line": 6, "quote": line, "why": "a thousands separator is lost"},
    ]}  # fmt: skip
    with old_shop(tmp_path, review=[veto]) as it, it.alive():
        case = escalated(it)
        assert "second look: talker: shop/pricing.py:6 a thousands separator is lost" in case.escalation
        assert [(trial.claim, trial.checks[-1].name) for trial in case.trials] == [(Claim.DISPROVED, "Second look")] * 2
        assert "Second look: talker: shop/pricing.py:6 a thousands separator is lost" in talker(it).told("edit")
        assert talker(it).told("review").count("none seen") == 0  # the drafter's own words are not shown


def test_a_fault_that_the_repositorys_own_command_still_shows_disproves_the_edit(tmp_path: Path) -> None:
    def stubborn(order: TrialOrder, command: Command) -> CommandReport:
        if command.name == "test":
            return run_tests(order, command)
        return CommandReport(name=command.name, exit_code=1, ended="exited", output="", seconds=0.1)

    with old_shop(tmp_path) as it:
        it.trial = stubborn
        it.extra["repositories"][0]["reproduce"] = "python reproduce.py"
        with it.alive():
            case = escalated(it)
            assert "reproduction: the fault shows with the change as well" in case.escalation


NO_HELP: Sequence[tuple[Said, str]] = (
    ({"verdict": "none", "missing": "a full disk, it seems"}, "nothing in the code explains it: a full disk"),
    ({"verdict": "need_more", "missing": "the request"}, "it needs more: the request"),
    (OverBudget("case x may spend no more"), "the model was of no help: case x may spend no more"),
    ({"verdict": "hypotheses", "hypotheses": [{"oops": 1}]}, "answered what cannot be used (hypotheses.0"),
)


def test_a_model_that_is_of_no_help_leaves_the_place_named(tmp_path: Path) -> None:
    with old_shop(tmp_path, diagnose=[answer for answer, _ in NO_HELP]) as it, it.alive():
        for _, said in NO_HELP:
            case = escalated(it)
            assert said in case.escalation
            assert "ValueError is raised in shop/pricing.py:6 amount()" in case.escalation
            again(it, case)


def test_without_a_model_the_place_is_named(tmp_path: Path) -> None:
    with old_shop(tmp_path, model=False) as it, it.alive():
        case = escalated(it)
        assert "ValueError is raised in shop/pricing.py:6 amount()" in case.escalation
        assert "no deploy marker" not in case.escalation  # what runs is known: it is only older than the window
        assert "evil.example" not in case.escalation.replace("\u2060", "")


def test_an_edit_follows_its_base_where_nobody_changed_the_same_lines(tmp_path: Path) -> None:
    with old_shop(tmp_path, authority={"default": "observe"}) as it, it.alive() as app:
        case = it.until(Phase.PROVED)
        moved = PRICING.replace("def total(cart):\n", 'def total(cart):\n    """The sum."""\n').encode()
        it.commit("Say what total is", {"shop/pricing.py": moved}, minutes_ago=0)
        app.ledger.cases.add(case.id, Entry(at=it.now, actor="human:sre", event=Approved(because="go")), (), it.now)
        case = it.until(Phase.PROPOSED)
        assert [entry for entry in case.history if isinstance(entry.event, Redrafted)]
        tip = it.world.hub.tip(case.change.branch(case.id))
        assert it.world.hub.show(f"{tip}:shop/pricing.py") == moved.replace(LINE.encode(), f"return {MENDED}".encode())


def test_an_edit_whose_lines_somebody_changed_goes_to_a_human(tmp_path: Path) -> None:
    with old_shop(tmp_path, authority={"default": "observe"}) as it, it.alive() as app:
        case = it.until(Phase.PROVED)
        it.commit("Strip", {"shop/pricing.py": PRICING.replace("float(text)", "float(text.strip())").encode()}, 0)
        app.ledger.cases.add(case.id, Entry(at=it.now, actor="human:sre", event=Approved(because="go")), (), it.now)
        case = escalated(it)
        assert "the edit no longer applies: shop/pricing.py was changed in the same place since" in case.escalation


def test_a_trace_ends_the_near_tie_of_suspects(tmp_path: Path) -> None:
    with old_shop(tmp_path, model=False) as it:
        cart: dict[str | bytes, bytes | None] = {"shop/cart.py": b"def checkout(cart):\n    return list(cart)\n"}
        it.commit("Checkout keeps a list", cart, minutes_ago=31)
        price: dict[str | bytes, bytes | None] = {"shop/pricing.py": PRICING.replace("sum(", "0 + sum(").encode()}
        it.commit("Begin at nothing", price, minutes_ago=30)
        it.logs = plainly(it)
        it.deploy(it.commit("Greet", {"shop/hello.py": b"HELLO = 1\n"}, minutes_ago=29), minutes_ago=20)
        with it.alive():
            case = it.until(Phase.PROPOSED, Phase.ESCALATED, Phase.PROVED)
            assert case.diagnosis is not None
            best = case.diagnosis.suspects[0]
            assert case.diagnosis.finding is Finding.SUSPECT
            assert best.commit.title == "Begin at nothing"
            assert "it changes shop/pricing.py, where ValueError is raised now" in best.mechanism
