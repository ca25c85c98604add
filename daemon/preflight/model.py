"""The language model: does it answer to our key. Nothing is spent."""

from collections.abc import Iterator
from functools import partial

from cases.errors import OverBudget
from cases.ports import Clock
from config.settings import Settings
from daemon.preflight.finding import Finding, asked, fine


class NoMoney:
    """A `Purse` that is empty: a check asks no question."""

    def reserve(self, case: str, purpose: str, model: str, usd: float, *, prompt: str = "") -> str:
        """Refuse."""
        del prompt
        raise OverBudget(f"a check spends nothing ({usd:.4f} USD for {purpose} of {case or 'no case'} by {model})")

    def settle(self, reservation: str, usd: float, input_tokens: int, output_tokens: int) -> None:
        """There is nothing to settle."""


def findings(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Ask the model who it is, where one is configured."""
    if settings.model.provider == "none":
        yield fine("model", "is configured", "none: playbooks only")
        return
    yield asked("model", "answers to its key", partial(_probe, settings, clock))


def _probe(settings: Settings, clock: Clock) -> str:
    from remediation.model import model_of

    model = model_of(settings.model, NoMoney(), clock)
    return "none: playbooks only" if model is None else model.probe()
