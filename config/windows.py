"""What a window of maintenance says of itself: it begins and ends, in one of two ways, and is of services there are."""

from collections.abc import Iterator

from config.document import Loc
from config.schedule import MaintenanceSettings
from config.settings import Settings, WatchSettings
from config.wording import Said, closest

_BOTH_WAYS = "write start and end for once, or weekly, at and lasts for every week"
_ONCE, _WEEKLY = ("start", "end"), ("weekly", "at", "lasts")


def misfits(settings: Settings) -> Iterator[tuple[Loc, Said]]:
    """Where `schedule.maintenance` would never begin, never end, or be of nobody."""
    known = _services(settings)
    for place, window in enumerate(settings.schedule.maintenance):
        loc: Loc = ("schedule", "maintenance", place)
        yield from _ways(loc, window)
        if window.start is not None and window.end is not None and window.end <= window.start:
            yield (*loc, "end"), ("is not after start", "correct one of the two")
        for position, name in enumerate(window.services):
            if known is not None and name not in known:
                yield (*loc, "services", position), (f"there is no service named {name}", closest(name, sorted(known)))


def _ways(loc: Loc, window: MaintenanceSettings) -> Iterator[tuple[Loc, Said]]:
    once = [key for key in _ONCE if getattr(window, key) is not None]
    weekly = [key for key in _WEEKLY if getattr(window, key)]
    if bool(once) == bool(weekly):
        yield loc, ("has a beginning and an end in both ways" if once else "never begins", _BOTH_WAYS)
        return
    for key in _ONCE if once else _WEEKLY:
        if key not in (once or weekly):
            yield (*loc, key), ("is missing", _BOTH_WAYS)


def _services(settings: Settings) -> set[str] | None:
    """The services that there are; None where more are found later, by labels or in rules."""
    named = [watch for watch in settings.watch if isinstance(watch, WatchSettings)]
    if len(named) < len(settings.watch):
        return None
    return {*(watch.service for watch in named), *(service.name for service in settings.services)}
