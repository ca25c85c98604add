"""The real OpenFeature client with flagd's provider, on a file: what a service of a user has."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.evaluation_context import EvaluationContext

POLL_MS = 200
"""How often the provider looks at its file; its own default is 500."""
NOBODY: Mapping[str, str] = {}


@dataclass(frozen=True, kw_only=True)
class Reader:
    """One reader of a file of flags."""

    client: OpenFeatureClient
    provider: FlagdProvider

    def value(self, key: str, user: str, about: Mapping[str, str] = NOBODY) -> str:
        """What a user is shown, as code asks for it."""
        return self.client.get_string_value(key, "the code's own", EvaluationContext(user, dict(about)))

    def reason(self, key: str, user: str | None, about: Mapping[str, str] = NOBODY) -> str:
        """Why."""
        return str(self.client.get_string_details(key, "the code's own", EvaluationContext(user, dict(about))).reason)

    def treated(self, key: str, users: int, variant: str, about: Mapping[str, str] = NOBODY) -> set[int]:
        """Which of the users `user-0` … are shown a variant, by the provider itself: ten times as many a second."""
        held = dict(about)
        return {
            number
            for number in range(users)
            if self.provider.resolve_string_details(key, "", EvaluationContext(f"user-{number}", held)).variant
            == variant
        }


@contextmanager
def reading(file: Path, poll_ms: int = POLL_MS) -> Generator[Reader]:
    """Read the file until the end of the block."""
    provider = FlagdProvider(resolver_type=ResolverType.FILE, offline_flag_source_path=str(file), deadline_ms=poll_ms)
    api.set_provider_and_wait(provider)
    try:
        yield Reader(client=api.get_client(), provider=provider)
    finally:
        api.shutdown()
