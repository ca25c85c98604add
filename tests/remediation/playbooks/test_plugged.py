"""Playbooks from elsewhere: found, held to the contract, and never able to stop the house."""

from pathlib import Path

import pytest

from cases.playbook import GROUP
from daemon.preflight import playbooks
from remediation.drafting import CannotDraft
from remediation.playbooks.plugged import drafters, plugged
from sandbox.scripted import ScriptedSandbox
from tests.parts.nouns import SHA, a_suspect
from tests.parts.plug_in import BROKEN, PLAYBOOK, installed
from tests.parts.ports import some_ports
from tests.parts.settings import some_settings
from tests.remediation.playbooks.ground import OneFile, a_case

ANSWERS = """\
from cases.change import ChangeClass, FileEdit
from cases.playbook import NoRemedy, Remedy

class Book:
    name = "book"
    kind = ChangeClass.EDIT
    def remedy(self, asked):
        edits = [FileEdit(path="a.txt", content=b"1")]
        return {}
"""


def asked(folder: Path, answer: str) -> CannotDraft:
    with installed(folder, {"book": ANSWERS.format(answer)}, {"book": "book:Book"}):
        (drafter,) = drafters()
        forge = OneFile("a.txt", b"0")
        with some_ports(settings=some_settings(), sandbox=ScriptedSandbox({}), head=SHA, forge=forge) as ports:
            drafted = drafter(a_case(a_suspect()), ports, a_suspect())
    assert isinstance(drafted, CannotDraft), drafted
    return drafted


def test_the_broken_ones_are_named_and_the_others_stay(tmp_path: Path) -> None:
    no_book = "kind = 'revert'\nname = 'x'\n"
    modules = {"greeter": PLAYBOOK, "half": BROKEN, "nothing": no_book}
    entries = {"a": "greeter:Greeter", "b": "half:Book", "c": "nothing:name", "d": "gone:Book", "e": "greeter:Greeter"}
    with installed(tmp_path / "site", modules, entries):
        found = {one.entry: one.broken for one in plugged()}
        rows = [(row.asked, row.status, row.said) for row in playbooks.findings()]
        assert len(drafters()) == 1
    assert found["a of greetings"] == ""
    assert found["b of greetings"] == "it cannot be loaded: RuntimeError: half of it is missing"
    assert found["c of greetings"].startswith("its `name` must be small letters")
    assert found["d of greetings"].startswith("it cannot be loaded: ModuleNotFoundError")
    assert found["e of greetings"] == "there is a playbook put-a-greeting-back already"
    assert rows[0] == ("a of greetings", 0, "put-a-greeting-back may draft a configuration")
    assert [status for _, status, _ in rows] == [0, 1, 1, 1, 1]
    assert "left out: it cannot be loaded: RuntimeError" in rows[1][2]


def test_a_plug_in_imports_nothing_of_ours_but_the_nouns() -> None:
    lines = [line for line in PLAYBOOK.splitlines() if line.startswith(("from ", "import "))]
    assert {line.split()[1].partition(".")[0] for line in lines} == {"dataclasses", "cases"}
    assert len(PLAYBOOK.splitlines()) <= 25
    assert GROUP == "trackwalker.playbooks"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("1 / 0", "the playbook book broke (ZeroDivisionError)"),
        ("None", "the playbook book broke (AttributeError)"),
        ("NoRemedy(reason='not today')", "book: not today"),
        ("NoRemedy()", ""),
        ("Remedy(edits=[], title='x', summary='x', because='x')", "book: it answered with a change of nothing"),
        ("Remedy(edits=edits, title=' ', summary='x', because='x')", "book: its answer says not what it does"),
        ("Remedy(edits=edits, title='x', summary='x', because='x')", "book: it cites no evidence, and there is some"),
        (
            "Remedy(edits=edits, title='x', summary='x', because='x', evidence=['E9'])",
            "book: it cites E9, and there is no such evidence",
        ),
    ],
)
def test_what_it_answers_wrongly_drafts_nothing(tmp_path: Path, answer: str, said: str) -> None:
    drafted = asked(tmp_path / "site", answer)
    assert drafted.reason.startswith(said)
    assert bool(drafted.reason) == bool(said)
