"""Goals and their steps: one checkpoint, each change in one transaction with its line in the audit."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from cases.errors import PermanentError, TemporaryError
from cases.goal import Goal, Pursued, State, Step
from cases.leases import Swap
from daemon.ledger.audit import AuditEntry, append
from daemon.ledger.checkpoints import LedgerCheckpoints, swapped
from daemon.ledger.database import Database

if TYPE_CHECKING:
    from pydantic import TypeAdapter

KEY = "goals"
TRIES = 20
ACTION = "goal."
"""How the action of a step begins in the audit; the state it leads to ends it."""


class LedgerGoals:
    """The goals of one ledger. Safe for several processes: of two that step at the same time one looks again."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._checkpoints = LedgerCheckpoints(database)

    def listed(self) -> tuple[Pursued, ...]:
        """All of them, by name."""
        return tuple(known for _, known in sorted(_read(self._checkpoints.get(KEY)).items()))

    def load(self, name: str) -> Pursued:
        """The one of that name. Raises PermanentError, with the names there are."""
        known = _read(self._checkpoints.get(KEY))
        if name not in known:
            raise _unknown(name, known)
        return known[name]

    def add(self, goal: Goal, digest: str, step: Step) -> Pursued:
        """Keep a goal as a draft; a draft that is there is replaced, and the same file again changes nothing.

        Raises PermanentError where one of that name was active: what was promised then is not rewritten.
        """
        for _ in range(TRIES):
            blob = self._checkpoints.get(KEY)
            known = _read(blob)
            before = known.get(goal.name)
            if before is not None and before.digest == digest:
                return before
            if before is not None and before.state is not State.DRAFT:
                raise PermanentError(
                    f"outcome {goal.name} is {before.state} already, as another file says: give this one another name"
                )
            added = Pursued(goal=goal, digest=digest, steps=(*(before.steps if before else ()), step))
            if self._put(blob, {**known, goal.name: added}, goal.name, digest, step):
                return added
        raise TemporaryError("others have changed outcomes all the time: try again")

    def step(self, name: str, step: Step) -> tuple[Pursued, bool]:
        """Take a step; the goal then, and whether it was taken: one that is in that state already stays as it is.

        Raises IllegalStep where its state leads elsewhere, PermanentError where there is none of that name.
        """
        for _ in range(TRIES):
            blob = self._checkpoints.get(KEY)
            known = _read(blob)
            if name not in known:
                raise _unknown(name, known)
            if known[name].state is step.to:
                return known[name], False
            after = known[name].after(step)
            if self._put(blob, {**known, name: after}, name, after.digest, step):
                return after, True
        raise TemporaryError("others have changed outcomes all the time: try again")

    def _put(self, before: bytes | None, goals: Mapping[str, Pursued], name: str, digest: str, step: Step) -> bool:
        """Write all of them, if they are still what was read."""
        detail = {"goal": name, "digest": digest, "because": step.because}
        # In the audit a goal is a story of its own, by its portfolio's name: each line follows from the one before.
        story = f"{name}-1"
        line = AuditEntry(at=step.at, actor=step.by, action=f"{ACTION}{step.to}", case=story, detail=detail)
        after = _adapter().dump_json(dict(goals))
        with self._database.writing() as connection:
            if not swapped(connection, Swap(key=KEY, before=before, after=after), step.at):
                return False
            append(connection, line)
        return True


def _unknown(name: str, known: Iterable[str]) -> PermanentError:
    names = ", ".join(sorted(known)) or "none yet: `trackwalker outcomes add FILE` adds one"
    return PermanentError(f"there is no outcome named {name}; there are: {names}")


def _read(blob: bytes | None) -> dict[str, Pursued]:
    if blob is None:
        return {}
    from pydantic import ValidationError

    try:
        return _adapter().validate_json(blob)
    except ValidationError:
        raise PermanentError(
            "outcomes cannot be read: another version wrote them, or the store is damaged; run that version, or "
            "restore a backup"
        ) from None


def _adapter() -> "TypeAdapter[dict[str, Pursued]]":
    """Built when it is needed: an idle daemon has no goals."""
    from pydantic import TypeAdapter

    return TypeAdapter(dict[str, Pursued])
