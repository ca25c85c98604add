"""A change on a case's page: what it does, what it promises, the proof, what became of it."""

from markupsafe import Markup

from cases.case import Case
from cases.change import Patch
from cases.moments import iso
from cases.verdict import Trial
from config import duration
from daemon.paper import html, link, said, table
from daemon.web.asking import pairs
from remediation.figures import figure

LONGEST_DIFF = 60_000


def change_part(case: Case, change: Patch) -> Markup:
    """One section."""
    promise, blast = change.promise, change.blast_radius
    moves = f"{promise.signal} goes {promise.direction}, from {figure(promise.before)} to about {figure(promise.after)}"
    rows = (
        ("What", f"{change.kind}: {change.summary}"),
        ("Drafted by", change.origin),
        ("Because", change.because or "-"),
        ("Promise", f"{moves}, within {duration.format(promise.horizon)} of the deploy"),
        ("Reaches", f"{blast.files} files, {blast.lines} lines; services: {', '.join(blast.services) or 'none'}"),
        ("Takes away", blast.removes or "nothing that is known"),
        ("Owners", ", ".join(blast.owners) or "nobody"),
        ("Cost", change.cost or "no model was asked"),
        ("Branch", change.branch(case.id)),
    )
    beside = Markup("").join(html("<li>{}</li>", other) for other in change.beside)
    diffs = (
        html("<h3>{} at {}</h3>{}", said(part.repository, 100), part.base[:10], diff(part.diff))
        for part in change.parts
    )
    trials = (trial_part(trial) for trial in case.trials if trial.change == change.number)
    return html(
        "<section><h2>Change {}: {}</h2>{}{}{}<h3>Proof</h3>{}{}</section>",
        change.number,
        said(change.title, 300),
        pairs(rows),
        html("<p>Tried before it was chosen:</p><ul>{}</ul>", beside) if beside else "",
        Markup("").join(diffs),
        Markup("").join(trials) or Markup("<p>It was not tried yet: nothing is proved.</p>"),
        _became(case, change),
    )


def diff(text: str) -> Markup:
    """A unified diff, its lines told apart by their signs and by colour."""
    lines = said(text, LONGEST_DIFF).split("\n")
    kinds = {"+": "plus", "-": "minus"}
    shown = (html('<span class="{}">{}</span>', kinds[line[0]], line) if line[:1] in kinds else line for line in lines)
    return html('<pre tabindex="0" aria-label="Diff">{}</pre>', Markup("\n").join(shown))


def trial_part(trial: Trial) -> Markup:
    """What the sandbox showed."""
    rows = [
        (check.name, check.base, check.change, check.verdict.name.lower(), check.detail or "-")
        for check in trial.checks
    ]
    about = f"{trial.claim}: tried at base {trial.base[:10]} in {trial.sandbox}, {iso(trial.at)}, {trial.seconds:.1f} s"
    return table(("check", "base", "with the change", "verdict", "detail"), rows, about)


def _became(case: Case, change: Patch) -> Markup:
    """Merged, judged: what happened to it since."""
    merges = [
        html(
            "<li>{} was merged as {} by {} at {}</li>",
            link(merge.url, f"{merge.repository} #{merge.pull_request}"),
            merge.sha[:10],
            said(merge.by, 80),
            iso(merge.merged_at),
        )
        for merge in case.merges
        if merge.change == change.number
    ]
    judged = [
        html(
            "<li>judged <strong>{}</strong> at {}: {}{}</li>",
            str(one.ruling),
            iso(one.at),
            one.because,
            ""
            if one.effect is None or one.low is None or one.high is None
            else f" (effect {figure(one.effect)}, from {figure(one.low)} to {figure(one.high)})",
        )
        for one in case.judgements
        if one.change == change.number
    ]
    listed = Markup("").join([*merges, *judged])
    return html("<h3>What became of it</h3><ul>{}</ul>", listed) if listed else Markup("")
