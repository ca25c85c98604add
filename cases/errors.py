"""The error tree. The type says what follows; `daemon.cycle` is the one place that catches.

TrackwalkerError
├── TemporaryError     try again later (a time-out, a 503, a rate limit, a full disk)
│   └── SourceDown     a telemetry source cannot be read: its signals are blind, never healthy
├── PermanentError     a human is needed (bad credentials, no such repository, no permission)
│   ├── NotPrepared    the image that a trial needs is not there, and may not be made now
│   ├── OverBudget     the money for it is not there: nothing was asked, nothing was spent
│   └── NoAnswer       a language model refused, or answered nothing that can be used
├── Fenced             another daemon holds this case now: drop what was being done, write nothing
└── IllegalStep        an event arrived that cannot happen in the case's phase: a bug, it freezes the case
"""

from datetime import timedelta


class TrackwalkerError(Exception):
    """Anything this program raises on purpose. The message is a sentence for people."""


class TemporaryError(TrackwalkerError):
    """The same call may succeed later."""

    def __init__(self, message: str, retry_after: timedelta = timedelta(seconds=30)) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class SourceDown(TemporaryError):  # noqa: N818 - it is a state of the source, and reads as one where it is caught
    """A telemetry source cannot be read; `source` names it. `busy`: it said that it is asked too much."""

    def __init__(
        self, source: str, because: str, retry_after: timedelta = timedelta(seconds=30), *, busy: bool = False
    ) -> None:
        super().__init__(f"{source}: {because}", retry_after)
        self.source = source
        self.because = because
        self.busy = busy


class PermanentError(TrackwalkerError):
    """Trying again cannot help."""


class NotPrepared(PermanentError):  # noqa: N818 - it is a state of the engine, and reads as one where it is caught
    """The image that a trial needs is not there, and nothing may be fetched to make it."""


class OverBudget(PermanentError):  # noqa: N818 - it is a state of the budget, and reads as one where it is caught
    """The money is not there: said before the call, so that nothing was spent."""


class NoAnswer(PermanentError):  # noqa: N818 - the same
    """A language model refused, or gave nothing that can be used; what it cost is settled."""


class Unreadable(PermanentError):  # noqa: N818 - it is a state of a case, and reads as one where it is caught
    """What is stored of one case cannot be read by this version, or was damaged: the others go on."""


class Fenced(TrackwalkerError):  # noqa: N818 - the field's own word
    """The lease was lost to another daemon between claim and write."""


class IllegalStep(TrackwalkerError):  # noqa: N818 - the field's own word
    """An event that the lifecycle table does not have for this phase."""
