"""Whole lines of a log as blocks of bytes, from a file or a pipe, in bounded memory."""

import os
import select
from collections.abc import Iterator

WINDOW = 8 << 20
"""Bytes that make a block. The blocks of a file are the same each time, and so is what is found in them."""
SILENCE_MS = 1_000
"""After so long without a byte, a pipe's lines are given as they are: whoever follows a log sees them."""
LONGEST = 1 << 20
"""Bytes of a line that are kept; what comes after them is passed over up to the line's end."""

_PIECE = 1 << 18


def blocks(source: int, window: int = WINDOW) -> Iterator[bytes]:
    """Blocks of whole lines, each with its newline; only the last line of all may lack it."""
    poll = select.poll()
    poll.register(source, select.POLLIN)
    gathered: list[bytes] = []
    size, ended = 0, False
    while not ended:
        silent = size > 0 and not poll.poll(SILENCE_MS)
        if not silent:
            piece = os.read(source, _PIECE)
            ended = not piece
            gathered.append(piece)
            size += len(piece)
        if silent or ended or size >= window:
            whole, newline, rest = b"".join(gathered).rpartition(b"\n")
            if newline:
                yield whole + newline
            gathered, size = [rest[:LONGEST]], 0 if silent else min(len(rest), LONGEST)
    if gathered[0]:
        yield gathered[0]
