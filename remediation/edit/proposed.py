"""Files that a model wrote, as the proposal that the rules are asked about and git has it."""

from collections.abc import Mapping
from dataclasses import replace

from cases.change import FileEdit
from cases.errors import PermanentError
from remediation.drafting import CannotDraft, NotAllowed
from remediation.edit.brief import Brief
from remediation.edit.rules import Proposal
from remediation.neutral import neutral
from remediation.ports import Ports


def proposal(ports: Ports, brief: Brief, files: Mapping[str, bytes], tests: tuple[str, ...]) -> Proposal | CannotDraft:
    """The change as git has it. An executable file stays one."""
    edits = tuple(FileEdit(path=path, content=content) for path, content in sorted(files.items()))
    try:
        part = ports.forge.part(brief.repository, brief.head, edits)
        if executables := _executables(part.diff):
            edits = tuple(replace(one, executable=one.path in executables) for one in edits)
            part = ports.forge.part(brief.repository, brief.head, edits)
    except PermanentError as error:
        return NotAllowed(reason=f"the edit cannot be made: {neutral(str(error), 200)}")
    return Proposal(
        before={path: brief.read(path) for path in files},
        after=dict(files),
        tests=tests,
        part=part,
        seen=brief.seen,
        outside=brief.outside,
        shown=tuple(brief.shown),
    )


def _executables(diff: str) -> set[str]:
    """The files that were executable: a header of git's begins its line, a line of content never does."""
    found: set[str] = set()
    path = ""
    for line in diff.splitlines():
        if line.startswith("diff --git a/"):
            path = line.rpartition(" b/")[2]
        if line == "old mode 100755":
            found.add(path)
    return found
