"""The ports of the ledger: what a daemon keeps through any crash, and shares with every daemon on the same store.

They keep what every port promises (`cases.ports`).
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from cases.case import Case
from cases.events import Entry
from cases.leases import Claimed, Intent, Pause, Swap
from cases.outcome import Lesson, Quality, Recalled, Wanted
from cases.steps import Effect, Receipt

ANY = Wanted()


class CaseStore(Protocol):
    """The cases and their steps, durable. Every method is one transaction."""

    def open(self, entry: Entry, effects: Sequence[Effect], due: datetime) -> Case | None:
        """Store a new case; None when an active case with its fingerprint exists already."""
        ...

    def active(self) -> tuple[Case, ...]:
        """Every case that is not closed, oldest first. One whose history cannot be read is left out, here and below."""
        ...

    def load(self, case_id: str) -> Case:
        """One case. PermanentError when there is none of that id."""
        ...

    def listed(self, limit: int = 100) -> tuple[Case, ...]:
        """The newest cases, whatever their phase, newest first. For people: a list has an end."""
        ...

    def ended(self, services: Collection[str]) -> tuple[Case, ...]:
        """The closed cases of these services, newest first; the newest twenty of each."""
        ...

    def since(self, moment: datetime) -> tuple[Case, ...]:
        """Every case that something happened to since then, oldest first."""
        ...

    def claim(self, owner: str, now: datetime, lease: timedelta) -> Claimed | None:
        """Take the longest-due case that nobody holds and that is not held (frozen, gate), or None.

        Raises Unreadable when the history of that one cannot be read: it is set aside, and the next is to be had.
        """
        ...

    def renew(self, claimed: Claimed, now: datetime, lease: timedelta) -> Claimed:
        """Keep the case longer. Raises Fenced when it was lost."""
        ...

    def commit(
        self, claimed: Claimed, entries: Sequence[Entry], effects: Sequence[Effect], due: datetime | None
    ) -> Claimed:
        """Advance by the entries, store the effects as intents, set when it is due next. Raises Fenced."""
        ...

    def add(self, case_id: str, entry: Entry, effects: Sequence[Effect], due: datetime | None) -> Case:
        """Advance a case from outside a step (an anomaly joins, a human speaks). `due` None keeps what was set."""
        ...

    def take_back(self, owner: str, now: datetime) -> int:
        """Free the cases that an earlier life of this owner still holds; how many. Its claims are fenced then."""
        ...

    def release(self, claimed: Claimed, due: datetime | None) -> None:
        """Let the case go. `due` None leaves it to whoever wakes it. Raises Fenced."""
        ...

    def wake(self, case_id: str, now: datetime) -> bool:
        """Let an active case be looked at now, as far as nobody holds it back; whether there is such a case.

        One that is in hand is looked at again as soon as it is let go.
        """
        ...

    def hasten(self, now: datetime, lease: timedelta) -> None:
        """The wall clock was set back: whatever waits for a later time is due now, no lease is longer than `lease`."""
        ...


class Outbox(Protocol):
    """Effects that were promised, until the outside has answered. Every method is one transaction."""

    def pending(self, case_id: str) -> tuple[Intent, ...]:
        """The forge effects of a case that have no receipt, oldest first. They hold the case up."""
        ...

    def notices(self, now: datetime, limit: int = 20) -> tuple[Intent, ...]:
        """Notices that are due, oldest first. They hold nothing up."""
        ...

    def take_notices(self, now: datetime, hold: timedelta, limit: int = 20) -> tuple[Intent, ...]:
        """The same, and no other daemon sees them until `hold` is over: whoever dies with them leaves them due then."""
        ...

    def send(
        self, effects: Sequence[Effect], now: datetime, *, swap: Swap | None = None, due: datetime | None = None
    ) -> bool:
        """Promise notices that belong to no case, for `due` or for now. A key that is there already is left alone.

        With a swap, both or neither: False when the checkpoint was another, for a different daemon was first.
        """
        ...

    def check(self, claimed: Claimed) -> None:
        """Raise Fenced unless the case is still held by this claim: asked just before each effect."""
        ...

    def receive(self, receipt: Receipt, claimed: Claimed | None) -> None:
        """Store the receipt. Raises Fenced when a claim is given and lost."""
        ...

    def receipt(self, key: str) -> Receipt | None:
        """What the outside answered to the effect of that key, or None while it has not."""
        ...

    def dropped(self, key: str) -> str:
        """Why the effect of that key was given up; "" where it was not, or was never promised."""
        ...

    def postpone(self, key: str, due: datetime, error: str) -> None:
        """The effect did not go through: count the attempt, try again at `due`."""
        ...

    def defer(self, key: str, due: datetime) -> None:
        """The effect is wanted later than was promised: no attempt was made, and none is counted."""
        ...

    def drop(self, key: str, because: str) -> None:
        """The effect will never go through: keep it with its reason, and hold nothing up with it."""
        ...


class Checkpoints(Protocol):
    """Small durable state that is not a case: cursors, detector state, sights."""

    def get(self, key: str) -> bytes | None:
        """What was stored under the key, or None."""
        ...

    def put(self, key: str, blob: bytes, at: datetime) -> None:
        """Store it, in place of what was there."""
        ...

    def swap(self, swap: Swap, at: datetime) -> bool:
        """Store it if what is there is still what was seen; False when it is not: look again."""
        ...


class LessonStore(Protocol):
    """What was learnt."""

    def recall(self, fingerprint: str, service: str, limit: int = 5) -> tuple[Lesson, ...]:
        """Lessons of that fingerprint first, then of that service, newest first; only of changes that were drafted."""
        ...

    def newest(self, limit: int = 100) -> tuple[Lesson, ...]:
        """The newest lessons of all services, newest first."""
        ...

    def search(self, words: str, wanted: Wanted = ANY, limit: int = 5) -> tuple[Recalled, ...]:
        """Lessons that share words with these, their stems or, where it is set, their letters, the best first.

        With no words the newest that fit.
        """
        ...

    def quality(self, ids: Collection[str]) -> Mapping[str, Quality]:
        """How each of these lessons has fared in the cases that cited it."""
        ...

    def take_in(self, lesson: Lesson, by: str, at: datetime) -> bool:
        """Store a lesson that another ledger learnt; False when one of that id is here."""
        ...


class Levers(Protocol):
    """What a human holds: the pause. Durable, and seen by every daemon on the same store at its next step."""

    def paused(self) -> Pause | None:
        """The pause in force, or None."""
        ...

    def pause(self, pause: Pause, *, once: bool = False) -> None:
        """Stop every write to repositories, models and sandboxes.

        `once`: one of the same actor and moment that was ever pulled is left alone.
        """
        ...

    def resume(self, by: str, at: datetime, *, of: str = "", once: bool = False) -> bool:
        """Go on; `of`: only if it is they who paused. Whether it was done now."""
        ...


class Purse(Protocol):
    """Money for language models. Every method is one transaction; caps hold over all daemons of one store."""

    def reserve(self, case: str, purpose: str, model: str, usd: float, *, prompt: str = "") -> str:
        """Set aside the worst case of one call; the reservation's id. Raises OverBudget when a cap would be passed.

        `prompt` is the hash of what is asked, for the audit.
        """
        ...

    def settle(self, reservation: str, usd: float, input_tokens: int, output_tokens: int) -> None:
        """Put what it really cost in place of the reservation. One that is never settled counts in full."""
        ...
