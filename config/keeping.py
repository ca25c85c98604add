"""Settings of what is kept: backups of the store, how long rows stay, who may pull the levers, what is logged."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from config.fields import Duration, Text, Url
from config.section import Section


class BackupSettings(Section):
    """A copy of the store, made every night by whichever daemon comes first. Each copy can be opened as a store."""

    folder: Text | None = None
    """Where copies go. None: `backups` in the daemon's own folder. Another disk is better."""

    keep: Annotated[int, Field(ge=0, le=365)] = 7
    """How many copies are kept, newest first. 0: none is made."""


class RetentionSettings(Section):
    """How long rows stay. Nothing of a case that is not closed is ever removed."""

    effects: Duration = timedelta(days=90)
    """What closed cases did to the outside, and notices: they hold whole files."""

    cases: Duration = timedelta(days=730)
    """The history of a closed case. Its lesson stays, and the audit says that it was removed."""

    audit: Duration = timedelta(days=1825)
    """Lines of the audit. What is left can still be verified: the cut is sealed by a line of its own."""


class LessonsSettings(Section):
    """How lessons are found again. Words find them always; vectors are an option, and nothing needs them."""

    vectors: Literal["off", "numpy", "pgvector"] = "off"
    """Whether lessons are also found by the letters of their words: spelling variants, compounds, inflections. numpy:
    kept in any store and compared in this process. pgvector: on a PostgreSQL store with that extension, compared by the
    server. off: by words alone, which find whatever is named alike. See docs/lessons.md."""


class LeversSettings(Section):
    """How humans stop it, besides the command line."""

    pause_file: Text | None = None
    """While this file is there, everything is paused; its first line is the reason. None: `pause` in the folder
    of `home`."""

    comments: bool = True
    """Whether `/trackwalker pause` and its like are taken from comments on its own pull requests, by those who may
    write to the repository."""


class ObserveSettings(Section):
    """How the daemon can be watched itself, besides /metrics."""

    log: Literal["text", "json"] = "text"
    """What standard error gets: lines for people, or one JSON object a line."""

    traces: Url | None = None
    """An OpenTelemetry collector that takes OTLP over HTTP, as in http://127.0.0.1:4318: one trace a case. None: none
    are sent."""
