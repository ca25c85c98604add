"""What stands against merging one commit of a pull request, and the merge itself: the part of the Forge port about it.

A merge that nobody asked for is of just the commit that was proved: at any other it is refused.
"""

from dataclasses import dataclass
from typing import Protocol

from cases.steps import Receipt

STOP_LABEL = "trackwalker:stop"
"""While a pull request has it, everything is left as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """One thing that stands against a merge now, as a sentence without its full stop.

    passes  it goes by itself, as a check that still runs; any other is there until somebody does something
    no      somebody means it as one, or would be surprised by a merge after it: a label, a commit, a draft, a word
    """

    because: str
    passes: bool = False
    no: bool = False


class Merging(Protocol):
    """The part of the Forge port that merges."""

    def obstacles(self, repository: str, branch: str, sha: str) -> tuple[Obstacle, ...]:
        """What on the forge stands against merging the branch's pull request as just that commit; () for nothing.

        Another commit at its tip, another branch to merge into, closed, a draft, labelled to be left alone, changes
        requested by somebody who may write, a conflict, and checks of other tools that are red, not finished, or none.
        One that is merged has none. Writes nothing.
        """
        ...

    def merge(self, repository: str, branch: str, sha: str, message: str) -> Receipt:
        """Merge the branch's pull request as just that commit, or adopt it where it is merged, whoever did it.

        Squashed, where the repository lets that be done: `message` is the commit's. facts: `sha` of the merge, `by`
        whom, `ours` ("yes" where that is us). PermanentError where anything stands against it or the forge refuses,
        TemporaryError where all that does passes.
        """
        ...
