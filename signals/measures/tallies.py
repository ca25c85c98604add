"""From arms to what a look tells: which columns a measure has, how values of a property are called, what is refused."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from cases.errors import PermanentError
from cases.measure import EVERYBODY, Measured, Tally
from cases.moments import iso
from config.experiments import MeasureSettings
from inference.experiments.arm import BASE, BEFORE, VALUE, Arm
from signals.quoting import quoted

NONE = "(none)"
"""What users without the property are called. Those of the values beyond PLACES are `OTHERS`."""
PLACES = 20
"""How many values of a property are shown apart; the rest is one more."""
ENOUGH = 100
"""Users with variants that the experiment does not know, from which on a variant without users is a wrong name."""

_LONGEST = 60


def columns_of(measure: MeasureSettings) -> tuple[str, ...]:
    """The columns of the measure's arms."""
    base = (BASE,) if measure.kind == "ratio" else ()
    return (VALUE, *base, *((BEFORE,) if measure.before is not None else ()))


def empty(columns: tuple[str, ...]) -> Arm:
    """An arm without users."""
    return Arm.empty(base=BASE in columns, before=BEFORE in columns)


def tally(arm: Arm) -> Tally:
    """The same sums without numpy."""
    return Tally(
        columns=arm.columns,
        users=arm.users,
        means=tuple(arm.means.tolist()),
        scatter=tuple(tuple(row) for row in arm.scatter.tolist()),
    )


def label(value: str) -> str:
    """What a value of a property is called: printable, short, never empty."""
    return quoted(value)[:_LONGEST] or NONE


def tallied(
    wanted: Measured, signal: str, columns: tuple[str, ...], arms: Mapping[tuple[int, int], Arm], shown: Sequence[str]
) -> dict[tuple[str, str, str], Tally]:
    """(segment, signal, variant) → sums, of arms by (variant, place of the segment in `shown`).

    Everybody always; each of `shown` where a property is asked for, with every variant, empty or not.
    """
    found: dict[tuple[str, str], Arm] = {(EVERYBODY, variant): empty(columns) for variant in wanted.variants}
    if wanted.by:
        found |= {(name, variant): empty(columns) for name in shown for variant in wanted.variants}
    for (number, place), arm in sorted(arms.items(), key=lambda item: item[0]):
        variant = wanted.variants[number]
        found[EVERYBODY, variant] += arm
        if wanted.by:
            found[shown[place], variant] += arm  # two values may look the same once they are fit to be shown
    return {(segment, signal, variant): tally(arm) for (segment, variant), arm in found.items()}


def check(wanted: Measured, measures: Mapping[str, MeasureSettings]) -> None:
    """Raise PermanentError where what is asked cannot be answered by anybody."""
    for signal in wanted.signals:
        if signal not in measures:
            raise PermanentError(
                f"there is no measure of {signal}: no experiment can be read on it; list it in `measures`"
            )
    if len(set(wanted.variants)) != len(wanted.variants) or not wanted.variants:
        raise PermanentError(f"the variants of {wanted.flag} are {list(wanted.variants)}: name each once")


def below_zero(signal: str, rows: int, example: datetime) -> PermanentError:
    """What is said of revenue below zero."""
    return PermanentError(
        f"the measure of {signal} has {rows:,} {'row' if rows == 1 else 'rows'} below zero, as at {iso(example)}: "
        "revenue is never negative here. Leave refunds out of the query, or measure what remains as kind: mean"
    )


def unknown_variants(wanted: Measured, missing: Sequence[str], strangers: Sequence[str], users: int) -> PermanentError:
    """What is said where a variant has no user and many users saw one that the experiment does not know."""
    return PermanentError(
        f"nobody saw {', '.join(missing)} of {wanted.flag}, and {users:,} users saw variants that the experiment does "
        f"not have ({', '.join(map(label, strangers))}): the exposures have to name them as the flag does"
    )
