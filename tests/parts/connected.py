"""Sources of product analytics as an operator configures them, at a local server that stands in for the vendors."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from cases.moments import from_milliseconds
from cases.ports import SignalSource
from cases.telemetry import SeriesBlock, Signal
from daemon.clock import ManualClock
from daemon.connectors import source_of
from tests.parts.analytics import PROJECT, SECRET, TOKEN, USER, Vendors
from tests.parts.settings import some_settings

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
VENDORS = ("amplitude", "ga4", "mixpanel", "posthog")
KINDS = ("amplitude", "ga4", "http", "mixpanel", "plugins", "posthog")

LOADS: dict[str, dict[str, Any]] = {
    "amplitude": {"event": "load"},
    "ga4": {"metric": "eventCount", "event": "load"},
    "http": {"labels": {}},
    "mixpanel": {"event": "load"},
    "plugins": {},
    "posthog": {"event": "load", "measure": "events"},
}
"""What of a source makes it count the event `load`."""


def written(kind: str, url: str, folder: Path, /, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - keys of a configuration
    """One source as the file has it. Its secrets lie in the folder."""
    (folder / "secret").write_text(SECRET)
    (folder / "token").write_text(TOKEN)
    secret, token = f"file:{folder / 'secret'}", f"file:{folder / 'token'}"
    basic = {"auth": {"basic": {"username": USER, "password": secret}}}
    bearer = {"auth": {"bearer": token}}
    own: Mapping[str, Mapping[str, Any]] = {
        "mixpanel": {"url": url, "project": PROJECT, "zone": "UTC", **basic},
        "amplitude": {"url": url, "zone": "UTC", **basic},
        "ga4": {"url": url, "property": PROJECT, "zone": "UTC", **bearer},
        "posthog": {"url": url, "project": PROJECT, "zone": "UTC", **bearer},
        "http": {
            "url": url,
            "path": "/rows",
            "params": {"from": "{start_day}", "to": "{last_day}"},
            "rows": "data.items",
            "time": "day",
            "value": "number",
            "labels": {"segment": "by.segment"},
            "pages": {"at": "meta.next", "param": "page"},
            "partial": "meta.cut",
            **bearer,
        },
        "plugins": {"kind": "loads", "settings": {"url": url}, "secrets": {"token": token}},
    }
    return {"name": "visits", **own[kind], **more}


def connected(
    kind: str,
    url: str,
    folder: Path,
    clock: ManualClock,
    /,
    *,
    reach: timedelta | None = None,
    **more: Any,  # noqa: ANN401 - keys of a configuration
) -> SignalSource:
    """The source, built from a file that has it."""
    prometheus = [{"name": "prometheus", "url": "http://127.0.0.1:9"}]
    watch = [{"name": "errors", "service": "shop", "source": "prometheus", "query": "errors", "harm": "up"}]
    signals = {"prometheus": prometheus, kind: [written(kind, url, folder, **more)]}
    settings = some_settings(signals=signals, watch=watch)
    [source] = settings.signals.analytics[kind]
    return source_of(source, clock, reach)  # type: ignore[arg-type] # of `analytics`, none of SQL


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A source with its clock."""

    source: SignalSource
    clock: ManualClock

    def block(self, back: timedelta, step: timedelta = HOUR, query: str = "") -> SeriesBlock:
        """What it reads of the stretch that ends now."""
        now = self.clock.now()
        signal = Signal(name="visits", service="shop", source="visits", query=query)
        return self.source.read(signal, now - back, now, step)

    def changes(self, back: timedelta) -> list[tuple[str, float]]:
        """The values of its only series as they change, each with the time from which it shows."""
        block = self.block(back)
        [row] = block.values
        seen: list[tuple[str, float]] = []
        for at, value in zip(block.times, row, strict=True):
            if not np.isnan(value) and (not seen or seen[-1][1] != value):
                seen.append((from_milliseconds(int(at)).strftime("%d.%m. %H:%M"), float(value)))
        return seen

    def counted(self, back: timedelta) -> list[float]:
        """The same without the times, and without the zeros that some vendors have before anything happened."""
        return [value for _, value in self.changes(back) if value]

    def now(self) -> float | None:
        block = self.block(timedelta(0))
        return float(block.values[0, 0]) if len(block.labels) else None


def reader(kind: str, vendors: Vendors, folder: Path, /, now: datetime = NOON, **more: Any) -> Reader:  # noqa: ANN401 - keys of a configuration
    clock = ManualClock(now)
    return Reader(source=connected(kind, vendors.url, folder, clock, **more), clock=clock)


def given(vendors: Vendors, first: date, counts: list[float | None]) -> None:
    vendors.given["web"] = {first + n * DAY: count for n, count in enumerate(counts)}
