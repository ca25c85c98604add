"""The conversation for an edit: at most three answers, each put in exactly or not at all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from pydantic import BaseModel

from cases.asking import Answer, Material
from cases.ports import LanguageModel
from config.settings import ScopeSettings
from remediation.drafting import CannotDraft, NotAllowed
from remediation.edit import asking
from remediation.edit.brief import Brief, nearest
from remediation.edit.code import functions_of, last_name
from remediation.edit.replace import NoMatch, Replacement, appended, function_replaced, replaced
from remediation.neutral import neutral

Shape = TypeVar("Shape", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a model wrote, put in: path → what the file is to hold, the tests among them, and the words beside it."""

    files: Mapping[str, bytes]
    tests: tuple[str, ...]
    claim: str = ""
    risk: str = ""


Attempt: TypeAlias = Written | NoMatch | CannotDraft


@dataclass(slots=True, kw_only=True)
class Conversation:
    """Asks for replacements, once more with the nearest lines told, and then for whole functions."""

    case: str
    model: LanguageModel
    brief: Brief
    scope: ScopeSettings
    fixed: Mapping[str, bytes] = field(default_factory=dict[str, bytes])  # the test that is there already
    more: tuple[Material, ...] = ()  # of what was tried before
    task: str = ""  # what is asked for; "": that a fault is mended
    purpose: str = "edit"
    answers: list[Answer] = field(default_factory=list[Answer])

    def run(self) -> Written | CannotDraft:
        """The first answer that goes in. Raises PermanentError and TemporaryError as the port does."""
        attempt = self._replacements("")
        if isinstance(attempt, NoMatch):
            attempt = self._replacements(asking.AGAIN, nearest(attempt))
        if isinstance(attempt, NoMatch) and functions_of(attempt.path, self.brief.shown.get(attempt.path, b"")):
            attempt = self._functions(nearest(attempt))
        if isinstance(attempt, NoMatch):
            return CannotDraft(
                reason=f"no edit of {neutral(attempt.path, 80)} went in, in {len(self.answers)} answers: "
                f"{attempt.because}"
            )
        return attempt

    def _ask(self, shape: type[Shape], more: str, told: tuple[Material, ...]) -> Shape:
        asked = self.task or (asking.MEND if self.fixed else asking.EDIT)
        task = asked.format(files=self.scope.max_files, lines=self.scope.max_lines) + more
        material = (*self.brief.material, *self.more, *told)
        said, answer = asking.ask(self.model, shape, case=self.case, purpose=self.purpose, task=task, material=material)
        self.answers.append(answer)
        return said

    def _replacements(self, more: str, *told: Material) -> Attempt:
        said = self._ask(asking.ChangeAnswer, more, told)
        if declined := _declined(said):
            return declined
        files: dict[str, bytes] = {}
        for path in dict.fromkeys(one.path for one in said.edits):
            if path not in self.brief.shown:
                return _not_shown(path)
            wanted = [Replacement(path=path, search=e.search, replace=e.replace) for e in said.edits if e.path == path]
            content = replaced(path, self.brief.shown[path], wanted)
            if isinstance(content, NoMatch):
                return content
            files[path] = content
        return self._with_test(files, said)

    def _functions(self, *told: Material) -> Attempt:
        said = self._ask(asking.FunctionsAnswer, asking.WHOLE, told)
        if declined := _declined(said):
            return declined
        files: dict[str, bytes] = {}
        for one in said.functions:
            if one.path not in self.brief.shown:
                return _not_shown(one.path)
            content = files.get(one.path, self.brief.shown[one.path])
            named = [f for f in functions_of(one.path, content) or () if one.function in {f.name, last_name(f.name)}]
            if len(named) != 1:
                return NoMatch(path=one.path, because=f"it has {len(named)} functions {neutral(one.function, 60)}")
            after = function_replaced(one.path, content, named[0], one.code)
            if isinstance(after, NoMatch):
                return after
            files[one.path] = after
        return self._with_test(files, said)

    def _with_test(self, files: dict[str, bytes], said: asking.ChangeAnswer | asking.FunctionsAnswer) -> Attempt:
        test = said.test
        if self.fixed and files:
            if test is not None and test_content(self.brief, test) != self.fixed.get(test.path):
                return NotAllowed(reason="the model writes the test anew, which was fixed before any edit")
            return Written(
                files={**files, **self.fixed}, tests=tuple(self.fixed), claim=said.claim, risk=said.risk
            )  # fmt: skip
        if test is None or not files:
            return NotAllowed(reason="the model changed nothing" if test else "the model wrote no test")
        if test.path in files:
            return NotAllowed(reason=f"the model edits {neutral(test.path, 80)} and calls it the test")
        added = test_content(self.brief, test)
        return Written(files={**files, test.path: added}, tests=(test.path,), claim=said.claim, risk=said.risk)


def test_content(brief: Brief, test: asking.TestAnswer) -> bytes:
    """What the test's file is to hold: the test alone, or what is there with the test behind its end."""
    old = brief.read(test.path)
    content = test.content.replace("\r\n", "\n").rstrip("\n") + "\n"
    return content.encode() if old is None else appended(old, content)


def _declined(said: asking.ChangeAnswer | asking.FunctionsAnswer) -> CannotDraft | None:
    if said.cannot:
        return NotAllowed(reason=f"the model says that it cannot be mended so: {neutral(said.cannot, 200)}")
    return None


def _not_shown(path: str) -> CannotDraft:
    return NotAllowed(reason=f"the model edits {neutral(path, 80)}, which is not among the files that it was shown")
