"""Links to where people look for themselves: the readings as they are now, and pinned to the window of the trouble."""

import json
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit

from cases.anomaly import Anomaly
from cases.moments import iso, milliseconds
from config.settings import LinksSettings

SHORTEST = timedelta(minutes=15)


def live(links: LinksSettings, anomaly: Anomaly) -> str:
    """The signal as it reads when somebody looks; "" when no link is configured."""
    if not links.prometheus:
        return ""
    graph = {"g0.expr": anomaly.signal.query, "g0.tab": "0", "g0.range_input": "1h"}
    return f"{links.prometheus.rstrip('/')}/graph?{urlencode(graph)}"


def dashboard(links: LinksSettings, anomaly: Anomaly, now: datetime) -> str:
    """The readings, pinned to as long before the onset as since; "" when no link is configured.

    In Grafana a dashboard (an address with /d/ in it) gets the window and the service as its variable; any other
    address the query in Explore, on its default source.
    """
    length = max(SHORTEST, 2 * (now - anomaly.onset))
    if not links.grafana:
        return _graph(links, anomaly, now, length)
    base = links.grafana.rstrip("/")
    window = {"from": str(milliseconds(now - length)), "to": str(milliseconds(now))}
    if "/d/" in urlsplit(base).path:
        return f"{base}{'&' if '?' in base else '?'}{urlencode({**window, 'var-service': anomaly.signal.service})}"
    pane = {"queries": [{"refId": "A", "expr": anomaly.signal.query}], "range": window}
    panes = json.dumps({"trackwalker": pane}, separators=(",", ":"))
    return f"{base}/explore?{urlencode({'schemaVersion': '1', 'panes': panes})}"


def _graph(links: LinksSettings, anomaly: Anomaly, now: datetime, length: timedelta) -> str:
    if not links.prometheus:
        return ""
    graph = {
        "g0.expr": anomaly.signal.query,
        "g0.tab": "0",
        "g0.range_input": f"{int(length.total_seconds() // 60)}m",
        "g0.end_input": iso(now),
    }
    return f"{links.prometheus.rstrip('/')}/graph?{urlencode(graph)}"
