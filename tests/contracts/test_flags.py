"""The contract of the Flags port: flagd files in Git at the local forge, Unleash, LaunchDarkly, and the stand-in."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from cases.errors import PermanentError
from tests.parts.flags import Shelf, at_launchdarkly, at_unleash, in_git, scripted

WHY = "the guardrail checkout errors was violated"


@pytest.fixture(params=[in_git, at_unleash, at_launchdarkly, scripted])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    made: Callable[[Path], AbstractContextManager[Shelf]] = request.param
    with made(tmp_path) as there:
        yield there


def test_a_flag_is_read_as_it_is(shelf: Shelf) -> None:
    now = shelf.flags.now(shelf.place)
    assert now is not None
    assert now.on
    assert pytest.approx(0.75) == now.shares[now.control]
    assert pytest.approx(1.0) == sum(now.shares.values())


def test_where_there_is_no_flag_there_is_none(shelf: Shelf) -> None:
    assert shelf.flags.now(shelf.nowhere) is None
    with pytest.raises(PermanentError, match=r"gone .*cannot be turned off"):
        shelf.flags.off(shelf.nowhere, "kill-1", WHY)


def test_off_shows_everybody_the_control_and_touches_nothing_else(shelf: Shelf) -> None:
    others = shelf.others()
    receipt = shelf.flags.off(shelf.place, "kill-1", WHY)
    now = shelf.flags.now(shelf.place)
    assert now is not None
    assert (receipt.key, receipt.adopted) == ("kill-1", False)
    assert (False, {now.control: 1.0}) == (now.on, now.shares)
    assert others == shelf.others()


def test_off_is_done_once(shelf: Shelf) -> None:
    first = shelf.flags.off(shelf.place, "kill-1", WHY)
    written = shelf.wrote()
    again = shelf.flags.off(shelf.place, "kill-1", WHY)
    other = shelf.flags.off(shelf.place, "kill-2", WHY)
    assert (first.adopted, again.adopted, other.adopted) == (False, True, True)
    assert written == shelf.wrote()


def test_a_flag_that_was_turned_on_again_is_turned_off_by_another_effect(shelf: Shelf) -> None:
    shelf.flags.off(shelf.place, "kill-1", WHY)
    shelf.again()
    receipt = shelf.flags.off(shelf.place, "kill-2", WHY)
    now = shelf.flags.now(shelf.place)
    assert now is not None
    assert (receipt.adopted, now.on) == (False, False)
