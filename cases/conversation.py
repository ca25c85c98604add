"""Conversation: what is said around a pull request, and how it is answered. The spoken half of the Forge port."""

from collections.abc import Collection
from typing import Protocol

from cases.pull_request import Board, Comment, Remark, ShownChange
from cases.steps import Receipt


class Conversation(Protocol):
    """What people say on pull requests, and what is said to them. `repository` is the configuration's name."""

    def comment(self, repository: str, branch: str, key: str, body: str) -> Receipt:
        """Comment on the branch's pull request once: a comment with that key is adopted. facts: `url`.

        With `ISSUE` before the branch: on the issue that shows the change.
        """
        ...

    def comments(self, repository: str, branch: str) -> tuple[Comment, ...]:
        """What people said on the branch's pull request, oldest first; none where there is no pull request.

        With `ISSUE` before the branch: on the issue that shows the change.
        """
        ...

    def show(self, repository: str, branch: str, title: str, body: str) -> Receipt:
        """Show the change of that branch in an issue of its own, once: an open one says this from then on.

        `body` is sealed; one that a human edited stays. facts: `number`, `url`.
        """
        ...

    def shown(self, repository: str) -> tuple[ShownChange, ...]:
        """The changes that open issues of ours show there."""
        ...

    def hide(self, repository: str, branch: str, key: str, body: str, *, done: bool) -> Receipt:
        """Say why, once, and close the issue that shows the change; one that is closed, or not there, is left alone.

        done  whether what it asked for came about
        """
        ...

    def remarks(self, repository: str, branch: str) -> tuple[Remark, ...]:
        """What people said in reviews of the branch's pull request, oldest first: on lines, and of the whole."""
        ...

    def reply(self, repository: str, branch: str, remark: int, key: str, body: str) -> Receipt:
        """Answer a remark in its thread once: an answer with that key is adopted. facts: `url`."""
        ...

    def react(self, repository: str, comment: int, word: str) -> Receipt:
        """Put a reaction (`eyes`, `+1`) under a comment. The forge keeps one of a kind of each person."""
        ...

    def rewrite(self, repository: str, branch: str, body: str) -> Receipt:
        """Put the sealed text in place of ours in the pull request's body; what people wrote around it stays.

        facts: `kept` says why nothing was written: it says just that already, or somebody edited our part.
        """
        ...

    def relabel(self, repository: str, branch: str, add: Collection[str], remove: Collection[str]) -> Receipt:
        """Put labels on the branch's pull request, and take others off; those that are so already are left alone."""
        ...

    def board(self, repository: str) -> Board | None:
        """The open dashboard issue that we opened there, as it reads now; None where there is none."""
        ...

    def write_board(self, repository: str, title: str, body: str, seen: str | None) -> Receipt:
        """Make the dashboard issue say this: opened where there is none, left alone where it does. facts: `url`.

        `seen` is its text as it was acted on: one that reads otherwise by now was ticked meanwhile, and is left alone.
        """
        ...
