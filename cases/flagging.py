"""The port to where flags live. Only towards off is anything written there: everything else is a pull request."""

from typing import Protocol

from cases.flags import FlagNow, FlagPlace
from cases.steps import Receipt


class Flags(Protocol):
    """Where flags live."""

    def now(self, place: FlagPlace) -> FlagNow | None:
        """The flag as it is now; None where there is no such flag.

        Raises TemporaryError where nothing answers, PermanentError where what is there cannot be read.
        """
        ...

    def off(self, place: FlagPlace, key: str, because: str) -> Receipt:
        """Show everybody the control from now on, and change nothing else; one that is off already is adopted.

        key      the effect's, which is found again in what was written
        because  one line, for whoever reads the history
        facts: `sha` of the commit, where it is one. Raises as `now`, and PermanentError where there is no such flag.
        """
        ...
