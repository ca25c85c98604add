"""How the anomalies compare with the alerts that really fired, as a part of the page."""

from datetime import timedelta
from html import escape

from daemon.backtest.compared import Compared, Matched, Tally
from daemon.paper import table


def alerts_section(told: Compared) -> str:
    """The section, as HTML."""
    said = "".join(f"<li>{escape(words)}</li>" for words in told.words())
    head = f"<h2>Compared with your alerts</h2><ul>{said}</ul>"
    if told.because:
        return head
    columns = ("service", "fired", "seen earlier", "no earlier", "missed", "extra cases", "median lead")
    services = table(columns, [_service(name, tally) for name, tally in told.services.items()], "By service")
    loud = sorted(told.matched, key=lambda one: (one.episode is not None, one.firing.first))
    heads = ("alert", "service", "fired", "would have been seen", "by")
    each = table(heads, [_alert(one) for one in loud], "Alerts, those that would have been missed first")
    return f"{head}{services}{each if loud else ''}"


def _service(name: str, tally: Tally) -> tuple[str, ...]:
    counts = (tally.fired, tally.earlier, tally.later, tally.missed, tally.extra)
    return name, *(str(count) for count in counts), _signed(tally.lead)


def _alert(one: Matched) -> tuple[str, ...]:
    firing, episode = one.firing, one.episode
    seen = "fired before the stretch" if firing.before else _signed(one.lead)
    by = episode.anomaly.signal.key if episode else "-"
    return firing.name, firing.service, f"{firing.first:%Y-%m-%d %H:%M}", seen if episode else "missed", by


def _signed(lead: timedelta | None) -> str:
    if lead is None:
        return "-"
    minutes = lead.total_seconds() / 60
    return "at the same moment" if not minutes else f"{abs(minutes):.3g} min {'earlier' if minutes > 0 else 'later'}"
