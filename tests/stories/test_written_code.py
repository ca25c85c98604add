"""An experiment whose code a model writes: asked for once the idea is wanted, tried, measured, and taken out again."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cases.case import Phase
from cases.outcome import Ending
from cases.verdict import Claim, Verdict
from remediation.checks import NEW_TEST, STILL_PASSES
from remediation.review import SECOND_LOOK
from sandbox.process import ProcessSandbox
from tests.parts.crowd import Crowd
from tests.parts.models import TalkingModel
from tests.parts.playhouse import House
from tests.parts.trying import PRIMARY, RAIL, Kept, trying
from tests.stories.test_experiments import first, reach, yes

BUTTON = """\
from shop.record import exposure


def label(user, flags):
    \"\"\"The text of the button that ends the checkout.\"\"\"
    return "Pay"


def title(user, flags):
    return "Checkout"
"""
BANNER = """\
from shop.record import exposure


def banner(user, flags):
    text = flags.get("banner", "Welcome", user)
    exposure("banner", user, text)
    return text
"""
RECORD = "SEEN = []\n\n\ndef exposure(flag, user, shown):\n    SEEN.append((flag, user, shown))\n"
TESTS = """\
from shop.button import label


class Flags:
    def __init__(self, **texts):
        self.texts = texts

    def get(self, flag, default, user):
        return self.texts.get(flag, default)


def test_the_button():
    assert label("ann", Flags())
"""
OLD_TEXT = """\

def test_the_old_text():
    assert label("ann", Flags()) == "Pay"
"""
SHOP: Mapping[str | bytes, bytes | None] = {
    "shop/button.py": BUTTON.encode(),
    "shop/banner.py": BANNER.encode(),
    "shop/record.py": RECORD.encode(),
    "shop/__init__.py": b"",
    "tests/test_button.py": TESTS.encode(),
    "tests/test_shop.py": b"def test_nothing():\n    pass\n",
    "conftest.py": b"",
}
GUARD = """\
    text = flags.get("button", "Pay", user)
    exposure("button", user, text)
    return text"""
SHOWS_BOTH = """\
from shop.button import label
from tests.test_button import Flags


def test_either_text_is_shown():
    assert label("ann", Flags()) == "Pay"
    assert label("bob", Flags(button="Pay now")) == "Pay now"
"""
ANSWER: Mapping[str, Any] = {
    "edits": [{"path": "shop/button.py", "search": '    return "Pay"', "replace": GUARD}],
    "test": {"path": "tests/test_button_flag.py", "content": SHOWS_BOTH},
    "claim": "label() asks the flag of the button.",
    "risk": "none seen",
}
UNTOLD: Mapping[str, Any] = {
    **ANSWER,
    "edits": [
        {
            "path": "shop/button.py",
            "search": '    return "Pay"',
            "replace": '    return flags.get("button", "Pay", user)',
        }
    ],
}


PASS: Mapping[str, Any] = {"verdict": "pass"}
VETO: Mapping[str, Any] = {
    "verdict": "veto",
    "objections": [
        {
            "path": "shop/button.py",
            "line": 7,
            "quote": 'exposure("button", user, text)',
            "why": "users who are logged out are counted",
        }
    ],
}


@contextmanager
def unasked(
    folder: Path,
    *said: Mapping[str, Any],
    model: bool = True,
    shop: Mapping[str | bytes, bytes | None] = SHOP,
    review: Sequence[Mapping[str, Any]] = (PASS,),
) -> Generator[tuple[House, Crowd, Kept]]:
    """A shop that shows its button's text without asking any flag; its tests are really run. The idea is wanted."""

    def furnish(it: House) -> None:
        it.model = TalkingModel({"variant": said, "review": review}) if model else None
        it.recipe = {"test": "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 python -m pytest -q -p no:cacheprovider"}
        it.wrap_sandbox = lambda _: ProcessSandbox()

    with trying(folder, code=shop, file="shop/button.py", furnish=furnish) as (it, crowd, flags):
        crowd.rates = {PRIMARY: {"control": 0.010, "treated": 0.003}, RAIL: {"control": 0.01, "treated": 0.01}}
        it.passes(2)
        yes(it, first(it))
        yield it, crowd, flags


def talker(it: House) -> TalkingModel:
    assert isinstance(it.model, TalkingModel)
    return it.model


def test_a_model_writes_the_code_and_harm_takes_it_out_again(tmp_path: Path) -> None:
    with unasked(tmp_path, ANSWER) as (it, crowd, flags):
        case = reach(it, first(it).id, gate=True)
        assert case.gate == f"{case.id}-1"
        trial = case.trials[-1]
        assert {check.verdict for check in trial.checks} == {Verdict.PASSED}
        names = ["Exposure is told", NEW_TEST, STILL_PASSES, "Treated variant passes", SECOND_LOOK]
        assert [check.name for check in trial.checks] == names
        told = talker(it).told("variant")
        assert "shop/banner.py (how exposures are told)" in told
        assert "tests/test_button.py (a test that is there)" in told
        it.commit("Go on with something else", {"shop/other.py": b"a = 1\n"}, minutes_ago=0)
        yes(it, case)
        case = reach(it, case.id, phase=Phase.PROPOSED)
        # on a branch that moved on the same code is tried again
        assert [question.purpose for question in talker(it).asked] == ["variant", "review", "review"]
        (pull,) = it.pull_requests()
        assert "| Exposure is told |" in pull["body"]
        assert "| Second look |  | pass | **passed** talker saw the diff and the checks" in pull["body"]
        assert "was written by model talker, with the test tests/test_button_flag.py" in pull["body"]
        assert "$0.0100, 1 answer of talker" in pull["body"]
        it.merge(pull["number"])
        reach(it, case.id, phase=Phase.DEPLOYED)
        crowd.rates = {**crowd.rates, RAIL: {"control": 0.01, "treated": 0.06}}
        it.clock.advance(timedelta(hours=20))
        reach(it, case.id, phase=Phase.PROPOSED)
        assert flags.shares == {"control": 1.0}
        it.merge(max(pull["number"] for pull in it.pull_requests()))
        reach(it, case.id, phase=Phase.CLOSED)
        assert it.world.hub.show("main:shop/button.py") == BUTTON.encode()
        assert b"tests/test_button_flag.py" not in it.world.hub.listing("main")
        assert flags.shares is None


def test_code_that_the_sandbox_refuses_is_written_once_more_and_then_a_human_is_asked(tmp_path: Path) -> None:
    with unasked(tmp_path, UNTOLD, ANSWER) as (it, _, _):
        case = reach(it, first(it).id, gate=True)
        assert (case.change.number, case.trials[-1].claim) == (2, "proved")
        assert "Exposure is told" in talker(it).told("variant")
    with unasked(tmp_path / "again", UNTOLD) as (it, _, _):
        case = reach(it, first(it).id, phase=Phase.ESCALATED)
        assert 'the sandbox refused it: exposure is told: no code has exposure("button"' in case.escalation
        assert len(talker(it).asked) == 2
        assert not it.pull_requests()


def test_another_models_veto_has_it_written_once_more(tmp_path: Path) -> None:
    with unasked(tmp_path, ANSWER, review=(VETO, PASS)) as (it, _, _):
        case = reach(it, first(it).id, gate=True)
        assert [trial.claim for trial in case.trials] == [Claim.DISPROVED, Claim.PROVED]
        objection = "Second look: talker: shop/button.py:7 users who are logged out are counted"
        assert objection in talker(it).told("variant")
        told = talker(it).told("review")
        assert '"treated": "Pay now"' in told
        assert "none seen" not in told, "the drafter's own words are not shown"


BARRED = {
    "another file": (
        {**ANSWER, "edits": [{"path": "shop/banner.py", "search": "    return text", "replace": "    return None"}]},
        "the model edits shop/banner.py, which is not among the files that it was shown",
    ),
    "no test": ({**ANSWER, "test": None}, "the model wrote no test"),
    "reaches out": (
        {**ANSWER, "edits": [{**ANSWER["edits"][0], "replace": f"    __import__('os').system('id')\n{GUARD}"}]},
        "the model's code is not allowed: shop/button.py: it adds",
    ),
    "cannot": ({"cannot": "nobody knows the user there"}, "nobody knows the user there"),
}


@pytest.mark.parametrize("name", BARRED)
def test_what_may_not_be_written_goes_to_a_human(tmp_path: Path, name: str) -> None:
    said, because = BARRED[name]
    with unasked(tmp_path, said) as (it, _, _):
        case = reach(it, first(it).id, phase=Phase.ESCALATED)
        assert because in case.escalation
        assert not case.changes


def test_without_a_model_a_human_is_told_where_the_flag_is_to_be_asked(tmp_path: Path) -> None:
    with unasked(tmp_path, model=False) as (it, _, _):
        case = reach(it, first(it).id, phase=Phase.ESCALATED)
        assert "no code asks the flag button yet, and no model is configured" in case.escalation


IDEAS: Mapping[str, Any] = {
    "ideas": [
        {
            "lever": "button", "value": '"Pay safely"', "mechanism": "Who feels safe goes on.", "signal": PRIMARY,
            "statement": "Build a button “Pay safely” for everybody, and they leave without an error", "size": 0.004,
            "effort": "small", "risk": "low",
        }
    ]
}  # fmt: skip


def test_a_model_has_the_idea_and_another_question_writes_its_code(tmp_path: Path) -> None:
    model = TalkingModel({"experiment": [IDEAS], "variant": [ANSWER], "review": [PASS]})

    def furnish(it: House) -> None:
        it.model = model
        it.recipe = {"test": "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 python -m pytest -q -p no:cacheprovider"}
        it.wrap_sandbox = lambda _: ProcessSandbox()

    with trying(tmp_path, code=SHOP, file="shop/button.py", furnish=furnish, made=True) as (it, _, _):
        it.passes(2)
        assert it.app is not None
        found = {case.hypothesis.origin: case for case in it.app.ledger.cases.listed(9) if case.hypothesis}
        assert set(found) == {"model:talker", "catalogue:copy"}
        case = found["model:talker"]
        assert "by code that a model writes for it" in case.hold_reason
        yes(it, case)
        case = reach(it, case.id, gate=True)
        assert case.gate == f"{case.id}-1"
        assert [question.purpose for question in model.asked] == ["experiment", "variant", "review"]


def scaled(it: House) -> str:
    """The case's name once everybody is shown the treated text, for as long as it is watched."""
    name = first(it).id
    yes(it, reach(it, name, gate=True))
    reach(it, name, phase=Phase.PROPOSED)
    merged(it)
    reach(it, name, phase=Phase.DEPLOYED)
    for _ in range(9):
        it.clock.advance(timedelta(days=1))
        it.passes(1)
    yes(it, reach(it, name, gate=True))
    reach(it, name, phase=Phase.PROPOSED)
    assert "everybody" in merged(it)
    reach(it, name, phase=Phase.DEPLOYED)
    it.clock.advance(timedelta(hours=2))
    return name


def merged(it: House) -> str:
    """Merge the newest pull request, and let it run; its title."""
    pull = max(it.pull_requests(), key=lambda found: found["number"])
    it.merge(pull["number"])
    return str(pull["title"])


def leaves_its_file(it: House, name: str) -> None:
    """The last pull request of an experiment that worked; its case ends with it."""
    reach(it, name, phase=Phase.PROPOSED)
    assert merged(it) == "Take the flag button out of its file"
    case = reach(it, name, phase=Phase.CLOSED)
    assert case.outcome is not None
    assert case.outcome.ending is Ending.WORKED


KEPT = BUTTON.replace("from shop.record import exposure\n\n\n", "").replace(
    'return "Pay"', 'text = "Pay now"\n    return text'
)


def test_what_worked_stays_in_the_code_without_its_flag(tmp_path: Path) -> None:
    with unasked(tmp_path, ANSWER) as (it, _, flags):
        name = scaled(it)
        reach(it, name, phase=Phase.PROPOSED)
        pull = max(it.pull_requests(), key=lambda found: found["number"])
        assert "This is the clean-up of an experiment." in pull["body"]
        assert {label["name"] for label in pull["labels"]} == {"trackwalker", "trackwalker:experiment"}
        assert "everybody is shown the treated variant already" in pull["body"]
        assert "the clean-up removes 1: tests.test_button_flag::test_either_text_is_shown" in pull["body"]
        assert merged(it) == "Keep “Pay now” without the flag button"
        assert it.world.hub.show("main:shop/button.py").decode() == KEPT
        assert b"tests/test_button_flag.py" not in it.world.hub.listing("main")
        assert flags.shares == {"treated": 1.0, "control": 0.0}  # the code that runs may still ask
        it.passes(2)
        leaves_its_file(it, name)
        assert flags.shares is None


BY_HAND: Mapping[str | bytes, bytes | None] = {
    "shop/button.py": KEPT.encode(),
    "tests/test_button_flag.py": None,
}


def test_people_take_the_flag_out_of_the_code_and_its_file_follows(tmp_path: Path) -> None:
    with unasked(tmp_path, ANSWER) as (it, _, flags):
        name = scaled(it)
        it.deploy(it.commit("Keep the new text", BY_HAND, minutes_ago=0))
        leaves_its_file(it, name)
        assert flags.shares is None


@pytest.mark.long
def test_a_flag_stays_in_its_file_while_what_runs_asks_it(tmp_path: Path) -> None:
    with unasked(tmp_path, ANSWER) as (it, _, flags):
        name = scaled(it)
        it.commit("Keep the new text", BY_HAND, minutes_ago=0)
        reach(it, name, phase=Phase.CLOSED)
        assert flags.shares == {"treated": 1.0, "control": 0.0}
        said = it.comments(max(pull["number"] for pull in it.pull_requests()))[-1]
        assert "**The flag button stays**" in said
        assert "runs, and asks it" in said


@pytest.mark.long
def test_a_flag_whose_old_text_peoples_tests_ask_for_stays_for_a_human(tmp_path: Path) -> None:
    shop = {**SHOP, "tests/test_button.py": (TESTS + OLD_TEXT).encode()}
    with unasked(tmp_path, ANSWER, shop=shop) as (it, _, flags):
        name = scaled(it)
        case = reach(it, name, phase=Phase.CLOSED)
        assert case.outcome is not None
        assert case.outcome.ending is Ending.WORKED
        assert flags.shares == {"treated": 1.0, "control": 0.0}
        said = it.comments(max(pull["number"] for pull in it.pull_requests()))[-1]
        assert "**The flag button stays**" in said
        assert "without it what passed still passes: 1 pass no longer: tests.test_button::test_the_old_text" in said
