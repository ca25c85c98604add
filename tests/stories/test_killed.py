"""Ended before and after every write to the outside, and started again: it ends the same, and nothing is done twice."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cases.case import Case, Phase
from cases.outcome import Ending
from cases.ports import Forge, Sandbox
from tests.parts.playhouse import House, house

WRITES = ("push", "open_pull_request", "comment", "store_plot")


class Killed(BaseException):
    """What `kill -9` looks like from the inside: nothing after this line runs."""


class Deadly:
    """A port that ends the process once before and once after each of its calls, and lets the third one through."""

    def __init__(self, port: object, names: tuple[str, ...], struck: dict[str, int]) -> None:
        self._port = port
        self._names = names
        self._struck = struck

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the port has
        real: Callable[..., Any] = getattr(self._port, name)
        return self._deadly(name, real) if name in self._names else real

    def _deadly(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the port's own
            key = f"{name} {args[:3]}" if name != "comment" else f"{name} {args[2]}"
            times = self._struck[key] = self._struck.get(key, 0) + 1
            if times == 1:
                raise Killed(f"before {key}")
            answer = real(*args, **kwargs)
            if times == 2:
                raise Killed(f"after {key}")
            return answer

        return call


def lives(it: House, *phases: Phase) -> tuple[Case, int]:
    """Start the daemon again and again until the case is there; how many lives it took."""
    for life in range(1, 60):
        try:
            with it.alive():
                return it.until(*phases, minutes=120), life
        except Killed:
            continue
    raise AssertionError("it never came through")


@pytest.mark.long  # in one process what `faults/kills` does to a daemon of its own, at each call of every step
def test_killed_around_every_write_it_ends_the_same(tmp_path: Path) -> None:
    struck: dict[str, int] = {}
    with house(tmp_path) as it:

        def deadly_forge(forge: Forge) -> Any:  # noqa: ANN401 - a Forge, by delegation
            return Deadly(forge, WRITES, struck)

        def deadly_sandbox(sandbox: Sandbox) -> Any:  # noqa: ANN401 - a Sandbox, by delegation
            return Deadly(sandbox, ("run",), struck)

        it.wrap_forge, it.wrap_sandbox = deadly_forge, deadly_sandbox
        _, first = lives(it, Phase.PROPOSED)
        with it.alive():  # until the effects of the proposal are through
            it.passes(1)
        _, more = lives(it, Phase.PROPOSED)
        (pull,) = it.pull_requests()
        it.merge(pull["number"])
        case, last = lives(it, Phase.CLOSED)
        assert case.outcome is not None
        assert case.outcome.ending is Ending.WORKED
        stages = [body.split("**")[1].split()[0].strip(".:") for body in it.comments(pull["number"])]
        assert stages == ["Merged", "Deployed", "Worked"]
        assert len(it.pull_requests()) == 1
        with it.alive() as app:
            it.passes(2)
            assert [found.id for found in app.ledger.cases.listed()] == [case.id]
            assert [lesson.id for lesson in app.ledger.lessons.recall(case.fingerprint, case.service)] == [
                case.lesson.id if case.lesson else ""
            ]
        # each write was struck before and after: a harness that strikes nothing would prove nothing
        assert {name: sum(key.startswith(name) for key in struck) for name in (*WRITES, "run")} == {
            "push": 1, "open_pull_request": 1, "comment": 3, "store_plot": 2, "run": 4,
        }  # fmt: skip
        assert all(times >= 3 for times in struck.values())
        assert first + more + last > 12
