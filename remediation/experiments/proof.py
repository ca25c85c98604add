"""What the sandbox is asked of an experiment: it can be measured, and either variant passes the tests.

No reproduction shows whether an idea is good: users do.
"""

from cases.case import Case
from cases.change import Patch
from cases.trying import SandboxReport
from cases.verdict import Check, Verdict
from remediation import checks
from remediation.checks import Pair
from remediation.experiments.exposure import told_in
from remediation.experiments.idea import event_of
from remediation.neutral import neutral
from remediation.ports import Ports

EXPOSED = "Exposure is told"
TREATED = "Treated variant passes"


def exposed(case: Case, ports: Ports) -> Check:
    """Whether the code, with the change, tells that a user saw the flag: else nobody could measure it."""
    part, code = case.change.lead, ports.settings.service(case.service).repository
    event = event_of(case, ports.settings)
    ours = part.repository == code
    base = part.base if ours else ports.forge.head(code)
    tree = ports.forge.tree(code, base, part.edits if ours else ())
    found = next(iter(told_in(tree, event)), "")
    verdict = Verdict.PASSED if found else Verdict.FAILED
    detail = f"{neutral(event, 80)} in {neutral(found, 100)}" if found else f"no code has {neutral(event, 80)}"
    return Check(name=EXPOSED, verdict=verdict, base="", change="told" if found else "not told", detail=detail)


def treated_too(tests: Pair | None, treated: SandboxReport | None, change: Patch) -> Check:
    """Whether what passed on base passes with every user shown the treated variant."""
    shown = next((report for report in treated.commands if report.name == "test"), None) if treated else None
    pair = (tests[0], shown) if tests is not None and shown is not None else None
    check = checks.still_passes(pair, change)
    return Check(
        name=TREATED,
        verdict=check.verdict,
        base=check.base,
        change=check.change,
        detail=check.detail,
        seconds=check.seconds,
    )
