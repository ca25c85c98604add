"""A backtest as one HTML file: nothing is loaded from anywhere, no script runs, and text from outside is only text."""

from collections.abc import Sequence
from datetime import datetime
from html import escape

from daemon.backtest.closeup import closeups
from daemon.backtest.page_alerts import alerts_section
from daemon.backtest.page_loop import loop_section
from daemon.backtest.page_month import month_section
from daemon.backtest.report import Report, case_row, per_week
from daemon.backtest.told import Told
from daemon.backtest.wording import lasted
from daemon.drawing import Line, draw, expectation
from daemon.paper import BASE

MOST_DRAWN = 60  # series with anomalies; the page stays below some megabytes
MOST_QUIET = 24
MOST_NAMED = 3
NOTHING = "\N{EN DASH}"

STYLE = f"""{BASE}
.plots{{display:grid;gap:12px}}.pairs{{grid-template-columns:repeat(auto-fit,minmax(min(100%,430px),1fr))}}
figure p{{margin:4px 0 6px;font-size:.85rem;color:var(--soft);overflow-wrap:anywhere}}.pairs svg text{{font-size:17px}}
.onset,.told{{fill:none;stroke:var(--ink);stroke-width:1.4}}.onset{{stroke-dasharray:3 4}}
details summary{{cursor:pointer;color:var(--soft);margin:20px 0 10px}}
.key i.tick{{width:0;height:14px;border:0;border-left:2px solid var(--ink);border-radius:0}}
.key i.dashed{{border-left-style:dashed}}
@media(max-width:620px){{svg text{{font-size:17px}}}}
"""


def page(told: Told) -> str:
    """The whole file."""
    report, what = told.report, told.what
    loud = sorted((line for line in report.lines if line.episodes), key=lambda line: -len(line.episodes))
    quiet = [line for line in report.lines if not line.episodes and len(line.times)]
    sections = (
        _head(report, what),
        _stats(report, told.cpu_seconds),
        _cases(report),
        month_section(told.costs),
        alerts_section(told.compared),
        loop_section(told.loop) if told.loop else "",
        closeups(report.lines),
        _plots("Series with anomalies", loud, MOST_DRAWN),
        _quiet(quiet),
        _remarks(told.remarks),
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Backtest of {escape(what)}</title><style>{STYLE}</style></head>"
        f"<body><main>{''.join(sections)}</main></body></html>\n"
    )


def _head(report: Report, what: str) -> str:
    stretch = f"{_time(report.since)} to {_time(report.until)} UTC" if report.since and report.until else "no readings"
    return (
        f'<h1>What would have fired</h1><p class="soft">{escape(what)} · {stretch}</p>'
        "<p>Each reading was held to what was known before it: the detectors are the daemon's, and nothing that came "
        "later plays a part.</p>"
    )


def _stats(report: Report, cpu_seconds: float) -> str:
    rates = per_week(report)
    figures = (
        (f"{report.series:,}", "series"),
        (f"{report.points:,}", "readings"),
        (f"{len(report.episodes):,}", "anomalies"),
        (_rate(rates["anomalies"]), "per series and week"),
        (f"{len(report.cases):,}", "cases"),
        (_rate(rates["cases"]), "cases a week"),
        (f"{cpu_seconds:.1f} s", "of one core"),
    )
    shown = "".join(f'<div class="stat"><b>{figure}</b><span>{label}</span></div>' for figure, label in figures)
    return f'<div class="stats">{shown}</div>'


def _rate(rate: float | None) -> str:
    return NOTHING if rate is None else f"{rate:.2f}" if rate < 10 else f"{rate:,.0f}"  # noqa: PLR2004 - three digits


def _cases(report: Report) -> str:
    if not report.cases:
        return "<h2>Cases</h2><p>None: nothing left its expected range for long enough.</p>"
    rows: list[str] = []
    for story in report.cases:
        row = case_row(story)
        names: list[str] = row["series"]
        shown = ", ".join(escape(name) for name in names[:MOST_NAMED])
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        anomaly = story.case.anomaly
        rows.append(
            f'<tr><td class="time">{_time(story.case.opened)}</td>'
            f'<td class="time">{lasted((story.end - story.case.anomaly.onset).total_seconds())}</td>'
            f'<td>{escape(row["service"])}</td><td class="{row["severity"]}">{row["severity"]}</td>'
            f'<td class="what">{shown}{more}<br><span class="soft">{anomaly.direction}: {expectation(anomaly)} '
            f"({escape(anomaly.detector)})</span></td>"
            f'<td class="id">{row["id"]}</td></tr>'
        )
    head = "".join(f"<th>{name}</th>" for name in ("opened", "lasted", "service", "severity", "what", "case"))
    return f'<h2>Cases</h2><div class="table"><table><tr class="head">{head}</tr>{"".join(rows)}</table></div>'


def _plots(title: str, lines: Sequence[Line], most: int) -> str:
    if not lines:
        return ""
    left = f'<p class="soft">{len(lines) - most} more are left out.</p>' if len(lines) > most else ""
    key = (
        '<div class="key"><span><i style="background:var(--read)"></i>readings</span>'
        '<span><i style="background:var(--band)"></i>expected</span>'
        '<span><i style="background:var(--out)"></i>anomaly</span></div>'
    )
    drawn = "".join(_figure(line, f"loud-{place}") for place, line in enumerate(lines[:most]))
    return f'<h2>{title}</h2>{key}<div class="plots">{drawn}</div>{left}'


def _figure(line: Line, name: str) -> str:
    count = len(line.episodes)
    detectors = ", ".join(sorted({episode.anomaly.detector for episode in line.episodes}))
    told = f"{count} anomal{'y' if count == 1 else 'ies'} ({detectors})" if count else "quiet"
    caption = f"<figcaption><b>{escape(line.name)}</b><span>{told}</span></figcaption>"
    return f"<figure>{caption}{draw(line, name=name)}</figure>"


def _quiet(lines: Sequence[Line]) -> str:
    if not lines:
        return ""
    drawn = "".join(_figure(line, f"quiet-{place}") for place, line in enumerate(lines[:MOST_QUIET]))
    more = f'<p class="soft">and {len(lines) - MOST_QUIET} more</p>' if len(lines) > MOST_QUIET else ""
    return f'<details><summary>{len(lines)} quiet series</summary><div class="plots">{drawn}</div>{more}</details>'


def _remarks(remarks: Sequence[str]) -> str:
    if not remarks:
        return ""
    return f"<h2>Not judged</h2><ul>{''.join(f'<li>{escape(remark)}</li>' for remark in remarks)}</ul>"


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else NOTHING
