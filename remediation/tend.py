"""An open pull request that waits for a human, tended: its branch kept mergeable, its text kept true, left in peace.

Labels of it are a human's levers: `trackwalker:rebase` asks once for the watched branch as it is now; while
`trackwalker:stop` is there, everything is left as it is.
"""

from dataclasses import replace

from cases.case import Case
from cases.merging import STOP_LABEL
from cases.pull_request import PullRequest
from cases.steps import Relabel, StepResult
from remediation.draft import redraft
from remediation.fresh import freshened
from remediation.green import greened
from remediation.heed import rebase_wanted
from remediation.neutral import neutral
from remediation.patience import left_in_peace
from remediation.ports import Ports
from remediation.reviewed import reviewed

REBASE = "trackwalker:rebase"


def tend(case: Case, ports: Ports, found: PullRequest) -> StepResult | None:
    """What there is to do for it now; None where there is nothing."""
    if STOP_LABEL in found.labels:
        again = ports.now + ports.settings.cycle
        return StepResult(again=again, waiting=f"{found.url} is labelled {STOP_LABEL}: it is left as it is")
    peace = left_in_peace(case, ports)
    if peace is not None:
        return peace
    because = "" if case.taken_over == found.branch else _behind(case, ports, found)
    if because:
        redrafted = redraft(case, ports, because)
        done = Relabel(
            key=f"{case.id}-{case.change.number}-rebased-{len(case.history)}",
            repository=case.change.lead.repository,
            branch=found.branch,
            remove=(REBASE,),
        )
        asked = REBASE in found.labels
        return replace(redrafted, effects=(*redrafted.effects, done)) if asked else redrafted
    return reviewed(case, ports, found) or greened(case, ports, found) or freshened(case, ports)


def _behind(case: Case, ports: Ports, found: PullRequest) -> str:
    """Why it is to be brought up to date: somebody asked, or git cannot merge it any more; "" where nothing asks."""
    asked = rebase_wanted(case)
    if asked:
        return f"{neutral(asked, 60)} asked for it"
    if REBASE in found.labels:
        return f"it was labelled {REBASE}"
    part = case.change.lead
    if ports.forge.head(part.repository) == part.base:
        return ""
    files = ports.forge.conflicts(part.repository, found.head)
    if not files:
        return ""
    return f"the watched branch moved on, and git cannot merge {', '.join(neutral(path, 80) for path in files[:3])}"
