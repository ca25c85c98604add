"""The decision file of a pull request: what was known when it was opened, kept beside its picture.

It lies on the branch of pictures, which nobody merges: it is there however the pull request ends, squashed or closed.
"""

from cases.moments import iso
from remediation.explain import explained
from remediation.header import header
from remediation.neutral import fenced, neutral
from remediation.telling import Story

NAME = "decision.md"
LONGEST_DIFF = 20_000  # characters


def decision_file(story: Story) -> str:
    """The file, as Markdown."""
    case, change = story.case, story.change
    checks = [f"- {c.name}: {c.base} → {c.change} ({c.verdict.name.lower()}) {c.detail}" for c in story.trial.checks]
    lines = (
        f"# {neutral(change.title, 100)}",
        "",
        f"Case {case.id}, change {change.number}, decided {iso(story.now)}, on {change.lead.base}.",
        "",
        *header(story),
        "",
        "## Why",
        "",
        explained(case),
        "",
        "## How it was tried",
        "",
        *(fenced("\n".join(checks), limit=LONGEST_DIFF),),
        "",
        "## What changes",
        "",
        *(fenced(part.diff, "diff", limit=LONGEST_DIFF) for part in change.parts),
        "",
        f"Trackwalker-Case: {case.id}",
        f"Trackwalker-Change: {change.number}",
        "",
    )
    return "\n".join(lines)
