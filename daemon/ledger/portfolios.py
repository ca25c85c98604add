"""Portfolios: the hypotheses that were made for each goal, kept before any of them becomes a case.

One checkpoint a goal. What is in it is never taken out: what was offered once is known, whatever became of it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from cases.errors import PermanentError, TemporaryError
from cases.hypothesis import Hypothesis
from cases.leases import Swap
from daemon.ledger.audit import AuditEntry, append
from daemon.ledger.checkpoints import LedgerCheckpoints, swapped
from daemon.ledger.database import Database

if TYPE_CHECKING:
    from pydantic import TypeAdapter

TRIES = 20
ACTION = "portfolio.offered"
WANTED = "portfolio.wanted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What was made for one goal.

    ideas    every hypothesis, the oldest first
    refused  what was not taken in the last time, and why: a sentence each
    wanted   whether somebody asked for more
    usd      what models cost for it
    """

    ideas: tuple[Hypothesis, ...] = ()
    refused: tuple[str, ...] = ()
    wanted: bool = False
    made: bool = False
    usd: float = 0.0


class LedgerPortfolios:
    """The portfolios of one ledger. Safe for several processes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._checkpoints = LedgerCheckpoints(database)

    def load(self, goal: str) -> Offered:
        """What was made for the goal of that name; nothing for one that nothing was made for."""
        return _read(self._checkpoints.get(_key(goal)), goal)

    def offer(
        self, goal: str, ideas: tuple[Hypothesis, ...], refused: tuple[str, ...], usd: float, by: str, at: datetime
    ) -> Offered:
        """Keep hypotheses beside those that are there; one that is known is not kept twice."""

        def more(had: Offered) -> Offered:
            known = {one.id for one in had.ideas}
            fresh = tuple(one for one in ideas if one.id not in known)
            return Offered(ideas=(*had.ideas, *fresh), refused=refused, made=True, usd=had.usd + usd)

        return self._change(goal, more, ACTION, by, at, {"offered": ", ".join(one.id for one in ideas)})

    def want(self, goal: str, by: str, at: datetime) -> Offered:
        """Ask for more."""
        return self._change(goal, lambda had: replace(had, wanted=True), WANTED, by, at, {})

    def add(self, goal: str, idea: Hypothesis, by: str, at: datetime) -> Offered:
        """Keep an idea that somebody brought. Raises PermanentError where it is known already."""

        def more(had: Offered) -> Offered:
            if idea.id in {one.id for one in had.ideas}:
                raise PermanentError(f"outcome {goal} had this idea before: hypothesis {idea.id}")
            return replace(had, ideas=(*had.ideas, idea))

        return self._change(goal, more, ACTION, by, at, {"offered": idea.id})

    def _change(
        self,
        goal: str,
        change: Callable[[Offered], Offered],
        action: str,
        by: str,
        at: datetime,
        said: dict[str, str],
    ) -> Offered:
        for _ in range(TRIES):
            blob = self._checkpoints.get(_key(goal))
            after = change(_read(blob, goal))
            swap = Swap(key=_key(goal), before=blob, after=_adapter().dump_json(after))
            with self._database.writing() as connection:
                if swapped(connection, swap, at):
                    line = AuditEntry(at=at, actor=by, action=action, case=f"{goal}-1", detail={"goal": goal, **said})
                    append(connection, line)
                    return after
        raise TemporaryError(f"others have changed the ideas for {goal} all the time: try again")


def _key(goal: str) -> str:
    return f"portfolio:{goal}"


def _read(blob: bytes | None, goal: str) -> Offered:
    if blob is None:
        return Offered()
    from pydantic import ValidationError

    try:
        return _adapter().validate_json(blob)
    except ValidationError:
        raise PermanentError(f"the ideas for outcome {goal} cannot be read: another version wrote them") from None


def _adapter() -> "TypeAdapter[Offered]":
    from pydantic import TypeAdapter

    return TypeAdapter(Offered)
