"""What reads what users behind flags did: built where a service is experimented with, and loaded at the first look."""

import threading
from pathlib import Path

from cases.errors import PermanentError
from cases.measure import Measured, Measures, Users
from config.settings import Settings


def measures_of(settings: Settings, folder: Path) -> Measures | None:
    """What reads the users of the services with `experiments`; None where there is none. Nothing is loaded yet.

    folder  of this process alone, as in its home: what lies in `measures` there is of another life, and is removed
    """
    if not any(service.experiments is not None for service in settings.services):
        return None
    return _Unloaded(settings, folder / "measures")


class _Unloaded:
    """`Measures` that loads what it needs (DuckDB, SQLAlchemy and drivers, some 100 MB) when it is first asked."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._loaded: Measures | None = None
        self._lock = threading.Lock()

    def look(self, wanted: Measured) -> Users:
        """Look now. See `Measures`."""
        with self._lock:
            self._loaded = self._loaded or _loaded(self._settings, self._folder)
        return self._loaded.look(wanted)


def _loaded(settings: Settings, folder: Path) -> Measures:
    try:
        from signals.measures.databases import DatabaseMeasures
    except ModuleNotFoundError as error:
        if error.name != "duckdb":
            raise
        raise PermanentError(
            "measuring experiments needs the package duckdb, and it is not installed; install trackwalker[duckdb]"
        ) from None
    from signals.sql.database import open_database

    exposures = {
        service.name: service.experiments.exposures for service in settings.services if service.experiments is not None
    }
    asked = {one.source for one in exposures.values()} | {one.source for one in settings.measures}
    return DatabaseMeasures(
        {
            source.name: open_database(
                source.name,
                source.url,
                password=source.password.reveal if source.password else None,
                timeout=source.timeout,
                max_rows=source.max_rows,
            )
            for source in settings.signals.sql
            if source.name in asked
        },
        exposures=exposures,
        measures={measure.signal: measure for measure in settings.measures},
        folder=folder,
    )
