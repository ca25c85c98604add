"""The rows: each row of the ledger is what the audit says of it, and each line that tells of a row has it."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from daemon.invariants.finding import Finding
from daemon.invariants.told import CUT, PURGED, Held, Line, Told, number
from daemon.ledger.chain import BEFORE_THE_CHAIN, stamp
from daemon.ledger.outbox import ADOPTED, DONE, DROPPED, PROMISED
from daemon.ledger.spend import RESERVED, SETTLED
from daemon.ledger.tables import State

ROWS = "rows"


def rows(told: Told) -> tuple[Finding, ...]:
    """What differs between the audit and the rows that it tells of."""
    kept = Kept.of(told)
    return (*_history(told, kept), *_effects(told, kept), *_lessons(told, kept), *_spend(told, kept), *_levers(told))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the audit does not vouch for: rows of before it did, and rows that were removed for their age."""

    since: str  # rows of up to this moment may have no line that tells of them
    purged: tuple[tuple[str, frozenset[str], str], ...]  # table, cases, before

    @classmethod
    def of(cls, told: Told) -> "Kept":
        """As its own lines say."""
        since = ""
        for line in told.actions(BEFORE_THE_CHAIN, CUT):
            since = max(since, line.link.at if line.link.action == BEFORE_THE_CHAIN else _moment(line, "at"))
        purged = tuple(
            (line.detail.get("table", ""), frozenset(line.detail.get("cases", "").split(",")), _moment(line, "before"))
            for line in told.actions(PURGED)
        )
        return cls(since=since, purged=purged)

    def away(self, table: str, line: Line) -> bool:
        """Whether the row that a line tells of was removed for its age, with a line that says so."""
        case = line.link.case or ""
        return any(table == of and case in cases and line.link.at < before for of, cases, before in self.purged)


def _moment(line: Line, name: str) -> str:
    """A moment out of a line's details, as lines are dated."""
    try:
        return stamp(datetime.fromisoformat(line.detail.get(name, "")))
    except ValueError:
        return ""


def _matched(
    table: str, lines: Mapping[str, list[Line]], held: Iterable[tuple[str, Held]], kept: Kept
) -> Iterator[Finding]:
    """Rows and the lines that tell of them, by key: one line a row, one row a line, the same digest."""
    seen: set[str] = set()
    for key, row in held:
        seen.add(key)
        known = lines.get(key)
        if known is None:
            when = stamp(row.columns["at"] if "at" in row.columns else row.columns["created"])
            if when > kept.since:
                yield Finding(invariant=ROWS, row=row.name, what="no line of the audit knows it: it was inserted")
        elif "sha" in known[0].detail and known[0].detail["sha"] != row.sha:
            what = f"it is not what line {known[0].link.seq} of the audit says of it: it was edited"
            yield Finding(invariant=ROWS, row=row.name, what=what)
    for key, known in lines.items():
        if key not in seen and not kept.away(table, known[0]):
            what = f"line {known[0].link.seq} of the audit tells of it, and it is gone: it was dropped"
            yield Finding(invariant=ROWS, row=f"{table} {key}", what=what)
        for again in known[1:]:
            what = f"it tells of {table} {key}, as line {known[0].link.seq} does already: it was inserted"
            yield Finding(invariant=ROWS, row=again.row, what=what)


def _by(lines: Iterable[Line], key: Callable[[Line], str]) -> dict[str, list[Line]]:
    grouped: dict[str, list[Line]] = {}
    for line in lines:
        grouped.setdefault(key(line), []).append(line)
    return grouped


def _history(told: Told, kept: Kept) -> Iterator[Finding]:
    lines = _by(
        (line for line in told.actions("case.") if "entry" in line.detail),
        lambda line: f"{line.link.case}/{line.detail['entry']}",
    )
    held = ((f"{row.columns['case_id']}/{row.columns['seq']}", row) for row in told.history)
    yield from _matched("history", lines, held, kept)


def _lessons(told: Told, kept: Kept) -> Iterator[Finding]:
    lines = _by(told.actions("lesson."), lambda line: line.detail.get("lesson", ""))
    yield from _matched("lessons", lines, ((str(row.columns["id"]), row) for row in told.lessons), kept)


def _effects(told: Told, kept: Kept) -> Iterator[Finding]:
    promised = _by(told.actions(PROMISED), lambda line: line.detail.get("key", ""))
    # A key that was promised and removed for its age may be promised again: its newest line is the one that counts.
    standing = {key: [lines[-1]] if kept.away("effects", lines[0]) else lines for key, lines in promised.items()}
    yield from _matched("effects", standing, ((str(row.columns["key"]), row) for row in told.effects), kept)
    ended = _by(told.actions(DONE, ADOPTED, DROPPED), lambda line: line.detail.get("key", ""))
    for row in told.effects:
        lines = standing.get(str(row.columns["key"]))
        if lines is None:
            continue
        ends = [line for line in ended.get(str(row.columns["key"]), ()) if line.link.seq > lines[0].link.seq]
        for what in (*_promise(row, lines[0]), *_end(row, ends)):
            yield Finding(invariant=ROWS, row=row.name, what=what)
        for again in ends[1:]:
            what = f"it ends {row.name}, which line {ends[0].link.seq} did already: it was inserted"
            yield Finding(invariant=ROWS, row=again.row, what=what)


def _promise(row: Held, line: Line) -> Iterator[str]:
    if row.columns["promised"] != line.link.seq:
        yield f"it was promised by line {line.link.seq} of the audit, and names line {row.columns['promised']}"
    if stamp(row.columns["created"]) != line.link.at:
        yield f"it was promised at {line.link.at}, as line {line.link.seq} says, and says {row.columns['created']}"


def _end(row: Held, ends: list[Line]) -> Iterator[str]:
    """The state of an effect, against the line that ended it."""
    state, columns = row.columns["state"], row.columns
    if columns["last_error"] and not columns["attempts"] and state != State.DROPPED:
        yield "it holds the error of a try, and was never tried in vain: it was edited"
    if not ends:
        if state != State.INTENDED or columns["receipt"] is not None:
            yield f"it is {state}, and no line of the audit says so: it was edited, or that line was dropped"
        return
    end = ends[0]
    wanted = State.DROPPED if end.link.action == DROPPED else State.DONE
    if state != wanted:
        yield f"line {end.link.seq} of the audit says that it was {wanted}, and it is {state}"
    elif wanted is State.DONE and columns["receipt"] != end.detail.get("sha", columns["receipt"]):
        yield f"its receipt is not what line {end.link.seq} of the audit says of it: it was edited"
    elif wanted is State.DROPPED and (columns["last_error"] != end.detail.get("because") or columns["receipt"]):
        yield f"it was dropped for another reason, says line {end.link.seq} of the audit: it was edited"


def _spend(told: Told, kept: Kept) -> Iterator[Finding]:
    lines = _by(told.actions(RESERVED), lambda line: line.detail.get("reservation", ""))
    yield from _matched("spend", lines, ((str(row.columns["id"]), row) for row in told.spend), kept)
    settled = {line.detail.get("reservation", ""): line for line in told.actions(SETTLED)}
    for row in told.spend:
        columns, line = row.columns, settled.get(str(row.columns["id"]))
        if str(columns["id"]) not in lines:
            continue
        ours = (columns["usd"], columns["input_tokens"], columns["output_tokens"])
        theirs = (None, 0, 0) if line is None else tuple(line.detail.get(name) for name in _SETTLED)
        if [number(each) for each in ours] != [number(each) for each in theirs]:
            said = f"line {line.link.seq} of the audit" if line else "the audit, which has no line that settles it,"
            yield Finding(invariant=ROWS, row=row.name, what=f"it cost something else, says {said}: it was edited")


_SETTLED = ("usd", "input_tokens", "output_tokens")


def _levers(told: Told) -> Iterator[Finding]:
    """Every pull of a lever has its line, in the same order."""
    names = {str(row.columns["lever"]) for row in told.levers} | {"pause"}
    lines = [line for line in told.lines if line.link.action.removesuffix(".on").removesuffix(".off") in names]
    pulled = Counter(_pull(line) for line in lines)
    for row in told.levers:
        columns = row.columns
        action = f"{columns['lever']}.{_ON.get(columns['on'], columns['on'])}"
        key = (action, stamp(columns["at"]), str(columns["actor"]), str(columns["reason"]))
        if pulled[key]:
            pulled[key] -= 1
        else:
            yield Finding(invariant=ROWS, row=row.name, what="no line of the audit tells of it: edited or inserted")
    left = {key for key, count in pulled.items() if count}
    for line in lines:
        if _pull(line) in left:
            what = "it tells of a pulled lever, and there is no such row: that was dropped or edited"
            yield Finding(invariant=ROWS, row=line.row, what=what)


_ON = {1: "on", 0: "off"}


def _pull(line: Line) -> tuple[str, str, str, str]:
    return (line.link.action, line.link.at, line.link.actor, line.detail.get("reason", ""))
