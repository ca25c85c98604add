"""What the marks of outcomes promise, wherever they are kept."""

from dataclasses import replace
from datetime import timedelta

from cases.case import Case
from cases.events import Diagnosed, Drafted, Entry, Event, Proved
from cases.pull_request_events import Merged, Proposed
from cases.telemetry import Severity
from cases.trust import Book, Mark
from daemon.ledger.ledger import Ledger
from daemon.ledger.trust import MARKED
from tests.parts.nouns import (
    CULPRIT,
    NOW,
    SHA,
    a_change,
    a_diagnosis,
    a_trial,
    an_anomaly,
    an_entry,
    an_opened,
)  # fmt: skip


def lived(ledger: Ledger, name: str, *events: Event, severity: Severity = Severity.PAGE, later: int = 0) -> Case:
    anomaly = an_anomaly()
    anomaly = replace(anomaly, signal=replace(anomaly.signal, severity=severity))
    birth = replace(an_opened(), case_id=name, fingerprint=name, anomaly=anomaly)
    case = ledger.cases.open(an_entry(birth, later), (), NOW)
    assert case is not None
    for minute, event in enumerate(events, start=later + 1):
        case = ledger.cases.add(name, an_entry(event, minute), (), None)
    return case


def proposed(name: str, *, sha: str = SHA, blames: str = CULPRIT) -> tuple[Event, ...]:
    branch = f"trackwalker/{name}-1"
    change = replace(a_change(), inverse_of=blames, blames=blames)
    merge = Merged(change=1, repository="shop", pull_request=7, url="u", sha=sha, merged_at=NOW, by="sre")
    return (
        Diagnosed(diagnosis=a_diagnosis()), Drafted(change=change), Proved(trial=a_trial()),
        Proposed(change=1, repository="shop", branch=branch), merge,
    )  # fmt: skip


def books(ledger: Ledger, name: str) -> dict[Book, Mark]:
    return {mark.book: mark for mark in ledger.trust.marks() if mark.case == name}


def test_a_mark_is_written_with_its_outcome_and_takes_the_place_of_the_one_before(ledger: Ledger) -> None:
    lived(ledger, "one", *proposed("one")[:-1])
    (stale,) = books(ledger, "one").values()
    assert (stale.book, stale.good) == (Book.ACCEPTANCE, False)
    ledger.cases.add("one", an_entry(proposed("one")[-1], 9), (), None)
    found = books(ledger, "one")
    assert {book: mark.good for book, mark in found.items()} == {Book.ACCEPTANCE: True, Book.SAFETY: True}
    assert ledger.trust.marks("revert") == ledger.trust.marks()
    assert ledger.trust.marks("edit") == ()
    lines = [line for line in ledger.audit.listed("one") if line.action == MARKED]
    assert [(line.detail["mark"], line.detail["how"]) for line in lines] == [
        ("one-1-acceptance", "bad"), ("one-1-acceptance", "good"), ("one-1-safety", "good"),
    ]  # fmt: skip


def test_an_incident_that_is_traced_to_a_merge_of_ours_is_bad_at_once_and_severe_where_it_paged(
    ledger: Ledger,
) -> None:
    for name, severity, severe in (("quiet", Severity.TICKET, False), ("loud", Severity.PAGE, True)):
        sha = f"{name:0<40}".encode().hex()[:40]
        lived(ledger, name, *proposed(name, sha=sha))
        lived(ledger, f"{name}-after", *proposed(f"{name}-after", blames=sha)[:3], severity=severity, later=60)
        mark = books(ledger, name)[Book.SAFETY]
        assert (mark.good, mark.severe) == (False, severe)
        assert mark.at == NOW + timedelta(minutes=63)


def test_an_incident_long_after_is_not_the_merges(ledger: Ledger) -> None:
    lived(ledger, "old", *proposed("old"))
    lived(ledger, "after", *proposed("after", blames=SHA)[:3], later=8 * 24 * 60)
    assert books(ledger, "old")[Book.SAFETY].good


def test_a_human_may_report_what_no_metric_showed(ledger: Ledger) -> None:
    case = lived(ledger, "one", *proposed("one"))
    entry = Entry(at=NOW + timedelta(days=1), actor="human:sre", event=case.history[-1].event)
    assert ledger.trust.report(case, 1, entry, "it leaked addresses")
    mark = books(ledger, "one")[Book.SAFETY]
    assert (mark.good, mark.severe, mark.because, mark.by) == (False, True, "it leaked addresses", "human:sre")
    assert not ledger.trust.report(case, 2, entry, "there is no such change")
