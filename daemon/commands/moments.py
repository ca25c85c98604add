"""How the command line takes moments and durations."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from cases.moments import from_milliseconds

_EPOCH = re.compile(r"[0-9]{9,11}(\.[0-9]+)?")


class Moment(click.ParamType[datetime, Any]):
    """A moment with its zone: `2026-01-02T03:04:05Z`, with an offset, or epoch seconds. A `datetime` in UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:  # noqa: ANN401 - click's own
        """Read it, or refuse it with an example."""
        if isinstance(value, datetime):
            return value
        text = str(value).strip()
        if _EPOCH.fullmatch(text):
            return from_milliseconds(float(text) * 1000)
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            self.fail(f"{text[:60]!r} is not a time; write it as in 2026-01-02T03:04:05Z", param, ctx)
        if at.tzinfo is None:
            self.fail(f"{text[:60]!r} has no zone; write {text[:60]}Z for UTC", param, ctx)
        return at.astimezone(UTC)


class Stretch(click.ParamType[timedelta, Any]):
    """A duration as files have it: `30s`, `5m`, `1h`, `7d`."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:  # noqa: ANN401 - click's own
        """Read it, or refuse it with an example."""
        from config import duration
        from config.errors import Unusable

        if isinstance(value, timedelta):
            return value
        try:
            return duration.parse(str(value))
        except Unusable as error:
            self.fail(str(error), param, ctx)
