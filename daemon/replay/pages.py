"""What a replay leaves behind: files in a folder of the user's choice, and a summary."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cases.case import Case
from cases.errors import PermanentError
from cases.moments import iso
from cases.steps import (
    AnswerRemark,
    ConvertToDraft,
    Effect,
    KillFlag,
    MarkReady,
    MergePullRequest,
    OpenPullRequest,
    PostComment,
    PushBranch,
    Relabel,
    ReportProof,
    RequestReviewers,
    RewriteBody,
    SendNotice,
    ShowChange,
    StorePlot,
)
from daemon.replay.loop import Replayed
from daemon.report import case_document, case_text, history_rows
from remediation.neutral import fenced, neutral

PICTURE = "anomaly.png"


def check_folder(out: Path) -> None:
    """Raise PermanentError unless the folder is new or empty: nothing of anybody's is overwritten."""
    if out.is_dir() and not any(out.iterdir()):
        return
    if out.exists():
        raise PermanentError(f"{out} is not an empty folder; name a new one with --out")
    if not out.resolve().parent.is_dir():
        raise PermanentError(f"{out} cannot be made: {out.resolve().parent} is no folder")


def write(replayed: Replayed, case: Case, out: Path) -> list[Path]:
    """Write the case, its reasons and its pull request; the paths, in the order of reading."""
    files: dict[str, bytes] = {}
    pull = _pull_of(replayed.effects)
    plot = next((effect for effect in replayed.effects if isinstance(effect, StorePlot)), None)
    if pull is not None:
        files["pull-request.md"] = _pull_request(pull, replayed.picture).encode()
    if plot is not None:
        files[PICTURE] = plot.content
    for place, part in enumerate(case.changes[-1].parts if case.changes else (), start=1):
        files["change.patch" if place == 1 else f"change-{place}.patch"] = part.diff.encode("utf-8", "surrogateescape")
    files["why.md"] = _why(replayed, case).encode()
    files["case.json"] = (json.dumps(_document(replayed, case), ensure_ascii=False, indent=2) + "\n").encode()
    try:
        out.mkdir(exist_ok=True)
        for name, content in files.items():
            (out / name).write_bytes(content)
    except OSError as error:
        raise PermanentError(f"cannot write to {out}: {error.strerror}") from None
    return [out / name for name in files]


def summary(replayed: Replayed, written: Sequence[Path]) -> dict[str, Any]:
    """What `--json` prints."""
    case, pull = replayed.case, _pull_of(replayed.effects)
    return {
        "service": replayed.wanted.service,
        "at": iso(replayed.wanted.at),
        "anomalous": case is not None,
        "case": case_document(case) if case else None,
        "pull_request": pull_document(pull) if pull else None,
        "asked_first": replayed.asked,
        "not_opened_because": "" if pull or case is None else case.escalation or replayed.waiting,
        "outward": [in_words(effect) for effect in replayed.effects],
        "done": [],  # asserted: whatever would write to the outside raises
        "unseen": list(replayed.unseen),
        "other_cases": list(replayed.others),
        "files": [str(path) for path in written],
    }


def pull_document(pull: OpenPullRequest) -> dict[str, Any]:
    """A would-be pull request as JSON values."""
    return {
        "repository": pull.repository,
        "branch": pull.branch,
        "title": pull.title,
        "labels": list(pull.labels),
        "draft": pull.draft,
    }


def in_words(effect: Effect) -> str:
    """What would have been asked of the outside, in one line."""
    match effect:
        case PushBranch():
            return f"push {effect.branch} to {effect.repository} ({len(effect.edits)} files on {effect.base[:10]})"
        case OpenPullRequest():
            return f"open a {'draft ' if effect.draft else ''}pull request of {effect.branch} on {effect.repository}"
        case StorePlot():
            return f"store {effect.path} in {effect.repository}"
        case PostComment():
            return f"comment on {effect.branch} of {effect.repository}"
        case ConvertToDraft():
            return f"take the pull request of {effect.branch} on {effect.repository} back to a draft"
        case MarkReady():
            return f"show the pull request of {effect.branch} on {effect.repository} for review"
        case RewriteBody() | Relabel() | AnswerRemark():
            return f"write to the pull request of {effect.branch} on {effect.repository}"
        case ReportProof() | RequestReviewers() | ShowChange() | MergePullRequest() | KillFlag():
            return _beside(effect)
        case SendNotice():
            return f"tell {effect.receiver} ({effect.notice.severity}): {neutral(effect.notice.subject)}"


def _beside(effect: ReportProof | RequestReviewers | ShowChange | MergePullRequest | KillFlag) -> str:
    if isinstance(effect, KillFlag):
        return f"turn {effect.place} off"
    if isinstance(effect, MergePullRequest):
        return f"merge {effect.branch} on {effect.repository} as {effect.sha[:10]}, unasked"
    if isinstance(effect, ShowChange):
        return f"show the change of {effect.branch} in an issue of {effect.repository}"
    if isinstance(effect, ReportProof):
        return f"show the trial beside the commit of {effect.branch} on {effect.repository}: {effect.title}"
    asked = (*effect.owners, *(["the culprit's author"] if effect.culprit else []))
    return f"ask {', '.join(asked)} to review {effect.branch} on {effect.repository}"


def _pull_of(effects: Sequence[Effect]) -> OpenPullRequest | None:
    return next((effect for effect in effects if isinstance(effect, OpenPullRequest)), None)


def _pull_request(pull: OpenPullRequest, picture: str) -> str:
    """The text as it would have been, with the picture that was never stored taken from beside this file."""
    body = pull.body.replace(picture, PICTURE) if picture else pull.body
    kind = "Draft pull request" if pull.draft else "Pull request"
    about = f"{kind} from `{pull.branch}` to `{pull.repository}`, labels: {', '.join(pull.labels)}. Never opened."
    return f"# {pull.title}\n\n{about}\n\n{body}\n"


def _why(replayed: Replayed, case: Case) -> str:
    wanted = replayed.wanted
    lines = [
        f"# Case {case.id}: {neutral(wanted.service)} at {iso(wanted.at)}, replayed",
        "",
        f"It came as far as **{case.phase}**. Nothing left this machine.",
        "",
        "## What was known",
        "",
        fenced(case_text(case), limit=20_000),
        "",
        "## Decisions, in order",
        "",
        "| what | why |",
        "|---|---|",
        *(f"| {what} | {neutral(why, 400)} |" for _, _, what, why in history_rows(case)),
        "",
    ]
    if replayed.asked:
        lines += [f"A human would have been asked first: {neutral(replayed.asked, 400)}", ""]
    if replayed.waiting:
        lines += [f"It would have waited: {neutral(replayed.waiting, 400)}", ""]
    lines += ["## What would have left this machine", ""]
    lines += [f"{number}. {in_words(effect)}" for number, effect in enumerate(replayed.effects, start=1)] or [
        "Nothing."
    ]
    if replayed.unseen:
        lines += ["", "## What could not be judged", "", *(f"- {neutral(line, 400)}" for line in replayed.unseen)]
    return "\n".join([*lines, "", *_LIMITS, ""])


_LIMITS = (
    "## What a replay cannot know",
    "",
    "- A commit counts from its committer time on, a tag as it stands today.",
    "- Lessons, pull requests and silences of that time are left out, and no language model is asked;",
    "  a recorded session may answer in its place.",
    "- Telemetry is what its source still keeps; it may have been finer then.",
)


def _document(replayed: Replayed, case: Case) -> dict[str, Any]:
    rows = history_rows(case)
    return {
        **summary(replayed, ()),
        "case": case_document(case),
        "history": [{"at": at, "actor": actor, "what": what, "why": why} for at, actor, what, why in rows],
    }
