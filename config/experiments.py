"""Settings of experiments: where a service's flags live, what may be turned, and how what users did is read."""

from datetime import timedelta
from typing import Annotated, Literal, TypeAlias, cast

from pydantic import BeforeValidator, Field, JsonValue, WithJsonSchema

from config.errors import Unusable
from config.fields import Duration, Name, RelativePath, SecretRef, Text, Url, validating
from config.section import Section
from config.seldom_used import WhenUsed


def _listed(value: object) -> object:
    """A value as JSON has it: a file's sequences are read as tuples."""
    if isinstance(value, tuple | list):
        return [_listed(each) for each in cast("tuple[object, ...]", value)]
    if isinstance(value, dict):
        return {key: _listed(each) for key, each in cast("dict[str, object]", value).items()}
    return _whole(value) if isinstance(value, str) else value


def _whole(text: str) -> str:
    """A text whose letters may be escaped in two halves, as JSON writes an emoji."""
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        raise Unusable("the text has half a letter in it", "write the letter itself, or both of its halves") from None


Value: TypeAlias = Annotated[
    JsonValue,
    BeforeValidator(validating(_listed)),
    WithJsonSchema({"type": ["string", "number", "boolean", "array", "object"], "title": "value of a flag"}),
]
"""What a flag may show: a text, a number, a yes or no, or a list or mapping of those."""
Share: TypeAlias = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]


class FlagdSettings(Section):
    """Flags in a flagd file of a repository: changed by pull requests, read through OpenFeature."""

    file: RelativePath
    """The file, as in config/flags.json."""

    repository: Name | None = None
    """The repository that holds it. None: the service's own."""


class UnleashSettings(Section):
    """Flags that an Unleash server keeps. It turns one off there; any other change of one is a human's."""

    url: Url
    """The server, as in https://unleash.example."""

    token: SecretRef
    """Where a token is found that may write features of the project."""

    project: Name = "default"
    """The project of the flags."""

    environment: Name = "production"
    """The environment in which they are read."""


class LaunchDarklySettings(Section):
    """Flags that LaunchDarkly keeps. It turns one off there; any other change of one is a human's."""

    url: Url = "https://app.launchdarkly.com"
    """The address of the API."""

    token: SecretRef
    """Where a token is found that may write flags of the project."""

    project: Name = "default"
    """The project of the flags."""

    environment: Name = "production"
    """The environment in which they are read."""


class ExposuresSettings(Section):
    """Who saw which variant of a flag."""

    source: Name
    """The database, one of `signals.sql`."""

    query: Text
    """One SELECT with a row for each exposure. Its columns: `unit` (the user), `variant`, `time`, and `flag` where the
    table holds several; any others are properties of the user, for segments. `:flag`, `:start` and `:end` are the flag
    and the stretch that is asked for: write `time >= :start AND time < :end`."""


class LeverSettings(Section):
    """Something that may be tried with another value: code asks a flag for it already, or a model is to write that."""

    name: Name
    """What hypotheses call it; unique in its service."""

    kind: Literal["timeout", "copy", "cache", "ordering", "value"]
    """What it is: by it values are proposed where `values` names none."""

    flag: Name
    """The key of the flag."""

    control: Value
    """The value that everybody has now."""

    values: tuple[Value, ...] = ()
    """Values worth trying. None: for a timeout half and double, for a cache's lifetime double and four times."""

    moves: Annotated[tuple[Name, ...], Field(min_length=1)]
    """The watches of the service that it may move."""

    because: Text
    """Why it may move them, in a sentence."""

    size: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """How far it may move them, in the watch's unit. None: twice the least gain that counts."""

    risk: Literal["low", "medium", "high"] = "low"
    """How much may go wrong while it is tried."""

    file: RelativePath | None = None
    """Where no code asks the flag yet: the file of the service's repository that shows the control. Once an idea is
    wanted, a model writes the code that asks the flag there, with a test of both variants, in the experiment's own pull
    request; when it is over that is taken out again, for the control or for what worked. None: code asks it already."""


class ExperimentsSettings(Section):
    """How a service is experimented with."""

    flagd: FlagdSettings | None = None
    """Its flags lie in a file of a repository."""

    unleash: UnleashSettings | None = None
    """Its flags lie on an Unleash server."""

    launchdarkly: LaunchDarklySettings | None = None
    """Its flags lie at LaunchDarkly."""

    exposures: ExposuresSettings
    """Who saw which variant."""

    by: Text | None = None
    """A column of `exposures.query` that is a property of users, as in country: effects are shown for each of its
    values as well. None: only where an outcome's `segment` names several values of one property, for those."""

    by_most: Annotated[int, Field(ge=1, le=20)] = 8
    """How many values of `by` share the chance of an error. Where more have users enough to be told apart, nothing is
    said of any: which of them to show may not be chosen by what they show."""

    event: Text = 'exposure("{flag}"'
    """What the code has wherever it tells that a user saw the flag, `{flag}` for its key: a change without it is no
    experiment, as nobody could measure it."""

    levers: Annotated[tuple[LeverSettings, ...], WhenUsed()] = ()
    """What may be tried without new code, or with what a model writes in one named file."""

    share: Share = 0.5
    """The share of users that is treated while it is measured."""

    steps: Annotated[tuple[Share, ...], Field(min_length=1)] = (0.25, 0.5, 1.0)
    """The shares to which a success is scaled, one pull request each; those at or below `share` are passed over."""

    most_crossed: Annotated[float, Field(gt=0, le=0.5, allow_inf_nan=False)] = 0.01
    """The share of users that may see more than one variant while it is measured, as who is counted anew when they log
    in. They are left out; where they are more than this, beyond chance and after a day, what the others did cannot be
    compared, and it ends."""

    shortest: Duration = timedelta(days=7)
    """The shortest that one runs before it is scaled: in a week each of its days was there once. It may be hopeless
    after two days, or after this where that is sooner; harm needs no time at all."""

    settle: Duration = timedelta(days=1)
    """How long each share is watched, guardrails running, before the next one is proposed."""

    look_every: Duration = timedelta(minutes=5)
    """How often it is looked at; always-valid, so that often costs nothing but queries."""


class MeasureSettings(Section):
    """What one user contributes to a watched metric: an experiment is measured by it."""

    signal: Text
    """The watch, as service/name."""

    source: Name
    """The database, one of `signals.sql`."""

    kind: Literal["share", "mean", "ratio", "revenue"]
    """share: of users that have any event; mean: of the sums of their events; ratio: of the sums of `value` and `base`
    over users; revenue: a mean in which what lies beyond `winsorise` is put there, never below zero."""

    query: Text
    """One SELECT with a row for each event. Its columns: `unit` (the user), `time`, `value` (not for a share) and
    `base` (for a ratio). `:start` and `:end` are the stretch that is asked for."""

    before: Duration | None = None
    """How long before their first exposure the same users' events are read, to take out what they explain. None: they
    are not."""

    winsorise: Annotated[float, Field(gt=0.5, lt=1)] = 0.999
    """The quantile of what users come to beyond which a single one counts no more; of a revenue."""

    cents: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """How many US cents a unit of `value` is worth, as 100 of one in dollars; of a revenue. What an experiment gained
    is then put beside what models cost for its case. None: no money is reckoned."""
