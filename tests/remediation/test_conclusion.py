"""How far a diagnosis goes: conviction is code's, a model's word orders and is told."""

from dataclasses import replace

from cases.diagnosis import Finding, Link, Suspect
from remediation.conclusion import Findings, conclude, convicted, ordered
from remediation.operational import Cause
from tests.parts.nouns import CULPRIT, a_suspect
from tests.parts.opinions import LATE, OTHER, a_case, suspects

SAID = Cause(kind="bad data", strength=0.55, sure=False, told="40 lines say so", evidence=("E3",))
SHOWN = replace(SAID, kind="traffic surge", strength=0.9, sure=True)


def link(about: str) -> Link:
    return Link(about=about, statement="it rounds", evidence=("E1",), confidence=0.6, origin="model:m")


def findings(*found: Suspect, causes: tuple[Cause, ...] = (), links: tuple[Link, ...] = ()) -> Findings:
    return Findings(
        facts=(), suspects=found, hypotheses=(), remarks=(), causes=causes, lessons=(), unseen=(), blind=(), links=links
    )


def test_an_operational_cause_leaves_nobody_convicted() -> None:
    one = a_suspect()
    assert convicted([one], ()) is one
    assert convicted([one], (SHOWN,)) is None
    assert convicted([one], (SAID,)) is None
    traced = replace(one, linked_by="trace")  # whoever writes the log may have written the trace, too
    assert convicted([traced], (SAID,)) is None
    assert convicted([traced], (SHOWN,)) is None
    diagnosis = conclude(a_case(), findings(one, causes=(SHOWN,)))
    assert diagnosis.finding is Finding.SHORTLIST
    assert diagnosis.alternatives[0].startswith("traffic surge: 40 lines say so")


def test_no_lead_no_conviction_however_they_are_ordered() -> None:
    near = replace(a_suspect(OTHER, 0.75), linked_by="words")
    far = a_suspect("f" * 40, 0.3)
    ranked = (a_suspect(CULPRIT, 0.8), near, far)
    assert convicted(ranked, ()) is None
    links = (link("f" * 40),)
    diagnosis = conclude(a_case(), findings(*ranked, links=links))
    assert diagnosis.finding is Finding.SHORTLIST
    assert diagnosis.suspects[0].commit.sha == "f" * 40
    assert diagnosis.confidence <= 0.5


def test_a_model_puts_first_only_among_those_that_are_alike() -> None:
    first, second, late = suspects()
    linked = replace(second, mechanism="it changes /checkout")
    assert [each.commit.sha for each in ordered((first, second, late), [link(LATE), link(OTHER)])] == [
        OTHER, CULPRIT, LATE,
    ]  # fmt: skip
    assert ordered((first, linked, late), [link(CULPRIT)])[0] is linked
    assert ordered((first, second, late), []) == (first, second, late)


def test_what_is_convicted_stays_first_whatever_is_said() -> None:
    sure, other = a_suspect(CULPRIT, 0.9), a_suspect(OTHER, 0.3)
    diagnosis = conclude(a_case(), findings(sure, other, links=(link(OTHER),)))
    assert diagnosis.finding is Finding.SUSPECT
    assert diagnosis.suspects == (sure, other)


def test_what_only_a_model_calls_operational_is_its_word() -> None:
    diagnosis = conclude(a_case(), findings(links=(link("traffic surge"),)))
    assert diagnosis.finding is Finding.OPERATIONAL
    assert diagnosis.claim == "traffic surge: “it rounds” (E1), as model:m reads the facts"
    assert diagnosis.record is not None
    assert diagnosis.record.like == ("operational", "traffic surge", "model:m")
