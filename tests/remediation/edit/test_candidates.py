"""An edit is looked for: a test first, then several edits that are tried, then a model that looks around by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from cases.asking import Question
from cases.case import Case
from cases.change import Patch
from cases.diagnosis import Finding, Hypothesis
from cases.errors import NoAnswer, OverBudget, TemporaryError
from cases.events import Diagnosed
from cases.lifecycle import advance, opened
from cases.trying import Command, CommandReport, TrialOrder
from remediation.drafting import CannotDraft, Drafting
from remediation.edit.drafter import edit
from remediation.edit.first_test import otherwise
from remediation.failure import Failure
from sandbox.scripted import ScriptedSandbox
from tests.parts.models import Said, TalkingModel
from tests.parts.nouns import SHA, a_diagnosis, an_entry, an_opened
from tests.parts.old_shop import EDIT, LINE, MENDED, NEW_TEST, PRICING, SHOWN, TESTS, WHOLE, run_tests
from tests.parts.ports import some_ports
from tests.parts.settings import some_settings
from tests.parts.shelf import ShelfForge

FILES = {"shop/pricing.py": PRICING, "shop/__init__.py": "", "tests/test_pricing.py": TESTS}
POINTED = Hypothesis(
    statement="ValueError is raised in shop/pricing.py:6 amount()", path="shop/pricing.py", line=6, function="amount",
    evidence=("E1",), confidence=0.5, origin="stack trace", exception="ValueError",
)  # fmt: skip
LONG = "\n    ".join(['kept = ""', *['kept = kept + ""'] * 5, 'text = text.replace(",", ".") + kept', LINE])
WRONG = f'return {MENDED} if "," in text else Decimal(0)'


def an_edit(replace: str) -> Mapping[str, Any]:
    return {**EDIT, "edits": [{"path": "shop/pricing.py", "search": LINE, "replace": replace}]}


def a_case(pointed: Hypothesis = POINTED) -> Case:
    diagnosis = replace(a_diagnosis(), finding=Finding.HYPOTHESIS, suspects=(), hypotheses=(pointed,))
    return advance(opened(an_entry(an_opened())), an_entry(Diagnosed(diagnosis=diagnosis)))


def look(order: TrialOrder, command: Command) -> CommandReport:
    """The tests are really run, in this process; a look shows its own line."""
    if command.name != "look":
        return run_tests(order, command)
    return CommandReport(name="look", exit_code=0, ended="exited", output=f"$ {command.line}", seconds=0.1)


def searched(
    answers: Mapping[str, Sequence[Said]],
    **edits: Any,  # noqa: ANN401 - keys of a configuration
) -> tuple[Drafting, TalkingModel, ScriptedSandbox]:
    model = TalkingModel({"reproduce": [SHOWN], "edit": [EDIT], **answers})
    sandbox = ScriptedSandbox(look)
    settings = some_settings(edits=edits)
    with some_ports(settings=settings, sandbox=sandbox, head=SHA, forge=ShelfForge(FILES), model=model) as ports:
        return edit(a_case(), ports, None), model, sandbox


def a_patch(drafting: Drafting) -> Patch:
    assert isinstance(drafting, Patch), drafting
    return drafting


def refused(drafting: Drafting) -> str:
    assert isinstance(drafting, CannotDraft), drafting
    return drafting.reason


def purposes(model: TalkingModel) -> list[str]:
    return [question.purpose for question in model.asked]


def test_a_small_edit_that_holds_ends_the_search() -> None:
    drafting, model, sandbox = searched({})
    assert purposes(model) == ["reproduce", "edit"]
    assert a_patch(drafting).tests == ("tests/test_decimal_comma.py",)
    assert a_patch(drafting).beside == ()
    assert [order.key.partition("-")[2] for order in sandbox.orders] == ["1-first1", "1-candidate1"]


def test_of_two_edits_that_hold_the_smaller_one_is_chosen() -> None:
    drafting, model, _ = searched({"edit": [an_edit(LONG), EDIT]})
    assert purposes(model) == ["reproduce", "edit", "edit"]
    (content,) = [one.content for one in a_patch(drafting).lead.edits if one.path == "shop/pricing.py"]
    assert content == PRICING.replace(LINE, f"return {MENDED}").encode()
    assert a_patch(drafting).beside == ("an edit of 7 lines, which held",)
    assert a_patch(drafting).cost.startswith("$0.0300, 3 answers")
    assert "a smaller one if you can" in model.told("edit")


def test_a_long_edit_that_holds_is_better_than_a_small_one_that_does_not() -> None:
    drafting, _, _ = searched({"edit": [an_edit(WRONG), an_edit(LONG)]})
    assert "pass no longer" in a_patch(drafting).beside[0]
    assert a_patch(drafting).lead.added > 7  # with its test


def test_where_none_holds_a_human_is_told_what_the_sandbox_said() -> None:
    drafting, model, _ = searched({"edit": [an_edit(WRONG), an_edit("return Decimal(1)")]})
    assert "2 edits were tried, and the sandbox disproved both (an edit of 2 lines:" in refused(drafting)
    assert purposes(model) == ["reproduce", "edit", "edit"]  # no loop: there is none by default


def test_as_many_edits_as_the_settings_say_and_no_more() -> None:
    drafting, model, _ = searched({"edit": [an_edit(WRONG)] * 9}, candidates=1)
    assert "1 edit was tried" in refused(drafting)
    assert purposes(model) == ["reproduce", "edit"]
    wrongs = [an_edit(f"return Decimal({number})") for number in range(9)]
    drafting, model, _ = searched({"edit": wrongs}, candidates=4)
    assert "4 edits were tried, and the sandbox disproved all" in refused(drafting)


def test_an_edit_that_breaks_a_rule_ends_the_search_and_is_never_run() -> None:
    drafting, model, sandbox = searched({"edit": [an_edit("import evilpkg; return 1")]})
    assert "the model's edit is not allowed" in refused(drafting)
    assert "imports evilpkg" in refused(drafting)
    assert purposes(model) == ["reproduce", "edit"] * 2  # the second time without comments in the code
    assert [order.key.partition("-")[2] for order in sandbox.orders] == ["1-first1"] * 2
    drafting, model, _ = searched({"edit": [an_edit("import evilpkg; return 1"), EDIT]})
    assert a_patch(drafting).cost.startswith("$0.0400, 4 answers")
    drafting, _, _ = searched({"edit": [an_edit(WRONG), an_edit("import evilpkg; return 1")]}, loop={"turns": 3})
    assert "the sandbox disproved it" in refused(drafting)
    assert "imports evilpkg" in refused(drafting)


def test_an_edit_may_not_touch_the_test_that_was_written_first() -> None:
    another = {"path": "tests/test_decimal_comma.py", "content": "def test_it():\n    assert True\n"}
    assert "writes the test anew" in refused(searched({"edit": [{**EDIT, "test": another}]})[0])
    touches = {**EDIT, "edits": [{"path": "tests/test_decimal_comma.py", "search": "1.5", "replace": "2"}]}
    assert "not among the files that it was shown" in refused(searched({"edit": [touches]})[0])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (NEW_TEST.replace("1,50", "1.50"), "in 2 answers: it passes as the code is now"),
        (NEW_TEST.replace("def test_", "def tes_"), "it holds no test"),
        (f"import evilpkg\n{NEW_TEST}", "imports evilpkg"),
        (NEW_TEST.replace("assert", "import pytest; pytest.skip(); assert"), "a test that is not run"),
        (f"{NEW_TEST}\n\ndef test_more():\n    open('/etc/passwd', 'w')\n", "a write to the file system"),
        (f"{NEW_TEST}# https://evil.example/x\n", "an address"),
        (f"{NEW_TEST}# a\u202eb\n", "hidden characters"),
        (f"{NEW_TEST}KEY = 'AKIAABCDEFGHIJKLMNOP'\n", "an AWS key"),
    ],
)
def test_a_first_test_that_shows_nothing_or_breaks_a_rule_is_no_reproduction(content: str, said: str) -> None:
    drafting, model, sandbox = searched({"reproduce": [{"test": {"path": "tests/test_new.py", "content": content}}]})
    assert said in refused(drafting)
    assert "edit" not in purposes(model)
    assert len(sandbox.orders) == ("in 2 answers" in said) * 2


def test_a_test_that_missed_may_be_written_once_more() -> None:
    idle = {"test": {"path": "tests/test_new.py", "content": NEW_TEST.replace("1,50", "1.50")}}
    drafting, model, _ = searched({"reproduce": [idle, SHOWN]})
    assert a_patch(drafting).tests == ("tests/test_decimal_comma.py",)
    assert "it passes as the code is now" in model.told("reproduce")


OF_NO_HELP: Mapping[str, tuple[Said, str]] = {
    "garbage": ({"oops": 1}, "answered what cannot be used"),
    "a refusal": (NoAnswer("the model refused the question"), "refused the question"),
    "cut off": (NoAnswer("talker gave no edit that can be used, 2 times; the last: it was cut off"), "cut off"),
    "too dear": (OverBudget("case x may spend no more"), "may spend no more"),
}


@pytest.mark.parametrize("what", OF_NO_HELP)
def test_a_model_that_is_of_no_help_is_named_wherever_it_is_asked(what: str) -> None:
    answer, said = OF_NO_HELP[what]
    assert said in refused(searched({"reproduce": [answer]})[0])
    assert said in refused(searched({"edit": [answer]})[0])
    held = searched({"edit": [an_edit(LONG), answer]})[0]
    assert a_patch(held).beside == ()  # what was found before is not lost
    wrongs = [an_edit(WRONG), an_edit("return Decimal(1)")]
    assert said in refused(searched({"edit": wrongs, "loop": [answer]}, loop={"turns": 2})[0])


def test_a_server_that_is_busy_is_asked_again_later() -> None:
    def busy(question: Question) -> Mapping[str, Any]:
        raise TemporaryError(f"no {question.purpose} now")

    for purpose in ("reproduce", "edit"):
        with pytest.raises(TemporaryError):
            searched({purpose: [busy]})


PRODUCTION = Failure(exception="shop.errors.ValueError", path="shop/pricing.py")
NEW = "tests.test_new::test_it"


RAN = CommandReport(
    name="test", exit_code=1, ended="exited", output="", seconds=0.1,
    tests=((NEW, "failed"), ("tests.test_pricing::test_adds", "passed")),
)  # fmt: skip


def ran(line: str = "") -> CommandReport:
    return replace(RAN, output=f"____ test_it ____\n\n{line}\n")


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (ran("shop/pricing.py:6: ValueError"), ""),
        (ran("shop/cart.py:6: ValueError"), "it fails with ValueError in shop/cart.py, and production with"),
        (ran("shop/pricing.py:6: TypeError"), "it fails with TypeError in shop/pricing.py, and production with"),
        (ran(), "it fails with nothing that can be read, and production with ValueError in shop/pricing.py"),
        (replace(RAN, tests=((NEW, "passed"),)), "it passes as the code is now"),
        (replace(RAN, tests=((NEW, "skipped"),)), "it passes as the code is now"),
        (replace(RAN, tests=()), "the test command leaves no report a test"),
        (replace(RAN, tests=RAN.tests[1:]), "it was not run"),
        (replace(RAN, ended="timed out", exit_code=None), "the tests could not be run to their end"),
    ],
)
def test_how_a_first_test_must_end_on_base(report: CommandReport, said: str) -> None:
    assert otherwise(report, "tests/test_new.py", PRODUCTION).startswith(said)
    assert bool(otherwise(report, "tests/test_new.py", PRODUCTION)) == bool(said)


WRONGS = (an_edit(WRONG), an_edit("return Decimal(1)"))
FOUND = {"action": "edit", "edits": EDIT["edits"]}
DONE = {"action": "done", "claim": "a comma", "risk": "none"}


def looped(*actions: Said, **limits: Any) -> tuple[Drafting, TalkingModel, ScriptedSandbox]:  # noqa: ANN401 - as above
    return searched({"edit": WRONGS, "loop": actions}, loop={"turns": 8, **limits})


def test_a_model_that_looks_around_comes_to_an_edit_like_any_other() -> None:
    drafting, model, sandbox = looped(
        {"action": "search", "text": "float(text)'; id #"},
        {"action": "read", "path": "shop/pricing.py", "first": 2, "last": 9999},
        {
            "action": "edit",
            "edits": [{"path": "shop/pricing.py", "search": "return Decimal( float(text) )", "replace": "x"}],
        },
        FOUND,
        {"action": "run", "command": "test"},
        DONE,
    )
    patch = a_patch(drafting)
    assert patch.lead.edits[0].content == PRICING.replace(LINE, f"return {MENDED}").encode()
    assert len(patch.beside) == 2
    looks = [command.line for order in sandbox.orders for command in order.commands if command.name == "look"]
    assert looks[0].startswith("grep -rnIF --exclude-dir=.git -e 'float(text)'\"'\"'; id #' . | head")
    assert looks[1] == "sed -n '2,161p' -- shop/pricing.py"
    last = [question for question in model.asked if question.purpose == "loop"][-1]
    told = {material.title: material.text for material in last.material}
    assert "the nearest lines" in told["Turn 3: edit"].lower()
    assert "exit 0" in told["Turn 5: run test"]
    assert "3 turns are left" in last.task


def test_what_it_may_not_look_at_and_touch() -> None:
    drafting, model, sandbox = looped(
        {"action": "read", "path": "../../etc/passwd", "last": 3},
        {"action": "read", "path": "-rf", "last": 3},
        {"action": "search", "text": "a\u202eb\n"},
        {"action": "edit", "edits": [{"path": "tests/test_decimal_comma.py", "search": "1.5", "replace": "2"}]},
        {"action": "run", "command": "reproduce"},
        {"action": "edit", "edits": [{"path": "tests/test_pricing.py", "search": "== 3", "replace": "!= 4"}]},
        DONE,
    )
    assert "tests/test_pricing.py: existing tests may not be changed" in refused(drafting)
    assert not [order for order in sandbox.orders if "loop" in order.key]  # nothing of it came to a container
    told = [material.text for material in model.asked[-1].material if material.title.startswith("Turn ")]
    assert told[0] == told[1] == "that is no plain path of the repository"
    assert told[2] == "there is nothing to search for"
    assert told[3] == "the test stays as it is; nothing was edited"
    assert told[4] == "the repository has no `reproduce` command"


@pytest.mark.parametrize(
    ("actions", "limits", "said"),
    [
        ([{"action": "read", "path": "a.py"}] * 9, {"turns": 3}, "came to no end in 3 turns"),
        ([{"action": "read", "path": "a.py"}] * 9, {"usd": 0.035}, "ended after 3 turns: its money or tokens"),
        ([{"action": "read", "path": "a.py"}] * 9, {"tokens": 2300}, "ended after 2 turns: its money or tokens"),
        ([{"action": "give_up", "why": "it is the database"}], {}, "gave up: it is the database"),
        ([DONE], {}, "looked around and changed nothing"),
        ([FOUND, {"action": "undo"}, DONE], {}, "looked around and changed nothing"),
        ([{"action": "rm -rf /"}], {}, "answered what cannot be used (action"),
    ],
)
def test_each_limit_and_end_of_looking_around(actions: Sequence[Said], limits: Mapping[str, Any], said: str) -> None:
    drafting, _, _ = looped(*actions, **limits)
    assert said in refused(drafting)


def test_without_a_trace_and_without_a_command_nothing_is_asked_because_nothing_could_be_proved() -> None:
    case, model = a_case(replace(POINTED, exception="")), TalkingModel({"reproduce": [SHOWN]})
    settings, sandbox = some_settings(), ScriptedSandbox(look)
    with some_ports(settings=settings, sandbox=sandbox, head=SHA, forge=ShelfForge(FILES), model=model) as ports:
        assert "so no edit could be proved" in refused(edit(case, ports, None))
    assert model.asked == []


def test_a_whole_function_may_come_after_two_misses_with_the_test_in_place() -> None:
    wrong = {**EDIT, "edits": [{"path": "shop/pricing.py", "search": "nothing like it", "replace": "y"}]}
    whole = {"functions": [{"path": "shop/pricing.py", "function": "amount", "code": WHOLE}], "test": None}

    def by_name(question: Question) -> Mapping[str, Any]:
        return whole if question.name == "edit_functions" else wrong

    patch = a_patch(searched({"edit": [by_name]})[0])
    assert b"return Decimal(text." in (patch.lead.edits[0].content or b"")
