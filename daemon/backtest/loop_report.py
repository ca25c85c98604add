"""What `backtest --loop` prints: for programs, and as rows for people."""

from collections.abc import Sequence
from typing import Any

from cases.diagnosis import Commit
from cases.moments import iso
from daemon.backtest.accused import Accusation, Revert, Share
from daemon.backtest.loop import FREE, Loop
from daemon.backtest.report import Report, case_row
from daemon.backtest.walked import Walked
from daemon.replay.pages import pull_document


def loop_document(told: Loop, report: Report) -> dict[str, Any]:
    """What stands beside a backtest's own keys, or, as its cases, in their place."""
    scored = told.scored
    accused: dict[tuple[str, str], list[str]] = {}
    for one in scored.accusations:
        accused.setdefault(one.name, []).append(one.case)
    ways = {walked.story.case.id: walked for walked in told.walked}
    back = {revert.name: revert for revert in scored.reverts}
    return {
        "cases": [_case(ways[story.case.id]) if story.case.id in ways else case_row(story) for story in report.cases],
        "accusations": [_accusation(one) for one in scored.accusations],
        "pull_requests": [
            {
                **pull_document(walked.pull_request),
                "case": walked.story.case.id,
                "class": walked.kind.value if walked.kind else None,
            }
            for walked in told.walked
            if walked.pull_request is not None
        ],
        "merged": [
            {
                "repository": name,
                "pull_request": commit.pull_request,
                "commit": commit.sha,
                "title": commit.title,
                "at": iso(commit.at),
                "accused_by": accused.get((name, commit.sha), []),
                "reverted_at": iso(back[name, commit.sha].undone.by.at) if (name, commit.sha) in back else None,
            }
            for name, commit in told.merged
        ],
        "reverts": [_revert(revert) for revert in scored.reverts],
        "score": {
            "precision": _share(scored.right),
            "precision_with_shortlists": _share(scored.right_listed),
            "recall": _share(scored.found),
            "recall_with_shortlists": _share(scored.found_listed),
            "says": list(scored.words()),
        },
        "cost": {"usd": 0.0, "because": FREE},
        "done": [],  # asserted: whatever would write to the outside raises
        "cases_left_out": told.left_out,
    }


def _case(walked: Walked) -> dict[str, Any]:
    case = walked.case
    diagnosis = case.diagnosis if case else None
    pull = walked.pull_request
    return {
        **case_row(walked.story),
        "phase": case.phase.value if case else None,
        "finding": diagnosis.finding.value if diagnosis else None,
        "claim": diagnosis.claim if diagnosis else None,
        "confidence": round(diagnosis.confidence, 3) if diagnosis else None,
        "pull_request": pull.title if pull else None,
        "asked_first": walked.replayed.asked if walked.replayed else "",
        "stopped_because": "" if pull else walked.because,
    }


def _accusation(one: Accusation) -> dict[str, Any]:
    commit = one.suspect.commit
    return {
        "case": one.case,
        "service": one.service,
        "repository": one.repository,
        "commit": commit.sha,
        "title": commit.title,
        "pull_request": commit.pull_request,
        "confidence": round(one.suspect.score, 3),
        "how": "alone" if one.alone else "shortlist",
        "because": one.suspect.mechanism,
        "reverted": _by(one.undone.by) if one.undone else None,
    }


def _revert(revert: Revert) -> dict[str, Any]:
    return {
        "repository": revert.repository,
        "commit": revert.undone.commit.sha,
        "title": revert.undone.commit.title,
        "pull_request": revert.undone.commit.pull_request,
        "reverted": _by(revert.undone.by),
        "named_alone_by": list(revert.alone),
        "shortlisted_by": list(revert.listed),
        "noticed": revert.noticed,
    }


def _by(commit: Commit) -> dict[str, Any]:
    return {"commit": commit.sha, "at": iso(commit.at), "pull_request": commit.pull_request}


def _share(share: Share) -> dict[str, Any]:
    low, high = share.range
    value = share.value
    return {
        "hits": share.hits,
        "of": share.of,
        "share": None if value is None else round(value, 3),
        "range": [round(low, 3), round(high, 3)],
    }


def loop_rows(told: Loop) -> Sequence[tuple[str, str, str, str, str]]:
    """For people: (case, service, how far it came, whom it names, what became of that commit)."""
    of: dict[str, list[Accusation]] = {}
    for one in told.scored.accusations:
        of.setdefault(one.case, []).append(one)
    return [_row(walked, of.get(walked.story.case.id, [])) for walked in told.walked]


def _row(walked: Walked, named: Sequence[Accusation]) -> tuple[str, str, str, str, str]:
    story = walked.story.case
    phase = walked.case.phase.value if walked.case else "not walked"
    pull = walked.pull_request
    came = f"{phase}: {pull.title}" if pull else f"{phase}: {walked.because}"
    whom = "; ".join(
        f"{one.suspect.commit.short} {one.suspect.commit.title} ({one.suspect.score:.2f}"
        f"{'' if one.alone else ', of a shortlist'})"
        for one in named
    )
    became = "; ".join(
        f"reverted {iso(one.undone.by.at)} by {one.undone.by.short}" if one.undone else "not reverted" for one in named
    )
    return story.id, story.service, came, whom or "nobody", became or "-"
