"""A patch that a person brought: applied as it was written, or not at all."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from cases.change import FileEdit
from cases.ports import Forge
from remediation.drafting import CannotDraft
from remediation.experiments.patched import applied

BEFORE = b"one\ntwo\nthree\nfour\nfive\n"


@dataclass
class Tree:
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def head(self, repository: str) -> str:  # noqa: ARG002 - as the port has it
        return "a" * 40

    def read(self, repository: str, sha: str, path: str) -> bytes | None:  # noqa: ARG002 - as the port has it
        return self.files.get(path)


def after(patch: str, **files: bytes) -> tuple[FileEdit, ...] | CannotDraft:
    return applied(patch, "shop", cast("Forge", cast("Any", Tree({"a.py": BEFORE, **files}))))


def contents(edits: tuple[FileEdit, ...] | CannotDraft) -> dict[str, bytes | None]:
    assert not isinstance(edits, CannotDraft), edits.reason
    return {edit.path: edit.content for edit in edits}


def test_lines_are_changed_where_it_says_and_files_are_begun() -> None:
    begun = "--- /dev/null\n+++ b/new.py\n@@ -0,0 +1 @@\n+x = 1\n"
    patch = f"--- a/a.py\n+++ b/a.py\n@@ -2,2 +2,3 @@\n two\n-three\n+3\n+3.5\n{begun}"
    assert contents(after(patch)) == {"a.py": b"one\ntwo\n3\n3.5\nfour\nfive\n", "new.py": b"x = 1\n"}


def test_what_moved_is_found_where_there_is_only_one_such_place() -> None:
    patch = "--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n four\n-five\n+5\n"
    assert contents(after(patch)) == {"a.py": b"one\ntwo\nthree\nfour\n5\n"}
    assert isinstance(after(patch, **{"a.py": b"x\nfour\nfive\nfour\nfive\n"}), CannotDraft)


def test_two_hunks_keep_their_distance_and_a_file_without_a_last_newline_keeps_that() -> None:
    patch = "--- a/a.py\n+++ b/a.py\n@@ -1,1 +1,2 @@\n one\n+1.5\n@@ -4,2 +5,2 @@\n four\n-five\n+5\n"
    assert contents(after(patch)) == {"a.py": b"one\n1.5\ntwo\nthree\nfour\n5\n"}
    assert contents(after(patch, **{"a.py": BEFORE[:-1]})) == {"a.py": b"one\n1.5\ntwo\nthree\nfour\n5"}


@pytest.mark.parametrize(
    ("patch", "why"),
    [
        ("", "changes no file"),
        ("--- a/a.py\n+++ b/a.py\n@@ -2,1 +2,1 @@\n-zwei\n+2\n", "does not fit a.py as it is now"),
        ("--- a/b.py\n+++ b/b.py\n@@ -1,1 +1,1 @@\n-x\n+y\n", "b.py is not there"),
        ("--- a/a.py\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-one\n", "removes a.py"),
        ("--- a/a.py\n+++ b/c.py\n@@ -1,1 +1,1 @@\n-one\n+1\n", "is renamed by it"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(patch: str, why: str) -> None:
    refused = after(patch)
    assert isinstance(refused, CannotDraft)
    assert why in refused.reason
