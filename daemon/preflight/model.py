"""The language model: does it answer to our key. Nothing is spent."""

from collections.abc import Iterator
from functools import partial

from cases.errors import OverBudget
from cases.ports import Clock
from config.models import FailoverSettings, ModelSettings
from config.providers import chain
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
    """Ask each provider who it is, where one is configured: its price first, which needs nobody."""
    model = settings.model
    if model.provider == "none":
        yield fine("model", "is configured", "none: playbooks only")
        return
    if model.provider in {"scripted", "replay"}:
        yield asked("model", "can be read", partial(_probe, model, clock))
        return
    for place, provider in enumerate(chain(model)):
        name = "model" if place == 0 else f"model.failover[{place - 1}] ({provider.provider})"
        yield asked(name, "has a price, and answers to its key", partial(_probe_one, provider, clock))
    if model.record is not None:
        yield asked("model.record", "can be written", partial(_recorded, model))


def _probe(model: ModelSettings, clock: Clock) -> str:
    from remediation.model import model_of

    made = model_of(model, NoMoney(), clock)
    return "none: playbooks only" if made is None else made.probe()


def _probe_one(provider: ModelSettings | FailoverSettings, clock: Clock) -> str:
    from remediation.model import provider_of

    return provider_of(provider, NoMoney(), clock).probe()


def _recorded(model: ModelSettings) -> str:
    """Whether the recording can be gone on with, without beginning one."""
    from remediation.model.session import appendable

    return appendable(model.record or "", model)
