"""One case in full: what it asks, what was seen, why it is thought so, what changes, the proof, the story in order.

What is observed stands apart from what is only thought. Nothing here is told that the ledger does not hold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from cases.anomaly import Anomaly
from cases.case import Case
from cases.diagnosis import Diagnosis
from cases.escalation import Escalation
from cases.moments import iso
from cases.symptom import symptom
from config.settings import Settings
from daemon.ledger.receipts import Promised
from daemon.ledger.spend import Call
from daemon.paper import LONGEST, html, link, said, table
from daemon.queue import owners_of
from daemon.report import history_rows
from daemon.web.asking import box, pairs
from daemon.web.change_part import change_part
from daemon.web.frame import Reader, frame
from remediation.confidence import confidence_said
from remediation.links import dashboard, live

NO_PICTURE = Markup("")
MOST_EVENTS = 100  # of the story; the newest
MADE = {
    "OpenPullRequest": "pull request",
    "PostComment": "comment",
    "AnswerRemark": "answer",
    "StorePlot": "picture",
    "ReportProof": "proof",
    "ShowChange": "issue",
}
"""What people call that which an effect leaves on the forge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a case's page is made from.

    asked     what it asks of humans now
    promised  its effects, with what the outside answered
    calls     the questions to language models that it cost
    drawn     its readings as they are now, as a picture or as words
    picture   whether the picture is kept that its pull request shows
    word      what the last click came to, "" for none
    """

    case: Case
    settings: Settings
    now: datetime
    asked: Sequence[Escalation] = ()
    promised: Sequence[Promised] = ()
    calls: Sequence[Call] = ()
    drawn: Markup = NO_PICTURE
    picture: bool = False
    word: str = ""


def case_page(told: Told, reader: Reader) -> Markup:
    """The page."""
    case = told.case
    parts = (
        _head(told),
        *(box(one, told.settings, told.now, reader) for one in told.asked),
        _symptom(told, reader),
        _diagnosis(case.diagnosis) if case.diagnosis is not None else Markup(""),
        *(change_part(case, change) for change in reversed(case.changes)),
        _end(case),
        _story(case),
        _receipts(told.promised),
        _cost(told.calls),
        _commands(case),
    )
    return frame(f"Case {case.id} of {case.service}", Markup("").join(parts), reader)


def _head(told: Told) -> Markup:
    case = told.case
    runbook = next((one.runbook for one in told.settings.services if one.name == case.service), None)
    hold = f", {case.hold}: {case.hold_reason}" if case.hold != "none" else ""
    links = [
        link(runbook or "", "runbook"),
        link(live(told.settings.links, case.anomaly), "the signal now"),
        link(dashboard(told.settings.links, case.anomaly, told.now), "dashboard of that time"),
        *(link(merge.url, f"pull request {merge.pull_request}") for merge in case.merges),
        *(link(url, _made(case, one)) for one in told.promised if (url := one.facts.get("url", ""))),
    ]
    rows = (
        ("Phase", f"{case.phase}{hold}"),
        ("Opened", iso(case.opened)),
        ("Owners", ", ".join(owners_of(told.settings, case.service)) or "nobody"),
        ("Links", Markup(", ").join(dict.fromkeys(one for one in links if one.startswith("<a "))) or "none"),
    )
    word = html('<p class="box" role="status">{}</p>', told.word) if told.word else ""
    return html(
        "<h1>Case {}: {}</h1>{}{}{}",
        case.id,
        said(f"{case.service}, {case.anomaly.signal.name} {symptom(case.anomaly)}", 300),
        word,
        html('<p class="late">Needs a human: {}</p>', case.escalation) if case.escalation else "",
        pairs(rows),
    )


def _made(case: Case, one: Promised) -> str:
    """What an effect left, and which: the rest of its key says so."""
    return f"{MADE.get(one.kind, one.kind)} {one.key.removeprefix(f'{case.id}-')}"


def _symptom(told: Told, reader: Reader) -> Markup:
    case = told.case
    rows = [
        (one.signal.key, _where(one), symptom(one), iso(one.onset), iso(one.detected), one.detector)
        for one in case.anomalies
    ]
    columns = ("signal", "series", "what", "began", "seen", "detector")
    reasons = Markup("").join(html("<li>{}</li>", reason) for reason in case.reasons)
    echoes = [(iso(one.anomaly.onset), one.anomaly.signal.key, one.because) for one in case.echoes]
    kept = html(
        '<figure><figcaption>As its pull request shows it</figcaption><img src="{}cases/{}/picture.png" '
        'alt="The readings, the expected band, the onset and the deploys around it"></figure>',
        reader.root,
        case.id,
    )
    return html(
        "<section><h2>What was seen</h2>{}{}<ul>{}</ul>{}{}</section>",
        told.drawn,
        kept if told.picture else "",
        reasons,
        table(columns, rows, "Anomalies"),
        table(("began", "signal", "why it is suppressed"), echoes, "Echoes of other services") if echoes else "",
    )


def _where(one: Anomaly) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(one.labels.items())) or "-"


def _diagnosis(diagnosis: Diagnosis) -> Markup:
    facts = [(fact.id, fact.fact, fact.source, iso(fact.at)) for fact in diagnosis.facts]
    suspects = [
        (
            f"{one.score:.2f}",
            one.commit.short,
            one.commit.title,
            one.commit.author,
            iso(one.deployed) if one.deployed else "never seen to run",
            one.mechanism or "nothing links it",
            ", ".join(one.evidence) or "none",
        )
        for one in diagnosis.suspects
    ]
    places = [
        (f"{one.confidence:.2f}", f"{one.path}:{one.line}", one.statement, ", ".join(one.evidence), one.origin)
        for one in diagnosis.hypotheses
    ]
    models = [
        (f"{one.confidence:.2f}", one.about[:10], one.statement, ", ".join(one.evidence), one.origin)
        for one in diagnosis.links
    ]
    thought = (
        ("Claim", f"{diagnosis.finding}: {diagnosis.claim}"),
        ("Confidence", confidence_said(diagnosis)),
        ("It would be wrong if", diagnosis.disproof or "-"),
        ("May explain it as well", "; ".join(diagnosis.alternatives) or "nothing else that is known"),
        ("Not seen", "; ".join(diagnosis.blind) or "nothing is missing that was looked for"),
        ("Lessons", ", ".join(diagnosis.recalled) or "none"),
    )
    return html(
        "<section><h2>Observed</h2>{}<h2>Thought</h2>{}{}{}{}</section>",
        table(("id", "fact", "source", "at"), facts, "Evidence"),
        pairs(thought),
        table(("score", "commit", "title", "author", "ran from", "why", "evidence"), suspects, "Suspects, best first")
        if suspects
        else "",
        table(("confidence", "place", "statement", "evidence", "whose"), places, "Places in the code")
        if places
        else "",
        table(("confidence", "about", "statement", "evidence", "whose"), models, "Said by models, unproved")
        if models
        else "",
    )


def _end(case: Case) -> Markup:
    if case.outcome is None:
        return Markup("")
    lesson = html("<p>Lesson {}: {}</p>", case.lesson.id, case.lesson.text) if case.lesson else ""
    return html(
        "<section><h2>Outcome: {}</h2><p>{}, at {}</p>{}</section>",
        str(case.outcome.ending),
        case.outcome.because,
        iso(case.outcome.at),
        lesson,
    )


def _story(case: Case) -> Markup:
    rows = history_rows(case)
    shown = Markup("").join(
        html(
            '<li><span class="soft">{} {}</span> <strong>{}</strong> {}</li>',
            at,
            said(actor, 80),
            what,
            said(why, LONGEST),
        )
        for at, actor, what, why in rows[-MOST_EVENTS:]
    )
    left = (
        f"{len(rows) - MOST_EVENTS} earlier ones are left out: the command line has them." if rows[MOST_EVENTS:] else ""
    )
    return html('<section><h2>The story</h2><p class="soft">{}</p><ol>{}</ol></section>', left, shown)


def _receipts(promised: Sequence[Promised]) -> Markup:
    rows = [
        (
            one.key,
            one.kind,
            f"{one.state}{', adopted' if one.adopted else ''}",
            iso(one.at),
            "; ".join(f"{name} {value}" for name, value in sorted(one.facts.items())) or one.error or "-",
        )
        for one in promised
    ]
    columns = ("key", "effect", "state", "promised", "what the outside answered")
    return html(
        "<section><h2>Receipts</h2>{}</section>",
        table(columns, rows, "What was promised, and what came of it") if rows else "Nothing was to be done outside.",
    )


def _cost(calls: Sequence[Call]) -> Markup:
    if not calls:
        return Markup("<section><h2>Cost</h2><p>$0.00: no language model was asked.</p></section>")
    rows = [
        (iso(one.at), one.purpose, one.model, f"${one.usd:.4f}", "yes" if one.settled else "set aside") for one in calls
    ]
    total = f"${sum(one.usd for one in calls):.4f} in {len(calls)} calls"
    return html("<section><h2>Cost</h2>{}</section>", table(("at", "for", "model", "USD", "settled"), rows, total))


def _commands(case: Case) -> Markup:
    return html(
        "<section><h2>At the command line</h2><p><code>trackwalker cases show {0}</code>, "
        "<code>trackwalker cases why {0}</code>, <code>trackwalker cases freeze {0}</code></p></section>",
        case.id,
    )
