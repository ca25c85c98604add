"""What the settings of approvals and routes say of others: receivers that there are, spans that follow each other."""

from collections.abc import Iterator, Sequence

from config import duration
from config.document import Loc
from config.settings import RouteSettings, Settings
from config.wording import Said, closest, key


def misfits(settings: Settings) -> Iterator[tuple[Loc, Said]]:
    """Where `approvals` or a route names nobody, where two are alike, and where a route can never be come to."""
    yield from _routes(settings.alerts.routes, ("alerts", "routes"), settings)
    wanted = settings.approvals
    names = [receiver.name for receiver in settings.alerts.receivers]
    for place, name in enumerate(wanted.backup):
        if name not in names:
            hint = closest(name, names) if names else "list it under alerts.receivers"
            yield ("approvals", "backup", place), (f"there is no receiver named {name}", hint)
    for shorter, longer in (("hour", "day"), ("day", "week")):
        if getattr(wanted, shorter) > getattr(wanted, longer):
            said = f"is shorter than `{shorter}`, which is more urgent"
            hint = f"write at least {duration.format(getattr(wanted, shorter))}"
            yield ("approvals", longer), (said, hint)
    for field in ("name", "slack"):
        seen: dict[str, int] = {}
        for place, decider in enumerate(wanted.deciders):
            value = getattr(decider, field)
            if value is None:
                continue
            first = seen.setdefault(value, place)
            if first != place:
                loc: Loc = ("approvals", "deciders")
                yield (*loc, place, field), (f"is {key((*loc, first))}'s already", "one of the two is somebody else")


def _routes(routes: Sequence[RouteSettings], loc: Loc, settings: Settings) -> Iterator[tuple[Loc, Said]]:
    names = [receiver.name for receiver in settings.alerts.receivers]
    taken = ""
    for place, route in enumerate(routes):
        if route.receiver is not None and route.receiver not in names:
            hint = closest(route.receiver, names) if names else "list it under alerts.receivers"
            yield (*loc, place, "receiver"), (f"there is no receiver named {route.receiver}", hint)
        if taken:
            yield (*loc, place), (f"{taken} takes everything before it", "write `continue: true` there, or matchers")
        elif not route.matchers and not route.continue_:
            taken = key((*loc, place))
        yield from _routes(route.routes, (*loc, place, "routes"), settings)
