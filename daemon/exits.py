"""Exit statuses: 0 done, 1 found or fell short, 2 bad use or bad config, 3 a needed system cannot be reached."""

from cases.errors import TemporaryError, TrackwalkerError

DONE = 0
FOUND = 1
BAD_USE = 2
UNREACHABLE = 3


def status_of(error: TrackwalkerError) -> int:
    """What the process ends with after an error that was raised on purpose."""
    return UNREACHABLE if isinstance(error, TemporaryError) else BAD_USE
