"""What the C library's allocator keeps back of memory that was freed, and how little of it may be.

glibc gives each thread an arena of its own, and an arena that was once large stays so: half a dozen threads that read
large answers now and then hold a hundred megabytes of nothing. One arena costs nothing where Python's lock lets one
thread work at a time anyway; and what is large goes straight back to the system.
"""

import ctypes

# malloc.h, for mallopt(3)
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8

LARGE = 128 * 1024
"""Bytes from which on a piece is mapped by itself. It is glibc's own first choice, which grows with what was freed,
unless it was set."""


def keep_little() -> bool:
    """Have freed memory given back; before the first thread is started. False where the C library has no such word."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # musl has one arena and maps what is large; macOS has an allocator of its own
        return False
    wanted = ((M_ARENA_MAX, 1), (M_MMAP_THRESHOLD, LARGE), (M_TRIM_THRESHOLD, LARGE))
    return all(mallopt(option, value) == 1 for option, value in wanted)
