"""What the sandbox is asked of an experiment: it can be measured, and either variant passes the tests.

No reproduction shows whether an idea is good: users do.
"""

import io
import tarfile

from cases.case import Case
from cases.change import Patch
from cases.trying import SandboxReport
from cases.verdict import Check, Verdict
from remediation import checks
from remediation.checks import Pair
from remediation.experiments.build import idea_of, wanted_of
from remediation.neutral import neutral
from remediation.ports import Ports

EXPOSED = "Exposure is told"
TREATED = "Treated variant passes"
LARGEST = 1_000_000
"""Files above so many bytes hold no code that somebody wrote."""
CODE = (".py", ".js", ".ts", ".jsx", ".tsx", ".go", ".rb", ".java", ".kt", ".rs", ".php", ".cs", ".c", ".cc", ".scala",
        ".ex", ".exs", ".swift", ".vue", ".svelte", ".html")  # fmt: skip


def exposed(case: Case, ports: Ports) -> Check:
    """Whether the code, with the change, tells that a user saw the flag: else nobody could measure it."""
    _, idea = idea_of(case)
    part, code = case.change.lead, ports.settings.service(case.service).repository
    event = wanted_of(case, ports.settings).event.replace("{flag}", idea.turn.flag)
    ours = part.repository == code
    base = part.base if ours else ports.forge.head(code)
    tree = ports.forge.tree(code, base, part.edits if ours else ())
    found = _where(tree, event.encode())
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


def _where(tree: bytes, event: bytes) -> str:
    """The first file of code that has the event, by name; "" for none. Tests do not count: they tell nobody."""
    from remediation.edit.code import is_test

    names: list[str] = []
    with tarfile.open(fileobj=io.BytesIO(tree)) as archive:
        for member in archive:
            if not member.isfile() or member.size > LARGEST or not member.name.endswith(CODE) or is_test(member.name):
                continue
            held = archive.extractfile(member)
            if held is not None and event in held.read():
                names.append(member.name.removeprefix("./"))
    return min(names, default="")
