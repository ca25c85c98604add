"""From anomalies to cases: nothing lost, nothing twice, and always a reason."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cases.anomaly import Anomaly, AnomalyKind
from cases.case import Case, Echo, Hold, Phase
from cases.events import Recovered
from cases.telemetry import Direction, Severity
from detectors.echoes import MOST_ECHOES, fading
from detectors.topology import Topology
from detectors.triage import MOMENT, MOST_SERIES, Decision, JoinCase, OpenCase, Suppressed, case_id, triage
from tests.detectors.series import at, signal
from tests.parts.nouns import an_entry

UP, DOWN = Direction.UP, Direction.DOWN


def anomaly(  # noqa: PLR0913 - each has its default
    name: str = "errors",
    minute: float = 0,
    *,
    service: str = "shop",
    severity: Severity = Severity.TICKET,
    direction: Direction = UP,
    route: str = "/checkout",
    score: float = 0.7,
    peer: str = "",
) -> Anomaly:
    return Anomaly(
        signal=signal(name, service=service, severity=severity),
        labels={"route": route, **({"peer_service": peer} if peer else {})},
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


CHAIN = Topology(calls={"web": ("api",), "api": ("db",), "mobile": ("api",)})


def opened(decisions: tuple[Decision, ...]) -> list[OpenCase]:
    return [decision for decision in decisions if isinstance(decision, OpenCase)]


def echoed(decisions: tuple[Decision, ...]) -> list[Suppressed]:
    return [decision for decision in decisions if isinstance(decision, Suppressed) and decision.echo]


def test_services_that_call_each_other_are_one_case_led_by_the_deepest() -> None:
    page = anomaly(service="web", severity=Severity.PAGE)
    decisions = triage(
        [page, anomaly("latency", 2, service="api"), anomaly("locks", 3, service="db")], (), topology=CHAIN
    )
    (case_of_db,) = opened(decisions)
    assert case_of_db.service == "db"
    assert [(one.anomaly.signal.service, one.case_id) for one in echoed(decisions)] == [
        ("api", case_of_db.case_id),
        ("web", case_of_db.case_id),
    ]
    assert echoed(decisions)[1].because == (
        f"web depends on db (web → api → db, as declared), and case {case_of_db.case_id} of db is of the same moment"
    )


def test_a_service_that_is_well_passes_a_symptom_on() -> None:
    (case_of_db,) = opened(triage([anomaly(service="web"), anomaly(service="db")], (), topology=CHAIN))
    assert case_of_db.service == "db"


def test_time_alone_never_makes_two_services_one_story() -> None:
    beside = [anomaly(service="web"), anomaly(service="mail"), anomaly(service="mobile")]
    assert len(opened(triage(beside, (), topology=CHAIN))) == 3, "mobile and web share a dependency that is well"
    assert len(opened(triage([anomaly(service="web"), anomaly(minute=11, service="db")], (), topology=CHAIN))) == 2


def test_a_series_that_names_whom_its_service_calls_says_as_much() -> None:
    named = [anomaly("calls", service="web", peer="db.prod.svc.cluster.local"), anomaly(service="db")]
    decisions = triage(named, ())
    assert [one.service for one in opened(decisions)] == ["db"]
    assert "web → db, by the label peer_service of its own series" in echoed(decisions)[0].because
    assert len(opened(triage([anomaly("calls", service="web", peer="dbx"), anomaly(service="db")], ()))) == 2


def test_services_that_call_each_other_in_a_ring_are_one_case() -> None:
    ring = Topology(calls={"a": ("b",), "b": ("c",), "c": ("a",)})
    decisions = triage([anomaly(minute=1, service=name) for name in "abc"], (), topology=ring)
    assert (len(opened(decisions)), len(echoed(decisions))) == (1, 2)


def test_an_echo_of_a_case_that_is_there_is_listed_once_and_then_known() -> None:
    there = case(anomaly(service="db"), phase=Phase.PROPOSED)
    echo = anomaly(minute=4, service="web")
    (first,) = echoed(triage([echo, anomaly(minute=4, service="web", route="/b")], [there], topology=CHAIN))
    listing = replace(there, echoes=(Echo(anomaly=echo, at=at(7), because=first.because),))
    for again, lasting in ((echo, ()), (anomaly(minute=90, service="web"), (echo.fingerprint,))):
        decision = only(triage([again], [listing], topology=CHAIN, lasting=lasting))
        assert isinstance(decision, Suppressed)
        assert not decision.echo
    assert isinstance(only(triage([anomaly(minute=90, service="web")], [listing], topology=CHAIN)), OpenCase), "news"
    urgent = only(triage([anomaly(minute=4, service="web", severity=Severity.PAGE)], [listing], topology=CHAIN))
    assert isinstance(urgent, Suppressed)
    assert urgent.echo, "it asks for more than what was listed"


@pytest.mark.parametrize("phase", [Phase.OPEN, Phase.PROVED])
def test_a_case_is_traced_to_the_service_that_its_own_depends_on(phase: Phase) -> None:
    there = case(anomaly(service="web"), phase=phase)
    decisions = triage([anomaly("locks", 2, service="db"), anomaly("waits", 3, service="db")], [there], topology=CHAIN)
    head, other = decisions
    assert isinstance(head, JoinCase)
    assert isinstance(other, JoinCase)
    assert (head.leads, head.anomaly.signal.name, other.leads, {head.case_id, other.case_id}) == (
        True,
        "locks",
        False,
        {there.id},
    )
    assert head.because.startswith("web depends on db (web → api → db, as declared)")


def test_of_several_cases_of_callers_one_is_traced_and_the_others_end_as_its_echoes() -> None:
    web, mobile = case(anomaly(service="web")), case(anomaly(minute=1, service="mobile"))
    apart = case(anomaly(minute=1, service="mail"))
    head = only(triage([anomaly("locks", 2, service="db")], [web, mobile, apart], topology=CHAIN))
    assert isinstance(head, JoinCase)
    assert (head.case_id, head.leads, [name for name, _ in head.folds]) == (web.id, True, [mobile.id])
    assert head.folds[0][1].startswith("mobile depends on db (mobile → api → db, as declared)")


@pytest.mark.parametrize(("phase", "hold"), [(Phase.PROPOSED, Hold.NONE), (Phase.OPEN, Hold.FROZEN)])
def test_a_case_that_people_look_at_is_left_what_it_is(phase: Phase, hold: Hold) -> None:
    there = case(anomaly(service="web"), phase=phase, hold=hold)
    assert isinstance(only(triage([anomaly(minute=2, service="db")], [there], topology=CHAIN)), OpenCase)


def test_echoes_have_an_end() -> None:
    many = [anomaly(f"rule-{number}", 1, service="web") for number in range(MOST_ECHOES + 5)]
    decisions = triage([*many, anomaly(service="db")], (), topology=CHAIN)
    assert len(echoed(decisions)) == MOST_ECHOES
    assert len(decisions) == len(many) + 1


def test_an_echo_outlives_its_case_by_a_moment_only() -> None:
    echo = anomaly(minute=1, service="web")
    closed = an_entry(Recovered(because="it fell"))
    there = replace(
        case(anomaly(service="db")),
        echoes=(Echo(anomaly=echo, at=at(3), because="it calls db"),),
        history=(replace(closed, at=at(20)),),
    )
    assert fading(echo, [there], at(29), MOMENT).startswith(f"it is an echo of case {there.id} of db")
    assert fading(echo, [there], at(31), MOMENT) == ""
    assert fading(anomaly(minute=25, service="web"), [there], at(29), MOMENT) == "", "it began after the end"


INCIDENTS = 5


def test_a_storm_of_thousands_is_as_many_cases_as_incidents() -> None:
    calls: dict[str, tuple[str, ...]] = {}
    storm: list[Anomaly] = []
    for number in range(INCIDENTS):
        root, *above = (f"{role}{number}" for role in ("db", "api", "web", "mobile"))
        calls |= {above[0]: (root,), above[1]: (above[0],), above[2]: (above[0],)}
        for depth, service in enumerate((root, *above)):
            storm += [
                anomaly(name, 0.1 * number + depth, service=service, route=f"/{route}", severity=severity)
                for route in range(100)
                for name, severity in (("errors", Severity.PAGE), ("latency", Severity.TICKET))
            ]
    assert len(storm) == 4000
    decisions = triage(storm, (), topology=Topology(calls=calls))
    cases = opened(decisions)
    assert sorted(one.service for one in cases) == [f"db{number}" for number in range(INCIDENTS)]
    assert sum(1 + len(one.others) for one in cases) + len(decisions) - len(cases) == len(storm), "each has its place"
    assert len(echoed(decisions)) == INCIDENTS * 3 * 2, "each signal of each service that calls is listed once"
    assert triage(storm[::-1], (), topology=Topology(calls=calls)) == decisions
    assert len(opened(triage(storm, ()))) == INCIDENTS * 4, "nothing is merged that is not known to belong together"
