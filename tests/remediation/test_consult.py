"""A model's opinion: held to what it was shown, asked to look up only what is known, and never a conviction."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from cases.asking import Question
from cases.errors import NoAnswer, TemporaryError
from cases.moments import milliseconds
from remediation.conclusion import convicted, ordered
from remediation.consult import MOST_CONFIDENT, Matter, Opinion, consult
from remediation.follow_up import ANSWERS
from remediation.model.pocket import PocketPurse
from remediation.model.quoting import prompt
from remediation.model.scripted import Entry, ScriptedModel
from remediation.packing import LIMIT, tokens
from signals.recorded import RecordedSource, Recording
from tests.parts.nouns import CULPRIT, NOW
from tests.parts.opinions import LATE, OTHER, asked_about, change, said

PLACE: dict[str, Any] = {
    "kind": "code", "statement": "no comma is taken", "evidence": ["E1"], "path": "shop/pricing.py",
    "function": "amount", "confidence": 0.4,
}  # fmt: skip


def asked(matter: Matter, *answers: dict[str, Any]) -> tuple[Opinion, list[Question]]:
    """The opinion of a model that answers so, and what it was asked."""
    model = ScriptedModel([Entry(purpose="diagnose", answer=answer) for answer in answers], PocketPurse(1.0))
    return consult(model, matter), model.asked


def text_of(question: Question) -> str:
    return "\n".join(f"{piece.title}\n{piece.text}" for piece in question.material)


def test_a_link_to_a_suspect_is_kept_with_what_it_cites() -> None:
    with asked_about() as matter:
        quoted = change(quotes=[{"id": "E3", "text": "+    return round(price)"}, {"id": "E1", "text": "reads 0.31"}])
        found, _ = asked(matter, said(hypotheses=[quoted, PLACE]))
    (link,) = found.links
    assert (link.about, link.evidence, link.origin) == (CULPRIT, ("E3",), "model:script")
    assert link.confidence == MOST_CONFIDENT
    assert [place.function for place in found.hypotheses] == ["amount"]
    assert found.because == ""


@pytest.mark.parametrize(
    "answer",
    [
        change(evidence=["E99"]),
        change(quotes=[{"id": "E3", "text": "rm -rf"}]),
        change(quotes=[{"id": "E99", "text": "reads"}]),
        change(quotes=[{"id": "E1", "text": " "}]),
        change(commit="c0ffee"),  # too short to name one
        change(commit=""),
        change(commit=LATE),  # it ran after the onset
        change(commit="feed" * 10),  # listed, and no suspect
        {**change(), "kind": "operational"},  # without a cause
        {**PLACE, "path": "../../etc/passwd"},
        {**PLACE, "function": "refund"},
        {**PLACE, "path": ""},
    ],
)
def test_what_cites_or_names_what_is_not_there_is_dropped(answer: dict[str, Any]) -> None:
    with asked_about() as matter:
        found, _ = asked(matter, said(hypotheses=[answer]))
    assert found.links == ()
    assert found.hypotheses == ()
    assert found.because == "1 of the model's hypotheses cite evidence or code that does not exist"


def test_none_and_operational_are_answers() -> None:
    surge = {"kind": "operational", "statement": "twice the load", "evidence": ["E1"], "cause": "traffic surge",
             "confidence": 0.5}  # fmt: skip
    with asked_about() as matter:
        found, _ = asked(matter, said("operational", hypotheses=[surge, change(), PLACE]))
        none, _ = asked(matter, said("none", missing="a full disk", hypotheses=[change()]))
    assert [link.about for link in found.links] == ["traffic surge"]
    assert not found.usable
    assert none == Opinion(because="script says that nothing in the code explains it: a full disk")


def errors() -> RecordedSource:
    times = np.arange(milliseconds(NOW) - 7_200_000, milliseconds(NOW) + 1, 60_000, dtype=np.int64)
    values = np.where(times > milliseconds(NOW) - 300_000, 0.31, 0.01)[np.newaxis]
    recording = Recording(times=times, values=values, labels=({"route": "/checkout <!-- x -->"},))
    return RecordedSource(name="main", recordings={"errors": recording}, look_back=timedelta(minutes=2))


def test_it_may_look_once_and_the_answers_are_facts() -> None:
    queries = [
        {"kind": "series", "service": "shop", "metric": "errors"},
        {"kind": "templates", "service": "shop", "minutes": 30},
        {"kind": "diff", "commit": OTHER[:10]},
    ]
    with asked_about({"main": errors()}) as matter:
        last = said(hypotheses=[change(evidence=["E7"], quotes=[{"id": "E9", "text": "return round(price)"}])])
        found, questions = asked(matter, said("need_more", queries=queries), last)
        facts = {fact.id: fact for fact in matter.follow_up.pack.facts}
    assert [link.evidence for link in found.links] == [("E7",)]
    assert len(questions) == 2
    assert "need_more" in questions[0].task
    assert "This is the last question" in questions[1].task
    assert "shop: errors" in text_of(questions[0])
    assert facts["E7"].fact.startswith("errors of shop (route=/checkout")
    assert "0.01 on average before the onset, 0.31 since" in facts["E7"].fact
    assert "<!--" not in facts["E7"].fact
    told = text_of(questions[1])
    assert "1. series of errors shop: E7\n2. templates of shop: E8\n3. diff of beefbeefbe: E9" in told
    assert "E9: its diff" in told
    assert "hunter2" not in prompt(questions[1]).text
    assert "pool@corp" not in prompt(questions[1]).text


def test_what_is_not_known_is_refused_in_its_place() -> None:
    queries = [
        {"kind": "series", "service": "shop", "metric": 'up{job=~".*"}'},
        {"kind": "templates", "service": "bank"},
        {"kind": "diff", "commit": "--output=/etc/passwd"},
    ]
    with asked_about({"main": errors()}) as matter:
        found, questions = asked(matter, said("need_more", queries=queries), said("need_more", queries=queries))
        assert len(matter.follow_up.pack.facts) == 6
    told = text_of(questions[1])
    assert "refused: no such metric of that service is watched" in told
    assert "refused: no such service is known" in told
    assert "refused: no such commit was listed" in told
    assert len(questions) == 2  # it asked again, and was not heard
    assert found.because == "script says that it needs more"


def test_a_source_that_is_down_is_said_and_deploys_are_of_known_services() -> None:
    down = errors()
    down.down("closed for repairs")
    queries = [{"kind": "series", "service": "shop", "metric": "errors"}, {"kind": "deploys", "service": "web"}]
    with asked_about({"main": down}) as matter:
        _, questions = asked(matter, said("need_more", queries=queries), said("none"))
    told = text_of(questions[1])
    assert "1. series of errors shop: it could not be read: main: closed for repairs" in told
    assert "E7: beefbeefbe began to run in web at 2026-03-04T04:57:07Z" in told


def test_four_queries_and_free_text_fit_no_schema() -> None:
    query = {"kind": "templates", "service": "shop"}
    with asked_about() as matter:
        many, _ = asked(matter, said("need_more", queries=[query] * 4), said("need_more", queries=[query] * 4))
        free, _ = asked(matter, *[said("need_more", queries=[{"kind": "promql", "query": "up"}])] * 2)
        long, _ = asked(matter, *[said("need_more", queries=[{**query, "minutes": 10_000}])] * 2)
    for opinion in (many, free, long):
        assert "no diagnose that can be used" in opinion.because


def test_the_whole_material_stays_within_its_bound() -> None:
    evil = '\N{PILE OF POO}"\\' * 1_000
    with asked_about({"main": errors()}) as matter:
        for number in range(30):
            matter.follow_up.pack.add(f"{number} {evil}", "logs", NOW)
        suspects = [
            replace(each, commit=replace(each.commit, patch=each.commit.patch + f"+{evil}\n" * 5, title=evil))
            for each in matter.suspects
        ]
        large = replace(matter, suspects=suspects, places=(*matter.places,))
        diff = {"kind": "diff", "commit": OTHER}
        _, questions = asked(large, said("need_more", queries=[diff, diff, diff]), said("none"))
    assert "E3: c0ffee00c0" in text_of(questions[0])
    for question, limit in zip(questions, (LIMIT, LIMIT + ANSWERS), strict=True):
        sent = prompt(question).text.rpartition("That was all the material")[0]
        assert tokens(len(sent.encode())) <= limit


def test_a_model_of_no_help_is_said_and_a_busy_one_goes_through() -> None:
    with asked_about() as matter:
        refusing = ScriptedModel([Entry(purpose="diagnose", refuse="no")], PocketPurse(1.0))
        assert "the model was of no help" in consult(refusing, matter).because
        busy = ScriptedModel([Entry(purpose="diagnose", busy="later")], PocketPurse(1.0))
        with pytest.raises(TemporaryError):
            consult(busy, matter)
        broke = ScriptedModel([Entry(purpose="diagnose", answer=said("none"), usd=2.0)], PocketPurse(1.0))
        assert "the model was of no help" in consult(broke, matter).because
    assert issubclass(NoAnswer, Exception)


def test_the_second_question_is_paid_for_as_the_first() -> None:
    purse = PocketPurse(1.0)
    query = {"kind": "templates", "service": "shop"}
    answers = [said("need_more", queries=[query]), said("none")]
    entries = [Entry(purpose="diagnose", answer=answer, usd=0.6) for answer in answers]
    with asked_about() as matter:
        opinion = consult(ScriptedModel(entries, purse), matter)
    assert "the model was of no help" in opinion.because  # the second one would have passed the cap


@pytest.mark.parametrize("named", [[OTHER, CULPRIT], [CULPRIT], [OTHER], []])
@pytest.mark.parametrize("mechanism", ["", "it touches what the symptom names"])
def test_no_answer_of_a_model_convicts_or_acquits(named: list[str], mechanism: str) -> None:
    with asked_about() as matter:
        found, _ = asked(matter, said(hypotheses=[change(commit=sha) for sha in named] or [PLACE]))
        first, second, *rest = matter.suspects
        ranked = (replace(first, score=0.9, mechanism=mechanism), replace(second, mechanism=mechanism), *rest)
    before = convicted(ranked, ())
    after = ordered(ranked, found.links)
    assert (before is not None) is bool(mechanism)
    assert sorted(after, key=lambda each: -each.score) == sorted(ranked, key=lambda each: -each.score)
    assert [each.before_onset for each in after] == [True, True, False]
    assert all(link.about in {CULPRIT, OTHER} for link in found.links)
    if named:
        assert after[0].commit.sha == named[0]
