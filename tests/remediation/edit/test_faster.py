"""An edit that is to take less time: one, put in exactly, held to the rules, and paid from its own class."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from cases.anomaly import AnomalyKind
from cases.change import ChangeClass, Patch
from cases.events import Diagnosed, Drafted
from cases.lifecycle import advance, opened
from remediation.drafting import CannotDraft, Drafting
from remediation.edit.faster import faster
from sandbox.scripted import ScriptedSandbox
from tests.parts.models import TalkingModel
from tests.parts.nouns import SHA, a_change, a_diagnosis, an_anomaly, an_entry, an_opened
from tests.parts.ports import some_ports
from tests.parts.settings import some_settings
from tests.parts.shelf import ShelfForge

SLOW = "def listed(items):\n    found = []\n    for one in items:\n        found = found + [one]\n    return found\n"
PLACES = {"places": [{"path": "shop/listing.py", "function": "listed"}]}
NOWHERE: Mapping[str, Any] = {"places": []}
EDIT = {"path": "shop/listing.py", "search": "found = found + [one]", "replace": "found.append(one)"}


def drafted(*said: Mapping[str, Any], tried: bool = False) -> tuple[Drafting, TalkingModel]:
    anomaly = replace(an_anomaly("latency"), kind=AnomalyKind.LAGGARD, labels={"route": "/list-of-secret-things"})
    case = opened(an_entry(replace(an_opened(), anomaly=anomaly, fingerprint=anomaly.fingerprint)))
    case = advance(case, an_entry(Diagnosed(diagnosis=a_diagnosis())))
    if tried:
        case = advance(case, an_entry(Drafted(change=replace(a_change(), origin="model:x"))))
    model = TalkingModel({"hotspot": said[:1], "improvement": said[1:]})
    shelf = ShelfForge({"shop/listing.py": SLOW})
    settings = some_settings()
    with some_ports(settings=settings, sandbox=ScriptedSandbox({}), head=SHA, forge=shelf, model=model) as ports:
        return faster(case, ports), model


def test_one_edit_of_a_place_that_exists() -> None:
    change, model = drafted(PLACES, {"edits": [EDIT], "claim": "no list is copied"})
    assert isinstance(change, Patch), change
    assert (change.kind, change.tests, change.origin) == (ChangeClass.IMPROVEMENT, (), "model:talker")
    (edit,) = change.lead.edits
    assert edit.content == SLOW.replace("found = found + [one]", "found.append(one)").encode()
    assert [question.purpose for question in model.asked] == ["hotspot", "improvement"]
    assert "list-of-secret-things" not in str(model.asked[1].material)


@pytest.mark.parametrize(
    ("said", "because"),
    [
        ((NOWHERE,), "names no place in the code"),
        ((PLACES, {"cannot": "it is as fast as can be"}), "the model sees nothing to edit: it is as fast"),
        ((PLACES, {"edits": [EDIT], "test": {"path": "tests/test_x.py", "content": "x"}}), "the model writes a test"),
        ((PLACES, {"edits": [{**EDIT, "path": "shop/other.py"}]}), "edits shop/other.py, which it was not shown"),
        ((PLACES, {"edits": [{**EDIT, "search": "nowhere"}]}), "does not go in"),
        ((PLACES, {"edits": [{**EDIT, "replace": "import os; os.fork()"}]}), "the model's edit is not allowed"),
    ],
)
def test_what_is_no_such_edit_is_left(said: tuple[Mapping[str, Any], ...], because: str) -> None:
    drafting, _ = drafted(*said)
    assert isinstance(drafting, CannotDraft)
    assert because in drafting.reason


def test_it_is_tried_once() -> None:
    drafting, model = drafted(PLACES, {"edits": [EDIT]}, tried=True)
    assert (drafting, model.asked) == (CannotDraft(reason="an edit by a model was tried"), [])
