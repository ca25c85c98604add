"""The kinds of value that settings are made of: each says what is wrong with a value and what would be right."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, TypeAlias
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from config import duration, logql
from config.errors import Unusable, shown
from config.secret import Secret

REFUSED = "refused"
"""The pydantic error type that carries one of our own sentences: `problem` and `hint` in its context."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_FULL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HOST_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_CONTAINER_PATH = re.compile(r"(/(?!\.\.?(/|$))[A-Za-z0-9._-]+)+")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")
_ADDRESS = re.compile(r"[^@\s<>\"(),:;\[\]\\]+@[A-Za-z0-9._-]+")
_BRANCH = re.compile(r"(?!-)(?!/)(?!.*(\.\.|//|@\{|/\.|\.lock$|[/.]$))[^\s~^:?*\[\\\x00-\x20\x7f]+")
_KEY_PATH = re.compile(r"([^/:\s]+/[^/:\s]*/[^/:\s]+:)?(\.[^.\[\]\s]+|\.\"[^\"]+\"|\[[0-9]+\])+")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})")
_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}")
_HIGHEST_PORT = 65535


def _validating(check: Callable[[Any], object]) -> Callable[[Any], object]:
    """A check of ours as pydantic wants it: Unusable becomes an error that carries problem and hint."""

    def validate(value: Any) -> object:  # noqa: ANN401 - what a file holds is anything
        try:
            return check(value)
        except Unusable as unusable:
            raise PydanticCustomError(
                REFUSED, "{problem}; {hint}", {"problem": unusable.problem, "hint": unusable.hint}
            ) from None

    return validate


validating = _validating
"""For kinds of value that are defined elsewhere."""


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta) and value > timedelta(0):
        return value
    if isinstance(value, str):
        return duration.parse(value)
    raise Unusable(f"{shown(value)} is not a duration", "write a whole number and a unit, as in 30s, 5m, 1h or 7d")


def lasting(least: timedelta, most: timedelta = timedelta.max) -> AfterValidator:
    """Bounds of a duration, both included."""

    def check(value: timedelta) -> timedelta:
        if not least <= value <= most:
            bound = f"at least {duration.format(least)}" if value < least else f"at most {duration.format(most)}"
            raise Unusable(f"{duration.format(value)} is out of range", f"write {bound}")
        return value

    return AfterValidator(_validating(check))


def _matching(form: re.Pattern[str], problem: str, hint: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if not form.fullmatch(value):
            raise Unusable(f"{shown(value)} {problem}", hint)
        return value

    return check


def _moment(value: object) -> datetime:
    hint = "write it with its zone, as in 2026-03-01T02:00:00Z"
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise Unusable(f"{shown(value)} is not a time with a zone", hint)
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unusable(f"{shown(value)} is no time that there is", hint) from None


def _time_of_day(value: object) -> time:
    if isinstance(value, time):
        return value
    if not isinstance(value, str) or not _TIME_OF_DAY.fullmatch(value):
        raise Unusable(f"{shown(value)} is not a time of day", 'write hours and minutes, as in "02:00"')
    return time.fromisoformat(value)


def _zone(value: str) -> str:
    hint = "write it as in Europe/Berlin or UTC"
    if not _ZONE.fullmatch(value):
        raise Unusable(f"{shown(value)} is not the name of a time zone", hint)
    try:
        ZoneInfo(value)
    except (ValueError, KeyError, OSError):
        raise Unusable(f"{shown(value)} is no time zone that is known here", hint) from None
    return value


def _url(value: str) -> str:
    """An http(s) address. It is never repeated: a credential may stand in any part of it."""
    hint = "write the whole of it, as in https://host.example/path"
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise Unusable("the value is not a URL", hint) from None
    if parts.username is not None or parts.password is not None:
        raise Unusable("the URL holds credentials", "take them out; the token of repositories belongs in forge.token")
    if parts.scheme not in {"http", "https"}:
        raise Unusable("the URL does not begin with http:// or https://", hint)
    if not host or not value.isprintable() or " " in value:
        raise Unusable("the value is not a URL", hint)
    return value.rstrip("/")


def _host_port(value: str) -> str:
    form = _HOST_PORT.fullmatch(value)
    if form is None or int(form[2]) > _HIGHEST_PORT:
        raise Unusable(f"{shown(value)} is not host:port", "write it as in 127.0.0.1:8040")
    return value


def _store(value: str) -> str:
    """Where the ledger is. Like a URL it is never repeated."""
    scheme, _, rest = value.partition("://")
    if scheme in {"postgresql", "postgresql+psycopg"}:
        return _server(value)
    if scheme != "sqlite" or not rest.startswith("/"):
        raise Unusable(
            "the store is neither a SQLite file nor a PostgreSQL database",
            "write sqlite:///trackwalker.db, sqlite:////a/full/path.db or postgresql+psycopg://user@host/base",
        )
    if not rest[1:] or rest[1:].startswith((":memory:", "?")):
        raise Unusable("a store in memory forgets every case", "name a file, as in sqlite:///trackwalker.db")
    return value


def _server(value: str) -> str:
    hint = "write postgresql+psycopg://user@host/base"
    try:
        parts = urlsplit(value)
        password, _ = parts.password, parts.port
    except ValueError:
        raise Unusable("the store is not the address of a database", hint) from None
    asked = parse_qs(parts.query, keep_blank_values=True)
    if password is not None or {"password", "sslpassword"} & asked.keys():
        raise Unusable("the store holds a password", "take it out, and write store_password: env:NAME beside it")
    if not parts.path.strip("/") or not value.isprintable() or " " in value:
        raise Unusable("the store names no database", hint)
    return value


def _database(value: str) -> str:
    """A database's address. Like a URL it is never repeated."""
    hint = "write postgresql+psycopg://user@host/base, sqlite:////full/path.db or duckdb:////full/path.db"
    try:
        parts = urlsplit(value)
        password = parts.password
    except ValueError:
        raise Unusable("the value is not the address of a database", hint) from None
    if password is not None:
        raise Unusable("the address holds a password", "take it out, and write password: env:NAME beside it")
    if parts.scheme not in {"postgresql", "postgresql+psycopg", "sqlite", "duckdb"} or not value.isprintable():
        raise Unusable("the value is not the address of a database that can be read", hint)
    if parts.scheme in {"sqlite", "duckdb"} and (not parts.path.strip("/") or parts.path.startswith("/:")):
        raise Unusable("the address names no file", hint)
    return value


def _relative(value: str) -> str:
    parts = value.split("/")
    if value.startswith("/") or ".." in parts or not all(parts) or not value.isprintable():
        raise Unusable(f"{shown(value)} is not a file in a repository", "write it from the top, as in prod/values.yaml")
    return value


def _glob(value: str) -> str:
    hint = 'write it as in .gitignore: "src/**"'
    if not value.strip() or value.startswith("#"):
        raise Unusable(f"{shown(value)} matches nothing", hint)
    if value.startswith("!"):
        raise Unusable(f"{shown(value)} takes back what other patterns say", "list it on the other side: allow or deny")
    try:
        from pathspec import GitIgnoreSpec  # a configuration with no patterns of its own needs none

        spec = GitIgnoreSpec.from_lines([value], backend="simple")
    except ValueError:
        raise Unusable(f"{shown(value)} is not a pattern of paths", hint) from None
    if not any(pattern.include for pattern in spec.patterns):
        raise Unusable(f"{shown(value)} matches nothing", hint)
    return value


def _text(value: str) -> str:
    if not value.strip():
        raise Unusable("the text is empty", "write something, or remove the line for the default")
    return value


def _shown(kind: str, form: re.Pattern[str] | str) -> WithJsonSchema:
    """A text in the file's schema: what kind it is, and its form, where a form says it all or most of it."""
    pattern = form if isinstance(form, str) else form.pattern
    return WithJsonSchema({"type": "string", "title": kind, "pattern": f"^{pattern}$"})


_SOMETHING = WithJsonSchema({"type": "string", "title": "text", "pattern": "\\S"})

Duration: TypeAlias = Annotated[
    timedelta,
    BeforeValidator(_validating(_duration)),
    PlainSerializer(duration.format, return_type=str, when_used="json"),
    _shown("duration", "[0-9]+(ms|s|m|h|d)"),
]


Moment: TypeAlias = Annotated[
    datetime,
    BeforeValidator(_validating(_moment)),
    PlainSerializer(datetime.isoformat, return_type=str, when_used="json"),
    _shown("time", _MOMENT),
]
TimeOfDay: TypeAlias = Annotated[
    time,
    BeforeValidator(_validating(_time_of_day)),
    PlainSerializer(time.isoformat, return_type=str, when_used="json"),
    _shown("time of day", _TIME_OF_DAY),
]
Zone: TypeAlias = Annotated[str, AfterValidator(_validating(_zone)), _shown("time zone", _ZONE)]
SecretRef: TypeAlias = Annotated[
    Secret,
    PlainValidator(_validating(Secret.parse)),
    PlainSerializer(str, return_type=str, when_used="json"),
    _shown("secret", "(env|file|cmd):.+"),
]
Text: TypeAlias = Annotated[str, AfterValidator(_validating(_text)), _SOMETHING]
Name: TypeAlias = Annotated[
    str,
    AfterValidator(
        _validating(_matching(_NAME, "is not a name", "use letters, digits, dot, dash and underscore, at most 63"))
    ),
    _shown("name", _NAME),
]
FullName: TypeAlias = Annotated[
    str,
    AfterValidator(_validating(_matching(_FULL_NAME, "is not owner/name", "write it as in acme/shop"))),
    _shown("owner/name", _FULL_NAME),
]
LabelName: TypeAlias = Annotated[
    str,
    AfterValidator(
        _validating(_matching(_LABEL, "is not the name of a label", "use letters, digits and underscore, as in app"))
    ),
    _shown("label", _LABEL),
]
HeaderName: TypeAlias = Annotated[
    str,
    AfterValidator(_validating(_matching(_HEADER, "is not the name of a header", "write it as in X-Scope-OrgID"))),
    _shown("header", _HEADER),
]
VariableName: TypeAlias = Annotated[
    str,
    AfterValidator(
        _validating(
            _matching(_VARIABLE, "is not the name of a variable", "use letters, digits and underscore, as in PGHOST")
        )
    ),
    _shown("variable", _VARIABLE),
]
HostName: TypeAlias = Annotated[
    str,
    AfterValidator(
        _validating(
            _matching(_HOST_NAME, "is no name of a host", "write small letters, digits and hyphens, as in orders-db")
        )
    ),
    _shown("host", _HOST_NAME),
]
ContainerPath: TypeAlias = Annotated[
    str,
    AfterValidator(
        _validating(
            _matching(_CONTAINER_PATH, "is no path in a container", "write it from the root, as in /var/cache/app")
        )
    ),
    _shown("path", _CONTAINER_PATH),
]
Address: TypeAlias = Annotated[
    str,
    AfterValidator(_validating(_matching(_ADDRESS, "is not an e-mail address", "write it as in sre@example.com"))),
    _shown("e-mail address", _ADDRESS),
]
Branch: TypeAlias = Annotated[
    str,
    AfterValidator(_validating(_matching(_BRANCH, "is not the name of a branch", "write it as in main"))),
    _shown("branch", _BRANCH),
]
Url: TypeAlias = Annotated[str, AfterValidator(_validating(_url)), _shown("URL", r"https?://[^/?#\s@]+([/?#]\S*)?")]
HostPort: TypeAlias = Annotated[str, AfterValidator(_validating(_host_port)), _shown("host:port", _HOST_PORT)]
Store: TypeAlias = Annotated[
    str,
    AfterValidator(_validating(_store)),
    _shown(
        "store",
        r"(sqlite:///[^:?].*|postgresql(\+psycopg)?://(?!.*[?&](ssl)?password=)([^:@/?#]+@)?[^@/?#]*/[^/?#]+([?#].*)?)",
    ),
]
DatabaseUrl: TypeAlias = Annotated[
    str, AfterValidator(_validating(_database)), _shown("database", "(postgresql(\\+psycopg)?|sqlite|duckdb)://.+")
]
RelativePath: TypeAlias = Annotated[str, AfterValidator(_validating(_relative)), _shown("path", "[^/].*")]
KeyPath: TypeAlias = Annotated[
    str,
    AfterValidator(
        _validating(
            _matching(
                _KEY_PATH, "is not a place in a file", "write it as in .image.tag, or Kind/namespace/name:.spec.x"
            )
        )
    ),
    _shown("place in a file", _KEY_PATH),
]
LogSelector: TypeAlias = Annotated[str, AfterValidator(_validating(logql.selector)), _shown("selector", r"\{.+")]
LogFilter: TypeAlias = Annotated[str, AfterValidator(_validating(logql.filter_of)), _shown("filter", r"\s*[|!].+")]
Glob: TypeAlias = Annotated[str, AfterValidator(_validating(_glob)), _shown("pattern of paths", r"[^#!\s].*")]
Count: TypeAlias = Annotated[int, Field(ge=1)]
