"""Calls of the outside that are no effects, trials and questions: each with its line in the audit, none in a pause."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from cases.asking import Answer, Question
from cases.errors import NotPrepared, PermanentError, TemporaryError
from cases.ports import Clock, LanguageModel, Sandbox
from cases.stores import Levers
from cases.trying import Recipe, SandboxReport, TrialOrder
from daemon.ledger.audit import DAEMON, Audit, AuditEntry
from daemon.ledger.chain import stamp

RUN, ENDED = "sandbox.run", "sandbox.ended"
PREPARE, PREPARED = "sandbox.prepare", "sandbox.prepared"
NO_CASE = "nightly"  # how the key of an order begins that belongs to none
_SETTING_UP = timedelta(minutes=2)  # what a sandbox may take on top of the commands


class AuditedSandbox:
    """The port `Sandbox` around another one. Every order has a line before it runs, and one after it ended.

    None begins while everything is paused, even in a step that had begun before.
    """

    def __init__(self, sandbox: Sandbox, audit: Audit, clock: Clock, levers: Levers) -> None:
        self._sandbox = sandbox
        self._audit = audit
        self._clock = clock
        self._levers = levers

    @property
    def inner(self) -> Sandbox:
        """The sandbox that is audited."""
        return self._sandbox

    def describe(self) -> str:
        """As the sandbox says."""
        return self._sandbox.describe()

    def run(self, order: TrialOrder) -> SandboxReport:
        """Run it, between two lines of the audit.

        Raises as the sandbox does, and TemporaryError in a pause or without a ledger.
        """
        _no_pause(self._levers, "trial")
        deadline = self._clock.now() + sum((command.timeout for command in order.commands), _SETTING_UP)
        asked = {"image": order.image, "deadline": stamp(deadline)}
        began = self._tell(RUN, order, None, asked)
        try:
            report = self._sandbox.run(order)
        except Exception as error:
            self._tell(ENDED, order, began, {"how": type(error).__name__})
            raise
        how = ", ".join(f"{command.name}: {command.ended}" for command in report.commands)
        self._tell(ENDED, order, began, {"how": how})
        return report

    def ready(self, image: str) -> None:
        """As the sandbox does."""
        self._sandbox.ready(image)

    def prepare(self, recipe: Recipe) -> str:
        """As the sandbox does. What has to be made has a line of the audit before and after, and waits for a pause."""
        try:
            return self._sandbox.prepare(replace(recipe, build=False))
        except NotPrepared:
            if not recipe.build:
                raise
        _no_pause(self._levers, "setup")
        detail = {"repository": recipe.repository, "image": recipe.image}
        began = self._line(PREPARE, "", None, detail)
        try:
            image = self._sandbox.prepare(recipe)
        except Exception as error:
            self._line(PREPARED, "", began, {**detail, "how": type(error).__name__})
            raise
        self._line(PREPARED, "", began, {**detail, "how": image})
        return image

    def reap(self) -> int:
        """As the sandbox does."""
        return self._sandbox.reap()

    def close(self) -> None:
        """End what runs, where the sandbox can."""
        close: Callable[[], None] | None = getattr(self._sandbox, "close", None)
        if close is not None:
            close()

    def _tell(self, action: str, order: TrialOrder, parent: int | None, more: dict[str, str]) -> int:
        """One line. An order's key begins with the id of its case, where it has one."""
        case = order.key.partition("-")[0]
        return self._line(action, "" if case == NO_CASE else case, parent, {"key": order.key, **more})

    def _line(self, action: str, case: str, parent: int | None, detail: dict[str, str]) -> int:
        at = self._clock.now()
        return self._audit.append(
            AuditEntry(at=at, actor=DAEMON, action=action, case=case, parent=parent, detail=detail)
        )


class HeldModel:
    """The port `LanguageModel` around another one: no question is asked while everything is paused.

    None shows a role what it may not see (see `cases.roles`).

    The ledger's purse writes the lines of the audit, with the money.
    """

    def __init__(self, model: LanguageModel, levers: Levers) -> None:
        self._model = model
        self._levers = levers

    def describe(self, purpose: str) -> str:
        """As the model says."""
        return self._model.describe(purpose)

    def probe(self) -> str:
        """As the model does."""
        return self._model.probe()

    def ask(self, question: Question) -> Answer:
        """Ask. Raises as the model does, TemporaryError in a pause, PermanentError for what its role may not see."""
        _no_pause(self._levers, "question")
        from cases.roles import out_of_sight  # needed with the first question

        if hidden := out_of_sight(question):
            raise PermanentError(
                f"a question of the purpose {question.purpose} may not be shown material of: {', '.join(hidden)}"
            )
        return self._model.ask(question)

    def close(self) -> None:
        """Close its connections, where it has any."""
        close: Callable[[], None] | None = getattr(self._model, "close", None)
        if close is not None:
            close()


def _no_pause(levers: Levers, what: str) -> None:
    pause = levers.paused()
    if pause is not None:
        raise TemporaryError(f"paused by {pause.by}: no {what} begins")
