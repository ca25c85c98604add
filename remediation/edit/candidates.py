"""Several edits, each asked for and tried; the one that proves most is chosen, and of equals the smallest.

This is a choice, not the proof: what is chosen goes through all of that afterwards. An edit that breaks a rule ends the
search, because a model that was talked into one is not asked again.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from cases.asking import Answer, Material
from cases.case import Case
from cases.change import FileEdit, Part, Patch
from cases.errors import PermanentError
from cases.ports import LanguageModel
from cases.roles import Position, Role, Settled, settled
from cases.trying import Command, CommandReport, SandboxReport
from cases.verdict import Check, Verdict, worst
from remediation import checks
from remediation.drafting import CannotDraft, NotAllowed
from remediation.edit import asking
from remediation.edit.bare import clothed
from remediation.edit.brief import Brief, failed
from remediation.edit.conversation import Conversation, Written
from remediation.edit.first_test import FirstTest
from remediation.edit.patch import patch_of
from remediation.edit.proposed import proposal
from remediation.edit.rules import refusals
from remediation.failure import in_production
from remediation.orders import own_commands, tried_on
from remediation.ports import Ports

log = logging.getLogger("trackwalker.edit")

OWN = ("reproduce", "test")  # the commands of the repository's own that are run on a candidate
SMALL = 6  # lines of an edit, its test not counted, below which no smaller one is asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An edit that was tried once: what it holds, and what the checks said."""

    written: Written
    change: Patch
    checks: tuple[Check, ...]
    lines: int  # that it changes beside its test

    @property
    def verdict(self) -> Verdict:
        """The worst of its checks."""
        return worst(check.verdict for check in self.checks)

    @property
    def said(self) -> str:
        """What became of it, in one sentence."""
        telling = next((check for check in self.checks if check.verdict is self.verdict), None)
        if self.verdict is Verdict.PASSED or telling is None:
            return f"an edit of {self.lines} lines, which held"
        return f"an edit of {self.lines} lines: {telling.name.lower()}: {telling.detail}"


@dataclass(slots=True, kw_only=True)
class Search:
    """One search for an edit. `ended` is why it ended early, or ""; `refused`: for what the model answered."""

    case: Case
    ports: Ports
    model: LanguageModel
    brief: Brief
    fixed: FirstTest | None
    tried: list[Candidate] = field(default_factory=list[Candidate])
    answers: list[Answer] = field(default_factory=list[Answer])
    ended: str = ""
    refused: bool = False

    def __post_init__(self) -> None:
        self.answers += self.fixed.answers if self.fixed else ()

    def run(self) -> None:
        """Ask for edits and try each, until one is small and holds, or enough were asked for."""
        for _ in range(self.ports.settings.edits.candidates):
            written = self._written()
            if isinstance(written, CannotDraft):
                self.ended, self.refused = written.reason, isinstance(written, NotAllowed)
                return
            if any(one.written.files == written.files for one in self.tried):
                return  # it has nothing else to say
            candidate = self.try_out(written)
            if candidate is None or (candidate.verdict is Verdict.PASSED and candidate.lines <= SMALL):
                return

    def best(self) -> Candidate | None:
        """The candidate that proves most, of equals the smallest, of equals the first; None where none holds."""
        held = [one for one in self.tried if one.verdict is not Verdict.FAILED]
        if not held:
            return None
        best = held[0]
        for other in held[1:]:
            best = self._between(best, other)
        return best

    def _between(self, one: Candidate, other: Candidate) -> Candidate:
        """Which of two drafts holds; where no rule tells, the first stays, and a human reads of the other."""
        mine, theirs = _position(one), _position(other)
        ruling = settled(mine, theirs)
        log.info("case %s: two edits differ: %s", self.case.id, ruling.because)
        return other if isinstance(ruling, Settled) and ruling.holds is theirs else one

    def patch(self, best: Candidate) -> Patch:
        """The change that was chosen, with what the whole search cost and what else was tried."""
        whole = self._change(best.written, best.change.lead)
        return replace(whole, beside=tuple(other.said for other in self.tried if other is not best))

    def why_none(self) -> str:
        """Why the search found nothing."""
        if not self.tried:
            return self.ended
        count = f"{len(self.tried)} edit{'s were' if len(self.tried) > 1 else ' was'} tried, and the sandbox disproved "
        which = "it" if len(self.tried) == 1 else "both" if len(self.tried) == 2 else "all"  # noqa: PLR2004 - words
        return "; ".join(filter(None, (f"{count}{which} ({self.tried[-1].said})", self.ended)))

    def try_out(self, written: Written) -> Candidate | None:
        """Hold an edit to the rules, and run everything on it once. None where a rule refuses: `ended` says why."""
        proposed = proposal(self.ports, self.brief, written.files, written.tests)
        if isinstance(proposed, CannotDraft):
            self.ended, self.refused = proposed.reason, True
            return None
        refused = refusals(proposed, self.ports.settings.scope)
        if refused:
            self.ended = f"the model's edit is not allowed: {'; '.join(refused)}"
            self.refused = True
            return None
        part = proposed.part
        tests = _changed({path: (proposed.before[path], written.files[path]) for path in written.tests})
        change = self._change(written, part)
        candidate = Candidate(
            written=written,
            change=change,
            checks=self._checks(change),
            lines=max(0, part.added + part.removed - tests),
        )
        self.tried.append(candidate)
        return candidate

    def _change(self, written: Written, part: Part) -> Patch:
        first = self.fixed is not None
        return patch_of(self.case, self.ports, self.brief, written, part, self.answers, first=first)

    def _written(self) -> Written | CannotDraft:
        talk = Conversation(
            case=self.case.id,
            model=self.model,
            brief=self.brief,
            scope=self.ports.settings.scope,
            fixed={self.fixed.path: self.fixed.content} if self.fixed else {},
            more=(*((self.fixed.material,) if self.fixed else ()), *(_told(one) for one in self.tried)),
        )
        try:
            written = talk.run()
        except PermanentError as error:
            return CannotDraft(reason=asking.reason(error))
        finally:
            self.answers += talk.answers
        if isinstance(written, CannotDraft):
            return written
        return replace(written, files={path: self._on_file(path, content) for path, content in written.files.items()})

    def _on_file(self, path: str, content: bytes) -> bytes:
        """The edit of a file whose comments were not shown, on the file as it is."""
        view, held = self.brief.shown.get(path), self.brief.read(path)
        return content if view is None or held is None or view == held else clothed(path, held, content)

    def _checks(self, change: Patch) -> tuple[Check, ...]:
        """The checks of a proof, made of one run: without the edit, but with its test, and with it."""
        edits = change.lead.edits
        tests = tuple(edit for edit in edits if edit.path in change.tests)
        number = len(self.tried) + 1
        base = (
            SandboxReport(commands=(self.fixed.report,), seconds=0, own_seconds=0)
            if self.fixed
            else self.report(f"without{number}", tests)
        )
        runs = checks.Runs(base=base, change=self.report(f"candidate{number}", edits))
        suite = runs.of("test")
        new = checks.new_test(suite, change)
        cause = checks.by_the_new_test(
            checks.reproduction(runs.of("reproduce")), new, suite, change, in_production(self.case.diagnosis)
        )
        return cause, new, checks.still_passes(suite, change)

    def report(self, side: str, edits: Sequence[FileEdit], names: Sequence[str] = OWN) -> SandboxReport:
        """Run the repository's own commands on what the watched branch holds, with edits on top."""
        lines = own_commands(self.case, self.ports, self.brief.repository)
        return self._run(side, edits, tuple(line for line in lines if line.name in names))

    def look(self, side: str, edits: Sequence[FileEdit], line: Command) -> CommandReport:
        """Run one line of our own there."""
        return self._run(side, edits, (line,)).commands[0]

    def told(self) -> tuple[Material, ...]:
        """What is told of the case and of what was tried."""
        fixed = (self.fixed.material,) if self.fixed else ()
        return (*self.brief.material, *fixed, *(_told(one) for one in self.tried))

    def _run(self, side: str, edits: Sequence[FileEdit], lines: tuple[Command, ...]) -> SandboxReport:
        return tried_on(self.case, self.ports, (self.brief.repository, self.brief.head), edits, lines, side)


def _told(one: Candidate) -> Material:
    """An earlier edit and what became of it: names of checks and tests, no output."""
    became = failed(one.checks) or ("it holds" if one.verdict is Verdict.PASSED else "it shows nothing")
    return Material(
        title="Another edit was written before: write a different one, and a smaller one if you can",
        source="the program",
        text=f"{became}\n\n{one.change.lead.diff}",
    )


def _changed(files: Mapping[str, tuple[bytes | None, bytes]]) -> int:
    """Lines that test files gain: an existing one is only added to."""
    return sum(after.count(b"\n") - (before or b"").count(b"\n") for before, after in files.values())


def _position(one: Candidate) -> Position:
    """What a tried edit stands for, beside another one."""
    return Position(
        role=Role.DRAFTER, says=one.said, strength=int(one.verdict), cites=bool(one.checks), lines=one.lines
    )
