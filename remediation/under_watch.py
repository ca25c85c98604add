"""Other changes of ours on the same service that are being watched: one more would be read into their judgement."""

from collections.abc import Iterator
from datetime import datetime

from cases.case import Case, Phase
from cases.merging import Obstacle
from cases.moments import iso
from cases.steps import Effect, PostComment
from cases.unasked import announced
from remediation.neutral import neutral
from remediation.ports import Ports

WATCHED = frozenset({Phase.MERGED, Phase.DEPLOYED})


def watched_beside(case: Case, ports: Ports) -> tuple[Case, ...]:
    """Other cases whose merged change is watched on a service that this one's change can reach, oldest first."""
    mine = _services(case)
    return tuple(
        other
        for other in ports.cases.active()
        if other.id != case.id and other.phase in WATCHED and other.merges and mine & _services(other)
    )


def beside(case: Case, ports: Ports) -> Iterator[Obstacle]:
    """Why a merge waits for another change of ours: one that is watched, or that was announced before this one."""
    for other in watched_beside(case, ports):
        yield Obstacle(because=f"{_named(other)} is being watched on {neutral(other.service, 60)}", passes=True)
    stands = announced(case)
    for other in ports.cases.active():
        first = announced(other)
        if other.id == case.id or first is None or not _services(case) & _services(other):
            continue
        if stands is None or (first.until, other.id) < (stands.until, case.id):
            because = f"change {first.change} of case {other.id} was announced first on {neutral(other.service, 60)}"
            yield Obstacle(because=because, passes=True)


def said_beside(case: Case, ports: Ports) -> tuple[Effect, ...]:
    """The word on a new pull request that another change of ours is being watched there; none where none is."""
    others = watched_beside(case, ports)
    if not others:
        return ()
    change, until = case.change, ports.settings.judgement.window
    lines = [f"- {_named(other)}, until {iso(_since(other) + until)} at the latest" for other in others]
    said = (
        f"**Another change is being watched on {neutral(case.service, 60)}.** What this one does would be read into "
        "its judgement, so it is not merged unasked before that is said; merge it by hand where it cannot wait."
    )
    text = "\n".join((said, "", *lines))
    key = f"{case.id}-{change.number}-under-watch"
    return (PostComment(key=key, repository=change.lead.repository, branch=change.branch(case.id), body=text),)


def _services(case: Case) -> frozenset[str]:
    """What a case's newest change can reach."""
    reach = case.change.blast_radius.services if case.changes else ()
    return frozenset((case.service, *reach))


def _named(case: Case) -> str:
    return f"change {case.merges[-1].change} of case {case.id} ({case.merges[-1].url})"


def _since(case: Case) -> datetime:
    return case.deploys[-1].started if case.phase is Phase.DEPLOYED and case.deploys else case.merges[-1].merged_at
