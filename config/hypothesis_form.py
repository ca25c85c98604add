"""The keys of a `hypothesis.yaml` (see `config.hypothesis_file`)."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from config.experiments import Share, Value
from config.fields import Name, Text
from config.section import Section

Size: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class PredictionSettings(Section):
    """What the metric will do."""

    signal: Text
    """The watch, as service/name: that of the outcome."""

    direction: Literal["up", "down"]
    """Where it moves: towards the outcome's target."""

    size: Size
    """How far it moves, in the watch's unit."""


class TurnSettings(Section):
    """What is turned: a lever of the configuration with a value, or a patch of one's own with its flag."""

    lever: Name | None = None
    """The lever, by its name in the configuration. None: `patch` brings new code."""

    value: Value = None
    """What its flag shows to the treated users."""

    patch: Text | None = None
    """A unified diff, as `git diff --no-renames` prints it, that guards new code with the flag and tells who saw it."""

    flag: Name | None = None
    """The key of the patch's flag: a new one."""

    control: Value = None
    """What everybody keeps."""

    treated: Value = None
    """What is tried: another value of the same kind."""


class MeasurementSettings(Section):
    """How it is found out."""

    least: Size
    """The smallest difference that is worth finding, in the watch's unit."""

    days: Annotated[int, Field(ge=7, le=90)]
    """The longest that it runs."""

    deviation: Size | None = None
    """How much single users differ: their standard deviation, in the watch's unit. None: of a share it follows from the
    baseline; of anything else it is assumed, and that is said."""

    guardrails: tuple[Text, ...] = ()
    """Watches that may not get worse, as service/name, beside those that the outcome's constraints name."""


class HypothesisFile(Section):
    """One file: one hypothesis."""

    hypothesis: Text
    """It in one sentence: "Build X for Y, and they do Z"."""

    outcome: Name
    """The outcome that it is for."""

    mechanism: Text
    """Why it should work, in a sentence or two."""

    prediction: PredictionSettings
    """What the metric will do."""

    turn: TurnSettings
    """What is turned."""

    measurement: MeasurementSettings
    """How it is found out."""

    rollout: Annotated[tuple[Share, ...], Field(min_length=1)]
    """The shares of users that are treated: first while it is measured, then step by step up to 1."""

    effort: Literal["small", "medium", "large"]
    """How much work it is."""

    risk: Literal["low", "medium", "high"]
    """How much may go wrong while it runs."""

    blast_radius: Text
    """Whom it reaches, in words."""
