"""Improvements at the seams: what they give way to, what earlier lessons set back, and what people hear of them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cases.anomaly import AnomalyKind
from cases.case import Case, Phase
from cases.change import ChangeClass
from cases.events import Closed, Escalated, Harmed, Opened
from cases.lifecycle import opened
from cases.outcome import Ending, Lesson
from cases.steps import SendNotice, StepResult
from cases.telemetry import Severity
from remediation.giving_way import LATER, GaveWay, yield_the_bench
from remediation.improvement import quietly, rank, remedy, step
from remediation.ports import Ports
from sandbox.scripted import ScriptedSandbox
from tests.parts.nouns import NOW, SHA, a_change, a_judgement, a_lesson, an_anomaly, an_entry, an_opened
from tests.parts.ports import some_ports
from tests.parts.settings import some_settings


def slow(name: str = "latency", minutes: float = 0) -> Opened:
    anomaly = replace(an_anomaly(name), kind=AnomalyKind.DRIFT)
    case = f"slow-{name}"
    at = NOW + timedelta(minutes=minutes)
    return replace(an_opened(), case_id=case, anomaly=replace(anomaly, detected=at), fingerprint=anomaly.fingerprint)


def never(case: Case, ports: Ports) -> StepResult:
    raise AssertionError(f"nobody may work on {case.id} at {ports.now}")


def mine(case: Case, ports: Ports) -> StepResult:
    return StepResult(waiting=f"{case.id} at {ports.now}")


def test_an_incident_goes_first_and_one_improvement_after_the_other() -> None:
    with some_ports(settings=some_settings(), sandbox=ScriptedSandbox({}), head=SHA) as ports:
        first, second = opened(an_entry(slow())), opened(an_entry(slow("memory"), minutes=1))
        for case in (first, second):
            ports.cases.open(case.history[0], (), NOW)
        waits = step(second, ports, never)
        assert (waits.events, waits.again) == ((), ports.now + LATER)
        assert "slow-latency of shop was first" in waits.waiting
        yield_the_bench(first, ports)
        ports.cases.open(an_entry(an_opened()), (), NOW)
        assert "is an incident, and goes first" in step(first, ports, never).waiting
        with pytest.raises(GaveWay, match="incident"):
            yield_the_bench(first, ports)
        live = ports.cases.load("deadbeef")
        yield_the_bench(live, ports)
        ports.cases.add(live.id, an_entry(Escalated(reason="a human has it")), (), None)
        assert step(first, ports, mine).waiting.startswith("slow-latency at")


def test_what_showed_nothing_is_set_back_and_what_worked_comes_first() -> None:
    change = replace(a_change(), origin="playbook:tune-a-value", kind=ChangeClass.IMPROVEMENT)
    base: Lesson = replace(a_lesson(), strategy=change.origin, paths=change.lead.paths)
    ends = [replace(base, ending=ending) for ending in (Ending.UNCHANGED, Ending.INCONCLUSIVE, Ending.WORKED)]
    assert [rank(change, ends[:count]) for count in range(4)] == [0, 1, 2, 1]
    assert rank(change, [replace(ends[0], paths=("elsewhere",)), replace(ends[0], strategy="model:x")]) == 0


def test_nobody_is_woken_but_for_harm_that_was_merged() -> None:
    case = opened(an_entry(slow()))
    with some_ports(settings=some_settings(), sandbox=ScriptedSandbox({}), head=SHA) as ports:
        page = ports.tell("k", Severity.PAGE, "s", "t", case=case.id)
        ended = quietly(case, ports, StepResult(events=(Escalated(reason="there is nothing to try"),), effects=page))
        (closed,) = ended.events
        assert isinstance(closed, Closed)
        assert closed.outcome.because == "no improvement was shown: there is nothing to try"
        assert (closed.outcome.ending, ended.effects) == (Ending.INCONCLUSIVE, ())
        (note,) = quietly(case, ports, StepResult(effects=page)).effects
        assert isinstance(note, SendNotice)
        assert note.notice.severity is Severity.NOTE
        harmed = StepResult(events=(Harmed(judgement=a_judgement()),), effects=page)
        assert quietly(replace(case, phase=Phase.DEPLOYED), ports, harmed) == harmed


def test_a_case_is_opened_only_where_something_can_be_tried_and_shown() -> None:
    rule = {"file": "a.yaml", "path": ".a", "signal": "errors", "bound": 9, "answers": "improvement"}
    repository = {"name": "shop", "url": "http://127.0.0.1:9/acme/shop.git", "full_name": "acme/shop"}
    shown = [{**repository, "bench": "python bench.py"}]
    service = {"name": "shop", "repository": "shop"}
    able = some_settings(repositories=shown, services=[{**service, "tune": [rule]}])
    assert "the operator's rule names .a in a.yaml" in remedy(able, "shop", "errors")
    assert remedy(able, "shop", "latency") == ""
    assert remedy(some_settings(repositories=shown), "shop", "errors") == ""
    talking = some_settings(
        repositories=shown,
        model={"provider": "ollama", "diagnose": "qwen", "prices": {"qwen": {"input": 0, "output": 0}}},
    )
    assert remedy(talking, "shop", "errors") == "a model may find an edit"
    assert remedy(talking, "shop", "errors", idle=True) == ""
    live = {**rule, "answers": "trouble"}
    assert remedy(some_settings(repositories=shown, services=[{**service, "tune": [live]}]), "shop", "errors") == ""
