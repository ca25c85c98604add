"""Hands on the levers of a playhouse, and every write of it, noted."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cases.leases import Pause
from cases.ports import Forge, LanguageModel, Sandbox
from daemon.app import App
from tests.parts.playhouse import House

WRITES = (
    "push", "update", "open_pull_request", "to_draft", "to_ready", "comment", "reply", "rewrite", "relabel",
    "write_board", "show", "hide", "store_plot", "run", "ask",
)  # fmt: skip


@dataclass
class Written:
    """Every write to a repository, a sandbox or a model, in order; answers to commands apart. `after` sees each."""

    calls: list[str] = field(default_factory=list[str])
    answers: list[str] = field(default_factory=list[str])
    after: Callable[[str], object] = lambda _: None

    def wrapped(self, port: object) -> Any:  # noqa: ANN401 - the port, by delegation
        return _Recorded(port, self)

    def note(self, name: str, arguments: tuple[Any, ...]) -> None:
        if name == "comment" and str(arguments[2]).startswith("ack-"):
            self.answers.append(arguments[2])
            return
        self.calls.append(name)


class _Recorded:
    def __init__(self, port: object, written: Written) -> None:
        self._port = port
        self._written = written

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the port has
        real: Callable[..., Any] = getattr(self._port, name)
        if name not in WRITES:
            return real

        def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - the port's own
            self._written.note(name, arguments)
            answer = real(*arguments, **named)
            self._written.after(name)
            return answer

        return call


@dataclass(frozen=True)
class Levered:
    """One life of a daemon, and the hands on its levers."""

    house: House
    app: App

    def passes(self, minutes: float = 0.5) -> None:
        """Let time go by."""
        self.house.passes(minutes)

    def says(self, number: int, body: str, login: str = "reviewer") -> int:
        """A human comments; the comment's id."""
        made = self.house.world.ask("POST", f"/issues/{number}/comments", login, json={"body": body})
        assert made.status_code == 201, made.text
        return int(made.json()["id"])

    def answers(self, number: int, comment: int) -> list[str]:
        """What was answered to a comment."""
        return [body for body in self.house.comments(number) if f"<!-- trackwalker:ack-{comment} -->" in body]

    def pause(self, reason: str = "now") -> None:
        self.app.ledger.levers.pause(Pause(by="human:sre", reason=reason, since=self.house.now))

    def resume(self) -> None:
        self.app.ledger.levers.resume("human:sre", self.house.now)


def recorded(house: House) -> Written:
    """Have all writes of the house's next lives written down."""
    written = Written()

    def forge(real: Forge) -> Forge:
        wrapped: Forge = written.wrapped(real)
        return wrapped

    def sandbox(real: Sandbox) -> Sandbox:
        wrapped: Sandbox = written.wrapped(real)
        return wrapped

    house.wrap_forge, house.wrap_sandbox = forge, sandbox
    if house.model is not None:
        model: LanguageModel = written.wrapped(house.model)
        house.model = model
    return written


@contextmanager
def levered(house: House) -> Generator[Levered]:
    """One life of the daemon."""
    with house.alive() as app:
        yield Levered(house=house, app=app)


def pause_file(app: App) -> Path:
    """Where the daemon's signal file is looked for."""
    return app.home.folder.parent / "pause"
