"""Where code tells that a user saw a flag: without that nobody could measure what came of it."""

import io
import tarfile
from collections.abc import Iterator

from remediation.experiments.settled import CODE, LARGEST


def told_in(tree: bytes, event: str) -> tuple[str, ...]:
    """The files of code that hold the text of an exposure, by name. Tests do not count: they tell nobody.

    `tree` is a tar, as the forge gives one.
    """
    return tuple(sorted(path for path, content in code_in(tree) if event.encode() in content))


def code_in(tree: bytes) -> Iterator[tuple[str, bytes]]:
    """Path and content of each file of code in a tar, without tests."""
    from remediation.edit.code import is_test

    with tarfile.open(fileobj=io.BytesIO(tree)) as archive:
        for member in archive:
            if not member.isfile() or member.size > LARGEST or not member.name.endswith(CODE) or is_test(member.name):
                continue
            held = archive.extractfile(member)
            if held is not None:
                yield member.name.removeprefix("./"), held.read()
