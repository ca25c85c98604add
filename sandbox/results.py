"""What a command's end means. Which tests it ran is read in `sandbox.reports`."""

from dataclasses import dataclass

EXITED = "exited"
TIMED_OUT = "timed out"
OUT_OF_MEMORY = "out of memory"
UNREADABLE = "killed: what it left running kept its container from starting another process"
CONTAINER_ENDED = "killed: its container ended before it did"
SIGKILLED = 137  # what a shell says of a command that SIGKILL ended
FILE_TOO_LARGE = 153  # the same for SIGXFSZ


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a command ended: its exit code, or None when it did not end by itself, and the word for it."""

    exit_code: int | None
    ended: str


def end_of(exit_code: int, *, short_of_memory: bool) -> End:
    """Read an exit code. `short_of_memory` says that the kernel killed something of the command for memory.

    A command that succeeded all the same did succeed. One that failed while something of it was being killed for
    memory failed for want of memory, whatever its own exit code: a suite whose worker was killed only looks failed.
    """
    if exit_code != 0 and short_of_memory:
        return End(exit_code=None, ended=OUT_OF_MEMORY)
    if exit_code == SIGKILLED:
        return End(exit_code=None, ended="killed: by SIGKILL")
    if exit_code == FILE_TOO_LARGE:
        return End(exit_code=None, ended="killed: it wrote a file over the size limit")
    return End(exit_code=exit_code, ended=EXITED)
