"""Sources of product analytics as an operator configures them, at a local server that stands in for the vendors."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from cases.ports import SignalSource
from daemon.clock import ManualClock
from daemon.connectors import source_of
from tests.parts.analytics import PROJECT, SECRET, TOKEN, USER
from tests.parts.settings import some_settings

KINDS = ("amplitude", "ga4", "http", "mixpanel", "plugins", "posthog")


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
