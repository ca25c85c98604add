"""A precedent is the newest outcome of the very same trouble, and only where it was a change that worked."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from cases.lifecycle import opened
from cases.outcome import Ending, Lesson
from remediation.ports import Ports
from remediation.precedent import precedent
from sandbox.scripted import ScriptedSandbox
from tests.parts.nouns import CULPRIT, SHA, a_commit, a_lesson, a_suspect, an_entry, an_opened
from tests.parts.ports import some_ports
from tests.parts.settings import some_settings

CASE = opened(an_entry(an_opened()))


@pytest.fixture(scope="module")
def ports() -> Iterator[Ports]:
    with some_ports(settings=some_settings(), sandbox=ScriptedSandbox({}), head=SHA) as built:
        yield built


def worked(**more: object) -> Lesson:
    known = replace(a_lesson(), fingerprint=CASE.fingerprint, merged=True, case="earlier")
    return replace(known, **more)  # type: ignore[arg-type]


def test_what_worked_is_one_even_where_its_case_is_gone(ports: Ports) -> None:
    found = precedent(CASE, ports, [worked()])
    assert found is not None
    assert (found.lesson, found.change, found.edit) == (worked(), None, None)
    assert found.touches(a_suspect())


@pytest.mark.parametrize(
    "lesson",
    [
        worked(ending=Ending.UNCHANGED),
        worked(ending=Ending.ROLLED_BACK),
        worked(ending=Ending.CLOSED_UNMERGED),
        worked(ending=Ending.INCONCLUSIVE),
        worked(merged=False),
        worked(fingerprint="another"),
        worked(service="cart"),
        worked(case=CASE.id),
    ],
)
def test_nothing_else_is_one(ports: Ports, lesson: Lesson) -> None:
    assert precedent(CASE, ports, [lesson]) is None


def test_a_later_end_takes_its_word_away(ports: Ports) -> None:
    assert precedent(CASE, ports, [worked(id="later", ending=Ending.UNCHANGED), worked()]) is None
    assert precedent(CASE, ports, [worked(id="aside", fingerprint="another"), worked()]) is not None


def test_the_mending_itself_is_nobody_to_blame(ports: Ports) -> None:
    found = precedent(CASE, ports, [worked()])
    assert found is not None
    mine = replace(found, merges=frozenset({CULPRIT}))
    assert not mine.touches(a_suspect())
    assert not found.touches(replace(a_suspect(), commit=replace(a_commit(), files=("shop/other.py",))))
