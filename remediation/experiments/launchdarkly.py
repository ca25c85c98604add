"""LaunchDarklyFlags: flags that LaunchDarkly keeps, by its REST API. It turns one off in one environment, and no more.

Once it is off, everybody is shown the flag's off variation: the control. The effect's key stands in the comment of the
change, in LaunchDarkly's audit log; it is found again by the flag being off.
API: https://launchdarkly.com/docs/api/feature-flags (getFeatureFlag, patchFeatureFlag with a semantic patch)
"""

import json
from typing import Any

from pydantic import BaseModel, Field, JsonValue, ValidationError

from cases.errors import PermanentError, TemporaryError
from cases.flags import FlagNow, FlagPlace
from cases.steps import Receipt
from config.experiments import LaunchDarklySettings
from remediation.experiments.exchange import Vendor, in_path
from remediation.neutral import neutral

SEMANTIC = "application/json; domain-model=launchdarkly.semanticpatch"
RIGHTS = "a role that allows updateOn for the flag, in an environment that asks for no approval"


class _Variation(BaseModel):
    value: JsonValue
    name: str = ""


class _Weight(BaseModel):
    variation: int = Field(ge=0)
    weight: float = Field(ge=0)


class _Rollout(BaseModel):
    variations: list[_Weight] = Field(min_length=1)


class _Fallthrough(BaseModel):
    """Whom no rule catches: all are shown one variation, or they are shared out."""

    variation: int = Field(default=0, ge=0)
    rollout: _Rollout | None = None


class _Environment(BaseModel):
    on: bool
    fallthrough: _Fallthrough
    off_variation: int | None = Field(default=None, ge=0, alias="offVariation")
    rules: list[JsonValue] = []
    targets: list[JsonValue] = []
    context_targets: list[JsonValue] = Field(default=[], alias="contextTargets")

    @property
    def weights(self) -> dict[int, float]:
        """The share of each variation, by its number, among those whom no rule catches."""
        if self.fallthrough.rollout is None:
            return {self.fallthrough.variation: 1.0}
        shared = self.fallthrough.rollout.variations
        whole = sum(one.weight for one in shared) or 1.0
        return {one.variation: one.weight / whole for one in shared}


class _Flag(BaseModel):
    """What is needed of a flag; LaunchDarkly says more."""

    variations: list[_Variation] = Field(min_length=1)
    environments: dict[str, _Environment]

    @property
    def names(self) -> list[str]:
        """The variations' own names, or their numbers where not each has one of its own."""
        names = [one.name for one in self.variations]
        return names if all(names) and len(set(names)) == len(names) else [str(at) for at in range(len(names))]


class LaunchDarklyFlags:
    """The flags of one project in one environment (see `cases.flagging.Flags`)."""

    def __init__(self, settings: LaunchDarklySettings) -> None:
        self._project = settings.project
        self._environment = settings.environment
        self._vendor = Vendor(
            name="LaunchDarkly", url=str(settings.url).rstrip("/"), token=settings.token, rights=RIGHTS
        )

    def now(self, place: FlagPlace) -> FlagNow | None:
        """The flag in the environment. The shares are those of its default rule; any other rule may show more."""
        flag = self._asked(place)
        return None if flag is None else _now(place, flag, flag.environments[self._environment])

    def off(self, place: FlagPlace, key: str, because: str) -> Receipt:
        """Turn it off in the environment: everybody is shown the off variation."""
        if not self._on(place):
            return Receipt(key=key, adopted=True)
        comment = f"{neutral(because, 500)} ({key})"
        turn = {"environmentKey": self._environment, "instructions": [{"kind": "turnFlagOff"}], "comment": comment}
        if self._vendor.ask("PATCH", self._path(place), turn, SEMANTIC) is None:
            raise _missing(place, self._environment)
        if self._on(place):
            raise TemporaryError(f"{place} is still on, although LaunchDarkly took the request")
        return Receipt(key=key, adopted=False)

    def _on(self, place: FlagPlace) -> bool:
        flag = self._asked(place)
        if flag is None:
            raise _missing(place, self._environment)
        return flag.environments[self._environment].on

    def _asked(self, place: FlagPlace) -> _Flag | None:
        found = self._vendor.ask("GET", f"{self._path(place)}?env={in_path(self._environment)[1:]}")
        return None if found is None else _read(place, found, self._environment)

    def _path(self, place: FlagPlace) -> str:
        return f"/api/v2/flags{in_path(self._project, place.key)}"


def _read(place: FlagPlace, found: Any, environment: str) -> _Flag:  # noqa: ANN401 - JSON
    try:
        flag = _Flag.model_validate(found)
    except ValidationError as error:
        where = ".".join(str(step) for step in error.errors()[0]["loc"])
        raise PermanentError(f"{place} cannot be read: LaunchDarkly's {where or 'answer'} is not as it says") from None
    if environment not in flag.environments:
        raise PermanentError(f"{place} cannot be read: LaunchDarkly shows no environment {environment} of it")
    return flag


def _now(place: FlagPlace, flag: _Flag, held: _Environment) -> FlagNow:
    names, values = flag.names, [json.dumps(one.value, ensure_ascii=False) for one in flag.variations]
    try:
        control = "" if held.off_variation is None else names[held.off_variation]
        shares = {names[at]: share for at, share in held.weights.items()} if held.on else {control: 1.0}
    except IndexError:
        raise PermanentError(f"{place} cannot be read: LaunchDarkly shows a variation that it does not have") from None
    more = bool(held.rules or held.targets or held.context_targets)
    reached = any(share for name, share in shares.items() if name != control)
    on = held.on and (more or reached)
    return FlagNow(on=on, control=control, shares=shares, values=dict(zip(names, values, strict=True)))


def _missing(place: FlagPlace, environment: str) -> PermanentError:
    return PermanentError(f"{place} cannot be turned off: LaunchDarkly has no such flag in {environment}")
