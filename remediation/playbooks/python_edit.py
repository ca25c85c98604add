"""What the playbooks that edit Python share: when they may, where to look, and the change that they make.

They follow a pattern and know nothing of what the code means: so they are labelled as low in confidence, they need a
command that shows the fault (`reproduce`), and nothing of theirs is proposed unless the sandbox proves it with that.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cases.case import Case
from cases.change import ChangeClass, FileEdit, Patch
from cases.diagnosis import Hypothesis
from cases.logs import ErrorSeen
from config.settings import Settings
from remediation.drafting import CannotDraft, Drafting
from remediation.edit.code import is_test
from remediation.edit.places import LARGEST, STACK_TRACE
from remediation.neutral import neutral
from remediation.playbooks.promise import part_of, promise, reach
from remediation.ports import Ports

if TYPE_CHECKING:
    from remediation.patterns.mended import Mended

MARK = "low-confidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A place of the repository's Python that a stack trace of production leads to, and the file at `head`."""

    repository: str
    head: str
    where: Hypothesis
    source: str

    @property
    def function(self) -> str:
        """The function's own name, without what it lies in."""
        return self.where.function.rpartition(".")[2]

    @property
    def shown(self) -> str:
        """As in `shop/cart.py:12 total()`."""
        return f"{neutral(self.where.path, 80)}:{self.where.line} {neutral(self.function, 40)}()"


def in_question(pointed: Sequence[Hypothesis], settings: Settings, service: str) -> bool:
    """Whether a pattern may answer what stack traces point at: Python, and a command that shows the fault."""
    found = any(h.origin == STACK_TRACE and h.path.endswith(".py") and not is_test(h.path) for h in pointed)
    known = settings.service(service)
    return found and bool(known.reproduce or settings.repository(known.repository).reproduce)


def may(case: Case, ports: Ports) -> str:
    """Why no such edit may be drafted, or "": a command has to show the fault."""
    service = ports.settings.service(case.service)
    if service.reproduce or ports.settings.repository(service.repository).reproduce:
        return ""
    return "no `reproduce` command shows the fault, and without one no code is changed by a pattern"


def spots(case: Case, ports: Ports) -> Iterator[Spot]:
    """The places in Python files that are no tests, innermost first."""
    repository = ports.settings.service(case.service).repository
    pointed = case.diagnosis.hypotheses if case.diagnosis else ()
    pointed = tuple(h for h in pointed if h.origin == STACK_TRACE and h.path.endswith(".py") and not is_test(h.path))
    if not pointed:
        return
    head = ports.forge.head(repository)
    for where in pointed:
        content = ports.forge.read(repository, head, where.path)
        try:
            source = (content or b"").decode()
        except UnicodeDecodeError:
            continue
        if source and len(source) <= LARGEST:
            yield Spot(repository=repository, head=head, where=where, source=source)


def errors(case: Case, ports: Ports) -> tuple[ErrorSeen, ...]:
    """What the logs raised since the trouble began. Its text is data: it is compared, and written nowhere."""
    return ports.logs.errors(case.service, min(anomaly.onset for anomaly in case.anomalies), ports.now)


def drafted(case: Case, ports: Ports, spot: Spot, mended: "Mended", origin: str) -> Drafting:
    """The change: one file, and every line but those of the pattern as it was, byte for byte."""
    odd = beyond_the_pattern(spot.source, mended.source)
    if odd:
        return CannotDraft(reason=f"{spot.shown} cannot be edited so: {odd}")
    path = spot.where.path
    part = part_of(ports.forge, spot.repository, spot.head, [FileEdit(path=path, content=mended.source.encode())])
    return Patch(
        number=len(case.changes) + 1,
        kind=ChangeClass.EDIT,
        origin=origin,
        title=neutral(f"{mended.title} ({path})", 100),
        summary=f"{neutral(mended.summary)} It follows a pattern, and knows nothing of what the code means.",
        parts=(part,),
        promise=promise(case),
        blast_radius=reach((part,), ports.settings.service(case.service), migrations="none found"),
        because=f"{', '.join(spot.where.evidence)}: {spot.where.statement}",
        marks=(MARK,),
    )


def beyond_the_pattern(before: str, after: str) -> str:
    """What is wrong with an edited file, or "": every line of before must be there, moved to the right at most.

    But for one line that opens a resource, and one that closes it.
    """
    try:
        compile(after, "edited", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return "it would not compile"
    if before == after:
        return "nothing would change"
    old, new = before.splitlines(keepends=True), iter(after.splitlines(keepends=True))
    lost = 0
    rest = list(new)
    for line in old:
        at = next((n for n, other in enumerate(rest) if other == line or _moved(line, other)), None)
        if at is None:
            lost += 1
        else:
            rest = rest[at + 1 :]
    return "more than the pattern would change" if lost > 2 else ""  # noqa: PLR2004 - the opening and the closing line


def _moved(line: str, other: str) -> bool:
    """Whether a line is another one, further to the right."""
    return other.endswith(line.lstrip(" \t")) and other.strip() == line.strip()
