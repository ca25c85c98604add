"""What is installed beside the daemon: plug-ins by their entry points, each loaded, or left out with the reason."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """An entry point: what it is called, and the thing itself; or in `broken` why it has none.

    entry  the entry point's own name and its distribution
    """

    entry: str
    name: str
    thing: object
    broken: str = ""


def installed(
    group: str, what: str, wrong: Callable[[object], str], shown: Callable[[str], str], log: logging.Logger
) -> Sequence[Installed]:
    """Every entry point of a group, by name. One that is left out is logged, and keeps nothing else from its work.

    what   what such a thing is called, for people
    wrong  why a thing is none of these, or ""
    shown  text from elsewhere as it may be shown
    """
    made: list[Installed] = []
    for entry in sorted(entry_points(group=group), key=lambda found: (found.name, found.value)):
        one = _loaded(entry, wrong, shown)
        if not one.broken and one.name in {other.name for other in made if not other.broken}:
            one = Installed(entry=one.entry, name="", thing=None, broken=f"there is a {what} {one.name} already")
        if one.broken:
            log.warning("the %s %s is left out: %s", what, one.entry, one.broken)
        made.append(one)
    return made


def _loaded(entry: EntryPoint, wrong: Callable[[object], str], shown: Callable[[str], str]) -> Installed:
    named = shown(f"{entry.name} of {entry.dist.name}" if entry.dist is not None else entry.name)
    thing: object = None
    try:
        thing = entry.load()
        thing = thing() if isinstance(thing, type) else thing
        broken = wrong(thing)
    except Exception as error:  # noqa: BLE001 - somebody else's code: a plug-in that breaks must not keep the daemon down
        broken = f"it cannot be loaded: {type(error).__name__}: {shown(str(error))}"
    if broken:
        return Installed(entry=named, name="", thing=None, broken=broken)
    return Installed(entry=named, name=str(getattr(thing, "name", "")), thing=thing)
