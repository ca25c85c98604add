"""Settings of how a system is reached: address, credentials, certificates, patience."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from config.fields import Duration, HeaderName, Name, SecretRef, Text, Url
from config.section import Section


class BasicSettings(Section):
    """A user and a password."""

    username: Text
    """The user."""

    password: SecretRef
    """Where the password is found."""


class AuthSettings(Section):
    """How a source knows us: one of the two."""

    bearer: SecretRef | None = None
    """A token, sent as `Authorization: Bearer …`."""

    basic: BasicSettings | None = None
    """A user and a password, sent as `Authorization: Basic …`."""


class TlsSettings(Section):
    """Certificates, as files in PEM. What is not named is the system's."""

    ca: Text | None = None
    """The authority that the server's certificate is held against, in place of the system's."""

    cert: Text | None = None
    """The certificate that we show (mTLS)."""

    key: Text | None = None
    """The key of `cert`."""


class HttpSettings(Section):
    """A telemetry source behind HTTP."""

    name: Name
    """What watches and deploy markers call it; unique among all sources."""

    url: Url
    """Where it answers, as in http://127.0.0.1:9090; a path is kept. Redirects are not followed."""

    auth: AuthSettings | None = None
    """How it knows us. None: it does not ask."""

    tls: TlsSettings | None = None
    """Certificates for https. None: the system's authorities, and no certificate of our own."""

    headers: Mapping[HeaderName, SecretRef] = Field(default_factory=dict)
    """Sent with every request, as in X-Scope-OrgID: env:TENANT. Values are secrets, for most of them are."""

    timeout: Duration = timedelta(seconds=5)
    """How long one answer may take. A healthy query takes well under a second, and a cycle must not hang on one."""

    max_in_flight: Annotated[int, Field(ge=1, le=16)] = 2
    """Requests at once. Two keep the daemon quick without crowding out people's dashboards."""

    max_response_mib: Annotated[int, Field(ge=1, le=512)] = 8
    """The largest answer that is read, in MiB: some 100,000 samples. More is refused, never cut short in silence."""
