"""What one look at an experiment comes to: scale it, kill it, or go on. The same numbers always give the same ruling.

The order is the safety: were users shared out as planned, is anybody harmed, did they stay with one variant, is there
enough to say anything, is the bar cleared, can it still be. Nothing is scaled by hope: only an interval that lies above
the bar does it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from inference.experiments.futility import HOPELESS, chance
from inference.experiments.lift import Lift
from inference.experiments.mismatch import is_mismatch
from inference.experiments.sequence import FEWEST, Sequence

WEEK, SOON = timedelta(days=7), timedelta(days=2)
"""How long an experiment runs before it may be scaled (each day of a week once), and before it may be hopeless."""
ROLLOUT = 1 / 7
"""Which part of its shortest run goes by, a day at most, before users who crossed end it: for the minutes of a rollout
the version before still shows its own, and by then they weigh little."""


class Word(StrEnum):
    """What is to be done."""

    SCALE = "scale"
    KILL = "kill"
    CONTINUE = "continue"


class Safety(StrEnum):
    """What is known of one guardrail."""

    BREACHED = "breached"
    SAFE = "safe"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardrail:
    """A metric that may not get worse by more than `margin`, in its unit, where `up` is worse or down is."""

    found: Lift | None
    margin: float
    up: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """An experiment as it is now.

    users        of the control and of the treated arm
    found        the lift of the primary metric, up is better; None: nothing can be said of it yet
    guardrails   name → what is known of it
    bar          what the lift has to lie above, in the metric's unit
    planned      how the primary metric is looked at
    most         the users of both arms at which it ends
    expected     how large a lift of this kind is, in the metric's unit
    ran          since the first user
    mismatched   the arms are not what was planned
    crossed      users that saw more than one variant, and are in no arm
    most_crossed the share of all users that may
    shortest     how long it runs at least before it may be scaled
    over         why it may not go on undecided, as a budget that is used up; "" for nothing
    harm         the chance that a harmless experiment is ever killed for harm, over all guardrails
    """

    users: tuple[int, int]
    found: Lift | None
    guardrails: Mapping[str, Guardrail]
    bar: float
    planned: Sequence
    most: int
    expected: float
    ran: timedelta
    mismatched: bool
    crossed: int = 0
    most_crossed: float = 0.01
    shortest: timedelta = WEEK
    over: str = ""
    harm: float = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What is to be done, why, and what the numbers were.

    low, high   the interval of the primary metric's lift, None while nothing can be said
    hope        the chance of clearing the bar by the last user, likewise
    safety      guardrail → what is known of it
    """

    word: Word
    because: str
    low: float | None = None
    high: float | None = None
    hope: float | None = None
    safety: Mapping[str, Safety]


def rule(look: Look) -> Ruling:
    """The ruling of one look."""
    if look.mismatched:
        return Ruling(word=Word.KILL, because="users were not shared out as planned: no number of it counts", safety={})
    early = min(look.users) < FEWEST
    safety = {name: Safety.OPEN if early else _safety(look, rail) for name, rail in look.guardrails.items()}
    breached = [name for name, known in safety.items() if known is Safety.BREACHED]
    if breached:
        low, high = look.planned.of(look.found) if look.found is not None else (None, None)
        because = f"it does harm: {', '.join(breached)}"
        return Ruling(word=Word.KILL, because=because, low=low, high=high, safety=safety)
    if because := _astray(look):
        return Ruling(word=Word.KILL, because=because, safety=safety)
    ruling = _of_the_metric(look, safety, early=early)
    if look.over and ruling.word is Word.CONTINUE:
        return replace(ruling, word=Word.KILL, because=look.over)
    return ruling


def _astray(look: Look) -> str:
    """Why too many users crossed, beyond what chance explains; "" where they did not.

    They are left out of both arms, and not by chance: who comes often, or logs in half way, is more easily among them.
    """
    everybody, may = sum(look.users) + look.crossed, look.most_crossed
    early = look.ran < min(WEEK, look.shortest) * ROLLOUT
    if early or look.crossed <= may * everybody:
        return ""
    if not is_mismatch((everybody - look.crossed, look.crossed), (1 - may, may)):
        return ""
    share = look.crossed / everybody
    return (
        f"{look.crossed:,} of {everybody:,} users saw more than one variant ({share:.1%}, and {may:.1%} may): "
        "what the others did cannot be compared"
    )


def _of_the_metric(look: Look, safety: Mapping[str, Safety], *, early: bool) -> Ruling:
    """By the primary metric alone."""
    found = look.found
    if early:
        because = f"too early: {min(look.users)} users in the smaller arm, and {FEWEST} are the least"
        return Ruling(word=Word.CONTINUE, because=because, safety=safety)
    if found is None:
        return Ruling(word=Word.CONTINUE, because="nothing can be said of the metric yet", safety=safety)
    low, high = look.planned.of(found)
    hope = chance(
        found.difference, found.se, found.users, bar=look.bar, most=look.most, expected=look.expected,
        sequence=look.planned,
    )  # fmt: skip
    word, because = Word.CONTINUE, "the bar lies inside the interval"
    if low > look.bar and look.ran >= look.shortest:
        word, because = Word.SCALE, "the interval lies above the bar"
    elif low > look.bar:
        because = f"above the bar, and {_long(look.shortest)} are not over yet"
    elif high < look.bar:
        word, because = Word.KILL, "the interval lies below the bar"
    elif found.users >= look.most:
        word, because = Word.KILL, f"undecided after {found.users:,} users, which are all it may have"
    elif look.ran >= min(SOON, look.shortest) and hope < HOPELESS:
        word, because = Word.KILL, f"a chance of {hope:.1%} to clear the bar by {look.most:,} users is too little"
    return Ruling(word=word, because=because, low=low, high=high, hope=hope, safety=safety)


def _long(span: timedelta) -> str:
    days = span / timedelta(days=1)
    return f"{days:g} days" if days >= 1 else f"{span.total_seconds():g} s"


def _safety(look: Look, rail: Guardrail) -> Safety:
    """By one-sided evidence either way; the chance of an error is split over the guardrails."""
    if rail.found is None:
        return Safety.OPEN
    alpha = look.harm / max(1, len(look.guardrails))
    watched = Sequence(planned=look.planned.planned, alpha=alpha)
    worse = rail.found.difference if rail.up else -rail.found.difference
    se, users = rail.found.se, rail.found.users
    if watched.above(rail.margin, worse, se, users) >= 1 / alpha:
        return Safety.BREACHED
    return Safety.SAFE if watched.below(rail.margin, worse, se, users) >= 1 / alpha else Safety.OPEN
