"""Flaskr's bare repository, with a short history, as a forge serves it."""

from datetime import datetime, timedelta
from pathlib import Path

from tests.parts.flaskr.commits import HISTORY
from tests.parts.hub import Hub

BEGUN = timedelta(days=30)


def create_repository(root: Path, application: Path, *, full_name: str, until: datetime) -> Hub:
    """Make `root/<full_name>.git` of the application's files, which are changed on the way, in the days to `until`."""
    hub = Hub(root, full_name=full_name).create()
    hub.commit("Begin with the tutorial's application", _files(application), at=_epoch(until - BEGUN))
    for number, past in enumerate(HISTORY, start=1):
        past.edit.apply(application)
        when = until - BEGUN * (1 - number / (len(HISTORY) + 1))
        hub.commit(past.title, {past.edit.path: (application / past.edit.path).read_bytes()}, at=_epoch(when))
    return hub


def _files(application: Path) -> dict[str | bytes, bytes]:
    found = (path for path in sorted(application.rglob("*")) if path.is_file())
    return {path.relative_to(application).as_posix(): path.read_bytes() for path in found}


def _epoch(when: datetime) -> int:
    return int(when.timestamp())
