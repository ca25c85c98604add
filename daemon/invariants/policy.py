"""The policy in force, as a digest: which rules a line of the audit was written under."""

from typing import Any, cast

from config.settings import Settings
from daemon.ledger.chain import digest

SECTIONS = ("scope", "authority", "budget", "sandbox", "model", "repositories")
SHORT = 12  # hexadecimal digits: enough to tell an operator's settings apart
_SECRET = ("token", "key", "secret", "password")


def policy_digest(settings: Settings) -> str:
    """Twelve digits over what decides: scope, authority, budget, sandbox, model and repositories; no secret goes in."""
    whole: dict[str, Any] = settings.model_dump(mode="python", include=set(SECTIONS))
    return digest(**{section: _bare(whole[section]) for section in SECTIONS})[:SHORT]


def _bare(part: Any) -> Any:  # noqa: ANN401 - a settings section, as plain values
    """Without whatever names a credential."""
    if isinstance(part, dict):
        named = cast("dict[object, Any]", part)
        return {str(name): _bare(value) for name, value in named.items() if not str(name).endswith(_SECRET)}
    if isinstance(part, list | tuple):
        listed = cast("list[Any]", part)
        return [_bare(value) for value in listed]
    return str(part)
