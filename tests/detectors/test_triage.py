"""From anomalies to cases: nothing lost, nothing twice, and always a reason."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cases.anomaly import Anomaly, AnomalyKind
from cases.case import Case, Hold, Phase
from cases.telemetry import Direction, Severity
from detectors.triage import MOST_SERIES, Decision, JoinCase, OpenCase, Suppressed, case_id, triage
from tests.detectors.series import at, signal

UP, DOWN = Direction.UP, Direction.DOWN


def anomaly(
    name: str = "errors",
    minute: float = 0,
    *,
    service: str = "shop",
    severity: Severity = Severity.TICKET,
    direction: Direction = UP,
    route: str = "/checkout",
    score: float = 0.7,
) -> Anomaly:
    return Anomaly(
        signal=signal(name, service=service, severity=severity),
        labels={"route": route},
        detector="seasonal",
        kind=AnomalyKind.LEVEL,
        direction=direction,
        onset=at(minute),
        onset_bound_s=60,
        detected=at(minute + 2),
        value=0.3,
        expected=0.005,
        low=0.0,
        high=0.02,
        score=score,
    )


def case(*anomalies: Anomaly, phase: Phase = Phase.OPEN, hold: Hold = Hold.NONE) -> Case:
    first = anomalies[0]
    return Case(
        id=case_id(first),
        service=first.signal.service,
        fingerprint=first.fingerprint,
        opened=first.detected,
        entered=first.detected,
        phase=phase,
        hold=hold,
        anomalies=anomalies,
    )


def only(decisions: tuple[Decision, ...]) -> Decision:
    (decision,) = decisions
    assert decision.because
    return decision


def test_an_anomaly_that_no_case_has_opens_one() -> None:
    decision = only(triage([anomaly()], []))
    assert isinstance(decision, OpenCase)
    assert (decision.service, decision.fingerprint, decision.others) == ("shop", anomaly().fingerprint, ())
    assert decision.case_id == case_id(anomaly())
    assert len(decision.case_id) == 8


def test_two_daemons_give_one_case_one_name() -> None:
    assert case_id(anomaly(score=0.9)) == case_id(replace(anomaly(), detected=at(9)))
    assert len({case_id(anomaly()), case_id(anomaly(minute=1)), case_id(anomaly("latency"))}) == 3


def test_one_service_and_moment_is_one_case_led_by_the_most_severe() -> None:
    page = anomaly("latency", 4, severity=Severity.PAGE)
    decision = only(triage([anomaly("errors", 0), anomaly("traffic", 9, direction=DOWN), page], []))
    assert isinstance(decision, OpenCase)
    assert decision.anomaly is page
    assert [a.signal.name for a in decision.others] == ["errors", "traffic"]


def test_of_equal_severity_the_earliest_leads() -> None:
    decision = only(triage([anomaly("latency", 3), anomaly("errors", 1)], []))
    assert isinstance(decision, OpenCase)
    assert decision.anomaly.signal.name == "errors"


def test_services_and_moments_are_kept_apart() -> None:
    decisions = triage([anomaly(), anomaly(service="cart"), anomaly("latency", 11)], [])
    assert [type(decision) for decision in decisions] == [OpenCase] * 3


def test_a_thousand_series_do_not_drown_a_case() -> None:
    many = [anomaly(route=f"/{place}", score=0.5 + place / 100) for place in range(20)]
    decisions = triage(many, [])
    opened = next(decision for decision in decisions if isinstance(decision, OpenCase))
    kept = [opened.anomaly, *opened.others]
    assert [a.labels["route"] for a in kept] == [f"/{place}" for place in range(19, 19 - MOST_SERIES, -1)]
    assert sum(isinstance(decision, Suppressed) for decision in decisions) == 15


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.CLOSED])
def test_what_an_active_case_has_is_suppressed_in_every_phase(phase: Phase) -> None:
    had = case(anomaly(), anomaly("latency", 1), phase=phase)
    for again in (anomaly(minute=0), anomaly(minute=300), anomaly("latency", 400, route="/cart")):
        decision = only(triage([again], [had]))
        assert isinstance(decision, Suppressed)
        assert decision.case_id == had.id


def test_what_becomes_more_urgent_joins_its_case_once_more() -> None:
    had = case(anomaly(severity=Severity.TICKET), phase=Phase.PROPOSED)
    urgent = anomaly(severity=Severity.PAGE)
    assert isinstance(only(triage([urgent], [had])), JoinCase)
    both = case(anomaly(severity=Severity.TICKET), urgent, phase=Phase.PROPOSED)
    for again in (urgent, anomaly(severity=Severity.TICKET)):
        assert isinstance(only(triage([again], [both])), Suppressed)


def test_what_comes_back_after_a_recovery_is_told_to_its_case() -> None:
    recovered = replace(case(anomaly(), phase=Phase.PROPOSED), recovered=at(60))
    assert isinstance(only(triage([anomaly(minute=90)], [recovered])), JoinCase)
    assert isinstance(only(triage([anomaly(minute=10)], [recovered])), Suppressed)


@pytest.mark.parametrize("phase", [Phase.OPEN, Phase.DIAGNOSED, Phase.DRAFTED, Phase.PROVED])
def test_a_new_symptom_joins_a_case_before_the_forge(phase: Phase) -> None:
    decision = only(triage([anomaly("latency", 45)], [case(anomaly(), phase=phase)]))
    assert isinstance(decision, JoinCase)
    assert isinstance(only(triage([anomaly(direction=DOWN)], [case(anomaly(), phase=phase)])), JoinCase)


@pytest.mark.parametrize(
    ("phase", "hold"),
    [
        (Phase.PROPOSED, Hold.NONE),
        (Phase.MERGED, Hold.NONE),
        (Phase.DEPLOYED, Hold.NONE),
        (Phase.REVERTING, Hold.NONE),
        (Phase.ESCALATED, Hold.NONE),
        (Phase.OPEN, Hold.FROZEN),
        (Phase.PROVED, Hold.GATE),
    ],
)
def test_later_a_case_absorbs_echoes_only(phase: Phase, hold: Hold) -> None:
    there = case(anomaly(), phase=phase, hold=hold)
    assert isinstance(only(triage([anomaly("latency", 8)], [there])), JoinCase)
    assert isinstance(only(triage([anomaly("latency", 45)], [there])), OpenCase)


def test_another_service_never_joins() -> None:
    assert isinstance(only(triage([anomaly("latency", service="cart")], [case(anomaly())])), OpenCase)


def test_many_series_of_a_new_symptom_join_once() -> None:
    decisions = triage([anomaly("latency", route="/a"), anomaly("latency", route="/b")], [case(anomaly())])
    assert [type(decision) for decision in decisions] == [JoinCase, Suppressed]


def test_the_very_trouble_of_an_ended_case_does_not_open_it_again() -> None:
    known = {case_id(anomaly())}
    assert isinstance(only(triage([anomaly()], [], known=known)), Suppressed)
    assert isinstance(only(triage([anomaly(minute=600)], [], known=known)), OpenCase)


def test_every_anomaly_ends_in_one_decision_whatever_the_order() -> None:
    services, names = ("shop", "cart", "mail"), ("errors", "latency", "traffic")
    anomalies = [
        anomaly(name, minute, service=service, route=route)
        for service in services
        for name in names
        for minute in (0, 7, 40)
        for route in ("/a", "/b")
    ]
    active = [case(anomaly()), case(anomaly("latency", 30, service="cart"), phase=Phase.MERGED)]
    expected = triage(anomalies, active, window=timedelta(minutes=10))
    told: list[Anomaly] = []
    for decision in expected:
        told += [decision.anomaly, *(decision.others if isinstance(decision, OpenCase) else ())]
    assert sorted(map(id, told)) == sorted(map(id, anomalies))
    assert triage(anomalies[::-1], active) == expected
    assert triage(anomalies[1::2] + anomalies[::2], active) == expected
