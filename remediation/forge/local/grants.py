"""Who may do what on the local forge: Apps and their installations, and tokens that may do a part only.

An App is a file `apps/<slug>.json` below the root, a narrow token a file `tokens/<name>.json`. They are read at each
request, as an owner's change of mind holds at once on GitHub.
"""

import json
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

LEVELS = ("read", "write", "admin")
HOUR = timedelta(hours=1)
LONGEST = timedelta(minutes=10)  # from now to the end of a JSON web token
NOT_FOR_APPS = "Resource not accessible by integration"


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """An App and its one installation.

    account       the owner where it is installed
    permissions   what was granted to the installation
    repositories  the names, without their owner, that it may see; None: all of the account's
    suspended     since when the installation is suspended, as the API shows it; "" for never
    """

    id: int
    slug: str
    installation: int
    account: str
    public_key: str
    permissions: Mapping[str, str]
    repositories: Sequence[str] | None = None
    suspended: str = ""

    @property
    def login(self) -> str:
        """Whom it appears as."""
        return f"{self.slug}[bot]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What one token may do. `repositories` are full names; None: all."""

    login: str
    permissions: Mapping[str, str]
    repositories: frozenset[str] | None
    app: App | None = None

    def sees(self, full_name: str) -> bool:
        """Whether it may see that there is such a repository."""
        return self.repositories is None or full_name.casefold() in self.repositories

    def allows(self, needed: Mapping[str, str]) -> bool:
        """Whether one of the permissions is granted."""
        return any(level_of(self.permissions, name) >= LEVELS.index(level) for name, level in needed.items())

    @property
    def refusal(self) -> str:
        """How GitHub says that it is not."""
        return NOT_FOR_APPS if self.app else "Resource not accessible by personal access token"


@dataclass(frozen=True, slots=True)
class _Live:
    grant: Grant
    ends: datetime
    permissions: Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class Grants:
    """Those of one forge. Safe for threads; tokens of installations live as long as the process."""

    root: Path
    _live: dict[str, _Live] = field(default_factory=dict[str, _Live], init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def apps(self) -> Iterator[App]:
        """Every App."""
        for file in sorted(self.root.glob("apps/*.json")):
            held = _object(file)
            held["slug"] = file.stem
            yield App(**held)

    def of_app(self, token: str, now: datetime) -> App | None:
        """The App that has signed the JSON web token, or None. Its dates are held against ours, `aud` is nobody's."""
        import jwt

        for app in self.apps():
            rules: Any = {"require": ["iat", "exp", "iss"]}
            try:
                said = jwt.decode(token, app.public_key, algorithms=["RS256"], issuer=str(app.id), options=rules)
            except jwt.PyJWTError:
                continue
            if datetime.fromtimestamp(said["exp"], UTC) <= now + LONGEST:
                return app
        return None

    def of_token(self, token: str, now: datetime) -> Grant | None:
        """What a token may do that may do a part only, or None."""
        with self._lock:
            live = self._live.get(token)
        if live is not None:
            app = next((app for app in self.apps() if app == live.grant.app), None)
            return live.grant if app is not None and now < live.ends and not app.suspended else None
        for file in sorted(self.root.glob("tokens/*.json")):
            held = _object(file)
            if secrets.compare_digest(str(held["token"]).encode(), token.encode()):
                seen = held.get("repositories")
                names = None if seen is None else frozenset(str(name).casefold() for name in seen)
                return Grant(login=held.get("login", file.stem), permissions=held["permissions"], repositories=names)
        return None

    def mint(self, app: App, names: Sequence[str] | None, permissions: Mapping[str, str], now: datetime) -> "Minted":
        """A new token of the App's installation, narrowed to the repositories and permissions."""
        chosen = app.repositories if names is None else names
        seen = None if chosen is None else frozenset(f"{app.account}/{name}".casefold() for name in chosen)
        grant = Grant(login=app.login, permissions=permissions, repositories=seen, app=app)
        token = f"ghs_{secrets.token_hex(18)}"
        with self._lock:
            self._live = {known: live for known, live in self._live.items() if live.ends > now}
            self._live[token] = _Live(grant, now + HOUR, permissions)
        return Minted(token=token, ends=now + HOUR, grant=grant)

    def revoke(self, token: str = "") -> None:
        """Take a token of an installation back; all of them without a name."""
        with self._lock:
            self._live = {known: live for known, live in self._live.items() if token not in {"", known}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Minted:
    """A token of an installation."""

    token: str = field(repr=False)
    ends: datetime
    grant: Grant


def level_of(permissions: Mapping[str, str], name: str) -> int:
    """How much is granted: an index into LEVELS, below zero for nothing."""
    return LEVELS.index(permissions[name]) if permissions.get(name) in LEVELS else -1


def _object(file: Path) -> dict[str, Any]:
    held: dict[str, Any] = json.loads(file.read_text())
    return held


AREAS: Mapping[str, Sequence[str]] = {
    "": ("metadata",),
    "branches": ("contents",),
    "git": ("contents",),
    "commits": ("contents",),
    "contents": ("contents",),
    "compare": ("contents",),
    "pulls": ("pull_requests",),
    "issues": ("issues", "pull_requests"),
    "labels": ("issues", "pull_requests"),
    "statuses": ("statuses",),
    "check-runs": ("checks",),
    "deployments": ("deployments",),
    "collaborators": ("metadata",),
    "rules": ("metadata",),
    "installation": ("metadata",),
}
"""Which permissions open what lies below a repository, any of them."""

BELOW: Mapping[str, Sequence[str]] = {
    "status": ("statuses",),
    "check-runs": ("checks",),
    "protection": ("administration",),
    "merge": ("contents",),
}
"""The same by the last word of the path, where that decides."""


def needed(method: str, path: str) -> Mapping[str, str]:
    """Permission → level that open the path below `/api/v3`, any of them; none are needed for what is nobody's."""
    level = "read" if method in {"GET", "HEAD"} else "write"
    words = path.strip("/").split("/")
    if words[0] != "repos":
        return {} if words[0] != "graphql" else {"pull_requests": "write"}
    area, last = words[3] if len(words) > 3 else "", words[-1]  # noqa: PLR2004 - repos, owner, name
    names = BELOW.get(last, AREAS.get(area, ("administration",)))
    if area == "commits" and last == "pulls":
        names = ("pull_requests",)
    if names == ("issues", "pull_requests") and method == "POST" and last == "issues":
        names = ("issues",)
    if area == "collaborators" and level == "write":
        names = ("administration",)
    return dict.fromkeys(names, level)
