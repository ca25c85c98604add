"""Changes of ours that are open at once name each other, in the order in which to merge them."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from cases.case import Case
from cases.change import ChangeClass, FileEdit, Patch
from cases.events import Diagnosed, Drafted, Entry, Proved
from cases.pull_request_events import Merged, Proposed
from cases.steps import OpenPullRequest, Receipt
from remediation.ports import Ports
from remediation.related import in_order, related
from sandbox.scripted import ScriptedSandbox
from tests.parts.nouns import NOW, SHA, a_change, a_diagnosis, a_trial, an_event, an_opened
from tests.parts.ports import some_ports
from tests.parts.settings import some_settings

RAISE = replace(a_change(), kind=ChangeClass.CONFIGURATION, title="Raise `pool`", inverse_of=None)


@contextmanager
def ports() -> Generator[Ports]:
    with some_ports(settings=some_settings(), sandbox=ScriptedSandbox({}), head=SHA) as given:
        yield given


def touching(path: str, change: Patch = RAISE) -> Patch:
    part = replace(change.lead, edits=(FileEdit(path=path, content=b"size: 6\n"),))
    return replace(change, parts=(part,))


def proposed(given: Ports, name: str, change: Patch, minutes: float) -> Case:
    """A case of that id whose change was proposed so many minutes ago; its pull request is open."""
    first = an_opened()
    at = NOW - timedelta(minutes=minutes)
    given.cases.open(
        Entry(at=at, actor="daemon", event=replace(first, case_id=name, fingerprint=f"{first.fingerprint}{name}")),
        (),
        at,
    )
    key, branch = f"{name}-1-pull-request", f"trackwalker/{name}-1"
    pull = OpenPullRequest(key=key, repository="shop", branch=branch, title="T", body="", labels=(), draft=False)
    case: Case | None = None
    for event, effects in (
        (Diagnosed(diagnosis=a_diagnosis()), ()),
        (Drafted(change=change), ()),
        (Proved(trial=a_trial()), ()),
        (Proposed(change=1, repository="shop", branch=branch), (pull,)),
    ):
        case = given.cases.add(name, Entry(at=at, actor="daemon", event=event), effects, None)
    given.outbox.receive(Receipt(key=key, adopted=False, facts={"url": f"http://127.0.0.1/{name}"}), None)
    assert case is not None
    return case


def test_those_of_one_file_are_named_in_the_order_in_which_they_were_opened() -> None:
    with ports() as given:
        proposed(given, "first", touching("pool.yaml"), 300)
        mine = proposed(given, "mine", touching("pool.yaml"), 20)
        proposed(given, "last", touching("pool.yaml"), 1)
        said = in_order(mine, related(mine, given), NOW)
        first, last = (f"[`Raise 'pool'`](http://127.0.0.1/{name})" for name in ("first", "last"))
        assert f"merge in this order: {first}, then this one, then {last}." in said


def test_those_of_one_class_belong_together_only_at_about_the_same_time() -> None:
    with ports() as given:
        mine = proposed(given, "mine", touching("a.yaml"), 20)
        proposed(given, "near", touching("b.yaml"), 70)
        proposed(given, "far", touching("c.yaml"), 90)
        proposed(given, "other", touching("d.yaml", replace(RAISE, kind=ChangeClass.FLAG)), 20)
        found = related(mine, given)
        assert [(one.case, one.same_file) for one in found] == [("near", False)]
        said = in_order(mine, found, NOW)
        assert said.startswith("**Related open changes**, in any order: [`Raise 'pool'`](http://127.0.0.1/near).")


@pytest.mark.parametrize("where", ["elsewhere", "merged", "unopened"])
def test_what_is_not_open_there_is_not_named(where: str) -> None:
    with ports() as given:
        mine = proposed(given, "mine", touching("a.yaml"), 20)
        change = touching("a.yaml")
        if where == "elsewhere":
            change = replace(change, parts=(replace(change.lead, repository="gitops"),))
        if where != "unopened":
            proposed(given, "other", change, 20)
        if where == "merged":
            given.cases.add("other", Entry(at=NOW, actor="daemon", event=an_event(Merged)), (), None)
        assert related(mine, given) == ()
        assert in_order(mine, (), NOW) == ""
