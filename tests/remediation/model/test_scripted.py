"""What only the script does: its file, its order, its own mistakes."""

from pathlib import Path

import pytest

from cases.errors import PermanentError
from config.models import ModelSettings
from daemon.clock import ManualClock
from remediation.model import model_of
from remediation.model.pocket import PocketPurse
from remediation.model.scripted import ScriptedModel
from tests.parts.nouns import NOW
from tests.parts.questions import GOOD, a_question

SCRIPT = """
- {purpose: edit, answer: {cause: edit, confidence: 1, evidence: [e1]}}
- {purpose: diagnose, when: checkout, answer: {cause: checkout, confidence: 1, evidence: [e1]}, usd: 0.25}
- {purpose: diagnose, answer: {cause: first, confidence: 1, evidence: [e1]}}
- {purpose: diagnose, answer: {cause: always, confidence: 1, evidence: [e1]}, repeat: true}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "script.yaml"
    path.write_text(text)
    return path


def test_entries_are_used_in_order_where_purpose_and_text_fit(tmp_path: Path) -> None:
    purse = PocketPurse(1)
    model = ScriptedModel.read(written(tmp_path, SCRIPT), purse)
    texts = ["shop is slow", "/checkout is slow", "/checkout again", "more"]
    causes = [model.ask(a_question(text)).content["cause"] for text in texts]
    assert causes == ["first", "checkout", "always", "always"]
    assert model.ask(a_question(purpose="edit")).content["cause"] == "edit"
    assert purse.spent == 0.25
    assert [question.material[0].text for question in model.asked[:4]] == texts


def test_a_script_sees_the_question_as_a_model_would(tmp_path: Path) -> None:
    text = "- {purpose: diagnose, when: 'password=[redacted', answer: {cause: x, confidence: 1, evidence: [e1]}}"
    model = ScriptedModel.read(written(tmp_path, text), PocketPurse(1))
    assert model.ask(a_question("pass\u200bword=hunter2!")).content["cause"] == "x"


def test_a_script_that_has_no_answer_left_says_so(tmp_path: Path) -> None:
    model = ScriptedModel.read(written(tmp_path, "[]"), PocketPurse(1))
    with pytest.raises(PermanentError, match="no answer left for a question of purpose 'diagnose' of case c1"):
        model.ask(a_question())


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("purpose: x", "entry the whole: Input should be a valid list"),
        ("- {purpose: diagnose}", "one of answer, refuse and busy"),
        ("- {purpose: diagnose, answer: {}, refuse: never}", "one of answer, refuse and busy"),
        ("- {purpose: diagnose, answer: {}, usd: -1}", "entry 0.usd"),
        ("- {purpose: diagnose, answer: {}, cost: 1}", "entry 0.cost: Extra inputs"),
        ("- {purpose: diagnose, answer: [", "is no YAML"),
    ],
)
def test_a_script_that_is_none_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    settings = ModelSettings(provider="scripted", script=str(written(tmp_path, text)))
    with pytest.raises(PermanentError, match=fault):
        model_of(settings, PocketPurse(1), ManualClock(NOW))


def test_a_script_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="cannot be read"):
        ScriptedModel.read(tmp_path / "gone.yaml", PocketPurse(1))


def test_json_is_yaml_too(tmp_path: Path) -> None:
    path = written(tmp_path, '[{"purpose": "diagnose", "answer": {"cause": "x", "confidence": 0, "evidence": ["e1"]}}]')
    assert ScriptedModel.read(path, PocketPurse(1)).ask(a_question()).content.keys() == GOOD.keys()
