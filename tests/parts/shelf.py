"""A forge that holds a few files at its only commit: trees are real tars, diffs real diffs, and nothing is written."""

import difflib
import io
import tarfile
from collections.abc import Mapping, Sequence

from cases.change import FileEdit, Part
from tests.parts.nouns import SHA
from tests.parts.ports import StillForge


class ShelfForge(StillForge):
    def __init__(self, files: Mapping[str, str]) -> None:
        super().__init__(SHA)
        self.files = {path: content.encode() for path, content in files.items()}

    def tree(self, repository: str, base: str, edits: Sequence[FileEdit]) -> bytes:
        del repository, base
        return a_tar({**self.files, **{edit.path: edit.content or b"" for edit in edits}})

    def read(self, repository: str, sha: str, path: str) -> bytes | None:
        del repository, sha
        return self.files.get(path)

    def part(self, repository: str, base: str, edits: Sequence[FileEdit]) -> Part:
        told: list[str] = []
        for edit in edits:
            old, new = ((content or b"").decode().splitlines() for content in (self.files.get(edit.path), edit.content))
            lines = [*difflib.unified_diff(old, new, f"a/{edit.path}", f"b/{edit.path}", lineterm="")]
            told += [f"diff --git a/{edit.path} b/{edit.path}", *lines]
        changed = [line for line in told if line[:1] in "+-" and line[:3] not in {"+++", "---"}]
        added = sum(line.startswith("+") for line in changed)
        return Part(
            repository=repository, base=base, edits=tuple(edits), diff="\n".join(told) + "\n", added=added,
            removed=len(changed) - added,
        )  # fmt: skip


def a_tar(files: Mapping[str, bytes]) -> bytes:
    """An uncompressed tar of some files."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return held.getvalue()
