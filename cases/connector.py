"""Connector: where numbers come from, as anybody can write one. A plug-in imports only `cases`.

It is found by its entry point, in the group `trackwalker.sources`: an object with what `Connector` names, or a class of
such without arguments. It gives the rows of a stretch, and nothing else: the house says when it is asked, leaves out
what is not whole yet, remembers, and reads late rows again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

GROUP = "trackwalker.sources"
"""The group of entry points."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a connector is asked.

    start, end   the stretch in UTC, whole buckets of the zone; `end` is not part of it
    zone         the time zone of days, as in Europe/Berlin
    settings     what the configuration tells it
    secrets      the credentials that the configuration names, as they are now
    """

    start: datetime
    end: datetime
    zone: str
    settings: Mapping[str, object]
    secrets: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One number: of the bucket that begins at `time` (without a zone it is the asked one). None is missing.

    `of` is what the value is divided by, for a share; None where it is none.
    """

    time: datetime | date
    value: float | None
    of: float | None = None
    labels: Mapping[str, str] = field(default_factory=dict[str, str])


class Connector(Protocol):
    """One kind of source."""

    @property
    def name(self) -> str:
        """What the configuration calls it as `kind`: small letters, digits and hyphens."""
        ...

    def readings(self, asked: Asked) -> Iterable[Reading]:
        """All readings of the stretch.

        Raises `cases.errors.SourceDown` or any TemporaryError when they cannot be had now, and PermanentError when only
        a human can help. It ends by itself: nothing can stop it.
        """
        ...
