"""UnleashFlags: flags that an Unleash server keeps, by its Admin API. It turns one off in one environment, and no more.

Unleash keeps no word of ours with a toggle: an effect is found again by the flag being off.
API: https://docs.getunleash.io/api (getFeatureEnvironment, toggleFeatureEnvironmentOff)
"""

import json
from typing import Any

from pydantic import BaseModel, Field, JsonValue, TypeAdapter, ValidationError

from cases.errors import PermanentError, TemporaryError
from cases.flags import FlagNow, FlagPlace
from cases.steps import Receipt
from config.experiments import UnleashSettings
from remediation.experiments.exchange import Vendor, in_path

OFF, ON = "disabled", "enabled"
"""The variant that Unleash's own clients name where a flag is off; and one for a flag without variants."""
RIGHTS = "UPDATE_FEATURE_ENVIRONMENT there, and SKIP_CHANGE_REQUEST where changes are to be requested"


class _Payload(BaseModel):
    type: str
    value: str


class _Variant(BaseModel):
    name: str
    weight: float = Field(ge=0)
    payload: _Payload | None = None

    @property
    def value(self) -> str:
        """What it brings, as JSON; true where it brings nothing."""
        if self.payload is None:
            return "true"
        if self.payload.type in {"json", "number"}:
            _ANY.validate_json(self.payload.value)
            return self.payload.value
        return json.dumps(self.payload.value, ensure_ascii=False)


class _Strategy(BaseModel):
    name: str
    disabled: bool | None = None
    parameters: dict[str, str] = {}
    variants: list[_Variant] = []

    @property
    def reach(self) -> float:
        """The share of users that it lets in, in [0, 1]; one that names users one by one counts as none."""
        if self.name == "default":
            return 1.0
        percent = float(self.parameters.get("rollout", self.parameters.get("percentage", "0")))
        return min(max(percent / 100, 0.0), 1.0)


class _Environment(BaseModel):
    """What is needed of a flag in one environment; Unleash says more."""

    enabled: bool
    strategies: list[_Strategy] = []
    variants: list[_Variant] = []


_ANY: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)


class UnleashFlags:
    """The flags of one project in one environment (see `cases.flagging.Flags`)."""

    def __init__(self, settings: UnleashSettings) -> None:
        self._project = settings.project
        self._environment = settings.environment
        self._vendor = Vendor(name="Unleash", url=str(settings.url).rstrip("/"), token=settings.token, rights=RIGHTS)

    def now(self, place: FlagPlace) -> FlagNow | None:
        """The flag in the environment. Where several strategies are active the widest one counts."""
        found = self._vendor.ask("GET", self._path(place))
        return None if found is None else _now(place, _read(place, found))

    def off(self, place: FlagPlace, key: str, because: str) -> Receipt:
        """Turn it off in the environment. Unleash's own audit has who and when; `because` is not kept there."""
        del because
        if not self._enabled(place):
            return Receipt(key=key, adopted=True)
        if self._vendor.ask("POST", f"{self._path(place)}/off") is None:
            raise _missing(place, self._environment)
        if self._enabled(place):
            raise TemporaryError(f"{place} is still on, although Unleash took the request")
        return Receipt(key=key, adopted=False)

    def _enabled(self, place: FlagPlace) -> bool:
        found = self._vendor.ask("GET", self._path(place))
        if found is None:
            raise _missing(place, self._environment)
        return _read(place, found).enabled

    def _path(self, place: FlagPlace) -> str:
        feature = in_path(self._project, "features", place.key, "environments", self._environment)
        return f"/api/admin/projects{feature}"


def _read(place: FlagPlace, found: Any) -> _Environment:  # noqa: ANN401 - JSON
    try:
        return _Environment.model_validate(found)
    except ValidationError as error:
        where = ".".join(str(step) for step in error.errors()[0]["loc"])
        raise PermanentError(f"{place} cannot be read: Unleash's {where or 'answer'} is not as it says") from None


def _now(place: FlagPlace, flag: _Environment) -> FlagNow:
    active = [strategy for strategy in flag.strategies if not strategy.disabled]
    try:
        widest = max(active, key=lambda strategy: strategy.reach, default=_Strategy(name="default"))
        variants = widest.variants or flag.variants or [_Variant(name=ON, weight=1)]
        values = {OFF: "false"} | {variant.name: variant.value for variant in variants}
    except ValueError:
        raise PermanentError(f"{place} cannot be read: Unleash has a share or a payload that is none") from None
    if not flag.enabled:
        return FlagNow(on=False, control=OFF, shares={OFF: 1.0}, values=values)
    whole = sum(variant.weight for variant in variants) or 1.0
    shares = {variant.name: widest.reach * variant.weight / whole for variant in variants}
    return FlagNow(on=True, control=OFF, shares={OFF: 1.0 - widest.reach} | shares, values=values)


def _missing(place: FlagPlace, environment: str) -> PermanentError:
    return PermanentError(f"{place} cannot be turned off: Unleash has no such flag in {environment}")
