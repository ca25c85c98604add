"""When the issue that shows a change is over, and in which words."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cases.case import Case
from cases.events import Closed, Diagnosed, Drafted, Event, Gated, Proved, Recovered, Rejected, Retried
from cases.lifecycle import advance, opened
from remediation.showing import over
from tests.parts.nouns import NOW, a_change, a_diagnosis, a_trial, an_entry, an_event, an_opened

BRANCH = "trackwalker/deadbeef-1"
GATED = Gated(reason="authority is `propose`", gate="deadbeef-1", shown="shop")


def waiting(*more: Event) -> Case:
    case = opened(an_entry(an_opened()))
    events = (Diagnosed(diagnosis=a_diagnosis()), Drafted(change=a_change()), Proved(trial=a_trial()), GATED)
    for event in (*events, *more):
        case = advance(case, an_entry(event))
    return case


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ((), ""),
        ((Recovered(because="it fell"),), "the signals are back by themselves since"),
        ((Rejected(because="it is the other commit"),), "**Over.** it is the other commit"),
        ((Rejected(because="no"), an_event(Closed)), "**Over.** "),
        ((Retried(because="again"), Diagnosed(diagnosis=a_diagnosis()), Drafted(change=a_change(2))), "**Overtaken**"),
    ],
)
def test_it_is_over_with_a_reason(events: tuple[Event, ...], said: str) -> None:
    found = over(waiting(*events), BRANCH, "", NOW + timedelta(hours=2))
    assert (found is not None) is bool(said)
    assert found is None or (said in found.because and not found.done)


def test_a_while_of_quiet_is_not_the_end_and_an_open_pull_request_is() -> None:
    case = waiting(Recovered(because="it fell"))
    assert over(case, BRANCH, "", NOW + timedelta(minutes=59)) is None
    found = over(case, BRANCH, "http://127.0.0.1/7", NOW)
    assert found is not None
    assert (found.done, found.because.startswith("**Opened** as http://127.0.0.1/7")) == (True, True)
    assert waiting().shown_in == "shop"
    assert replace(waiting(), changes=()).shown_in == ""
