"""What a case asks of humans: derived from its history alone, how soon by severity and impact, in the queue's order."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cases.case import Case
from cases.errors import IllegalStep
from cases.escalation import Asked, Escalation, Terms, Urgency, escalations_of, impact_of, queue, urgency_of
from cases.events import Acknowledged, Approved, Entry, Escalated, Event, Frozen, Gated, Rejected, Retried
from cases.lifecycle import advance, opened
from cases.reach import Reach
from cases.telemetry import Severity
from tests.parts.nouns import NOW, an_anomaly, an_entry, an_opened

TERMS = Terms()


def a_case(severity: Severity = Severity.PAGE, share: float | None = None, name: str = "deadbeef") -> Case:
    anomaly = an_anomaly()
    anomaly = replace(anomaly, signal=replace(anomaly.signal, severity=severity))
    reach = Reach(signal="errors", service="shop", series=1, whole=1, share=share)
    return opened(an_entry(replace(an_opened(), case_id=name, anomaly=anomaly, reach=reach)))


def after(case: Case, *events: Event, minutes: float = 1) -> Case:
    for place, event in enumerate(events):
        case = advance(case, an_entry(event, minutes=minutes + place))
    return case


def only(case: Case, weight: float = 5) -> Escalation:
    (one,) = escalations_of(case, weight, TERMS)
    return one


def test_a_gate_is_asked_by_its_name_and_ends_with_its_answer() -> None:
    gated = after(a_case(), Gated(reason="authority is observe", gate="deadbeef-1"))
    one = only(gated)
    assert (one.id, one.asks, one.reason) == ("deadbeef-1", Asked.YES, "authority is observe")
    assert (one.asked, one.deadline) == (NOW + timedelta(minutes=1), NOW + timedelta(minutes=61))
    assert escalations_of(after(gated, Approved(because="yes", gate="deadbeef-1")), 5, TERMS) == ()


def test_a_gate_of_an_older_ledger_is_named_by_its_place() -> None:
    gated = after(a_case(), Gated(reason="observe"))
    assert (gated.gate, only(gated).id) == ("deadbeef-g2", "deadbeef-g2")


@pytest.mark.parametrize(
    "word", [Approved(because="yes", gate="deadbeef-1"), Rejected(because="no", gate="deadbeef-1")]
)
def test_a_word_about_another_gate_moves_nothing(word: Event) -> None:
    for case in (a_case(), after(a_case(), Gated(reason="observe", gate="deadbeef-2"))):
        with pytest.raises(IllegalStep, match="does not wait at gate deadbeef-1"):
            advance(case, an_entry(word))


def test_what_cannot_go_on_asks_for_help_each_time_anew() -> None:
    first = after(a_case(), Escalated(reason="nothing fits"))
    assert (only(first).id, only(first).asks) == ("deadbeef-e1", Asked.HELP)
    again = after(first, Retried(because="look again"), Escalated(reason="still nothing"), minutes=5)
    assert (only(again).id, only(again).asked) == ("deadbeef-e2", NOW + timedelta(minutes=6))


def test_a_bug_asks_to_be_looked_at_and_a_humans_own_freeze_asks_nothing() -> None:
    assert only(after(a_case(), Frozen(reason="a bug"))).asks is Asked.MEND
    by_hand = advance(a_case(), Entry(at=NOW, actor="human:sre", event=Frozen(reason="wait")))
    assert escalations_of(by_hand, 5, TERMS) == ()


def test_who_has_seen_it_is_known_until_it_is_asked_anew() -> None:
    asked = after(a_case(), Escalated(reason="nothing fits"))
    seen = advance(
        asked, Entry(at=NOW + timedelta(minutes=2), actor="human:ada", event=Acknowledged(ask="deadbeef-e1"))
    )
    assert only(seen).seen_by == "human:ada"
    assert only(after(seen, Retried(because="again"), Escalated(reason="more"), minutes=3)).seen_by == ""


@pytest.mark.parametrize(
    ("severity", "share", "weight", "impact", "urgency"),
    [
        (Severity.PAGE, None, 5, 5, Urgency.HOUR),
        (Severity.TICKET, None, 5, 2.5, Urgency.DAY),
        (Severity.NOTE, None, 5, 1, Urgency.WEEK),
        (Severity.NOTE, 0.81, 10, 8.1, Urgency.HOUR),
        (Severity.NOTE, 0.8, 10, 8, Urgency.WEEK),
        (Severity.PAGE, 0.1, 10, 1, Urgency.HOUR),
    ],
)
def test_urgency_follows_severity_and_an_impact_above_the_limit(
    severity: Severity, share: float | None, weight: float, impact: float, urgency: Urgency
) -> None:
    case = a_case(severity, share)
    assert impact_of(case, weight) == pytest.approx(impact)
    assert urgency_of(case, impact_of(case, weight), TERMS) is urgency
    looked = [one for one in escalations_of(case, weight, TERMS) if one.asks is Asked.LOOK]
    assert len(looked) == (1 if impact > 8 else 0), "somebody is asked to look at once"


def test_the_queue_is_in_the_order_in_which_to_answer() -> None:
    note = after(a_case(Severity.NOTE, name="n"), Escalated(reason="n"), minutes=0)
    late = after(a_case(Severity.PAGE, name="l"), Escalated(reason="l"), minutes=9)
    soon = after(a_case(Severity.PAGE, name="s"), Gated(reason="s", gate="s-1"), minutes=3)
    heavy = after(a_case(Severity.PAGE, name="h"), Escalated(reason="h"), minutes=9)
    asked = queue([(note, 5), (late, 5), (soon, 5), (heavy, 7)], TERMS)
    assert [one.id for one in asked] == ["s-1", "h-e1", "l-e1", "n-e1"]
