"""What is asked of a human: one box with its reason, its deadline and what is done without an answer; and the inbox."""

from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup

from cases.escalation import Asked, Escalation
from cases.moments import iso
from config.settings import Settings
from daemon.paper import html, table
from daemon.queue import WORDS, asked_of, backup_of, default_of
from daemon.spans_of_time import long
from daemon.web.frame import Reader, case_link, frame

COLUMNS = ("case", "service", "asks for", "why", "urgency", "age", "left", "owner, then backup", "without an answer")


def inbox(asked: Sequence[Escalation], settings: Settings, now: datetime, reader: Reader) -> Markup:
    """Everything that waits for a human, the sooner needed first."""
    gates = sum(1 for one in asked if one.asks is Asked.YES)
    late = sum(1 for one in asked if now >= one.deadline)
    counted = f"{len(asked)} wait{'s' if len(asked) == 1 else ''} for a human: {gates} for a yes or a no" + (
        f"; {late} past the deadline" if late else ""
    )
    listed = table(COLUMNS, [_row(one, settings, now, reader) for one in asked], "The sooner needed, the first")
    body = html(
        '<h1>Inbox</h1><p class="soft">{}, as of {}. Load it again for now.</p>{}',
        counted if asked else "Nothing waits for a human",
        iso(now),
        listed if asked else "",
    )
    return frame("Inbox", body, reader, "inbox")


def _row(one: Escalation, settings: Settings, now: datetime, reader: Reader) -> tuple[object, ...]:
    return (
        case_link(reader, one.case, one.id),
        one.service,
        WORDS[one.asks],
        one.reason + (f" (seen by {one.seen_by})" if one.seen_by else ""),
        html('<span class="{}">{}</span>', ("page", "ticket", "note")[one.urgency.place], str(one.urgency)),
        long(now - one.asked),
        left(one, now),
        f"{', '.join(asked_of(one, settings)) or 'nobody'}, then {backup_of(one, settings)}",
        default_of(one, settings),
    )


def left(one: Escalation, now: datetime) -> Markup:
    """How long there is until its deadline."""
    if now < one.deadline:
        return html("{}", long(one.deadline - now))
    return html('<span class="late">past for {}</span>', long(now - one.deadline))


def box(one: Escalation, settings: Settings, now: datetime, reader: Reader) -> Markup:
    """The box, with the buttons for whoever may decide."""
    over = (
        html(
            '<p class="late" role="status">The deadline is over since {}: {}.</p>',
            iso(one.deadline),
            default_of(one, settings),
        )
        if now >= one.deadline
        else ""
    )
    rows = (
        ("Why", one.reason),
        ("Urgency", f"{one.urgency}, impact {one.impact:.1f} of 10"),
        ("Asked", f"{iso(one.asked)}, {long(now - one.asked)} ago"),
        ("Left", html("{}, until {}", left(one, now), iso(one.deadline))),
        ("Owner", ", ".join(asked_of(one, settings)) or "nobody"),
        ("Backup", backup_of(one, settings)),
        ("Without an answer", default_of(one, settings)),
        ("Seen by", one.seen_by or "nobody"),
    )
    return html(
        '<section class="box ask" aria-labelledby="ask-{}"><h2 id="ask-{}">Asks for {}</h2>{}{}{}</section>',
        one.id,
        one.id,
        WORDS[one.asks],
        over,
        pairs(rows),
        _answer(one, reader),
    )


def pairs(rows: Sequence[tuple[str, object]]) -> Markup:
    """Names and what they are, one under the other."""
    shown = (html("<dt>{}</dt><dd>{}</dd>", name, what) for name, what in rows)
    return html("<dl>{}</dl>", Markup("").join(shown))


def _answer(one: Escalation, reader: Reader) -> Markup:
    if not reader.form:
        how = f"trackwalker approve {one.id}" if one.asks is Asked.YES else f"trackwalker escalations ack {one.id}"
        what = "Log in to answer here" if reader.logins else "To answer here, set api.token or a decider's token"
        return html("<p>{}; the command line takes <code>{}</code>.</p>", what, how)
    yes_or_no = Markup(
        '<button class="yes" name="decision" value="approve">Approve</button>'
        '<button class="no" name="decision" value="reject">Reject</button>'
    )
    seen = Markup('<button name="decision" value="acknowledge">I have seen it</button>')
    return html(
        '<form method="post" action="{}decisions"><input type="hidden" name="form" value="{}">'
        '<input type="hidden" name="gate" value="{}"><input type="hidden" name="asked" value="{}">'
        '<label for="reason-{}">Reason (a no needs one)</label>'
        '<textarea id="reason-{}" name="reason" rows="2" maxlength="1000"></textarea>'
        '<div class="row">{}{}</div></form>',
        reader.root,
        reader.form,
        one.id,
        one.asked.isoformat(),
        one.id,
        one.id,
        yes_or_no if one.asks is Asked.YES else "",
        "" if one.seen_by else seen,
    )
