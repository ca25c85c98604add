"""Where the flags of each service live, by `services[].experiments`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from cases.errors import PermanentError
from cases.flagging import Flags
from cases.flags import FlagNow, FlagPlace
from cases.ports import Clock, Forge
from cases.steps import Receipt
from config.settings import Settings

if TYPE_CHECKING:
    from remediation.forge.mirror import Mirror


@runtime_checkable
class _Mirrored(Protocol):
    """A forge whose repositories are copied to this machine."""

    mirror: "Callable[[str], Mirror]"


class ServiceFlags:
    """The flags of all services (see `cases.flagging.Flags`): each is asked where its service keeps them."""

    def __init__(self, settings: Settings, forge: Forge, clock: Clock) -> None:
        self._settings = settings
        self._forge = forge
        self._clock = clock
        self._made: dict[tuple[str, bool], Flags] = {}

    def now(self, place: FlagPlace) -> FlagNow | None:
        """The flag as its place has it."""
        return self._of(place).now(place)

    def off(self, place: FlagPlace, key: str, because: str) -> Receipt:
        """Show everybody the control."""
        return self._of(place).off(place, key, because)

    def _of(self, place: FlagPlace) -> Flags:
        wanted = (place.service, bool(place.file))
        if wanted not in self._made:
            self._made[wanted] = self._built(place)
        return self._made[wanted]

    def _built(self, place: FlagPlace) -> Flags:
        """The adapter: nothing of a vendor is loaded before one of its flags is asked for."""
        if place.file:
            from remediation.forge.flag_file import GitFlags

            if not isinstance(self._forge, _Mirrored):
                raise PermanentError(f"{place} cannot be reached: this forge has no copies of its repositories")
            return GitFlags(self._forge.mirror, self._clock)
        wanted = self._settings.service(place.service).experiments
        if wanted is not None and wanted.unleash is not None:
            from remediation.experiments.unleash import UnleashFlags

            return UnleashFlags(wanted.unleash)
        if wanted is not None and wanted.launchdarkly is not None:
            from remediation.experiments.launchdarkly import LaunchDarklyFlags

            return LaunchDarklyFlags(wanted.launchdarkly)
        raise PermanentError(f"nothing says where {place} lives: write services[].experiments for {place.service}")


def flags_of(settings: Settings, forge: Forge, clock: Clock) -> Flags:
    """The flags of all services. Nothing is asked before a flag is."""
    return ServiceFlags(settings, forge, clock)
