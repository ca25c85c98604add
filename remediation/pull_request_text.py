"""The pull request as a reviewer reads it: eight lines first, the rest folded, every number from stored evidence.

Made for a phone at three in the morning: what happened, why, what changes, how it was proved, what is promised, how to
undo it. Whatever was written outside (labels, titles, test names) is neutralised before it gets here or on its way.
"""

from collections.abc import Sequence

from cases.anomaly import Anomaly
from cases.case import Case
from cases.change import Patch
from cases.diagnosis import Diagnosis, EvidenceKind
from cases.moments import iso
from cases.verdict import Claim, Trial
from config import duration
from remediation.body_rules import held
from remediation.claims import files, first_line
from remediation.confidence import confidence_said
from remediation.figures import figure
from remediation.header import band, header, where
from remediation.impact import impact_lines
from remediation.neutral import fenced, neutral
from remediation.sealed import seal
from remediation.telling import Story

LABEL = "trackwalker"
MOST_SHOWN = 12_000  # characters of a diff that an issue has: a revert may be long
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
    """The whole text, under its seal.

    PermanentError when its header does not hold (see `body_rules`): then it leaves for nowhere.
    """
    sections = (
        _fold("What happened", _what_happened(story)),
        _fold("Why we think so", _why(story)),
        _fold("Verified", verified(story)),
        _fold("Promise, blast radius, rollback", _promise(story)),
        _fold("Commands", _commands(story)),
    )
    beside = (story.related, "") if story.related else ()
    text = held("\n".join((*header(story), "", *beside, *sections)), story.case)
    names: dict[str, str | int] = {
        "case": story.case.id,
        "change": story.change.number,
        "fingerprint": story.case.fingerprint,
    }
    return seal(text, names)


def body_to_show(story: Story, because: str) -> str:
    """The text of the issue that shows a change which waits for a yes, `because` of what; under its seal.

    PermanentError as `body`.
    """
    ask = (
        "**It waits for a yes.** `/trackwalker approve` here opens the pull request, `/trackwalker reject <reason>` is "
        f"remembered with its reason; both from people who may write here. {neutral(because, 300)}"
    )
    sections = (
        _fold("What happened", _what_happened(story)[1:]),
        _fold("Why we think so", _why(story)),
        _fold("Verified", verified(story)),
        _fold("Promise, blast radius, rollback", _promise(story)),
    )
    text = held("\n".join((*header(story), "", *sections)), story.case)
    diffs = [
        _fold(f"Diff of {neutral(part.repository, 60)}, on {part.base[:10]}", [fenced(part.diff, "diff", MOST_SHOWN)])
        for part in story.change.parts
    ]
    names: dict[str, str | int] = {"case": story.case.id, "change": story.change.number}
    return seal("\n".join((text, *diffs, "", ask)), names)


def _what_happened(story: Story) -> list[str]:
    anomaly = story.case.anomaly
    began = (
        [f"- asked for by outcome {neutral(story.case.goal.name, 60)}: {neutral(story.case.goal.why, 200)}"]
        if story.case.goal is not None
        else [_began(anomaly)]
    )
    return [
        f"![{anomaly.signal.name}: readings, expected band, onset and deploys]({story.plot})",
        "",
        f"`{story.spark}` {anomaly.signal.name}, until {story.now:%H:%M:%S} UTC",
        *began,
        *impact_lines(story.facts)[:6],
        *(
            f"- also {other.signal.name}{where(other)}: {figure(other.value)} (expected {band(other)})"
            for other in [other for other in story.case.anomalies if other is not anomaly][:3]
        ),
    ]


def _began(anomaly: Anomaly) -> str:
    return f"- began {iso(anomaly.onset)} (± {anomaly.give_or_take_s:.0f} s), seen {iso(anomaly.detected)}"


def _why(story: Story) -> list[str]:
    diagnosis = story.case.diagnosis
    if diagnosis is None:
        return ["- no diagnosis was made"]
    if story.case.hypothesis is not None:
        from remediation.experiments.words import why

        return [*why(story.case), *(f"- {fact.id}: {fact.fact}" for fact in diagnosis.facts[:1])]
    facts = {fact.id: fact.fact for fact in diagnosis.facts}
    suspect = story.suspect
    named = suspect.evidence if suspect else diagnosis.hypotheses[0].evidence if diagnosis.hypotheses else ()
    logged = [fact.id for fact in diagnosis.facts if fact.source.startswith("logs of ")][:2]
    lessons = [fact.id for fact in diagnosis.facts if fact.fact.startswith("lesson ")][:1]
    cited = dict.fromkeys([*list(facts)[:2], *named, *logged, *lessons])
    return [
        *(f"- {ref}: {facts[ref]}" for ref in cited if ref in facts),
        *(f"- considered: {neutral(text, 160)}" for text in diagnosis.alternatives[:3]),
        *(
            [f"- lesson `{diagnosis.precedent}` led here: no model was asked where to look"]
            if diagnosis.precedent
            else ()
        ),
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


def verified(story: Story) -> list[str]:
    """The proof matrix, as lines of markdown."""
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
    if story.case.hypothesis is not None:
        return _promise_of_an_experiment(story)
    moves = f"{promise.signal} goes {promise.direction}, from {figure(promise.before)} to about {figure(promise.after)}"
    return [
        f"- **promise:** {moves}, within {duration.format(promise.horizon)} of the deploy; it is judged, here",
        f"- **blast radius:** {files(blast.files)}, {blast.lines} lines; services: {', '.join(blast.services)}",
        "- **undo this:** `git revert -m 1` of the merge; the watch answers harm with a pull request that does so",
        f"- **cost:** {first_line(story.change.cost) or '$0.00, no model was asked'}",
    ]


def _promise_of_an_experiment(story: Story) -> list[str]:
    from remediation.experiments.words import kill_rule

    promise, blast, idea = story.change.promise, story.change.blast_radius, story.case.hypothesis
    moves = f"{promise.signal} goes {promise.direction}, from {figure(promise.before)} to about {figure(promise.after)}"
    tried = story.change.experiment is not None
    first = (
        [f"- **promise:** {moves}, for whom it is shown to against whom it is not", kill_rule(story.case)]
        if tried
        else [f"- **promise:** nothing changes for anybody: everybody is shown the {_shown(story)} already"]
    )
    stop = f"`trackwalker experiments stop {idea.id if idea else ''} --reason …` shows everybody the control at once"
    return [
        *first,
        f"- **blast radius:** {files(blast.files)}, {blast.lines} lines; services: {', '.join(blast.services)}",
        f"- **undo this:** {stop if tried else '`git revert -m 1` of the merge'}",
        f"- **cost:** {first_line(story.change.cost) or '$0.00, no model was asked'}",
    ]


def _shown(story: Story) -> str:
    return "control" if story.change.rolls_back is not None else "treated variant"


def _commands(story: Story) -> list[str]:
    case = story.case.id
    return [
        f"- `trackwalker cases show {case}`: all evidence · `trackwalker cases why {case}`: every decision",
        f"- `trackwalker cases freeze {case}` stops this case, `trackwalker pause` everything",
        *(() if not story.decision else (f"- [decision file]({story.decision}): what was known then; it stays",)),
        "- comments: `/trackwalker explain`, `guide …`, `rebase`, `reject …`, `revert` once merged",
        "- closing this pull request is a no that is remembered",
    ]


def _fold(summary: str, lines: Sequence[str]) -> str:
    return "\n".join((f"<details><summary>{summary}</summary>", "", *lines, "", "</details>"))
