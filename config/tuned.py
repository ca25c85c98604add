"""What a service says of files with values: they can be read, and a rule for them does something."""

from collections.abc import Iterator

from config.document import Loc
from config.settings import ServiceSettings, Settings, WatchSettings
from config.wording import Said, closest

READABLE = (".yaml", ".yml", ".json", ".toml")
"""The files whose values can be changed one by one."""
_HINT = f"name one that ends in {', '.join(READABLE[:-1])} or {READABLE[-1]}"


def misfits(settings: Settings) -> Iterator[tuple[Loc, Said]]:
    """Where `services[].config` and `services[].tune` cannot work as they are written."""
    for place, service in enumerate(settings.services):
        yield from _config(("services", place, "config"), service)
        for position, tune in enumerate(service.tune):
            loc: Loc = ("services", place, "tune", position)
            if not tune.file.endswith(READABLE):
                yield (*loc, "file"), ("is no file whose values can be read", _HINT)
            if tune.factor == 1:
                yield (*loc, "factor"), ("1 changes nothing", "write more than 1 to raise the value, less to lower it")
            if tune.answers == "improvement" and not _has_bench(settings, service):
                said = f"{service.repository} has no `bench`, so nothing would ever show that it is better"
                yield (*loc, "answers"), (said, "give the repository a `bench`, or leave this line out")
            watches = _watches(settings, service.name)
            if watches is not None and tune.signal not in watches:
                known = closest(tune.signal, watches) if watches else f"nothing watches {service.name}"
                yield (*loc, "signal"), (f"no watch of {service.name} has the name {tune.signal}", known)


def _has_bench(settings: Settings, service: ServiceSettings) -> bool:
    """Whether its repository has one; one that is not there is somebody else's to say."""
    found = [repository for repository in settings.repositories if repository.name == service.repository]
    return not found or found[0].bench is not None


def _config(loc: Loc, service: ServiceSettings) -> Iterator[tuple[Loc, Said]]:
    config = service.config
    if config is None:
        return
    if not config.file.endswith(READABLE):
        yield (*loc, "file"), ("is no file whose values can be read", _HINT)
    if config.image_tag is not None and config.repository == service.repository:
        said = f"{config.repository} has the code too: a version in it would name the commit that sets it"
        yield (*loc, "image_tag"), (said, "remove it, or name the repository of the configuration")


def _watches(settings: Settings, service: str) -> list[str] | None:
    """The names of what is watched of a service; None where more is found later, by labels or in rules."""
    named = [watch for watch in settings.watch if isinstance(watch, WatchSettings)]
    if len(named) < len(settings.watch):
        return None
    return [watch.name for watch in named if watch.service == service]
