"""`outcome.yaml`: a metric that somebody wants to move, with its limits, as `cases.goal.Goal`.

```yaml
outcome: checkout-abandonment
why: One cart in three is left at the last step.
signal: shop/abandonment
baseline: 0.34
target: 0.28
horizon: 2027-06-30
constraints: [{signal: shop/p95, at_most: 0.4}]
scope: {repository: shop, paths: [checkout/**], forbidden_paths: [checkout/payments/**]}
budget_usd: 40
duration_days: 28
success_criteria: {lift: 0.01}
owner: checkout
backup: sre
```
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from cases.goal import Constraint, Criteria, Goal
from cases.telemetry import Direction, Scale
from config import own_file
from config.document import Loc
from config.errors import Unusable, shown
from config.fields import Glob, Name, Text, validating
from config.load import text_of
from config.scope import in_scope, matches
from config.section import Section
from config.settings import FamilyWatchSettings, ImportWatchSettings, Settings, WatchSettings
from config.wording import closest

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WEEK = 7
_SHOWN = "write the keys that docs/outcomes.md shows"


def _day(value: object) -> date:
    hint = "write it as in 2027-03-31"
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise Unusable(f"{shown(value)} is not a day", hint)
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise Unusable(f"{shown(value)} is no day that there is", hint) from None


def _several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Day: TypeAlias = Annotated[
    date,
    BeforeValidator(validating(_day)),
    PlainSerializer(date.isoformat, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "title": "day", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}),
]
Number: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]
Values: TypeAlias = Annotated[
    tuple[Text, ...],
    BeforeValidator(_several),
    WithJsonSchema({"type": ["string", "array"], "items": {"type": "string"}, "title": "value or values"}),
]


class ConstraintSettings(Section):
    """A guardrail: a watched signal that may not leave its bounds."""

    signal: Text
    """The watch, as service/name."""

    at_least: Number | None = None
    """The least that it may read, in its own unit. None: no bound."""

    at_most: Number | None = None
    """The most that it may read. None: no bound."""


class GoalScopeSettings(Section):
    """Where changes for it may be made. The scope of the configuration holds as well."""

    repository: Name
    """The repository, by its name in the configuration."""

    paths: Annotated[tuple[Glob, ...], Field(min_length=1)]
    """The files that may be changed, as patterns."""

    forbidden_paths: tuple[Glob, ...] = ()
    """Those among them that may not."""


class CriteriaSettings(Section):
    """When an experiment for it has succeeded."""

    lift: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """The least gain that counts, in the signal's unit."""

    confidence: Annotated[float, Field(ge=0.8, lt=1)] = 0.95
    """Of the interval that has to lie beyond it, at whatever moment one looks."""


class GoalFile(Section):
    """One file: one outcome."""

    outcome: Name
    """Its name, unique among all outcomes."""

    why: Text
    """What is lost as it is, in a sentence or two: hypotheses begin there."""

    signal: Text
    """The metric to move: a watch of the configuration, as service/name."""

    baseline: Number
    """Where it is now, in the watch's own unit."""

    target: Number
    """Where it is wanted."""

    horizon: Day
    """The last day, in UTC."""

    constraints: tuple[ConstraintSettings, ...] = ()
    """What may not get worse meanwhile."""

    scope: GoalScopeSettings
    """Where changes may be made."""

    segment: Mapping[Name, Values] = {}
    """Whom it is about: a property of users and its values, as in country: [de, at]. Empty: everybody."""

    budget_usd: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """The most that language models may cost for it."""

    duration_days: Annotated[int, Field(ge=_WEEK, le=90)]
    """The longest that one experiment may run; a week at least, so that each day of it was there."""

    success_criteria: CriteriaSettings
    """When an experiment for it has succeeded."""

    owner: Name
    """Who decides at its gates."""

    backup: Name
    """Who is asked when the owner does not answer."""


def read(text: str, name: str, now: datetime, settings: Settings) -> Goal:
    """The goal in a text. Raises ConfigError with every mistake, those of single values first."""
    return _goal(own_file.read(text, name, GoalFile, _SHOWN, lambda found: _misfits(found, now, settings)))


def text_in(path: Path) -> str:
    """The text of such a file. Raises ConfigError for one that cannot be read."""
    return text_of(path, missing="name the file that declares the outcome")


def _goal(found: GoalFile) -> Goal:
    return Goal(
        name=found.outcome,
        why=" ".join(found.why.split()),
        signal=found.signal,
        baseline=found.baseline,
        target=found.target,
        horizon=found.horizon,
        constraints=tuple(
            Constraint(signal=one.signal, at_least=one.at_least, at_most=one.at_most) for one in found.constraints
        ),
        repository=found.scope.repository,
        paths=found.scope.paths,
        forbidden=found.scope.forbidden_paths,
        segment=dict(found.segment),
        budget_usd=found.budget_usd,
        days=found.duration_days,
        criteria=Criteria(lift=found.success_criteria.lift, confidence=found.success_criteria.confidence),
        owner=found.owner,
        backup=found.backup,
    )


_Misfit: TypeAlias = tuple[Loc, str, str]
"""A place, what is wrong there, and what would be right."""


def _misfits(found: GoalFile, now: datetime, settings: Settings) -> Iterator[_Misfit]:
    """What does not fit together, or not to the configuration."""
    yield from _of_the_target(found, settings)
    yield from _of_the_time(found, now)
    yield from _of_the_constraints(found, settings)
    yield from _of_the_scope(found, settings)
    if found.owner == found.backup:
        yield ("backup",), "it is the owner", "name somebody else: they are asked when the owner does not answer"


def _of_the_target(found: GoalFile, settings: Settings) -> Iterator[_Misfit]:
    yield from _unknown(("signal",), found.signal, settings)
    if found.target == found.baseline:
        yield ("target",), "it is the baseline: there is nothing to move", "write where the signal is wanted"
        return
    if found.success_criteria.lift > abs(found.target - found.baseline):
        most = abs(found.target - found.baseline)
        hint = f"write {most:g} at most, which is from baseline to target"
        yield ("success_criteria", "lift"), "one experiment would have to gain more than the whole outcome", hint
    watch = _watch(found.signal, settings)
    if watch is None:
        return
    if watch.harm is not None and (watch.harm is Direction.UP) == (found.target > found.baseline):
        hint = "turn baseline and target round, or correct the watch's harm"
        yield ("target",), f"it is on the side where users suffer (harm: {watch.harm})", hint
    if watch.kind is Scale.RATIO:
        for key in ("baseline", "target"):
            if not 0 <= getattr(found, key) <= 1:
                yield (key,), "the watch is a ratio, and this is none", "write a share from 0 to 1, as in 0.28"


def _of_the_time(found: GoalFile, now: datetime) -> Iterator[_Misfit]:
    today = now.astimezone(UTC).date()
    if found.horizon < today:
        yield ("horizon",), f"{found.horizon} is in the past", "write a day that is to come"
    elif found.horizon < today + timedelta(days=found.duration_days):
        hint = "write fewer days, a week at least, or a later horizon"
        yield ("duration_days",), f"an experiment of {found.duration_days} days does not end by {found.horizon}", hint


def _of_the_constraints(found: GoalFile, settings: Settings) -> Iterator[_Misfit]:
    seen: set[str] = set()
    for place, one in enumerate(found.constraints):
        loc: Loc = ("constraints", place)
        yield from _unknown((*loc, "signal"), one.signal, settings)
        if one.signal == found.signal:
            yield (*loc, "signal"), "it is the signal that is to move", "its target is its bound: name another one"
        if one.signal in seen:
            yield (*loc, "signal"), f"{one.signal} has bounds already", "write at_least and at_most in one entry"
        seen.add(one.signal)
        if one.at_least is None and one.at_most is None:
            yield loc, "it has no bound", "add at_most or at_least"
        if one.at_least is not None and one.at_most is not None and one.at_least >= one.at_most:
            yield (*loc, "at_most"), "nothing lies between at_least and at_most", "write the larger one as at_most"


def _of_the_scope(found: GoalFile, settings: Settings) -> Iterator[_Misfit]:
    known = sorted(repository.name for repository in settings.repositories)
    if found.scope.repository not in known:
        problem = f"there is no repository named {found.scope.repository}"
        yield ("scope", "repository"), problem, closest(found.scope.repository, known)
    for place, path in enumerate(found.scope.paths):
        example = re.sub(r"\*+", "x", path)
        at: Loc = ("scope", "paths", place)
        if matches(example, found.scope.forbidden_paths):
            yield at, f"all of {path} is in forbidden_paths", "remove it here or there"
        elif refused := in_scope((example,), settings.scope, lines=1):
            yield at, f"no change may touch it: {refused[0]}", "name files that the daemon may change"


def _unknown(loc: Loc, signal: str, settings: Settings) -> Iterator[_Misfit]:
    """A signal that no watch gives, as far as watches are known before they are asked."""
    names = [f"{watch.service}/{watch.name}" for watch in settings.watch if isinstance(watch, WatchSettings)]
    service, _, name = signal.partition("/")
    if signal in names or any(isinstance(watch, ImportWatchSettings) for watch in settings.watch):
        return
    families = {watch.name for watch in settings.watch if isinstance(watch, FamilyWatchSettings)}
    if not (service and name in families):
        yield loc, f"no watch is named {shown(signal)}", closest(signal, [*names, *families])


def _watch(signal: str, settings: Settings) -> WatchSettings | None:
    found = (watch for watch in settings.watch if isinstance(watch, WatchSettings))
    return next((watch for watch in found if f"{watch.service}/{watch.name}" == signal), None)
