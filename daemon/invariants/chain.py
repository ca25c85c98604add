"""The chain: no line of the audit was edited, dropped, inserted or cut off."""

from collections.abc import Iterator, Sequence

from daemon.invariants.finding import AnchorSays, Finding
from daemon.invariants.told import CUT, Line
from daemon.ledger.chain import BEFORE_THE_CHAIN, START, sealed

CHAIN = "chain"


def chain(lines: Sequence[Line], anchors: Sequence[AnchorSays] = ()) -> tuple[Finding, ...]:
    """What is wrong with the audit's lines, which come by number, and with what anchors say of them."""
    found = list(_links(lines))
    named = {finding.row for finding in found}
    found += [finding for finding in _anchored(lines, anchors) if finding.row not in named]
    return tuple(found)


def _links(lines: Sequence[Line]) -> Iterator[Finding]:
    """Each line against the one before it.

    What a line may follow: the hash that the one before it has, and where that is wrong also the one it should have, so
    that a line whose own hash alone was changed is named, and not its successor.
    """
    before, upto = _sealed_upto(lines), 0
    follows: tuple[str, ...] = (START,)
    for line in lines:
        seq = line.link.seq
        if seq != upto + 1:
            known = _cut(lines, upto, seq)
            follows = (known,) if known else ()
            if not known:
                yield _dropped(upto + 1, seq - 1)
        upto = seq
        ours = tuple(sealed(previous, line.link) for previous in follows)
        if not line.hash and seq <= before:
            follows = ours
            continue
        if not line.hash or (follows and line.hash not in ours):
            yield _unfit(line)
        follows = (line.hash, *ours) if line.hash not in ours else (line.hash,)


def _sealed_upto(lines: Sequence[Line]) -> int:
    """Up to which number lines have no hash of their own, as the line that seals them says."""
    for line in lines:
        if line.hash:
            upto = line.detail.get("upto", "")
            return int(upto) if line.link.action == BEFORE_THE_CHAIN and upto.isdecimal() else 0
    return 0


def _cut(lines: Sequence[Line], upto: int, first: int) -> str:
    """The hash of the line before the first one, where old lines were removed with a line that says so."""
    if upto:
        return ""
    cuts = (line.detail for line in lines if line.link.action == CUT)
    return next((cut.get("hash", "") for cut in cuts if cut.get("upto") == str(first - 1)), "")


def _dropped(first: int, last: int) -> Finding:
    gone = f"line {first} is" if first == last else f"lines {first} to {last} are"
    return Finding(invariant=CHAIN, row=f"audit {first}", what=f"{gone} gone: dropped, or given another number")


def _unfit(line: Line) -> Finding:
    if line.link.action == BEFORE_THE_CHAIN:
        what = f"one of the lines up to {line.detail.get('upto', '?')}, or this one that seals them, was edited"
    elif not line.hash:
        what = "its hash was removed"
    else:
        what = f"it does not fit its hash or the line before it: edited or inserted ({line.link.action})"
    return Finding(invariant=CHAIN, row=line.row, what=what)


def _anchored(lines: Sequence[Line], anchors: Sequence[AnchorSays]) -> Iterator[Finding]:
    by_seq = {line.link.seq: line for line in lines}
    first, last = (lines[0].link.seq, lines[-1].link.seq) if lines else (1, 0)
    wrong: dict[int, str] = {}
    for anchor in anchors:
        for anchored in anchor.anchored:
            line = by_seq.get(anchored.seq)
            if anchored.seq >= first and (line is None or line.hash != anchored.hash):
                wrong.setdefault(anchored.seq, anchor.file)
    rewritten = min((seq for seq in wrong if seq in by_seq), default=None)
    if rewritten is not None:
        what = f"{wrong[rewritten]} has another hash of it: it, or a line before it, was written anew with its hash"
        yield Finding(invariant=CHAIN, row=f"audit {rewritten}", what=what)
    cut = max((seq for seq in wrong if seq > last), default=None)
    if cut is not None:
        gone = f"line {cut} is" if cut == last + 1 else f"lines {last + 1} to {cut} are"
        what = f"{gone} gone: {wrong[cut]} had seen up to {cut}; the end was cut off"
        yield Finding(invariant=CHAIN, row=f"audit {last + 1}", what=what)
