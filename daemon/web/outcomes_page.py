"""Outcomes and what is tried for them: where each stands, and of each experiment the two arms and what is known.

What is known is shown as an interval beside the bar it has to clear, never as a chance to win: until the whole interval
lies beyond the bar, and its time is over, the page says "undecided", whatever the middle of it looks like.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from cases.events import Looked
from cases.goal import Pursued
from cases.measure import Segments
from cases.moments import iso, milliseconds
from daemon.experimenting import Tried
from daemon.goals import Reading
from daemon.paper import html, said, table
from daemon.reports.outcomes import UNSAID, achieved, by_kind, trend
from daemon.web.chart import chart
from daemon.web.frame import Reader, case_link, frame
from inference.words import figure, signed
from remediation.compared import trends
from remediation.worth import Worth

WIDTH, HEIGHT, EDGE, WORDS, APART = 720, 70, 12, 50, 70
"""Of the meter, in the units of its picture: words that are nearer than APART stand one below the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """An outcome, what its signal reads now, and what is tried for it.

    worth       id of an idea → what its gain is worth, where that is reckoned
    benchmarks  id of an idea → a row for each segment that has a benchmark (`daemon.segments.against_benchmarks`)
    unread      why no benchmarks are known now, or ""
    tells_of    what its signal shows, as the watch says
    """

    pursued: Pursued
    reading: Reading
    tried: Sequence[Tried]
    worth: Mapping[str, Worth] = field(default_factory=dict[str, Worth])
    benchmarks: Mapping[str, Sequence[Mapping[str, Any]]] = field(
        default_factory=dict[str, Sequence[Mapping[str, Any]]]
    )
    unread: str = ""
    tells_of: str = UNSAID


def outcomes_page(followed: Sequence[Followed], reader: Reader) -> Markup:
    """The page."""
    body = html("<h1>Outcomes</h1>")
    if not followed:
        body += html(
            "<p>No outcome is declared yet: <code>trackwalker outcomes add FILE</code> (docs/outcomes.md).</p>"
        )
    body += Markup("").join(_outcome(one, reader) for one in followed)
    return frame("Outcomes", body + _together(followed), reader, "outcomes")


def _outcome(one: Followed, reader: Reader) -> Markup:
    goal, pursued = one.pursued.goal, one.pursued
    now = figure(one.reading.value) if one.reading.value is not None else f"unknown: {one.reading.because}"
    facts = (
        ("state", f"{pursued.state}, since {iso(pursued.steps[-1].at)}: {pursued.steps[-1].because}"),
        ("signal", goal.signal if one.tells_of == UNSAID else f"{goal.signal} ({one.tells_of})"),
        ("from, now, to", f"{figure(goal.baseline)}, {now}, {figure(goal.target)} by {goal.horizon}"),
        ("guardrails", ", ".join(limit.signal for limit in goal.constraints) or "none"),
        ("owner, backup", f"{goal.owner}, {goal.backup}"),
    )
    listed = Markup("").join(html("<dt>{}</dt><dd>{}</dd>", name, text) for name, text in facts)
    cards = Markup("").join(_card(one, tried, number, reader) for number, tried in enumerate(one.tried))
    return html("<h2>{}</h2><p>{}</p><dl>{}</dl>{}", goal.name, said(goal.why, 400), listed, cards)


def _card(whole: Followed, one: Tried, number: int, reader: Reader) -> Markup:
    idea, case = one.idea, one.case
    link = case_link(reader, case.id, idea.id) if case is not None else said(idea.id)
    head = html("<h3>{} · {}</h3><p>{}</p>", link, one.state, said(idea.statement, 300))
    looks = [(entry.at, entry.event) for entry in case.history if isinstance(entry.event, Looked)] if case else []
    if not looks or case is None or case.goal is None:
        return html('<div class="box">{}</div>', head)
    up = case.goal.up
    newest = looks[-1][1]
    name = f"{idea.id}-{number}"
    drawn = Markup("").join(_charts([(milliseconds(at), look) for at, look in looks], case.goal.criteria.lift, name))
    users = f"{newest.users[1]:,} users were shown it, {newest.users[0]:,} the control; planned {idea.plan.users:,}"
    if newest.crossed:
        users += f"; {newest.crossed:,} saw more than one variant and are left out"
    rails = ", ".join(f"{rail} {known}" for rail, known in newest.safety.items()) or "none"
    worth = whole.worth.get(idea.id)
    return html(
        '<div class="box">{}<p>{}</p>{}<p class="soft">{}. Guardrails: {}.</p>{}{}{}{}</div>',
        head,
        meter_words(newest, case.goal.criteria.lift),
        meter(newest, case.goal.criteria.lift, name),
        users,
        rails,
        html("<p>{}.</p>", worth.sentence) if worth is not None else "",
        _segments(newest.segments),
        _benchmarks(whole.benchmarks.get(idea.id, ()), whole.unread if newest.segments is not None else ""),
        drawn if len(looks) > 1 else html('<p class="soft">{}</p>', "more is better" if up else "less is better"),
    )


def _segments(segments: Segments | None) -> Markup:
    """The effects by a property of users: called different only where the whole interval says so."""
    if segments is None:
        return Markup("")
    if not segments.effects:
        return html('<p class="soft">By {}: {}.</p>', said(segments.by, 60), segments.because or "no user seen yet")
    rows = [
        (
            said(one.segment, 60),
            f"{one.users[0]:,} / {one.users[1]:,}",
            one.word,
            f"{signed(one.low)} to {signed(one.high)}" if one.low is not None and one.high is not None else one.because,
        )
        for one in segments.effects
    ]
    title = f"By {segments.by}: intervals for {segments.most} at once"
    return table((segments.by, "control / treated", "gain", "interval"), rows, title)


def _benchmarks(rows: Sequence[Mapping[str, Any]], unread: str) -> Markup:
    """The same effects beside what is usual in those segments, by their cards."""
    if unread:
        return html('<p class="soft">Benchmarks of segments are not known now: {}.</p>', said(unread, 200))
    if not rows:
        return Markup("")
    told = [
        (
            said(row["segment"], 60),
            said(row["card"], 60),
            row["word"],
            "unknown" if row["interval"] is None else " to ".join(signed(end) for end in row["interval"]),
            figure(row["benchmark"]),
            "unknown" if row["distance"] is None else signed(row["distance"]),
        )
        for row in rows
    ]
    columns = ("segment", "card", "gain", "interval", "benchmark", "from control to benchmark")
    return table(columns, told, "Beside the benchmarks of segment cards: more is better")


def meter_words(look: Looked, bar: float) -> str:
    """What is known of the lift, in words: more is better, whichever way the goal has it."""
    if look.low is None or look.high is None:
        return "Nothing can be said yet."
    interval = f"the gain lies between {signed(look.low)} and {signed(look.high)}; {figure(bar)} is the bar"
    if look.low > bar:
        return f"Above the bar: {interval}."
    return f"{'Below the bar' if look.high < bar else 'Undecided'}: {interval}."


def meter(look: Looked, bar: float, name: str) -> Markup:
    """The interval of the lift on one line, with nothing and the bar marked on it."""
    if look.low is None or look.high is None or look.lift is None:
        return Markup("")
    least, most = min(look.low, 0.0, bar), max(look.high, 0.0, bar)
    room = (most - least) or 1.0

    def x(value: float) -> float:
        return EDGE + (WIDTH - 2 * EDGE) * (value - least) / room

    left, right = x(look.low), x(look.high)
    below = WORDS if abs(x(bar) - x(0.0)) > APART else WORDS + 14
    parts = (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{name}-m">',
        f'<title id="{name}-m">{meter_words(look, bar)}</title>',
        f'<rect class="band" x="{left:.1f}" y="14" width="{max(right - left, 1):.1f}" height="14"/>',
        f'<path class="readings" d="M{x(look.lift):.1f} 11V31"/>',
        f'<path class="expected" d="M{x(0.0):.1f} 8V38"/><path class="out" d="M{x(bar):.1f} 8V38"/>',
        f'<text x="{x(0.0):.0f}" y="{WORDS}" text-anchor="{_side(x(0.0))}">no gain</text>',
        f'<text x="{x(bar):.0f}" y="{below}" text-anchor="{_side(x(bar))}">bar</text></svg>',
    )
    return Markup("".join(parts))  # noqa: S704 - our own numbers and words


def _side(x: float) -> str:
    """Where a word is anchored, so that it stays in the picture."""
    if x < APART:
        return "start"
    return "end" if x > WIDTH - APART else "middle"


def _charts(looks: Sequence[tuple[int, Looked]], bar: float, name: str) -> list[Markup]:
    """The two arms look by look, and the interval of the gain, which holds at every look at once."""
    known = [(at, look) for at, look in looks if look.low is not None and look.control is not None]
    if len(known) < 2:  # noqa: PLR2004 - one point is no line
        return []
    at = [moment for moment, _ in known]
    control, treated, gain, low, high = (
        [float(getattr(look, of)) for _, look in known] for of in ("control", "treated", "lift", "low", "high")
    )
    arms = chart(
        at, f"{name}-a", "Treated; the control as a dashed line", [("readings line", treated), ("expected", control)]
    )
    lines = [("readings line", gain), ("expected", [bar] * len(at))]
    gains = chart(at, f"{name}-g", "Gain with its always-valid interval; the bar as a dashed line", lines, (low, high))
    return [arms, gains]


def _together(followed: Sequence[Followed]) -> Markup:
    """Outcomes achieved a month, and whether ideas get better."""
    months = achieved([one.pursued for one in followed])
    quarters = trend([tried for one in followed for tried in one.tried])
    parts = Markup("")
    kinds = by_kind([(one.tells_of, one.pursued) for one in followed])
    if any(kind != UNSAID for kind, *_ in kinds):
        parts += table(("metric of", "outcomes", "active", "achieved"), kinds, "Outcomes by what their metric tells of")
    if months:
        parts += table(
            ("month", "achieved"), [(month, str(count)) for month, count in months.items()], "Achieved a month"
        )
    if quarters:
        rows = [
            (one.name, f"{one.worked} of {one.measured}", f"{one.interval[0]:.0%} to {one.interval[1]:.0%}")
            for one in quarters
        ]
        parts += table(("ended in", "worked", "95 % interval"), rows, "Ideas that users decided")
    lessons = [
        tried.case.lesson for one in followed for tried in one.tried if tried.case is not None and tried.case.lesson
    ]
    for name, by in trends(lessons).items():
        if by:
            shown = [(row.of, str(row.accepted), str(row.worked)) for row in by]
            columns = (name, "accepted, of those answered", "worked, of those decided")
            parts += table(columns, shown, f"Ideas by {name}, with 95 % intervals")
    return parts
