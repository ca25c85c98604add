"""What a month would have cost in alerts, as rows and as a part of the page."""

from collections.abc import Sequence
from html import escape

from cases.telemetry import Severity
from daemon.backtest.month import Costs, Month
from daemon.paper import table

COLUMNS = ("watch", "service", "seen", "days", "pages", "tickets", "notes", "alerts in 30 days")


def month_rows(costs: Costs) -> Sequence[tuple[str, ...]]:
    """One row a watch, the loudest first."""
    return [(month.name, *_cells(month)) for month in costs.watches]


def month_section(costs: Costs) -> str:
    """The section, as HTML."""
    said = "".join(f"<li>{escape(words)}</li>" for words in costs.words())
    services = [(month.name, *_cells(month)[1:], costs.over(month)) for month in costs.services]
    heads = ("service", *COLUMNS[2:], f"of {costs.allowed:.3g} allowed")
    each = table(COLUMNS, month_rows(costs), "By watch, the loudest first; in brackets the range for a short stretch")
    both = table(heads, services, "By service") + each
    return f"<h2>What a month would have cost you in alerts</h2><ul>{said}</ul>{both}"


def _cells(month: Month) -> tuple[str, ...]:
    rates = (month.rate(severity) for severity in Severity)
    shown = ("-" if rate is None else f"{rate:.3g}" for rate in rates)
    return month.service, str(month.cases), f"{month.span.total_seconds() / 86_400:.3g}", *shown, month.words()
