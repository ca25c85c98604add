"""ScriptedSandbox: the stand-in. It runs nothing and answers from a script: for tests, and to replay recorded cases."""

import hashlib
from collections.abc import Callable, Mapping
from typing import TypeAlias

from cases.errors import NotPrepared
from cases.trying import Command, CommandReport, Recipe, SandboxReport, TrialOrder
from sandbox.limits import check
from sandbox.prepare import tag_of
from sandbox.results import TIMED_OUT

Answer: TypeAlias = Callable[[TrialOrder, Command], CommandReport]
Script: TypeAlias = Mapping[str | tuple[str, str], CommandReport]


def tree_hash(tree: bytes) -> str:
    """Twelve digits that stand for a tree in a script."""
    return hashlib.sha256(tree).hexdigest()[:12]


class ScriptedSandbox:
    """The port `Sandbox`, answering each command from a script; `orders` and `recipes` are those it was given.

    A script is a function of order and command, or a mapping whose keys are `(tree_hash(tree), command name)` or,
    for any other tree, the command's name alone. A command it has no answer for raises LookupError: a script that
    does not fit must not look like a sandbox that failed.
    """

    def __init__(self, script: Script | Answer, *, words: str = "a script (nothing was run)") -> None:
        self.orders: list[TrialOrder] = []
        self.recipes: list[Recipe] = []
        self._prepared: set[str] = set()
        self._script = script
        self._words = words

    def describe(self) -> str:
        """Says that nothing was run."""
        return self._words

    def run(self, order: TrialOrder) -> SandboxReport:
        """Answer for each command in turn, up to one that timed out. Raises PermanentError as a real sandbox would."""
        check(order)
        self.orders.append(order)
        reports: list[CommandReport] = []
        for command in order.commands:
            reports.append(self._answer(order, command))
            if reports[-1].ended == TIMED_OUT:
                break
        seconds = sum(report.seconds for report in reports)
        return SandboxReport(commands=tuple(reports), seconds=seconds, own_seconds=seconds)

    def ready(self, image: str) -> None:
        """Nothing is needed for any image."""

    def prepare(self, recipe: Recipe) -> str:
        """A name for the image; nothing is made. Raises NotPrepared as a real one would."""
        self.recipes.append(recipe)
        if not recipe.setup:
            return recipe.image
        image = f"prepared:{tag_of(recipe, recipe.image)}"
        if image not in self._prepared and not recipe.build:
            raise NotPrepared(f"no image was prepared for {recipe.repository}")
        self._prepared.add(image)
        return image

    def reap(self) -> int:
        """Nothing is ever left behind."""
        return 0

    def _answer(self, order: TrialOrder, command: Command) -> CommandReport:
        if callable(self._script):
            return self._script(order, command)
        tree = tree_hash(order.tree)
        for key in ((tree, command.name), command.name):
            if key in self._script:
                return self._script[key]
        raise LookupError(f"the script has no answer for command {command.name!r} on tree {tree}")
