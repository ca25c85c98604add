"""What breaks though nobody changed it, as a case shows it: by anomalies, by neighbours, by what logs say."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from cases.anomaly import Anomaly, AnomalyKind
from cases.case import Case
from cases.events import Joined
from cases.lifecycle import replay
from cases.logs import ErrorSeen
from cases.operational import CERTIFICATE, DATA, DNS, NODE, PROVIDER, SURGE
from cases.telemetry import Direction
from remediation.evidence import Pack
from remediation.operational import Cause, Symptoms, causes
from remediation.traces import Located
from tests.parts.nouns import NOW, an_anomaly, an_entry, an_opened

MINUTE = timedelta(minutes=1)


def of(service: str, anomaly: Anomaly) -> Anomaly:
    return replace(anomaly, signal=replace(anomaly.signal, service=service))


def reads(name: str, value: float, expected: float, *, late: timedelta = timedelta()) -> Anomaly:
    side = Direction.UP if value > expected else Direction.DOWN
    usual = an_anomaly(name, side)
    return replace(usual, value=value, expected=expected, onset=usual.onset + late)


def says(text: str, count: int = 40, *, news: bool = False) -> Located:
    seen = ErrorSeen(
        service="shop",
        signature=text,
        first=NOW,
        last=NOW,
        count=count,
        before=0,
        sample=text,
        news=("one line in 900 has a template that is new",) if news else (),
    )
    return Located(seen=seen, usual=0.0, places=())


def found(
    *joined: Anomaly, others: Sequence[Anomaly] = (), errors: Sequence[Located] = ()
) -> tuple[tuple[Cause, ...], Pack]:
    entries = [an_entry(an_opened()), *(an_entry(Joined(anomaly=anomaly)) for anomaly in joined)]
    case: Case = replay(entries)
    pack = Pack()
    facts = pack.anomalies(case.anomalies)
    told = tuple(pack.error(error.seen, error.usual, (), NOW) for error in errors)
    return causes(Symptoms(case=case, others=others, errors=errors, facts=facts, told=told), pack), pack


def kinds(*joined: Anomaly, others: Sequence[Anomaly] = (), errors: Sequence[Located] = ()) -> list[str]:
    return [cause.kind for cause in found(*joined, others=others, errors=errors)[0]]


@pytest.mark.parametrize(
    ("name", "value", "expected", "kind"),
    [
        ("requests", 300.0, 100.0, SURGE),
        ("tls_certificate_expires_in_hours", -1.0, 40.0, CERTIFICATE),
        ("dns_servfail_rate", 30.0, 0.1, DNS),
        ("node_disk_used_ratio", 0.99, 0.7, NODE),
        ("records_rejected", 60.0, 1.0, DATA),
        ("provider_errors", 9.0, 0.1, PROVIDER),
    ],
)
def test_an_anomaly_shows_it_and_is_its_evidence(name: str, value: float, expected: float, kind: str) -> None:
    (cause,), pack = found(reads(name, value, expected))
    assert (cause.kind, cause.sure) == (kind, True)
    (fact,) = [fact for fact in pack.facts if fact.id in cause.evidence]
    assert fact.fact.startswith(f"{name} of shop reads")
    assert cause.claim.endswith(f"was usual ({fact.id})")
    assert kinds(reads(name, expected, value)) == []


def test_little_more_traffic_and_retries_are_no_surge() -> None:
    assert kinds(reads("requests", 130.0, 100.0)) == []
    assert kinds(reads("requests", 300.0, 100.0, late=5 * MINUTE)) == []
    assert kinds(reads("failed requests", 300.0, 100.0)) == []
    assert kinds(others=[of("front", reads("requests", 300.0, 100.0))]) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("tls: x509: certificate has expired", CERTIFICATE),
        ("dial: lookup db.internal: no such host", DNS),
        ("https://api.cardpay.example/v1 503 Service Unavailable", PROVIDER),
        ("write /var/lib/x: no space left on device", NODE),
        ("cannot parse record: unexpected field amount_v2", DATA),
    ],
)
def test_logs_only_say_it(text: str, kind: str) -> None:
    (cause,), pack = found(errors=[says(text)])
    assert (cause.kind, cause.sure) == (kind, False)
    assert cause.evidence == (pack.facts[-1].id,)
    assert "40 lines of the log say so" in cause.claim
    assert kinds(errors=[says(text, count=10), says("an error", count=90)]) == []
    assert kinds(errors=[says(text, news=True)]) == []
    assert kinds(errors=[says("an error")]) == []


def test_what_both_show_and_say_is_strongest() -> None:
    both, _ = found(reads("dns_servfail_rate", 30.0, 0.1), errors=[says("no such host")])
    shown, _ = found(reads("dns_servfail_rate", 30.0, 0.1))
    said, _ = found(errors=[says("no such host")])
    assert both[0].strength > shown[0].strength > said[0].strength
    assert len(both[0].evidence) == 2


def test_a_neighbours_signal_counts_while_it_is_of_the_same_time() -> None:
    resolver = of("coredns", reads("servfail_rate", 30.0, 0.1))
    (cause,), pack = found(others=[resolver])
    assert cause.kind == DNS
    assert any(fact.id in cause.evidence and "of coredns reads" in fact.fact for fact in pack.facts)
    assert kinds(others=[replace(resolver, onset=resolver.onset - timedelta(hours=2))]) == []


def test_services_that_fall_silent_together_were_on_one_machine() -> None:
    gone = replace(an_anomaly("up"), kind=AnomalyKind.ABSENCE)
    assert kinds(gone, others=[of("cart", gone), of("ads", gone)]) == [NODE]
    assert kinds(gone, others=[of("cart", gone)]) == []
    assert kinds(others=[of(name, gone) for name in ("cart", "ads", "front")]) == []


def test_a_forecast_is_no_failure() -> None:
    assert kinds(replace(reads("node_disk_used_ratio", 0.9, 0.7), kind=AnomalyKind.SATURATION)) == []
