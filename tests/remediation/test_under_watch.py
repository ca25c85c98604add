"""While a change of ours is watched on a service, no other is merged unasked there, and a new pull request says so."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from cases.case import Case
from cases.events import Deployed, Diagnosed, Drafted, Event, Judged, Proved
from cases.lifecycle import advance, opened
from cases.pull_request_events import MergeAnnounced, Merged, Proposed
from cases.steps import PostComment
from cases.trying import Command, CommandReport, TrialOrder
from remediation.ports import Ports
from remediation.under_watch import beside, said_beside
from sandbox.scripted import ScriptedSandbox
from tests.parts.nouns import NOW, SHA, a_change, an_anomaly, an_entry, an_event, an_opened
from tests.parts.ports import some_ports
from tests.parts.settings import some_settings


def untried(order: TrialOrder, command: Command) -> CommandReport:
    raise AssertionError(f"nobody tries {command.name} of {order.key}")


@pytest.fixture
def ports() -> Iterator[Ports]:
    with some_ports(settings=some_settings(), sandbox=ScriptedSandbox(untried), head=SHA) as made:
        yield made


def lived(ports: Ports, name: str, *events: Event, service: str = "shop") -> Case:
    """A case of that service in the ledger, proposed, and what followed."""
    signal = replace(an_anomaly().signal, service=service)
    birth = replace(
        an_opened(), case_id=name, fingerprint=name, service=service, anomaly=replace(an_anomaly(), signal=signal)
    )
    proposal = replace(an_event(Proposed), branch=f"trackwalker/{name}-1")
    change = replace(a_change(), blast_radius=replace(a_change().blast_radius, services=(service,)))
    way = (an_event(Diagnosed), Drafted(change=change), an_event(Proved), proposal)
    case = opened(an_entry(birth))
    assert ports.cases.open(an_entry(birth), (), NOW) is not None
    for minute, event in enumerate((*way, *events), start=1):
        case = advance(case, an_entry(event, minute))
        ports.cases.add(name, an_entry(event, minute), (), None)
    return case


def reasons(case: Case, ports: Ports) -> list[str]:
    found = list(beside(case, ports))
    assert all(one.passes for one in found)
    return [one.because for one in found]


def test_a_watched_change_holds_the_next_one_until_it_is_judged(ports: Ports) -> None:
    lived(ports, "first", an_event(Merged))
    mine = lived(ports, "second")
    assert reasons(mine, ports) == ["change 1 of case first (http://127.0.0.1/7) is being watched on shop"]
    (said,) = said_beside(mine, ports)
    assert isinstance(said, PostComment)
    assert said.body.startswith("**Another change is being watched on shop.**")
    assert "- change 1 of case first (http://127.0.0.1/7), until 2026-03-11T05:06:07Z at the latest" in said.body
    ports.cases.add("first", an_entry(an_event(Deployed), 6), (), None)
    assert len(reasons(mine, ports)) == 1
    ports.cases.add("first", an_entry(an_event(Judged), 7), (), None)
    assert len(reasons(mine, ports)) == 1  # its lesson is the next step
    assert reasons(lived(ports, "third", service="cart"), ports) == []


def test_of_two_that_are_announced_the_first_goes_first(ports: Ports) -> None:
    soon = an_event(MergeAnnounced)
    assert isinstance(soon, MergeAnnounced)
    first = lived(ports, "first", soon)
    late = lived(ports, "second", replace(soon, until=soon.until + timedelta(minutes=1)))
    assert reasons(first, ports) == []
    assert reasons(late, ports) == ["change 1 of case first was announced first on shop"]
    assert reasons(lived(ports, "third"), ports)[0] == "change 1 of case first was announced first on shop"
    assert said_beside(late, ports) == ()
