"""What a file says of segments: cards that can be told apart, of watches and databases that exist."""

from collections.abc import Iterator, Mapping

from config.document import Loc
from config.segments import FIELDS
from config.settings import Settings, WatchSettings
from config.wording import Said, closest


def misfits(settings: Settings) -> Iterator[tuple[Loc, Said]]:
    """Where `segments` and `segments_from` cannot work as they are written."""
    known = [source.name for source in settings.signals.sql]
    for place, asked in enumerate(settings.segments_from):
        where: Loc = ("segments_from", place)
        if asked.source not in known:
            hint = closest(asked.source, known) if known else "list the database under signals.sql"
            yield (*where, "source"), (f"no source of signals.sql is named {asked.source}", hint)
        for field in asked.fields:
            if field not in FIELDS:
                yield (*where, "fields", field), (f"{field} is no field of a card", closest(field, FIELDS))
        yield from _watched(settings, asked.benchmarks, (*where, "benchmarks"))
    names: set[str] = set()
    for place, one in enumerate(settings.segments):
        loc: Loc = ("segments", place)
        if one.name in names:
            yield (*loc, "name"), (f"{one.name} is the name of another segment", "rename one of the two")
        names.add(one.name)
        yield from _watched(settings, one.benchmarks, (*loc, "benchmarks"))
        for number, band in enumerate(one.price_bands):
            if band.low_cents > band.high_cents:
                yield (
                    (*loc, "price_bands", number, "high_cents"),
                    ("is below low_cents", "write the larger one as high_cents"),
                )


def _watched(settings: Settings, benchmarks: Mapping[str, object], loc: Loc) -> Iterator[tuple[Loc, Said]]:
    """Benchmarks of watches that are none, as far as watches are known before they are asked."""
    named = [watch for watch in settings.watch if isinstance(watch, WatchSettings)]
    if len(named) < len(settings.watch):
        return
    known = [f"{watch.service}/{watch.name}" for watch in named]
    for signal in benchmarks:
        if signal not in known:
            yield (*loc, signal), (f"no watch is {signal}", closest(signal, known))
