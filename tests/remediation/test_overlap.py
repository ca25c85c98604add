"""Two changes meet where git could not merge them by itself, or where they take out the same text."""

import difflib

import pytest

from cases.change import Part
from cases.pull_request import OpenWork
from remediation.overlap import between, by_file, meetings
from tests.parts.nouns import SHA

BASE = [f"line number {n}" for n in range(1, 41)]


def diff(after: list[str], before: list[str] = BASE, path: str = "a.py", context: int = 3) -> str:
    lines = difflib.unified_diff(before, after, f"a/{path}", f"b/{path}", lineterm="", n=context)
    return "\n".join((f"diff --git a/{path} b/{path}", *lines))


def part(text: str) -> Part:
    return Part(repository="shop", base=SHA, edits=(), diff=text, added=1, removed=1)


def work(patch: str | None, path: str = "a.py") -> OpenWork:
    shown = None if patch is None else patch[patch.index("@@") :]
    return OpenWork(number=57, url="http://127.0.0.1/57", author="sre", path=path, patch=shown)


def changed(at: int, text: str = "changed", before: list[str] = BASE) -> list[str]:
    return [*before[: at - 1], text, *before[at:]]


def added(behind: int, before: list[str] = BASE) -> list[str]:
    return [*before[:behind], "added", *before[behind:]]


@pytest.mark.parametrize(
    ("ours", "theirs", "meet"),
    [
        (changed(20), changed(20), True),
        (changed(20), changed(21), True),
        (changed(20), changed(22), False),
        (changed(20), changed(5), False),
        (added(20), changed(20), True),
        (added(20), changed(21), True),
        (added(20), changed(24), False),
        (added(20), added(20), True),
        (BASE[:10] + BASE[30:], changed(20), True),
        (BASE[:10] + BASE[30:], changed(35), False),
        (changed(1), changed(40), False),
    ],
)
@pytest.mark.parametrize("context", [0, 3])
def test_the_same_or_a_neighbouring_line_is_a_meeting(
    ours: list[str],
    theirs: list[str],
    meet: bool,  # noqa: FBT001 - pytest's parameter
    context: int,
) -> None:
    said = list(meetings(part(diff(ours, context=context)), [work(diff(theirs))]))
    assert bool(said) is meet
    assert not said or "a.py: pull request 57 of sre touches the same lines" in said[0]


def test_a_line_that_moved_since_is_known_by_its_text() -> None:
    older = [f"new {n}" for n in range(30)] + BASE
    theirs = diff(changed(50, before=older), older)
    assert list(meetings(part(diff(changed(20))), [work(theirs)]))
    brackets = ["    }" if n % 2 else line for n, line in enumerate(BASE)]
    far = diff(changed(4, before=brackets), brackets)
    assert not list(meetings(part(diff(changed(30, before=brackets), brackets)), [work(far)]))


def test_what_cannot_be_seen_counts_as_a_meeting() -> None:
    assert "does not show where" in next(meetings(part(diff(changed(20))), [work(None)]))
    quoted = diff(changed(20)).replace("diff --git a/a.py b/a.py", 'diff --git "a/\\303\\274.py" "b/\\303\\274.py"')
    assert "does not show where" in next(meetings(part(quoted), [work(diff(changed(2)), path="ü.py")]))


def test_files_of_one_diff_are_told_apart() -> None:
    both = diff(changed(3)) + "\n" + diff(changed(30), path="b.py")
    assert {path: [p.first for p in places] for path, places in by_file(both).items()} == {"a.py": [3], "b.py": [30]}


def test_two_changes_of_ours_meet_on_the_same_lines_of_one_repository() -> None:
    one, other = part(diff(changed(10))), part(diff(changed(10, "else")))
    assert between(one, other) == ("a.py",)
    assert between(one, part(diff(changed(30)))) == ()
    assert between(one, part(diff(changed(10), path="b.py"))) == ()
    assert between(one, Part(repository="gitops", base=SHA, edits=(), diff=other.diff, added=1, removed=1)) == ()
