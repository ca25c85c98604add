"""What may be merged unasked at all: low risk, named paths, proved, and while the harm is young."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cases.case import Case
from cases.change import BlastRadius, ChangeClass
from cases.events import Deployed, Diagnosed, Drafted, Event, Harmed, Killed, Proved
from cases.lifecycle import advance, opened
from cases.outcome import Ruling
from cases.pull_request_events import Merged, Proposed
from cases.trying import Command, CommandReport, TrialOrder
from cases.verdict import Claim
from config.scope import allowed
from remediation.eligible import ineligible
from sandbox.scripted import ScriptedSandbox
from tests.parts.nouns import (
    CULPRIT,
    NOW,
    SHA,
    a_change,
    a_diagnosis,
    a_judgement,
    a_suspect,
    a_trial,
    an_entry,
    an_event,
    an_opened,
)
from tests.parts.ports import some_ports
from tests.parts.settings import some_settings

PATHS = ("shop/**", "gone")


def lived(*events: Event) -> Case:
    case = opened(an_entry(an_opened()))
    for minute, event in enumerate(events, start=1):
        case = advance(case, an_entry(event, minute))
    return case


def low() -> Any:  # noqa: ANN401 - a Patch, to be changed at will
    blast = BlastRadius(files=2, lines=2, services=("shop",), owners=("@sre",), migrations="none found")
    return replace(a_change(), blast_radius=blast)


def proposed(change: Any = None, **trial: Any) -> Case:  # noqa: ANN401 - the same
    proof = replace(a_trial(), **trial)
    return lived(
        Diagnosed(diagnosis=a_diagnosis()), Drafted(change=change or low()), Proved(trial=proof), an_event(Proposed)
    )


def untried(order: TrialOrder, command: Command) -> CommandReport:
    raise AssertionError(f"nobody tries {command.name} of {order.key}")


def against(case: Case, paths: tuple[str, ...] = PATHS) -> list[str]:
    settings = some_settings({"default": "observe", "file": "trust.yaml", "auto_merge": {"paths": list(paths)}})
    with some_ports(settings=settings, sandbox=ScriptedSandbox(untried), head=SHA) as ports:
        return [one.because for one in ineligible(case, ports)]


def test_a_small_proved_revert_in_named_paths_may_be() -> None:
    assert against(proposed()) == []


@pytest.mark.parametrize(
    ("case", "paths", "said"),
    [
        (proposed, (), "names no path"),
        (proposed, ("docs/**",), "shop/pricing.py, gone: outside"),
        (proposed, ("SHOP/**", "gone"), "shop/pricing.py: outside"),
        (lambda: proposed(claim=Claim.CORRELATED), PATHS, "the sandbox did not prove it"),
        (lambda: proposed(base=CULPRIT), PATHS, "never tried on what it stands on"),
        (lambda: proposed(a_change()), PATHS, "its risk is high"),
        (lambda: proposed(replace(low(), kind=ChangeClass.EDIT, inverse_of=None)), PATHS, "its risk is normal"),
        (lambda: proposed(replace(low(), parts=low().parts * 2)), PATHS, "2 repositories"),
        (lambda: proposed(replace(low(), inverse_of=SHA)), PATHS, f"it is not known since when {SHA[:10]} runs"),
    ],
)
def test_anything_else_is_a_humans(case: Callable[[], Case], paths: tuple[str, ...], said: str) -> None:
    assert any(said in one for one in against(case(), paths))


def test_a_culprit_that_runs_for_more_than_two_days_is_a_humans() -> None:
    old = replace(a_suspect(), deployed=NOW - timedelta(hours=49))
    diagnosis = replace(a_diagnosis(), suspects=(old,))
    case = lived(Diagnosed(diagnosis=diagnosis), Drafted(change=low()), Proved(trial=a_trial()), an_event(Proposed))
    assert against(case) == [f"{CULPRIT[:10]} runs for longer than the 2d in which it is taken back"]


def rolled_back(harm: Event, hours: float = 0) -> Case:
    """A change of ours that ran for so many hours, and its rollback, proposed."""
    deployed = an_event(Deployed)
    assert isinstance(deployed, Deployed)
    ran = replace(deployed, deploy=replace(deployed.deploy, started=NOW - timedelta(hours=hours)))
    undo = replace(low(), number=2, rolls_back=1)
    way = (an_event(Merged), ran, harm, Drafted(change=undo), Proved(trial=replace(a_trial(), change=2)))
    return lived(
        Diagnosed(diagnosis=a_diagnosis()), Drafted(change=low()), Proved(trial=a_trial()), an_event(Proposed), *way,
        Proposed(change=2, repository="shop", branch="trackwalker/deadbeef-2"),
    )  # fmt: skip


def test_a_rollback_needs_a_judgement_and_young_harm() -> None:
    harmed = an_event(Harmed)
    assert against(rolled_back(harmed)) == []
    assert against(rolled_back(Killed(because="brake", judgement=a_judgement(Ruling.HARMFUL)))) == []
    assert against(rolled_back(harmed, hours=49)) == ["change 1 runs for longer than the 2d in which it is taken back"]
    assert against(rolled_back(Killed(because="sre asks for it"))) == [
        "no judgement says that change 1 did harm: somebody asked for it"
    ]


def test_an_allow_list_means_letter_case_and_clean_paths() -> None:
    assert allowed("shop/a.py", ("shop/**",))
    assert not allowed("Shop/a.py", ("shop/**",))
    assert not allowed("shop/../a.py", ("**",))
    assert not allowed("shop/a.py", ())
