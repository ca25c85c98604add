"""The audit as a file of its own: one JSON object a line, which can be verified without the store.

The first line says what was asked for and how much there is; each other one has its hash and the one before it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any, cast

from cases.errors import PermanentError
from daemon.invariants.chain import CHAIN, chain
from daemon.invariants.finding import AnchorSays, Finding
from daemon.invariants.told import CUT, Line
from daemon.ledger.chain import START, Link, packed, sealed, stamp

FORM = "trackwalker audit 1"


def exported(lines: tuple[Line, ...], *, since: datetime | None = None, case: str | None = None) -> Iterator[str]:
    """The lines that were asked for, as JSON, oldest first."""
    moment = stamp(since) if since else ""
    previous = _before_the_first(lines)
    chosen: list[dict[str, Any]] = []
    begun = False  # from the first line of that moment on, all: a line may be dated before one that it follows
    for line in lines:
        follows = previous
        previous = line.hash or sealed(previous, line.link)
        begun = begun or line.link.at >= moment
        if begun and (case is None or line.link.case == case):
            chosen.append({**line.link._asdict(), "detail": dict(line.detail), "previous": follows, "hash": line.hash})
    newest = {"seq": lines[-1].link.seq, "hash": lines[-1].hash} if lines else None
    head = {"form": FORM, "since": moment, "case": case or "", "lines": len(chosen), "newest": newest}
    for document in (head, *chosen):
        yield json.dumps(document, sort_keys=True, ensure_ascii=True)


def verify_export(text: str, anchors: Iterable[AnchorSays] = ()) -> tuple[int, tuple[Finding, ...]]:
    """How many lines an export has, and what is wrong with them. PermanentError for a file that is no export."""
    head, lines = _read(text)
    found = list(_whole(head, [line for line, _ in lines]))
    known: str | None = None
    for line, previous in lines:
        if line.hash and sealed(previous, line.link) != line.hash:
            found.append(_says(line, "it does not fit its hash: it was edited"))
        elif known is not None and known != previous and not head["case"]:
            found.append(_says(line, "it does not follow the line before it: one of the two was edited or inserted"))
        known = line.hash or sealed(previous, line.link)
    named = {finding.row for finding in found}
    told = tuple(line for line, _ in lines)
    of_anchors = chain(told, tuple(anchors)) if anchors and not head["case"] and not head["since"] else ()
    return len(lines), (*found, *(finding for finding in of_anchors if finding.row not in named))


def _before_the_first(lines: tuple[Line, ...]) -> str:
    """What the first line follows: nothing, or the last one of those that were removed for their age."""
    if not lines or lines[0].link.seq == 1:
        return START
    cuts = (line.detail for line in lines if line.link.action == CUT)
    wanted = str(lines[0].link.seq - 1)
    return next((cut.get("hash", START) for cut in cuts if cut.get("upto") == wanted), START)


def _whole(head: Mapping[str, Any], lines: list[Line]) -> Iterator[Finding]:
    if head["lines"] != len(lines):
        what = f"the export says that it has {head['lines']} lines, and it has {len(lines)}: some were dropped or added"
        yield Finding(invariant=CHAIN, row="export", what=what)
    for before, after in pairwise(lines):
        first, last = before.link.seq + 1, after.link.seq - 1
        if after.link.seq <= before.link.seq or (first <= last and not head["case"]):
            yield _says(after, f"it comes after line {before.link.seq}: what should stand between them was dropped")
    newest = head["newest"]
    if not head["case"] and newest and (not lines or lines[-1].link.seq != newest["seq"]):
        yield Finding(invariant=CHAIN, row=f"audit {newest['seq']}", what="it is the newest line, and the end is gone")


def _says(line: Line, what: str) -> Finding:
    return Finding(invariant=CHAIN, row=line.row, what=what, advice="export it again, and compare the two")


def _read(text: str) -> tuple[Mapping[str, Any], list[tuple[Line, str]]]:
    try:
        documents = [cast("dict[str, Any]", json.loads(row)) for row in text.splitlines() if row.strip()]
        head, *rest = documents
        if head["form"] != FORM:
            raise PermanentError(f"the export is of another form than {FORM!r}: verify it with the version it is from")
        return {name: head[name] for name in ("lines", "newest", "case", "since")}, [_line(row) for row in rest]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PermanentError(
            f"this is no export of an audit ({type(error).__name__}: {error}); `trackwalker audit export` writes one"
        ) from error


def _line(row: dict[str, Any]) -> tuple[Line, str]:
    detail: dict[str, str] = row["detail"]
    link = Link(row["seq"], row["at"], row["actor"], row["action"], row["case"], row["parent"], packed(detail))
    return Line(link=link, hash=row["hash"], detail=detail), row["previous"]
