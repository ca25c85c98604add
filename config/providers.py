"""Whether each provider of a language model has what it needs, and how it is reached."""

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from config.document import Loc
from config.models import FailoverSettings, ModelSettings, ProviderSettings
from config.settings import Settings
from config.wording import Said

KEYED = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY"}
"""Providers whose own API takes a key, and the usual name of the variable that holds it."""

_OWN_NETWORK = (".internal", ".local", ".localhost", ".lan", ".svc")


def misfits(settings: Settings) -> Iterator[tuple[Loc, Said]]:
    """What does not fit together in `model`."""
    model = settings.model
    if model.provider in {"scripted", "replay"} and model.script is None:
        held = "answers" if model.provider == "scripted" else "recorded session"
        yield ("model", "script"), ("is missing", f"name the file of the {held}")
    if model.provider in {"none", "scripted", "replay"}:
        for key in ("failover", "record"):
            if getattr(model, key):
                problem = f"provider {model.provider} asks nobody", "take it out, or name a provider"
                yield ("model", key), problem
        return
    yield from _misfits(("model",), model, model.provider)
    for place, other in enumerate(model.failover):
        yield from _misfits(("model", "failover", place), other, other.provider)


def _misfits(loc: Loc, asked: ProviderSettings, provider: str) -> Iterator[tuple[Loc, Said]]:
    if asked.diagnose is None:
        yield (*loc, "diagnose"), ("is missing", "name the model that is asked, by the provider's name for it")
    if provider in KEYED and asked.api_key is None and asked.base_url is None:
        yield (*loc, "api_key"), ("is missing", f"write api_key: env:{KEYED[provider]}")


def chain(model: ModelSettings) -> tuple[ModelSettings | FailoverSettings, ...]:
    """Every provider in the order in which it is asked; none for `provider: none`."""
    return () if model.provider == "none" else (model, *model.failover)


def near(url: str) -> bool:
    """Whether a server is on this machine or in a network of one's own, as far as its address tells."""
    host = urlsplit(url).hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(_OWN_NETWORK) or ".svc." in host
    return address.is_private or address.is_loopback
