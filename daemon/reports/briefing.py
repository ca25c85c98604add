"""The daily briefing: what waits, what was done, what came of it. A section is one function of `SECTIONS`.

A section without lines is left out, and a day without sections says so. Whatever comes from outside is shown as text.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from cases.case import Case
from cases.events import Drafted, Escalated
from cases.moments import iso
from cases.pull_request_events import Proposed
from config.settings import Settings
from daemon.approvals import queue_of
from daemon.decisions import REFUSED
from daemon.ledger.ledger import Ledger
from daemon.opportunities import Opportunities, Opportunity
from daemon.queue import WORDS
from daemon.reports.figures import Figures, figures, lines_of
from daemon.shipped import kept
from daemon.spans_of_time import long
from inference.words import signed
from remediation.neutral import neutral

DAY = timedelta(days=1)
MONTH = timedelta(days=30)
SHIPPED_FOR = timedelta(days=2)  # a look that is older says nothing of the last week
MOST = 10
"""Lines of a section; how many more there are is said."""
OVERLAP = ("has an open pull request already", "touches the same lines", "touches it too")
"""How the gate says that a change would meet somebody else's (`remediation.overlap`, `remediation.policy`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What a section may look at: the day until `now`, its cases, and the ledger."""

    ledger: Ledger
    settings: Settings
    now: datetime
    active: Sequence[Case]
    touched: Sequence[Case]  # those that anything happened to since `since`

    @property
    def since(self) -> datetime:
        """When the day began."""
        return self.now - DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A title, and what there is to say under it. None of it: it is left out."""

    title: str
    lines: tuple[str, ...]


MakeSection: TypeAlias = Callable[[Day], Section]


@dataclass(frozen=True, slots=True, kw_only=True)
class Briefing:
    """A briefing: the sections that have anything to say."""

    at: datetime
    sections: tuple[Section, ...]

    @property
    def text(self) -> str:
        """For people."""
        if not self.sections:
            return "Nothing waits for anybody, and nothing happened in the last 24 hours."
        return "\n\n".join("\n".join((one.title, *(f"- {line}" for line in one.lines))) for one in self.sections)

    @property
    def waits(self) -> bool:
        """Whether something waits for a human."""
        return any(one.title.startswith(WAITS) for one in self.sections)


WAITS = "Waits for a human"


def urgent(day: Day) -> Section:
    """What is asked of humans, the sooner needed first."""
    asked = queue_of(day.active, day.settings)
    lines = (
        f"{one.id} ({one.service}): {WORDS[one.asks]}, {_left(one.deadline, day.now)}"
        f"{f', seen by {one.seen_by}' if one.seen_by else ''}: {neutral(one.reason, 120)}"
        for one in asked
    )
    return Section(title=f"{WAITS}: {len(asked)}", lines=_some(lines))


def reviews(day: Day) -> Section:
    """Pull requests that wait for a review."""
    return Section(title="Waits for a review", lines=_some(_reviews(day)))


def progress(day: Day) -> Section:
    """Cases that moved, and how far they are."""
    opened = sum(1 for case in day.touched if case.opened > day.since)
    moved = [case for case in day.touched if case.active]
    closed = len(day.touched) - len(moved)
    if not day.touched:
        return Section(title="Progress", lines=())
    lines = (
        f"case {case.id} ({case.service}): {neutral(case.anomaly.signal.name, 60)} is {case.anomaly.direction}, "
        f"the case is {case.phase}" + (f" ({case.hold})" if case.hold != "none" else "")
        for case in moved
    )
    return Section(
        title="Progress", lines=(f"{opened} opened, {closed} closed, {len(day.active)} active", *_some(lines))
    )


def outcomes(day: Day) -> Section:
    """How cases ended."""
    lines = (
        f"case {case.id} ({case.service}) {case.outcome.ending}: {neutral(case.outcome.because, 160)}"
        for case in day.touched
        if case.outcome is not None and case.outcome.at > day.since
    )
    return Section(title="Outcomes", lines=_some(lines))


def conflicts(day: Day) -> Section:
    """Changes that met somebody else's work, and decisions that contradicted another or could not be taken."""
    lines = [*_overlaps(day)]
    lines += [
        f"{line.actor}: {line.detail.get('verdict', '')} of {neutral(line.detail.get('of', ''), 60)} was refused: "
        f"{neutral(line.detail.get('because', ''), 120)}"
        for line in day.ledger.audit.since(day.since, REFUSED)
    ]
    return Section(title="Conflicts", lines=_some(lines))


def authority(day: Day) -> Section:
    """What may be done unasked, where somebody was asked or a pause holds."""
    pause = day.ledger.levers.paused()
    lines = [f"paused by {neutral(pause.by)} since {iso(pause.since)}: {neutral(pause.reason)}"] if pause else []
    drafted = any(
        isinstance(entry.event, Drafted) and entry.at > day.since for case in day.touched for entry in case.history
    )
    if drafted:
        lines.append(f"authority.default is {day.settings.authority.default}")
    return Section(title="Authority", lines=tuple(lines))


def spend(day: Day) -> Section:
    """What language models cost."""
    total = day.ledger.spend.total(day.since)
    if not total.calls:
        return Section(title="Spend", lines=())
    cap = day.settings.budget.usd_per_day
    line = f"${total.usd:.4f} of ${cap:.2f} a day in {total.calls} calls (${total.unsettled_usd:.4f} only set aside)"
    dearest = day.ledger.spend.by_case(day.since)[:3]
    return Section(title="Spend", lines=(line, *(f"case {one.of}: ${one.usd:.4f}" for one in dearest)))


def work(day: Day) -> Section:
    """The figures of the last thirty days, where any case was opened in them."""
    found = figures_of(day.ledger, day.now - MONTH, day.now)
    return Section(title="Last 30 days", lines=lines_of(found) if found.cases and day.touched else ())


def opportunities(day: Day) -> Section:
    """What could be better and is no incident."""
    every = Opportunities(checkpoints=day.ledger.checkpoints).all()
    shown = (one for one in every if one.ended is None and one.shown is not None)
    lines = (
        f"{one.id} ({one.service}) {neutral(_named(one), 120)}: it {neutral(one.text, 160)}"
        + (f"; case {one.case}" if one.case else "")
        for one in shown
    )
    return Section(title="Opportunities", lines=_some(lines))


def shipped(day: Day) -> Section:
    """Which deploys of the last week moved which metric, the surest first, as of last night's look."""
    at, moved = kept(day.ledger.checkpoints)
    if at is None or day.now - at > SHIPPED_FOR:
        moved = []
    lines = (
        f"{neutral(one.commit[:10], 20)} of {neutral(one.service, 60)} ({iso(one.started)}): {neutral(one.signal, 60)} "
        f"{one.to} by {signed(one.effect)} ({signed(one.low)} to {signed(one.high)})"
        + ("" if one.alone else ", or another deploy of that time did it")
        for one in moved
    )
    return Section(title="What the last week's deploys moved", lines=_some(lines))


SECTIONS: tuple[MakeSection, ...] = (
    urgent,
    reviews,
    progress,
    outcomes,
    conflicts,
    authority,
    spend,
    work,
    shipped,
    opportunities,
)
"""In the order in which they are read."""


def briefing_of(ledger: Ledger, settings: Settings, now: datetime) -> Briefing:
    """The briefing of the day until now."""
    day = Day(
        ledger=ledger, settings=settings, now=now, active=ledger.cases.active(), touched=ledger.cases.since(now - DAY)
    )
    sections = (section(day) for section in SECTIONS)
    return Briefing(at=now, sections=tuple(one for one in sections if one.lines))


def figures_of(ledger: Ledger, since: datetime, until: datetime) -> Figures:
    """The figures of the cases that opened in a stretch."""
    usd = {total.of: total.usd for total in ledger.spend.by_case()}
    return figures(ledger.cases.since(since), usd, since, until)


def _reviews(day: Day) -> Iterator[str]:
    for case in day.active:
        if not case.proposals or not case.changes:
            continue
        newest = case.proposals[-1]
        if newest.change != case.change.number or case.merge is not None or case.phase != "proposed":
            continue
        at = next(e.at for e in reversed(case.history) if isinstance(e.event, Proposed) and e.event == newest)
        receipt = day.ledger.outbox.receipt(f"{case.id}-{newest.change}-pull-request")
        where = (receipt.facts.get("url") if receipt is not None else None) or newest.branch
        yield f"{neutral(case.change.title, 80)} (case {case.id}, for {long(day.now - at)}): {where}"


def _overlaps(day: Day) -> Iterator[str]:
    for case in day.touched:
        for entry in case.history:
            if entry.at > day.since and isinstance(entry.event, Escalated):
                reason = entry.event.reason
                if any(words in reason for words in OVERLAP):
                    yield f"case {case.id} ({case.service}): {neutral(reason, 200)}"


def _named(one: Opportunity) -> str:
    labels = ", ".join(f"{name}={value}" for name, value in sorted(one.labels.items()) if name != "__name__")
    return f"{one.signal} ({labels})" if labels else one.signal


def _left(deadline: datetime, now: datetime) -> str:
    return f"{long(deadline - now)} left" if deadline > now else f"{long(now - deadline)} past its deadline"


def _some(lines: Iterable[str]) -> tuple[str, ...]:
    """The first of them, and how many more there are."""
    found = tuple(lines)
    return found if len(found) <= MOST else (*found[:MOST], f"and {len(found) - MOST} more")
