"""What a file says of experiments: flags, levers and measures that exist, and that can be told apart."""

import re
from collections.abc import Iterator

from pydantic import JsonValue

from config.document import Loc
from config.experiments import ExperimentsSettings, LeverSettings, MeasureSettings
from config.settings import ServiceSettings, Settings, WatchSettings
from config.wording import Said, closest

_PLACES = ("flagd", "unleash", "launchdarkly")
_COLUMNS = frozenset({"unit", "variant", "time", "flag"})
PROPOSES = frozenset({"timeout", "cache"})
"""The kinds of lever for which values are proposed."""


def misfits(settings: Settings) -> Iterator[tuple[Loc, Said]]:
    """Where `measures` and `services[].experiments` cannot work as they are written."""
    seen: set[str] = set()
    for place, measure in enumerate(settings.measures):
        yield from _measure(settings, measure, ("measures", place), seen)
    for place, service in enumerate(settings.services):
        if service.experiments is not None:
            yield from _service(settings, service, service.experiments, ("services", place, "experiments"))


def _measure(settings: Settings, measure: MeasureSettings, loc: Loc, seen: set[str]) -> Iterator[tuple[Loc, Said]]:
    yield from _source(settings, measure.source, (*loc, "source"))
    known = _watches(settings)
    if known is not None and measure.signal not in known:
        yield (*loc, "signal"), (f"no watch is {measure.signal}", closest(measure.signal, known))
    if measure.signal in seen:
        yield (*loc, "signal"), (f"{measure.signal} has a measure already", "leave one of the two")
    seen.add(measure.signal)
    if measure.kind != "revenue" and "winsorise" in measure.model_fields_set:
        yield (*loc, "winsorise"), (f"does nothing for a {measure.kind}", "leave it out, or write kind: revenue")
    yield from _money(measure, loc)


def _money(measure: MeasureSettings, loc: Loc) -> Iterator[tuple[Loc, Said]]:
    if measure.kind != "revenue" and measure.cents is not None:
        yield (*loc, "cents"), (f"a {measure.kind} is no money", "leave it out, or write kind: revenue")


def _service(
    settings: Settings, service: ServiceSettings, wanted: ExperimentsSettings, loc: Loc
) -> Iterator[tuple[Loc, Said]]:
    places = [name for name in _PLACES if getattr(wanted, name) is not None]
    if len(places) != 1:
        said = f"its flags lie in {' and '.join(places)}" if places else "it does not say where its flags lie"
        yield loc, (said, f"write one of {', '.join(_PLACES)}")
    if wanted.flagd is not None and not wanted.flagd.file.endswith(".json"):
        yield (*loc, "flagd", "file"), ("is no JSON file", "flagd files are JSON here, as in config/flags.json")
    repository = wanted.flagd.repository if wanted.flagd is not None else None
    names = [one.name for one in settings.repositories]
    if repository is not None and repository not in names:
        yield (*loc, "flagd", "repository"), (f"no repository is named {repository}", closest(repository, names))
    yield from _source(settings, wanted.exposures.source, (*loc, "exposures", "source"))
    if ":flag" not in wanted.exposures.query:
        said = "does not ask for one flag"
        yield (*loc, "exposures", "query"), (said, "write `… where flag = :flag and …`")
    yield from _property(wanted, loc)
    if "{flag}" not in wanted.event:
        yield (*loc, "event"), ("has no {flag} in it", 'write where the key stands, as in exposure("{flag}"')
    if list(wanted.steps) != sorted(set(wanted.steps)) or wanted.steps[-1] != 1:
        yield (*loc, "steps"), ("do not climb to everybody", "write them upwards, the last one 1, as in [0.25, 0.5, 1]")
    known = _watches_of(settings, service.name)
    for place, lever in enumerate(wanted.levers):
        where: Loc = (*loc, "levers", place)
        if lever.name in [earlier.name for earlier in wanted.levers[:place]]:
            yield (*where, "name"), (f"{lever.name} is the name of another lever", "rename one of the two")
        yield from _lever(lever, known, where)
        yield from _written(lever, wanted, service, where)


def _written(
    lever: LeverSettings, wanted: ExperimentsSettings, service: ServiceSettings, loc: Loc
) -> Iterator[tuple[Loc, Said]]:
    """Code and flag go into one pull request: they have to be in one repository, and the flag in a file of it."""
    if lever.file is None:
        return
    if wanted.flagd is None:
        yield (*loc, "file"), ("no pull request can add the flag there", "keep the flags in a file (`flagd`)")
    elif wanted.flagd.repository not in {None, service.repository}:
        said = f"is in {service.repository}, and the flags are in {wanted.flagd.repository}"
        yield (*loc, "file"), (said, "one pull request changes one repository: ask the flag there by hand")
    elif lever.file == wanted.flagd.file:
        yield (*loc, "file"), ("is the file of the flags", "name the code that shows the control")


def _property(wanted: ExperimentsSettings, loc: Loc) -> Iterator[tuple[Loc, Said]]:
    """What users are told apart by has to come with their exposures."""
    query = wanted.exposures.query.casefold()
    if wanted.by is None:
        if "by_most" in wanted.model_fields_set:
            yield (*loc, "by_most"), ("does nothing without `by`", "write `by`, or leave it out")
    elif wanted.by.casefold() in _COLUMNS:
        yield (*loc, "by"), (f"{wanted.by} is no property of a user", "name another column of exposures.query")
    elif "*" not in query and re.search(rf"(?<!\w){re.escape(wanted.by.casefold())}(?!\w)", query) is None:
        said = f"exposures.query gives no column {wanted.by}"
        yield (*loc, "by"), (said, "select it there, or name a column that is")


def _lever(lever: LeverSettings, known: list[str] | None, loc: Loc) -> Iterator[tuple[Loc, Said]]:
    if not lever.values and lever.kind not in PROPOSES:
        yield loc, (f"has nothing to try: no value is proposed for a {lever.kind}", "write `values: [...]`")
    number = isinstance(lever.control, int | float) and not isinstance(lever.control, bool)
    if not lever.values and lever.kind in PROPOSES and not (number and float(str(lever.control)) > 0):
        yield (*loc, "control"), ("is no number above zero to propose values from", "write `values: [...]`")
    if lever.control in lever.values:
        yield (*loc, "values"), ("have the control among them", "leave it out: everybody sees it already")
    if len({kind_of(value) for value in (lever.control, *lever.values)}) > 1:
        yield (*loc, "values"), ("are not of the control's kind", "let all variants be of one kind: flags have one")
    for place, name in enumerate(lever.moves):
        if known is not None and name not in known:
            yield (*loc, "moves", place), (f"no watch of the service has the name {name}", closest(name, known))


def kind_of(value: JsonValue) -> str:
    """What flagd calls its kind: all variants of a flag have one."""
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def _source(settings: Settings, name: str, loc: Loc) -> Iterator[tuple[Loc, Said]]:
    names = [source.name for source in settings.signals.sql]
    if name not in names:
        hint = closest(name, names) if names else "list the database under signals.sql"
        yield loc, (f"no source of signals.sql is named {name}", hint)


def _watches(settings: Settings) -> list[str] | None:
    """Every watch as service/name; None where more is found later, by labels or in rules."""
    named = [watch for watch in settings.watch if isinstance(watch, WatchSettings)]
    if len(named) < len(settings.watch):
        return None
    return [f"{watch.service}/{watch.name}" for watch in named]


def _watches_of(settings: Settings, service: str) -> list[str] | None:
    known = _watches(settings)
    return None if known is None else [key.partition("/")[2] for key in known if key.startswith(f"{service}/")]
