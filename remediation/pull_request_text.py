"""The pull request as a reviewer reads it: eight lines first, the rest folded, every number from stored evidence.

Made for a phone at three in the morning: what happened, why, what changes, how it was proved, what is promised, how to
undo it. Whatever was written outside (labels, titles, test names) is neutralised before it gets here or on its way.
"""

import json
from collections.abc import Sequence
from statistics import median
from urllib.parse import urlencode

from cases.anomaly import Anomaly
from cases.case import Case
from cases.change import Patch
from cases.diagnosis import Diagnosis, EvidenceKind
from cases.moments import iso
from cases.symptom import OWN_WORDS, symptom
from cases.verdict import Claim, Trial
from config import duration
from remediation.claims import claim, files, first_line, what_merging_does
from remediation.confidence import confidence_said
from remediation.impact import impact_headline, impact_lines
from remediation.neutral import neutral
from remediation.reach import burn_headline, reach_headline
from remediation.telling import Story

LABEL = "trackwalker"
MOST_LINES = 60
MINUTES_FROM, HOURS_FROM = 90, 5400  # seconds from which a duration reads better in minutes, in hours
LOOKED_FOR = (
    "- looked for in signals and logs: traffic, certificates, DNS, provider, node, bad input; nothing shows any"
)


def title(change: Patch) -> str:
    """One line."""
    return neutral(change.title, 100)


def labels(change: Patch) -> tuple[str, ...]:
    """What its pull requests carry."""
    return (LABEL, f"{LABEL}:{change.kind}", *(f"{LABEL}:{mark}" for mark in change.marks))


def commit_message(case: Case, change: Patch, subject: str, reason: str) -> str:
    """Subject, reason and trailers."""
    return f"{subject}\n\n{reason}\n\nTrackwalker-Case: {case.id}\nTrackwalker-Change: {change.number}\n"


def body(story: Story) -> str:
    """The whole text."""
    sections = (
        _fold("What happened", _what_happened(story)),
        _fold("Why we think so", _why(story)),
        _fold("Verified", _verified(story)),
        _fold("Promise, blast radius, rollback", _promise(story)),
        _fold("Commands", _commands(story)),
    )
    hidden = json.dumps({"case": story.case.id, "change": story.change.number, "fingerprint": story.case.fingerprint})
    return "\n".join((*header(story), "", *sections, f"<!-- trackwalker:{hidden} -->"))


def header(story: Story) -> tuple[str, ...]:
    """The first eight lines, always the same eight questions."""
    return tuple(
        f"{number}. {line}"
        for number, line in enumerate(
            (
                _alert(story),
                claim(story),
                what_merging_does(story),
                _how_it_reaches_production(story),
                "**Faster mitigation:** none known.",
                _disproof(story),
                _if_nothing_is_done(story),
                _runbook(story),
            ),
            start=1,
        )
    )


def _alert(story: Story) -> str:
    anomaly, reading = story.case.anomaly, story.reading
    firing = {True: "still firing", False: "back in its band", None: "no sample now"}[reading.firing]
    latest = reading.latest
    at = f", {figure(latest[1])} at {latest[0]:%H:%M:%S} UTC" if latest else ""
    what = f"**{anomaly.signal.name}** of {anomaly.signal.service}{_where(anomaly)}"
    if anomaly.kind in OWN_WORDS:
        return f"{what} {symptom(anomaly)}."
    return f"{what}: {firing}{at} (expected {_band(anomaly)})."


def _how_it_reaches_production(story: Story) -> str:
    delays = deploy_delays(story)
    if not delays:
        return "**Reaching production:** not known from markers; the watch starts when one shows the merge running."
    typical = f"about {roughly(median(delays))} after a merge (median of {len(delays)})"
    return f"**Reaching production:** {typical}; the watch starts with the deploy marker."


def deploy_delays(story: Story) -> list[float]:
    """Seconds from commit to first run, for the commits that a marker names."""
    suspects = story.case.diagnosis.suspects if story.case.diagnosis else ()
    return [
        (deploy.started - suspect.commit.at).total_seconds()
        for suspect in suspects
        for deploy in story.deploys
        if deploy.runs(suspect.commit.sha) and deploy.started >= suspect.commit.at
    ]


def _disproof(story: Story) -> str:
    disproof = story.case.diagnosis.disproof if story.case.diagnosis else ""
    link = dashboard(story)
    return f"**It would be wrong if** {disproof}." + (f" [Dashboard, this window]({link})" if link else "")


def dashboard(story: Story) -> str:
    """A link to the readings, pinned to the window; "" when no link is configured."""
    if not story.links.prometheus:
        return ""
    minutes = max(15, int((story.now - story.case.anomaly.onset).total_seconds() // 60) * 2)
    graph = {
        "g0.expr": story.case.anomaly.signal.query,
        "g0.tab": "0",
        "g0.range_input": f"{minutes}m",
        "g0.end_input": iso(story.now),
    }
    return f"{story.links.prometheus.rstrip('/')}/graph?{urlencode(graph)}"


def _if_nothing_is_done(story: Story) -> str:
    anomaly, latest = story.case.anomaly, story.reading.latest
    value = figure(latest[1] if latest else anomaly.value)
    lasted = roughly((story.now - anomaly.onset).total_seconds())
    goes_on = f"{value} instead of {figure(anomaly.expected)} goes on, as it has for {lasted}"
    if anomaly.kind in OWN_WORDS:
        goes_on = f"it stays as it is: {anomaly.signal.name} {symptom(anomaly)}"
    also = impact_headline(story.case, story.facts)
    reach = reach_headline(story.facts)
    beside = "; ".join(filter(None, (also, reach)))
    budget = burn_headline(story.facts) or "No SLO is configured for it"
    return f"**If nothing is done:** {goes_on}{f' ({beside})' if beside else ''}. {budget}."


def _runbook(story: Story) -> str:
    owners = ", ".join(neutral(owner, 40) for owner in story.service.owners) or "no owner configured"
    runbook = f"[runbook]({story.service.runbook})" if story.service.runbook else "no runbook configured"
    return f"**Runbook and owner:** {runbook}; {owners}."


def _what_happened(story: Story) -> list[str]:
    anomaly = story.case.anomaly
    began = f"- began {iso(anomaly.onset)} (± {anomaly.onset_bound_s:.0f} s), seen {iso(anomaly.detected)}"
    return [
        f"![{anomaly.signal.name}: readings, expected band, onset and deploys]({story.plot})",
        "",
        f"`{story.spark}` {anomaly.signal.name}, until {story.now:%H:%M:%S} UTC",
        began,
        *impact_lines(story.facts)[:6],
        *(
            f"- also {other.signal.name}{_where(other)}: {figure(other.value)} (expected {_band(other)})"
            for other in [other for other in story.case.anomalies if other is not anomaly][:3]
        ),
    ]


def _why(story: Story) -> list[str]:
    diagnosis = story.case.diagnosis
    if diagnosis is None:
        return ["- no diagnosis was made"]
    facts = {fact.id: fact.fact for fact in diagnosis.facts}
    suspect = story.suspect
    named = suspect.evidence if suspect else diagnosis.hypotheses[0].evidence if diagnosis.hypotheses else ()
    logged = [fact.id for fact in diagnosis.facts if fact.source.startswith("logs of ")][:2]
    lessons = [fact.id for fact in diagnosis.facts if fact.fact.startswith("lesson ")][:1]
    cited = dict.fromkeys([*list(facts)[:2], *named, *logged, *lessons])
    return [
        *(f"- {ref}: {facts[ref]}" for ref in cited if ref in facts),
        *(f"- considered: {neutral(text, 160)}" for text in diagnosis.alternatives[:3]),
        *(f"- not seen: {neutral(text, 160)}" for text in diagnosis.blind),
        *_said_by_models(diagnosis),
        *(() if story.trial.claim is Claim.PROVED or not _looked(diagnosis) else (LOOKED_FOR,)),
        *(f"- change {trial.change} was tried before this one, and disproved" for trial in _disproved(story)),
        f"- {confidence_said(diagnosis)}",
    ]


def _said_by_models(diagnosis: Diagnosis) -> list[str]:
    """What a model said of suspects and causes, as its word: none of it convicts."""
    shas = {suspect.commit.sha: suspect.commit.short for suspect in diagnosis.suspects}
    return [
        f"- {neutral(link.origin, 60)} says, unproved: {shas.get(link.about, link.about)}, “{neutral(link.statement)}” "
        f"({', '.join(link.evidence)})"
        for link in diagnosis.links[:2]
    ]


def _looked(diagnosis: Diagnosis) -> bool:
    """Whether operational causes were looked for, and none was found."""
    kinds = {fact.kind for fact in diagnosis.facts}
    return EvidenceKind.SYMPTOM in kinds and EvidenceKind.CAUSE not in kinds


def _disproved(story: Story) -> list[Trial]:
    return [trial for trial in story.case.trials if trial.claim is Claim.DISPROVED][:3]


def _verified(story: Story) -> list[str]:
    trial = story.trial
    rows = [
        f"| {check.name} | {neutral(check.base, 60)} | {neutral(check.change, 60)} "
        f"| **{check.verdict.name.lower()}** {neutral(check.detail, 160)} |"
        for check in trial.checks
    ]
    return [
        "| check | base | with the change | verdict |",
        "|---|---|---|---|",
        *rows,
        f"| Policy | | {files(len(story.change.lead.paths))} | **passed** {_held_to(story.change)} |",
        "",
        *(f"Before it was chosen: {neutral(other, 200)}." for other in story.change.beside[:3]),
        f"Tried at base {trial.base[:10]} in {trial.sandbox}.",
        f"It took {trial.seconds:.1f} s, of which {trial.own_seconds:.1f} s were the repository's own commands.",
    ]


def _held_to(change: Patch) -> str:
    """What the gate asks of it: a change gets no pull request before it has passed."""
    if change.undoes is not None:
        return "what is always denied; an exact revert is excused from scope and size"
    return "scope, size, what is always denied" + (", the rules for edits" if change.tests else "")


def _promise(story: Story) -> list[str]:
    promise, blast = story.change.promise, story.change.blast_radius
    moves = f"{promise.signal} goes {promise.direction}, from {figure(promise.before)} to about {figure(promise.after)}"
    return [
        f"- **promise:** {moves}, within {duration.format(promise.horizon)} of the deploy; it is judged, here",
        f"- **blast radius:** {files(blast.files)}, {blast.lines} lines; services: {', '.join(blast.services)}",
        "- **undo this:** `git revert -m 1` of the merge; the watch answers harm with a pull request that does so",
        f"- **cost:** {first_line(story.change.cost) or '$0.00, no model was asked'}",
    ]


def _commands(story: Story) -> list[str]:
    case = story.case.id
    return [
        f"- `trackwalker cases show {case}`: all evidence · `trackwalker cases why {case}`: every decision",
        f"- `trackwalker cases freeze {case}` stops this case, `trackwalker pause` everything",
        "- closing this pull request is a no that is remembered",
    ]


def _fold(summary: str, lines: Sequence[str]) -> str:
    return "\n".join((f"<details><summary>{summary}</summary>", "", *lines, "", "</details>"))


def _where(anomaly: Anomaly) -> str:
    hidden = {"__name__", "service"}
    shown = [
        f"{neutral(key, 40)}={neutral(value, 40)}" for key, value in sorted(anomaly.labels.items()) if key not in hidden
    ]
    return f" ({', '.join(shown)})" if shown else ""


def _band(anomaly: Anomaly) -> str:
    return f"{figure(anomaly.low)} to {figure(anomaly.high)}"


def figure(value: float) -> str:
    """Three significant digits."""
    return f"{value:.3g}"


def roughly(seconds: float) -> str:
    """A duration for a reader: `42 s`, `9 min`, `3.5 h`."""
    if seconds < MINUTES_FROM:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < HOURS_FROM else f"{seconds / 3600:.1f} h"
