"""What can go wrong outside. Every message is a sentence that says what, where, and what to look at.

OutsideError
├── EditError         a commit of the story does not fit the tree that it was written for
├── GitError          git said no
├── ForgeApiError     the forge's REST API said no, or nothing
├── ProcessError      a child process did not start, did not become ready, or died
└── TelemetryError    history could not be loaded, or the server that answers is not ours
"""


class OutsideError(Exception):
    """Anything that the demo's outside world raises on purpose."""


class EditError(OutsideError):
    """A commit of the story does not fit the tree that it was written for."""


class GitError(OutsideError):
    """A git command failed; the message holds what git printed, never a token."""


class ForgeApiError(OutsideError):
    """The forge refused a call; `status` is its HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class ProcessError(OutsideError):
    """A child process did not start, did not become ready in time, or died."""


class TelemetryError(OutsideError):
    """History could not be loaded, or somebody else's server answered on our port."""
