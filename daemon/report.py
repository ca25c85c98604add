"""A case for people and for programs: what `trackwalker cases` prints."""

from typing import Any

from cases.case import Case
from cases.events import (
    Closed,
    Deployed,
    Diagnosed,
    Disproved,
    Drafted,
    Echoed,
    Entry,
    Event,
    Guided,
    Harmed,
    Joined,
    Judged,
    Opened,
    Proved,
    Traced,
)
from cases.moments import iso
from cases.pull_request_events import Merged, Proposed
from cases.symptom import symptom
from cases.verdict import Trial
from remediation.confidence import confidence_said
from remediation.neutral import neutral


def case_document(case: Case) -> dict[str, Any]:
    """A case as JSON values."""
    anomaly = case.anomaly
    document: dict[str, Any] = {
        "id": case.id,
        "service": case.service,
        "fingerprint": case.fingerprint,
        "phase": case.phase.value,
        "hold": case.hold.value,
        "improvement": case.improvement,
        "opened": iso(case.opened),
        "entered": iso(case.entered),
        "anomaly": {
            "signal": anomaly.signal.name,
            "direction": anomaly.direction.value,
            "kind": anomaly.kind.value,
            "detector": anomaly.detector,
            "onset": iso(anomaly.onset),
            "detected": iso(anomaly.detected),
            "value": anomaly.value,
            "expected": anomaly.expected,
            "labels": dict(anomaly.labels),
        },
        "reasons": list(case.reasons),
        "echoes": [
            {
                "service": echo.anomaly.signal.service,
                "signal": echo.anomaly.signal.name,
                "direction": echo.anomaly.direction.value,
                "onset": iso(echo.anomaly.onset),
                "at": iso(echo.at),
                "because": echo.because,
            }
            for echo in case.echoes
        ],
        "escalation": case.escalation,
        "suspects": [
            {"id": s.commit.sha, "title": s.commit.title, "score": round(s.score, 3), "evidence": list(s.evidence)}
            for s in (case.diagnosis.suspects if case.diagnosis else ())
        ],
        "hypotheses": [
            {
                "path": h.path,
                "line": h.line,
                "function": h.function,
                "statement": h.statement,
                "confidence": round(h.confidence, 3),
                "evidence": list(h.evidence),
                "origin": h.origin,
            }
            for h in (case.diagnosis.hypotheses if case.diagnosis else ())
        ],
        "changes": [
            {
                "number": c.number,
                "kind": c.kind.value,
                "origin": c.origin,
                "title": c.title,
                "branch": c.branch(case.id),
            }
            for c in case.changes
        ],
        "pull_requests": [
            {"change": m.change, "number": m.pull_request, "url": m.url, "sha": m.sha} for m in case.merges
        ],
    }
    judgement = case.judgement
    if judgement is not None:
        document["judgement"] = {
            "ruling": judgement.ruling.value,
            "effect": judgement.effect,
            "interval": [judgement.low, judgement.high],
            "evidence": judgement.evidence,
            "because": judgement.because,
        }
    if case.outcome is not None:
        document["outcome"] = {
            "ending": case.outcome.ending.value,
            "because": case.outcome.because,
            "at": iso(case.outcome.at),
        }
    return document


def case_text(case: Case) -> str:
    """A case as a page of text."""
    hold = f", {case.hold}: {case.hold_reason}" if case.hold != "none" else ""
    lines = [f"case {case.id} · {case.service} · {case.phase}{hold} · opened {iso(case.opened)}"]
    if case.escalation:
        lines.append(f"needs a human: {case.escalation}")
    lines += [f"  {neutral(reason)}" for reason in case.reasons]
    if case.echoes:
        lines += ["", "suppressed echoes:"]
        lines += [
            f"  {iso(e.anomaly.onset)}  {neutral(e.anomaly.signal.key, 80)} {e.anomaly.direction}  {neutral(e.because)}"
            for e in case.echoes
        ]
    if case.diagnosis:
        lines += ["", f"diagnosis: {case.diagnosis.claim}"]
        lines += [f"  {fact.id}  {fact.fact}  [{fact.source}]" for fact in case.diagnosis.facts]
        lines += [f"  {confidence_said(case.diagnosis)}"]
        lines += ["suspects:"]
        lines += [
            f"  {s.score:.2f}  {s.commit.short}  {neutral(s.commit.title, 80)}  {neutral(s.mechanism)}"
            for s in case.diagnosis.suspects[:5]
        ]
        lines += [
            f"  {neutral(link.origin, 60)} of {link.about[:10]}: {neutral(link.statement)} ({', '.join(link.evidence)})"
            for link in case.diagnosis.links
        ]
        if case.diagnosis.hypotheses:
            lines += ["places in the code:"]
        lines += [
            f"  {h.confidence:.2f}  {h.path}:{h.line} {h.function}  {neutral(h.statement)}  [{h.origin}]"
            for h in case.diagnosis.hypotheses[:5]
        ]
    for change in case.changes:
        lines += ["", f"change {change.number} ({change.kind}, {change.origin}): {change.title}"]
        lines += [f"  {trial_line(trial)}" for trial in case.trials if trial.change == change.number]
        lines += [f"  merged as {m.sha[:10]} by {m.by}: {m.url}" for m in case.merges if m.change == change.number]
        lines += [f"  judged {j.ruling}: {j.because}" for j in case.judgements if j.change == change.number]
    if case.outcome:
        lines += ["", f"outcome: {case.outcome.ending}: {case.outcome.because}"]
    if case.lesson:
        lines.append(f"lesson {case.lesson.id}: {case.lesson.text}")
    return "\n".join(lines)


def trial_line(trial: Trial) -> str:
    """A trial in one line."""
    checks = "; ".join(f"{c.name}: {c.base} → {c.change} ({c.verdict.name.lower()})" for c in trial.checks)
    return f"tried in {trial.sandbox}: {trial.claim}: {checks}"


def history_rows(case: Case) -> list[tuple[str, str, str, str]]:
    """Every event as (at, actor, what, why)."""
    return [(iso(entry.at), entry.actor, type(entry.event).__name__, because(entry)) for entry in case.history]


def because(entry: Entry) -> str:
    """The reason that an event carries."""
    match entry.event:
        case Echoed(anomaly=anomaly, because=why) | Traced(anomaly=anomaly, because=why):
            return f"{anomaly.signal.key} reads {anomaly.value:.4g}: {why}"
        case Opened(anomaly=anomaly) | Joined(anomaly=anomaly):
            return f"{anomaly.signal.name} {symptom(anomaly)}"
        case Diagnosed(diagnosis=diagnosis):
            return diagnosis.claim
        case Drafted(change=change, weights=weights):
            order = f" (strategies by what became of them: {'; '.join(weights)})" if weights else ""
            return f"{change.origin}: {change.title}{order}"
        case Proved(trial=trial) | Disproved(trial=trial):
            return trial_line(trial)
        case Judged(judgement=judgement) | Harmed(judgement=judgement):
            return f"{judgement.ruling}: {judgement.because}"
        case Closed(outcome=outcome):
            return f"{outcome.ending}: {outcome.because}"
        case event:
            return _on_the_forge(event) or str(getattr(event, "reason", "") or getattr(event, "because", ""))


def _on_the_forge(event: Event) -> str:
    """What an event says that happened outside."""
    match event:
        case Proposed(branch=branch):
            return branch
        case Merged(url=url, by=by, sha=sha):
            return f"{url} as {sha[:10]} by {by}"
        case Deployed(deploy=deploy):
            return f"{deploy.commit[:10]} runs since {iso(deploy.started)} ({deploy.source})"
        case Guided(text=text):
            return text
        case _:
            return ""
