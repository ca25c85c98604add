"""What one setting says of another: names that must exist, names that must be told apart, lengths that must fit."""

from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urlsplit

from cases.errors import PermanentError
from config.document import Loc
from config.settings import BuildInfoSettings, Settings
from config.wording import Said, closest, key

Found = Iterator[tuple[Loc, Said]]


def check(settings: Settings) -> list[tuple[Loc, Said]]:
    """Everything that does not fit together: where it is written, what is wrong, what would be right."""
    return [found for rule in _RULES for found in rule(settings)]


def _doubles(settings: Settings) -> Found:
    """Entries that could not be told apart."""
    yield from _double(("signals", "prometheus"), [source.name for source in settings.signals.prometheus])
    yield from _double(("watch",), [f"{watch.service}/{watch.name}" for watch in settings.watch])
    yield from _double(("services",), [service.name for service in settings.services])
    yield from _double(("repositories",), [repository.name for repository in settings.repositories])
    yield from _double(("alerts", "receivers"), [receiver.name for receiver in settings.alerts.receivers])


def _double(loc: Loc, names: Sequence[str]) -> Found:
    for place, name in enumerate(names):
        if name in names[:place]:
            yield (
                (*loc, place, "name"),
                (f"{name} is {key((*loc, names.index(name)))} already", "rename one of the two"),
            )


def _sources(settings: Settings) -> Found:
    """Watches and deploy markers name a source that exists, and name one where there are several."""
    names = [source.name for source in settings.signals.prometheus]
    readers: list[tuple[Loc, str | None]] = [
        (("watch", place), watch.source) for place, watch in enumerate(settings.watch)
    ]
    readers += [
        (("deploys", place), marker.source)
        for place, marker in enumerate(settings.deploys)
        if isinstance(marker, BuildInfoSettings)
    ]
    for loc, source in readers:
        if source is None and len(names) > 1:
            yield (*loc, "source"), (f"there are several sources ({', '.join(names)})", "add source: and one of them")
        elif source is not None and source not in names:
            yield (*loc, "source"), (f"there is no source named {source}", closest(source, names))


def _services(settings: Settings) -> Found:
    """Services name repositories that exist, and every watched service comes to one."""
    repositories = [repository.name for repository in settings.repositories]
    known = {service.name for service in settings.services} | {watch.service for watch in settings.watch}
    for place, service in enumerate(settings.services):
        loc: Loc = ("services", place)
        if service.repository not in repositories:
            problem = f"there is no repository named {service.repository}"
            yield (*loc, "repository"), (problem, closest(service.repository, repositories))
        for position, name in enumerate(service.depends):
            if name not in known:
                yield (*loc, "depends", position), (f"there is no service named {name}", closest(name, sorted(known)))
    for place, watch in enumerate(settings.watch):
        if not _has_repository(settings, watch.service):
            problem = f"no repository is known for the service {watch.service}"
            hint = f"add services: [{{name: {watch.service}, repository: {repositories[0]}}}], with the right one"
            yield ("watch", place, "service"), (problem, hint)


def _has_repository(settings: Settings, service: str) -> bool:
    try:
        settings.service(service)
    except PermanentError:
        return False
    return True


def _thresholds(settings: Settings) -> Found:
    """A threshold is there exactly where it is used, and has a side."""
    for place, watch in enumerate(settings.watch):
        loc: Loc = ("watch", place)
        if watch.detector == "threshold" and watch.threshold is None:
            yield (*loc, "threshold"), ("is missing, and detector: threshold needs it", "add it, in the query's unit")
        if watch.detector == "seasonal" and watch.threshold is not None:
            yield (*loc, "threshold"), ("detector: seasonal never reads a threshold", "remove one of the two")
        if watch.threshold is not None and watch.harm is None:
            yield (*loc, "harm"), ("is missing, and a threshold has a side", "add harm: up or harm: down")


def _hosts(settings: Settings) -> Found:
    """The forge's token is sent to the git hosts too: each must be the forge's own (api.github.com's is github.com)."""
    forge = urlsplit(settings.forge.api_url).netloc
    own = {forge, forge.removeprefix("api.")}
    for place, repository in enumerate(settings.repositories):
        host = urlsplit(repository.url).netloc
        if host not in own:
            hint = f"give the address on {forge.removeprefix('api.')}, or set forge.api_url to {host}'s API"
            yield ("repositories", place, "url"), (f"{host} is not the forge's host, and would get its token", hint)


def _lengths(settings: Settings) -> Found:
    """Stretches of time that must fit into each other."""
    detection, judgement = settings.detection, settings.judgement
    fits: Sequence[tuple[bool, Loc, Said]] = (
        (
            detection.warm_up <= detection.history,
            ("detection", "warm_up"),
            ("is longer than detection.history: no signal would ever be warm", "make it shorter"),
        ),
        (
            detection.confirm * detection.step <= detection.recent,
            ("detection", "recent"),
            ("is too short for detection.confirm points of detection.step", "make it longer"),
        ),
        (
            judgement.warm_up < judgement.act_within,
            ("judgement", "warm_up"),
            ("is not shorter than judgement.act_within: harm would never be acted on", "make it shorter"),
        ),
        (
            judgement.act_within <= judgement.window,
            ("judgement", "act_within"),
            ("is longer than judgement.window", "make it shorter"),
        ),
    )
    yield from ((loc, said) for fit, loc, said in fits if not fit)


_RULES: Sequence[Callable[[Settings], Found]] = (_doubles, _sources, _services, _thresholds, _hosts, _lengths)
