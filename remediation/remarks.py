"""What a remark in a review asks for, by its words, and what can be said to it out of the ledger.

A remark is material. Its kind decides between an answer in words and a further draft, which goes through the sandbox
and the gates as the first one did; nothing in it chooses tools, scope or authority.
"""

import re
from collections.abc import Iterator, Mapping

from cases.case import Case
from cases.change import ChangeClass
from cases.pull_request import Remark
from cases.pull_request_events import RemarkKind
from cases.verdict import Trial
from remediation.claims import files
from remediation.neutral import neutral

MOST_FACTS = 3
_OTHERS = re.compile(r"^\s*@[\w-]+")  # said to somebody else
_PRAISE = re.compile(
    r"^\W*(lgtm|looks good|nice|great|good (catch|find|work|job)|thanks?|thank you|well done|ship it|\+1|👍)",
    re.IGNORECASE,
)
_QUESTION = re.compile(
    r"\?\s*$|^\W*(why|what|how|when|where|which|who|is|are|does|do|did|can|could|should we|would|will)\b", re.IGNORECASE
)
_STYLE = re.compile(
    r"\b(nit|nits|nitpick|style|naming|rename|typo|format(ting)?|indent(ation)?|whitespace|line length|docstring"
    r"|spelling|lint)\b",
    re.IGNORECASE,
)
_CHANGE = re.compile(
    r"```suggestion|\b(please|should|must|need(s)? to|instead|rather|don't|do not|avoid|remove|drop|use|add|replace"
    r"|change|move|keep|handle|check|revert|fix|missing)\b",
    re.IGNORECASE,
)
_PATTERNS: Mapping[RemarkKind, re.Pattern[str]] = {
    RemarkKind.PRAISE: _PRAISE,
    RemarkKind.STYLE: _STYLE,
    RemarkKind.QUESTION: _QUESTION,
    RemarkKind.CHANGE: _CHANGE,
}


def kind_of(remark: Remark) -> RemarkKind:
    """What it asks for, by the rules alone: where none fits, it is not for us."""
    return kind_by_rules(remark) or RemarkKind.OTHER


def kind_by_rules(remark: Remark) -> RemarkKind | None:
    """What it asks for; None where no rule tells.

    A suggestion, or a review that asks for changes, is a request whatever its words.
    """
    text = remark.body.strip()
    if "```suggestion" in text:
        return RemarkKind.CHANGE
    if _OTHERS.search(text) and not text.lower().startswith("@trackwalker"):
        return RemarkKind.OTHER
    found = next((kind for kind, pattern in _PATTERNS.items() if pattern.search(text)), None)
    if remark.state == "changes_requested" and found is not RemarkKind.STYLE:
        return RemarkKind.CHANGE
    return found


def answered(case: Case, text: str) -> str:
    """An answer to a question, from what is stored: what it is nearest to by its words, and where all of it is."""
    said = text.lower()
    about = next((name for name, words in _TOPICS.items() if any(word in said for word in words)), "cause")
    lines = [*_ABOUT[about](case), f"- all of it: `trackwalker cases show {case.id}`, or `/trackwalker explain` here"]
    return "\n".join(("From the ledger:", "", *lines))


def _cause(case: Case) -> Iterator[str]:
    diagnosis = case.diagnosis
    if diagnosis is None:
        yield "- no diagnosis is made yet"
        return
    yield f"- {neutral(diagnosis.claim, 300)}"
    yield from (f"- {fact.id}: {neutral(fact.fact, 240)}" for fact in diagnosis.facts[:MOST_FACTS])
    if diagnosis.disproof:
        yield f"- it would be wrong if {neutral(diagnosis.disproof)}"


def _proof(case: Case) -> Iterator[str]:
    trial: Trial | None = case.trial
    if trial is None:
        yield "- it was not tried yet"
        return
    yield f"- {trial.claim}, tried at {trial.base[:10]} in {neutral(trial.sandbox, 80)}"
    for check in trial.checks:
        yield (
            f"- {neutral(check.name, 60)}: {neutral(check.base, 60)} on base, {neutral(check.change, 60)} with the "
            f"change ({check.verdict.name.lower()})"
        )


def _risk(case: Case) -> Iterator[str]:
    blast = case.change.blast_radius
    yield f"- it touches {files(blast.files)}, {blast.lines} lines; services: {', '.join(blast.services)}"
    yield f"- migrations: {neutral(blast.migrations, 80)}" + (
        f"; it takes “{neutral(blast.removes, 80)}” away" if blast.removes else ""
    )
    yield "- undone by `git revert` of its merge; the watch answers harm with a pull request that does so"


_TOPICS: Mapping[str, tuple[str, ...]] = {
    "proof": ("test", "prove", "proof", "verif", "reproduc", "sandbox", "tried"),
    "risk": ("risk", "safe", "blast", "migration", "undo", "roll back", "rollback", "affect", "break"),
}
_ABOUT = {"cause": _cause, "proof": _proof, "risk": _risk}


def in_words(case: Case, kind: RemarkKind) -> str:
    """The answer to what is neither a question nor something that can be drafted."""
    if kind is RemarkKind.PRAISE:
        return "Thank you. What it does to the metric is posted here once it runs."
    if kind is RemarkKind.OTHER:
        return (
            "Read, and left to you: I take it for a word to somebody else. `/trackwalker guide …` is kept for the "
            "next draft, `/trackwalker reject …` closes this."
        )
    return _unchangeable(case)


def _unchangeable(case: Case) -> str:
    """Why a request for another change is not drafted."""
    change = case.change
    what = "an exact revert" if change.kind is ChangeClass.REVERT else f"drafted by {neutral(change.origin, 60)}"
    return (
        f"Not done: this is {what}, and is proposed as it is or not at all. Commit to the branch and it is yours; "
        "`/trackwalker reject …` closes it, and the reason is remembered."
    )
