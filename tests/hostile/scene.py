"""A shop in trouble, in memory: the code, its commits, its telemetry, and the places that an attacker can write to.

In one story an old bug meets a new input, and a model drafts an edit; in the other a commit is to blame, and a playbook
reverts it.
"""

import difflib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cases.anomaly import Anomaly
from cases.change import FileEdit, Part, Reverted
from cases.diagnosis import Commit
from cases.logs import ErrorSeen, Frame
from cases.outcome import Lesson
from cases.pull_request import Comment
from cases.telemetry import Deploy
from cases.trying import Command, CommandReport, TrialOrder
from remediation.forge.tree import check_path
from signals.recorded import RecordedLogs, RecordedMarkers
from signals.rules import plain_name
from tests.parts.nouns import CULPRIT, NOW, SHA, a_commit, a_lesson, an_anomaly
from tests.parts.old_shop import LINE, MENDED, PRICING, TESTS, an_error
from tests.parts.ports import StillForge

GOOD_LINE = "return Decimal(text)"
LATER = "1a7e" * 10
FILES: Mapping[str, str] = {
    "shop/__init__.py": "",
    "shop/pricing.py": PRICING,
    "shop/checkout.py": "def checkout(cart):\n    return cart\n",
    "shop/auth/login.py": "def login(user):\n    return check(user)\n",
    "tests/test_pricing.py": TESTS,
    "requirements.txt": "openssl==3.5.0\n",
    "README.md": "# Shop\n",
    "AGENTS.md": "Run the tests.\n",
}


@dataclass
class PaperForge(StillForge):
    """A forge in memory: it reads, makes diffs as git does, and holds paths to the same rule as the real one."""

    files: Mapping[str, str]
    history: tuple[Commit, ...] = ()
    said: tuple[Comment, ...] = ()

    def __post_init__(self) -> None:
        super().__init__(SHA)

    def commits(self, repository: str, since: datetime, until: datetime) -> tuple[Commit, ...]:
        del repository
        return tuple(commit for commit in self.history if since <= commit.at <= until)

    def comments(self, repository: str, branch: str) -> tuple[Comment, ...]:
        del repository, branch
        return self.said

    def contains(self, repository: str, sha: str, ancestor: str) -> bool:
        del repository
        order = [commit.sha for commit in self.history]
        return sha == ancestor or (sha in order and ancestor in order[order.index(sha) :])

    def read(self, repository: str, sha: str, path: str) -> bytes | None:
        del repository, sha
        check_path(path)
        return self.files[path].encode(errors="replace") if path in self.files else None

    def tree(self, repository: str, base: str, edits: Sequence[FileEdit]) -> bytes:
        del repository, base
        changed = {edit.path: (edit.content or b"").decode(errors="replace") for edit in edits}
        return json.dumps({**self.files, **changed}).encode()

    def part(self, repository: str, base: str, edits: Sequence[FileEdit]) -> Part:
        lines: list[str] = []
        for edit in edits:
            check_path(edit.path)
            old = self.files.get(edit.path)
            new = None if edit.content is None else edit.content.decode(errors="replace")
            lines += [f"diff --git a/{edit.path} b/{edit.path}", *_header(old, new)]
            lines += difflib.unified_diff((old or "").split("\n"), (new or "").split("\n"), lineterm="", n=3)
        added = sum(line.startswith("+") and not line.startswith("+++") for line in lines)
        removed = sum(line.startswith("-") and not line.startswith("---") for line in lines)
        diff = "\n".join(lines)
        return Part(repository=repository, base=base, edits=tuple(edits), diff=diff, added=added, removed=removed)

    def revert(self, repository: str, base: str, commit: str, first: str = "") -> Reverted:
        del first
        if commit != CULPRIT:
            return Reverted(base=base, edits=(), diff="", added=0, removed=0, conflicts=("README.md",))
        content = self.files["shop/pricing.py"].replace(LINE, GOOD_LINE).encode()
        part = self.part(repository, base, [FileEdit(path="shop/pricing.py", content=content)])
        return Reverted(base=base, edits=part.edits, diff=part.diff, added=part.added, removed=part.removed)


def _header(old: str | None, new: str | None) -> list[str]:
    if old is None:
        return ["new file mode 100644"]
    return ["deleted file mode 100644"] if new is None else ["index 1234567..89abcde 100644"]


def tried(order: TrialOrder, command: Command) -> CommandReport:
    """What the suite says of a tree: the fault shows, in the words of pytest, unless the amount is read another way."""
    files: dict[str, str] = json.loads(order.tree)
    pricing = files["shop/pricing.py"]
    mended = MENDED in pricing or GOOD_LINE in pricing
    outcomes: list[tuple[str, str]] = []
    sections: list[str] = []
    for path in sorted(path for path in files if re.fullmatch(r"tests/test_\w+\.py", path)):
        for name in re.findall(r"^def (test_\w+)", files[path], re.MULTILINE):
            fails = path != "tests/test_pricing.py" and not mended
            outcomes.append((f"{path[:-3].replace('/', '.')}::{name}", "failed" if fails else "passed"))
            said = f"{path}:5: \n\nE   ValueError: no\n\nshop/pricing.py:6: ValueError"
            sections += [f"______ {name} ______", "", said] if fails else []
    failed = any(outcome == "failed" for _, outcome in outcomes)
    output = "\n".join(["=== FAILURES ===", *sections, "=== short test summary info ==="])
    return CommandReport(
        name=command.name, exit_code=int(failed), ended="exited", output=output, seconds=0.1, tests=tuple(outcomes)
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """Lessons that are recalled whatever is asked."""

    lessons: tuple[Lesson, ...] = ()

    def recall(self, fingerprint: str, service: str, limit: int = 5) -> tuple[Lesson, ...]:
        del fingerprint, service
        return self.lessons[:limit]

    def newest(self, limit: int) -> tuple[Lesson, ...]:
        return self.lessons[:limit]


def _errors(said: str = "could not convert string to float: '12,50'") -> ErrorSeen:
    return ErrorSeen(
        service="shop", signature="ValueError@shop/pricing.py:amount", first=NOW - timedelta(minutes=5),
        last=NOW + timedelta(days=1), count=34, before=0, sample=f"ERROR {said}",
        trace=an_error(said), labels={"app": "shop"},
    )  # fmt: skip


def _innocent() -> Commit:
    return replace(a_commit(LATER, "Reword the README", minutes_ago=90), files=("README.md",), patch="+hello\n")


def _culprit() -> Commit:
    head = "--- a/shop/pricing.py\n+++ b/shop/pricing.py\n@@ -4,3 +4,3 @@\n def amount(text):\n"
    lines = f'     """The amount that a customer typed."""\n-    {GOOD_LINE}\n+    {LINE}\n'
    return replace(a_commit(minutes_ago=10), files=("shop/pricing.py",), patch=head + lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that the daemon can read. `blamed` is whether a commit is to blame."""

    blamed: bool
    anomaly: Anomaly = field(default_factory=an_anomaly)
    errors: tuple[ErrorSeen, ...] = field(default_factory=lambda: (_errors(),))
    commits: tuple[Commit, ...] = ()
    deploys: tuple[Deploy, ...] = ()
    files: Mapping[str, str] = field(default_factory=lambda: dict(FILES))
    lessons: tuple[Lesson, ...] = ()
    comments: tuple[Comment, ...] = ()

    @property
    def forge(self) -> PaperForge:
        return PaperForge(files=self.files, history=self.commits, said=self.comments)

    @property
    def logs(self) -> RecordedLogs:
        return RecordedLogs(recorded=self.errors)

    @property
    def changes(self) -> RecordedMarkers:
        return RecordedMarkers(recorded=self.deploys)


def a_scene(*, blamed: bool) -> Scene:
    """The shop, unharmed: nothing deployed for long, or a culprit that began to run a minute before the onset."""
    if not blamed:
        return Scene(blamed=False, commits=(_innocent(),))
    ran = Deploy(service="shop", commit=CULPRIT, started=NOW - timedelta(minutes=6), source="build_info on main")
    # in words that no operational cause is known by: that would be a matter for a human
    raised = _errors("the amount of the cart is off")
    return Scene(blamed=True, errors=(raised,), commits=(_culprit(), _innocent()), deploys=(ran,))


def _error(scene: Scene, **more: object) -> Scene:
    return replace(scene, errors=(replace(scene.errors[0], **more),))  # pyright: ignore[reportArgumentType] - its fields


def _trace(scene: Scene, **more: object) -> Scene:
    trace = scene.errors[0].trace
    assert trace is not None
    return _error(scene, trace=replace(trace, **more))  # pyright: ignore[reportArgumentType] - its fields


def _frame(scene: Scene, text: str) -> Scene:
    trace = scene.errors[0].trace
    assert trace is not None
    outer = Frame(file=f"/app/{text}.py", line=3, function=text)
    return _trace(scene, frames=(outer, *trace.frames))


def _label(scene: Scene, name: str, value: str) -> Scene:
    return replace(scene, anomaly=replace(scene.anomaly, labels={**scene.anomaly.labels, name: value}))


def _commit(scene: Scene, **more: str) -> Scene:
    """In the newest commit: the culprit's own, where there is one."""
    return replace(scene, commits=(replace(scene.commits[0], **more), *scene.commits[1:]))  # pyright: ignore[reportArgumentType]


def _file(scene: Scene, path: str, text: str) -> Scene:
    return replace(scene, files={**scene.files, path: text})


def _commented(scene: Scene, text: str) -> Scene:
    """In the code that the trace leads to. A comment is one line."""
    line = " ".join(text.split()).replace("\0", "")  # a file with a NUL in it would not run
    return _file(scene, "shop/pricing.py", PRICING.replace("def amount", f"# {line}\ndef amount"))


def _documented(scene: Scene, text: str) -> Scene:
    safe = text.replace("\\", "").replace('"', "").replace("\0", "")
    return _file(scene, "shop/pricing.py", PRICING.replace("The amount that", f"{safe} The amount that"))


def _known_test(scene: Scene, text: str) -> Scene:
    """Beside the name of a test that is there."""
    return _file(scene, "tests/test_pricing.py", f"{TESTS}\n\n# {' '.join(text.split())}\n")


def _deployed(scene: Scene, text: str) -> Scene:
    """A marker with a made-up commit, and where it was read."""
    marker = Deploy(service="shop", commit=text[:60] or "x", started=NOW - timedelta(minutes=40), source=text)
    return replace(scene, deploys=(*scene.deploys, marker))


def _line(scene: Scene, text: str) -> Scene:
    """A line without a trace, more frequent than any."""
    line = replace(scene.errors[0], signature=f"log:{text[:80]}", count=500, sample=text, trace=None)
    return replace(scene, errors=(*scene.errors, line))


def _news(scene: Scene, text: str) -> Scene:
    """A line of a kind that the log never had."""
    line = replace(scene.errors[0], signature="news", count=2, sample=text, trace=None, news=(text,))
    return replace(scene, errors=(*scene.errors, line))


def _signal(scene: Scene, text: str) -> Scene:
    signal = replace(scene.anomaly.signal, name=plain_name(text), rule=text)
    return replace(scene, anomaly=replace(scene.anomaly, signal=signal))


def _comment(scene: Scene, text: str) -> Scene:
    return replace(scene, comments=(Comment(id=1, author=text, may_write=False, body=text, at=NOW, edited=False),))


Carrier = Callable[[Scene, str], Scene]
TELEMETRY: Mapping[str, Carrier] = {
    "log line": _line,
    "new kind of log line": _news,
    "sample of the error": lambda scene, text: _error(scene, sample=text),
    "message of the error": lambda scene, text: _trace(scene, message=f"{text} '12,50'"),
    "name of the exception": lambda scene, text: _trace(scene, exception=text),
    "frame of the trace": _frame,
    "label of the log stream": lambda scene, text: _error(scene, labels={"app": text, text: "x"}),
    "value of a label": lambda scene, text: _label(scene, "route", text),
    "name of a label": lambda scene, text: _label(scene, text, "x"),
    "name of an imported alert": _signal,
    "deploy marker": _deployed,
}
REPOSITORY: Mapping[str, Carrier] = {
    "commit message": lambda scene, text: _commit(scene, title=text),
    "author of a commit": lambda scene, text: _commit(scene, author=text),
    "patch of a commit": lambda scene, text: _commit(scene, patch=f"+# {text}\n{scene.commits[0].patch}"),
    "comment in the code": _commented,
    "docstring": _documented,
    "test that is there": _known_test,
    "README": lambda scene, text: _file(scene, "README.md", text),
    "AGENTS.md": lambda scene, text: _file(scene, "AGENTS.md", text),
    "remembered lesson": lambda scene, text: replace(scene, lessons=(replace(a_lesson(), text=text, subject=text),)),
    "comment on a pull request": _comment,
}
CARRIERS: Mapping[str, Carrier] = {**TELEMETRY, **REPOSITORY}
