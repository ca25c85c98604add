"""Connectors from elsewhere: found by their entry points, and held to the same rules as our own.

One that cannot be loaded, or breaks while it is asked, makes its signals blind, with the reason. It stops nothing else.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from cases.connector import GROUP, Asked, Connector, Reading
from cases.errors import PermanentError, SourceDown, TemporaryError
from config.analytics import PluginSettings
from config.installed import installed
from signals.analytics.buckets import Span
from signals.analytics.source import OF, Rows
from signals.quoting import quoted
from signals.table import TIME, VALUE

log = logging.getLogger("trackwalker.sources")

_NAME = re.compile(r"[a-z][a-z0-9-]{0,40}")
_MOST_READINGS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugged:
    """An entry point: its connector, or in `broken` why it has none."""

    entry: str  # the entry point's own name and its distribution
    connector: Connector | None
    broken: str = ""


@lru_cache(maxsize=1)
def plugged() -> tuple[Plugged, ...]:
    """Every connector that is installed beside the daemon, by name. Looked for once in a process's life."""
    found = installed(GROUP, "connector", _wrong, quoted, log)
    return tuple(Plugged(entry=o.entry, connector=cast("Connector | None", o.thing), broken=o.broken) for o in found)


class PluggedConnector:
    """A connector of the source's (see `signals.analytics.source.Connector`) around one that is plugged in."""

    def __init__(self, settings: PluginSettings) -> None:
        self._settings = settings

    @property
    def place(self) -> str:
        """Who answers."""
        return f"the plug-in {self._settings.kind}"

    def close(self) -> None:
        """Do nothing: a connector keeps nothing open."""

    def rows(self, span: Span) -> Rows:
        """See `signals.analytics.source.Connector`."""
        wanted, connector = self._settings, self._found()
        try:
            secrets = {name: secret.reveal() for name, secret in wanted.secrets.items()}
        except TemporaryError as error:
            raise SourceDown(wanted.name, str(error), error.retry_after) from None
        asked = Asked(start=span.first, end=span.end, zone=wanted.zone, settings=wanted.settings, secrets=secrets)
        readings = self._readings(connector, asked)
        names = sorted({name for reading in readings for name in reading.labels})
        shares = any(reading.of is not None for reading in readings)
        rows = [
            (
                reading.time,
                reading.value,
                *((reading.of,) if shares else ()),
                *(reading.labels.get(name) for name in names),
            )
            for reading in readings
        ]
        return Rows(columns=(TIME, VALUE, *((OF,) if shares else ()), *names), rows=rows)

    def _readings(self, connector: Connector, asked: Asked) -> list[Reading]:
        """Ask it. Its errors are quoted without the secrets that it was given."""
        name, kind = self._settings.name, self._settings.kind
        readings: list[Reading] = []
        try:
            for reading in cast("list[object]", connector.readings(asked)):
                if not isinstance(reading, Reading):
                    raise PermanentError(f"the plug-in {kind} gives something that is no Reading")  # noqa: TRY301 - told below
                readings.append(reading)
                if len(readings) > _MOST_READINGS:
                    raise PermanentError(f"the plug-in {kind} gives more than {_MOST_READINGS} readings")  # noqa: TRY301 - the same
        except TemporaryError as error:
            busy = isinstance(error, SourceDown) and error.busy
            said = error.because if isinstance(error, SourceDown) else str(error)
            raise SourceDown(name, _clean(said, asked.secrets), error.retry_after, busy=busy) from None
        except PermanentError as error:
            raise PermanentError(f"{name}: {_clean(str(error), asked.secrets)}") from None
        except Exception as error:  # noqa: BLE001 - somebody else's code: a plug-in that breaks must not stop the daemon
            said = _clean(f"{type(error).__name__}: {error}", asked.secrets)
            raise SourceDown(name, f"the plug-in {kind} broke ({said})") from None
        return readings

    def _found(self) -> Connector:
        kind, all_of_them = self._settings.kind, plugged()
        for one in all_of_them:
            if one.connector is not None and one.connector.name == kind:
                return one.connector
        known = ", ".join(one.connector.name for one in all_of_them if one.connector is not None) or "none"
        broken = "".join(f"; {one.entry} is left out: {one.broken}" for one in all_of_them if one.broken)
        raise PermanentError(
            f"{self._settings.name}: no connector {kind} is installed (there are: {known}{broken}); install it where "
            "trackwalker runs, or correct `kind`"
        )


def _clean(text: str, secrets: Mapping[str, str]) -> str:
    for secret in secrets.values():
        text = text.replace(secret, "…")
    return quoted(text)


def _wrong(thing: object) -> str:
    """Why it is no connector, or ""."""
    name = getattr(thing, "name", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return "its `name` must be small letters, digits and hyphens, at most 41 of them"
    return "" if callable(getattr(thing, "readings", None)) else "it has no method `readings`"
