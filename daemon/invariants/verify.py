"""Verify: the audit and its rows, then I1 to I8, over ledger, forge and docker. It reads, and writes nothing."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cases.errors import PermanentError, TemporaryError
from daemon.invariants.calls import nothing_while_paused, promised_first
from daemon.invariants.chain import chain
from daemon.invariants.finding import AnchorSays, Finding
from daemon.invariants.ground import Ground
from daemon.invariants.leftovers import no_secrets, none_overdue
from daemon.invariants.pushes import as_tried, in_bounds
from daemon.invariants.rows import rows
from daemon.invariants.told import Told, told
from daemon.invariants.whole_cases import one_case_each, one_pull_request_each
from daemon.ledger.anchor import anchors_in
from daemon.ledger.database import Database

INVARIANTS: tuple[tuple[str, Callable[[Ground], Iterator[Finding]]], ...] = (
    ("I1", one_case_each),
    ("I2", one_pull_request_each),
    ("I3", as_tried),
    ("I4", in_bounds),
    ("I5", promised_first),
    ("I6", none_overdue),
    ("I7", no_secrets),
    ("I8", nothing_while_paused),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a verification came to. `unreached` says what could not be asked, and why: that much is not verified."""

    lines: int
    anchored: int  # up to which line some anchor vouches
    findings: tuple[Finding, ...]
    unreached: tuple[str, ...] = ()


def offline(database: Database, anchors: Iterable[Path] = ()) -> tuple[Finding, ...]:
    """What is wrong with the audit and the rows that it tells of, against these anchors."""
    seen = told(database)
    return (*chain(seen.lines, _say(anchors)), *rows(seen))


def verified(ground: Ground, anchors: Iterable[Path]) -> Verified:
    """Check everything. What cannot be reached is noted, and the rest is checked all the same."""
    says = _say(anchors)
    findings = [*chain(ground.told.lines, says), *rows(ground.told)]
    unreached: list[str] = []
    for name, check in INVARIANTS:
        try:
            findings += check(ground)
        except (TemporaryError, PermanentError) as error:
            unreached.append(f"{name}: {error}")
    return Verified(
        lines=len(ground.told.lines),
        anchored=_vouched(ground.told, says),
        findings=tuple(findings),
        unreached=tuple(unreached),
    )


def _say(anchors: Iterable[Path]) -> tuple[AnchorSays, ...]:
    return tuple(AnchorSays(file=str(path), anchored=anchors_in(path)) for path in anchors)


def _vouched(seen: Told, says: Iterable[AnchorSays]) -> int:
    return max((each.seq for say in says for each in say.anchored if each.seq in seen.by_seq), default=0)
