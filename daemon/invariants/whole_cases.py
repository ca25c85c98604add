"""I1 and I2: every anomaly is in one case, every case goes on; one branch a change, one open pull request a case."""

from collections import Counter
from collections.abc import Iterator

from cases.case import Case, Hold, Phase
from cases.pull_request_events import Proposed
from daemon.invariants.finding import Finding
from daemon.invariants.ground import Ground, case_of
from daemon.invariants.told import Held
from daemon.ledger.audit import ANOMALY

WAITS = frozenset({str(Phase.CLOSED), str(Phase.ESCALATED)})  # for nobody any more, and for a human
LOST = "wake it with `trackwalker cases retry`, and report it: no step may leave a case like this"


def one_case_each(ground: Ground) -> Iterator[Finding]:
    """I1: every anomaly is in exactly one case, and every case is closed, waits for somebody, or is due."""
    yield from ground.replayed[1]
    yield from _alive(ground)
    yield from _anomalies(ground)


def one_pull_request_each(ground: Ground) -> Iterator[Finding]:
    """I2: at most one open pull request a case and repository, and one branch a change."""
    carries: dict[tuple[str, str], tuple[str, int]] = {}
    branches: dict[tuple[str, int, str], str] = {}
    for case, event in _proposed(ground.cases):
        change = (case.id, event.change)
        if carries.setdefault((event.repository, event.branch), change) != change:
            what = f"{event.branch} of {event.repository} carries more than one change"
            yield Finding(invariant="I2", row=f"cases {case.id}", what=what, advice="close one of their pull requests")
        if branches.setdefault((*change, event.repository), event.branch) != event.branch:
            what = f"change {event.change} went to more than one branch of {event.repository}"
            yield Finding(invariant="I2", row=f"cases {case.id}", what=what, advice="close one of their pull requests")
    if ground.forge is None:
        return
    for repository in ground.settings.repositories:
        opened = Counter(case_of(pull.branch)[0] for pull in ground.forge.open_pull_requests(repository.name))
        for case_id, count in opened.items():
            if count > 1:
                what = f"{count} of its pull requests are open in {repository.name}"
                advice = "close all but the one that `trackwalker cases show` names"
                yield Finding(invariant="I2", row=f"cases {case_id}", what=what, advice=advice)


def _proposed(cases: tuple[Case, ...]) -> Iterator[tuple[Case, Proposed]]:
    for case in cases:
        for entry in case.history:
            if isinstance(entry.event, Proposed):
                yield case, entry.event


def _alive(ground: Ground) -> Iterator[Finding]:
    rebuilt = {case.id: case for case in ground.cases}
    damaged = {finding.row for finding in ground.replayed[1]}
    for row in ground.told.cases:
        columns, case = row.columns, rebuilt.get(str(row.columns["id"]))
        if case is not None:
            yield from _summary(row, case)
        elif columns["version"] and row.name not in damaged:
            yield Finding(invariant="I1", row=row.name, what="its whole history is gone")
        moves = columns["due"] is not None or columns["lease_until"] is not None
        if not moves and columns["hold"] == Hold.NONE and columns["phase"] not in WAITS:
            what = f"it is {columns['phase']}, and neither due nor held by a daemon nor waiting for a human"
            yield Finding(invariant="I1", row=row.name, what=what, advice=LOST)


def _summary(row: Held, case: Case) -> Iterator[Finding]:
    says = (str(case.phase), str(case.hold), len(case.history), case.service, case.fingerprint)
    for name, said in zip(("phase", "hold", "version", "service", "fingerprint"), says, strict=True):
        if row.columns[name] != said:
            what = f"its {name} is {row.columns[name]}, and its history says {said}"
            yield Finding(invariant="I1", row=row.name, what=what)


def _anomalies(ground: Ground) -> Iterator[Finding]:
    brought = Counter(line.link.parent for line in ground.told.actions("case.Opened", "case.Joined", "case.Traced"))
    echoes = {(case.id, echo.anomaly.fingerprint) for case in ground.cases for echo in case.echoes}
    where: dict[tuple[str, str], str] = {}
    for line in ground.told.actions(ANOMALY):
        case = line.link.case or ""
        if brought[line.link.seq] != 1:
            what = f"its anomaly is in {brought[line.link.seq]} entries of cases, and not in one"
            yield Finding(invariant="I1", row=line.row, what=what)
        sighting = (line.detail.get("fingerprint", ""), line.detail.get("detected", ""))
        if (case, sighting[0]) not in echoes and where.setdefault(sighting, case) != case:
            what = f"its anomaly is in case {case}, and in case {where[sighting]} too"
            yield Finding(invariant="I1", row=line.row, what=what, advice="close one of the two cases")
