"""A token of Google's for a service account: what its JSON key signs is exchanged for a token of an hour.

Protocol: https://developers.google.com/identity/protocols/oauth2/service-account (JWT, RS256).
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from cases.errors import PermanentError
from cases.ports import Clock
from config.analytics import Ga4Settings
from config.secret import Secret
from signals.access import client_arguments
from signals.analytics.exchange import object_of
from signals.bounded_session import BoundedSession
from signals.json_body import parsed
from signals.reaching import address

SCOPE = "https://www.googleapis.com/auth/analytics.readonly"
_TOKENS = "https://oauth2.googleapis.com/token"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFE = timedelta(hours=1)
_EARLY = timedelta(minutes=5)
_OK, _BAD, _SERVER = 200, 400, 500
_LARGEST = 64 * 1024


class GoogleToken:
    """Reveals the headers of a request: a token that is fetched when it is needed, and anew before it ends."""

    def __init__(self, settings: Ga4Settings, key: Secret, clock: Clock) -> None:
        self._settings = settings
        self._key = key
        self._clock = clock
        self._token = ""
        self._until: datetime | None = None

    def __call__(self) -> Mapping[str, str]:
        """The headers. Raises PermanentError for a key that is none, SourceDown when Google cannot be reached."""
        now = self._clock.now()
        if self._until is None or now >= self._until:
            self._token, life = self._fetched(now)
            self._until = now + max(life - _EARLY, timedelta(0))
        return {"Authorization": f"Bearer {self._token}"}

    def forget(self) -> None:
        """Fetch another one next time: this one was refused."""
        self._until = None

    def _fetched(self, now: datetime) -> tuple[str, timedelta]:
        source, key = self._settings.name, self._read()
        where = key.get("token_uri", _TOKENS)
        session = BoundedSession(
            source,
            where,
            timeout=self._settings.timeout,
            headers={},
            context=client_arguments(self._settings)["verify"],
            max_response_bytes=_LARGEST,
            max_in_flight=1,
            compressed=False,
        )
        with session:
            body = {"grant_type": _GRANT, "assertion": self._signed(key, where, now)}
            response = session.request("POST", where, data=body)
        if _BAD <= response.status_code < _SERVER:
            raise PermanentError(
                f"{source}: {address(where)} gives no token for the service account ({response.status_code}); check "
                f"key ({self._key}), that the account is not disabled, and this machine's clock"
            )
        try:
            found = parsed(response.content) if response.status_code == _OK else None
        except ValueError:
            found = None
        match found:
            case {"access_token": str(token), "expires_in": int(seconds)} if token:
                return token, min(timedelta(seconds=seconds), _LIFE)
            case _:
                raise session.down(f"{address(where)} answered {response.status_code} without a token")

    def _read(self) -> Mapping[str, str]:
        """The service account's key. Nothing of it gets into a message."""
        try:
            found: object = json.loads(self._key.reveal_key(), strict=False)  # a key in a variable has its line ends
        except ValueError:
            found = None
        fields = object_of(found) or {}
        key = {name: text for name, text in fields.items() if isinstance(text, str)}
        if not key.get("client_email") or not key.get("private_key"):
            raise PermanentError(
                f"{self._settings.name}: key ({self._key}) is not the JSON key of a service account; put there the "
                "file that Google hands out, whole"
            )
        return key

    def _signed(self, key: Mapping[str, str], where: str, now: datetime) -> str:
        import jwt  # needed once an hour

        claims = {"iss": key["client_email"], "scope": SCOPE, "aud": where, "iat": now, "exp": now + _LIFE}
        named = {"kid": key["private_key_id"]} if "private_key_id" in key else None
        try:
            return jwt.encode(claims, key["private_key"], algorithm="RS256", headers=named)
        except (ValueError, TypeError, jwt.PyJWTError):
            raise PermanentError(
                f"{self._settings.name}: the private key in key ({self._key}) cannot sign; fetch a new one from Google"
            ) from None
