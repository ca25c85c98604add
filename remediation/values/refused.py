"""Why a value is left alone."""

from cases.errors import PermanentError


class NotEditable(PermanentError):  # noqa: N818 - it says what the value is, and reads so where it is caught
    """A file or a value that cannot be read or changed for certain: the message says which, and why."""
