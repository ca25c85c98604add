"""The last resort: a model looks around by itself, one small typed action a turn, in a throwaway container.

Nothing of the container outlives its turn: each action is run on base with the edits that the program holds, and the
tree is never read back. What the model sees of a turn is quoted material like any other; what comes out is an edit like
any other, which the same rules and the same proof decide over.
"""

import shlex
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from cases.asking import REPOSITORY, Material
from cases.change import FileEdit
from cases.errors import PermanentError
from cases.trying import Command
from config.scope import hygiene
from remediation.drafting import CannotDraft
from remediation.edit import asking
from remediation.edit.brief import reader
from remediation.edit.candidates import Search
from remediation.edit.conversation import Written, test_content
from remediation.edit.replace import NoMatch, Replacement, replaced
from remediation.edit.repository_map import repository_map
from remediation.neutral import neutral

MOST_LINES = 160  # of a file in one turn
MOST_HITS = 40  # lines that a search shows
SEEN = 4_000  # characters of what one turn showed that are kept
REMEMBERED = 24_000  # characters of all turns that are told again
_LOOK = timedelta(seconds=20)

LOOP = """\
Take one action towards mending the function that raises an exception in production.
Edits were tried, and none held: see the material. Look around by yourself; the next question shows what came of it:
- "read": the lines `first` to `last` of the file `path`, {lines} at the most.
- "search": the lines of the repository that hold `text`, letter by letter.
- "run": the repository's own command `command`, "test" or "reproduce", with your edits in place.
- "edit": `edits`, each with a `search` that stands in its file exactly once. They stay in place for all later turns.
- "undo": takes all your edits back.
- "done": you are done, and your edits are what you propose{test}. `claim` and `risk`: one sentence each.
- "give_up": it cannot be mended so; `why` says why.
{left} turns are left, this one counted. Every turn costs money: run the tests with your edits before you are done.
The edits may touch at most {files} files and {changed} lines, the test included. Change no existing test, no
configuration, no dependency; bring in no import that the files do not have, no network, no process, no file access.
"""


class ActionAnswer(BaseModel):
    """One action. Fields that it does not need stay as they are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: Literal["read", "search", "run", "edit", "undo", "done", "give_up"]
    path: Annotated[str, Field(max_length=400)] = ""
    first: Annotated[int, Field(ge=0, le=10_000_000)] = 1
    last: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    text: Annotated[str, Field(max_length=200)] = ""
    command: Literal["test", "reproduce"] = "test"
    edits: Annotated[list[asking.EditAnswer], Field(max_length=8)] = []
    test: asking.TestAnswer | None = None
    claim: asking.Words = ""
    risk: asking.Words = ""
    why: asking.Words = ""


@dataclass(slots=True, kw_only=True)
class Loop:
    """One loop, with the edits that it has in place and what it has seen. `usd` and `tokens` are spent so far."""

    search: Search
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    seen: list[Material] = field(default_factory=list[Material])
    usd: float = 0.0
    tokens: int = 0
    dearest: tuple[float, int] = (0.0, 0)

    def run(self) -> Written | CannotDraft:
        """Turn until it is done, gives up or comes to a limit."""
        limits, clock = self.search.ports.settings.edits.loop, self.search.ports.clock
        until = clock.monotonic() + limits.time.total_seconds()
        for turn in range(limits.turns):
            if self.usd + self.dearest[0] > limits.usd or self.tokens + self.dearest[1] > limits.tokens:
                return CannotDraft(reason=f"looking around ended after {turn} turns: its money or tokens are spent")
            if clock.monotonic() > until:
                return CannotDraft(reason=f"looking around ended after {turn} turns: its time is over")
            try:
                said = self._ask(limits.turns - turn)
            except PermanentError as error:
                return CannotDraft(reason=asking.reason(error))
            if said.action == "give_up":
                return CannotDraft(reason=f"the model looked around and gave up: {neutral(said.why, 200)}")
            if said.action == "done":
                return self._done(said)
            self.seen.append(self._did(said, turn))
        return CannotDraft(reason=f"looking around came to no end in {limits.turns} turns")

    def _ask(self, left: int) -> ActionAnswer:
        scope, fixed = self.search.ports.settings.scope, self.search.fixed
        task = LOOP.format(
            lines=MOST_LINES,
            left=left,
            files=scope.max_files,
            changed=scope.max_lines,
            test="" if fixed else ", with a `test`: a new file that fails as production does without them",
        )
        material = (*self.search.told(), *self._map(), *_recent(self.seen))
        said, answer = asking.ask(
            self.search.model, ActionAnswer, case=self.search.case.id, purpose="loop", task=task, material=material
        )
        self.search.answers.append(answer)
        spent = answer.usd, answer.input_tokens + answer.output_tokens
        self.usd, self.tokens = self.usd + spent[0], self.tokens + spent[1]
        self.dearest = max(self.dearest[0], spent[0]), max(self.dearest[1], spent[1])
        return said

    def _map(self) -> tuple[Material, ...]:
        """Where things are, for as long as nothing was looked at."""
        if self.seen:
            return ()
        brief, ports = self.search.brief, self.search.ports
        words = [part for one in brief.pointed for part in (one.path, one.function, one.exception)]
        drawn = repository_map(ports.forge.tree(brief.repository, brief.head, ()), words, ports.settings.scope)
        return (Material(title="Map of the repository", source=REPOSITORY, text=drawn.text),)

    def _did(self, said: ActionAnswer, turn: int) -> Material:
        """Do it, and say what came of it."""
        match said.action:
            case "edit":
                title, shown = "edit", self._edit(said)
            case "undo":
                self.files.clear()
                title, shown = "undo", "all edits are taken back"
            case "run":
                title, shown = f"run {said.command}", self._run(said, turn)
            case _:
                title = f"{said.action} {neutral(said.path or said.text, 80)}"
                shown = self._look(said, turn)
        return Material(title=f"Turn {turn + 1}: {title}", source="the sandbox", text=shown[-SEEN:])

    def _edit(self, said: ActionAnswer) -> str:
        """Put replacements in, in the copies that the program holds."""
        brief = self.search.brief
        read = reader(self.search.ports.forge, brief.repository, brief.head)
        after = dict(self.files)
        for path in dict.fromkeys(one.path for one in said.edits):
            if self.search.fixed is not None and path == self.search.fixed.path:
                return "the test stays as it is; nothing was edited"
            content = after.get(path) or read(path)
            if content is None:
                return f"there is no file {neutral(path, 80)}; nothing was edited"
            wanted = [Replacement(path=path, search=e.search, replace=e.replace) for e in said.edits if e.path == path]
            put_in = replaced(path, content, wanted)
            if isinstance(put_in, NoMatch):
                nearest = f"\nThe nearest lines of the file are:\n{put_in.nearest}" if put_in.nearest else ""
                return f"{neutral(path, 80)}: {put_in.because}; nothing was edited.{nearest}"
            after[path] = put_in
        self.files = after
        return f"{len(said.edits)} replacements are in place"

    def _run(self, said: ActionAnswer, turn: int) -> str:
        """Run one of the repository's own commands, with the edits in place."""
        report = self.search.report(f"loop{turn + 1}", self._edits(), (said.command,))
        if not report.commands:
            return f"the repository has no `{said.command}` command"
        (ran,) = report.commands
        broken = [test for test, outcome in ran.tests if outcome == "failed"]
        named = f"; failed: {', '.join(neutral(test, 80) for test in broken[:10])}" if broken else ""
        return f"{ran.ended}, exit {ran.exit_code}{named}\n{ran.output[-SEEN // 2 :]}"

    def _look(self, said: ActionAnswer, turn: int) -> str:
        """Read or search, inside the container."""
        if said.action == "read":
            if hygiene(said.path):
                return "that is no plain path of the repository"
            first = max(1, said.first)
            last = min(max(first, said.last), first + MOST_LINES - 1)
            line = f"sed -n '{first},{last}p' -- {shlex.quote(said.path)}"
        elif said.text.strip() and said.text.isprintable():
            line = f"grep -rnIF --exclude-dir=.git -e {shlex.quote(said.text)} . | head -n {MOST_HITS} | cut -c1-240"
        else:
            return "there is nothing to search for"
        report = self.search.look(f"loop{turn + 1}", self._edits(), Command(name="look", line=line, timeout=_LOOK))
        return report.output.strip() or "nothing was found"

    def _edits(self) -> tuple[FileEdit, ...]:
        fixed = self.search.fixed
        test = (FileEdit(path=fixed.path, content=fixed.content),) if fixed else ()
        return (*test, *(FileEdit(path=path, content=content) for path, content in sorted(self.files.items())))

    def _done(self, said: ActionAnswer) -> Written | CannotDraft:
        fixed = self.search.fixed
        if not self.files:
            return CannotDraft(reason="the model looked around and changed nothing")
        if fixed is not None:
            files, test = {**self.files, fixed.path: fixed.content}, fixed.path
        elif said.test is not None and said.test.path not in self.files:
            files, test = {**self.files, said.test.path: test_content(self.search.brief, said.test)}, said.test.path
        else:
            return CannotDraft(reason="the model looked around and wrote no regression test")
        return Written(files=files, tests=(test,), claim=said.claim, risk=said.risk)


def look_around(search: Search) -> None:
    """Let the model look around, where the settings allow any turn, and try what it proposes."""
    if not search.ports.settings.edits.loop.turns:
        return
    written = Loop(search=search).run()
    if isinstance(written, CannotDraft):
        search.ended = written.reason
    else:
        search.try_out(written)


def _recent(seen: list[Material]) -> list[Material]:
    """What the last turns showed, as far as there is room."""
    kept: list[Material] = []
    left = REMEMBERED
    for one in reversed(seen):
        left -= len(one.text)
        if left < 0:
            break
        kept.append(one)
    return kept[::-1]
