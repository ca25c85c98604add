"""Sessions: what providers were asked and answered, in a file, to be played again byte by byte.

A file is lines of JSON. The first says whose words follow: the settings of every provider, without keys, and the secret
that makes the words of the marks, which must be the same the next time. Each other line is one request with its answer:

    {"provider": 0, "path": "/v1/messages", "request": "…", "status": 200, "type": "application/json", "answer": "…"}

`failed` stands in place of an answer that never came. Bytes that are no text stand as `{"base64": "…"}`.
"""

import base64
import hashlib
import hmac
import json
import logging
import os
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from cases.asking import Question
from cases.errors import PermanentError
from config.models import ModelSettings

if TYPE_CHECKING:
    import httpx2

log = logging.getLogger("trackwalker.model")

FORM = "trackwalker model session 1"
_LEFT_OUT = {"script": True, "record": True, "api_key": True, "failover": {"__all__": {"api_key"}}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A file's first line: the providers, and the secret of the marks."""

    settings: Mapping[str, Any]
    secret: str

    def nonce(self, question: Question) -> str:
        """The word of the marks: one for all questions of a kind, and unknown to whoever has not this file."""
        kind = f"{question.purpose}\n{question.name}".encode()
        return hmac.new(bytes.fromhex(self.secret), kind, hashlib.sha256).hexdigest()[:16]

    def providers(self) -> ModelSettings:
        """The settings as they were, without keys. Raises PermanentError where this version does not know them."""
        try:
            return ModelSettings.model_validate_json(json.dumps(self.settings))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise PermanentError(f"the session was recorded by another version ({first['msg']})") from None


class Recorder:
    """Adds every exchange to a file, which only its owner can read. Safe for threads.

    Raises PermanentError for a file that cannot be written, or that holds a session of other providers.
    """

    def __init__(self, path: str | Path, settings: ModelSettings) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()
        try:
            found = _there(self._path, settings)
            self.session = found or Session(settings=_kept(settings), secret=secrets.token_hex(16))
            if found is None:
                first = {"form": FORM, "settings": self.session.settings, "secret": self.session.secret}
                self._add(first)
        except OSError as error:
            raise PermanentError(f"model.record: {path} cannot be written ({error.strerror})") from None

    def tape(self, provider: int) -> "ProviderTape":
        """What takes down the words of one provider, by its place in the chain."""
        return ProviderTape(provider, self._take)

    def _take(self, line: Mapping[str, Any]) -> None:
        try:
            self._add(line)
        except OSError as error:  # a full disk ends the recording, not the case
            log.warning("model.record: %s cannot be written any more (%s)", self._path, error.strerror)

    def _add(self, line: Mapping[str, Any]) -> None:
        text = json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        with self._lock:
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(handle, text)
            finally:
                os.close(handle)


class ProviderTape:
    """The port `remediation.model.wire.Tape` of one provider. What costs nothing to ask is not taken down."""

    def __init__(self, provider: int, take: Callable[[Mapping[str, Any]], None]) -> None:
        self._provider = provider
        self._take = take

    def answered(self, request: "httpx2.Request", response: "httpx2.Response") -> None:
        """Take down a request and its answer."""
        kept = {name: response.headers[name] for name in ("retry-after",) if name in response.headers}
        came = {"status": response.status_code, "type": response.headers.get("content-type", ""), "headers": kept}
        self._take({**self._asked(request), **came, "answer": _packed(response.content)})

    def failed(self, request: "httpx2.Request", error: "httpx2.RequestError") -> None:
        """Take down a request that nobody answered."""
        self._take({**self._asked(request), "failed": type(error).__name__})

    def _asked(self, request: "httpx2.Request") -> dict[str, Any]:
        return {"provider": self._provider, "path": request.url.path, "request": _packed(request.content)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request as it was, and what came of it: an answer, or the name of a failure."""

    provider: int
    path: str
    request: bytes
    status: int = 0
    type: str = ""
    headers: Mapping[str, str]
    answer: bytes = b""
    failed: str = ""


class Recording:
    """A session that was read: each exchange is played once, to the request that is just the same. Safe for threads."""

    def __init__(self, session: Session, exchanges: list[Exchange], where: str) -> None:
        self.session = session
        self.left = exchanges
        self._where = where
        self._lock = threading.Lock()

    def answer(self, provider: int, path: str, request: bytes) -> Exchange:
        """The next exchange with just that request. Raises PermanentError that says where it differs."""
        with self._lock:
            for number, one in enumerate(self.left):
                if (one.provider, one.path, one.request) == (provider, path, request):
                    return self.left.pop(number)
            expected = next((one for one in self.left if one.provider == provider), None)
        if expected is None:
            raise PermanentError(f"{self._where}: the recorded session is over, and one more question is asked")
        if expected.path != path:
            raise PermanentError(f"{self._where}: {path} is asked for, and {expected.path} was recorded")
        told = difference(expected.request, request)
        raise PermanentError(f"{self._where}: the request is not the recorded one: {told}")


def appendable(path: str, settings: ModelSettings) -> str:
    """Say what a recording would be added to, and write nothing. Raises PermanentError where it cannot be."""
    file = Path(path)
    try:
        found = _there(file, settings)
    except OSError as error:
        raise PermanentError(f"model.record: {path} cannot be read ({error.strerror})") from None
    folder = file.absolute().parent
    if not os.access(file if file.exists() else folder, os.W_OK):
        raise PermanentError(f"model.record: {path} cannot be written; name a file in a folder that can")
    return f"{path} is gone on with" if found else f"{path} will be begun"


def _there(path: Path, settings: ModelSettings) -> Session | None:
    """The session that a file holds already; None for a file that is not there, or empty."""
    if not path.exists() or not path.stat().st_size:
        return None
    found = read(path).session
    if found.settings != _kept(settings):
        raise PermanentError(
            f"model.record: {path} holds a session of other providers; name another file, or remove it"
        )
    return found


def _kept(settings: ModelSettings) -> Mapping[str, Any]:
    return settings.model_dump(mode="json", exclude=cast("Any", _LEFT_OUT))


def read(path: str | Path) -> Recording:
    """The session of a file. Raises PermanentError for one that is none, OSError where it cannot be read."""
    lines = Path(path).read_bytes().split(b"\n")
    try:
        head = json.loads(lines[0])
        if head["form"] != FORM:
            raise PermanentError(f"{path} is a session of another form ({head['form']!s:.60}); this one reads {FORM!r}")
        session = Session(settings=dict(head["settings"]), secret=str(head["secret"]))
        bytes.fromhex(session.secret)
        rows: list[dict[str, Any]] = [json.loads(line) for line in lines[1:] if line.strip()]
        exchanges = [_exchange(row) for row in rows]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PermanentError(f"{path} is no recorded session ({type(error).__name__} as it was read)") from None
    return Recording(session, exchanges, str(path))


def difference(expected: bytes, given: bytes) -> str:
    """Where two requests part, with what stands there in each."""
    pairs = enumerate(zip(expected, given, strict=False))
    at = next((number for number, (a, b) in pairs if a != b), min(len(expected), len(given)))
    start = max(0, at - 30)
    shown = [bytes(text[start : at + 50]).decode(errors="replace") for text in (expected, given)]
    return f"from byte {at} on it says …{shown[1]!r}, and …{shown[0]!r} was recorded"


def _exchange(row: Mapping[str, Any]) -> Exchange:
    asked: dict[str, Any] = {"provider": int(row["provider"]), "path": str(row["path"])}
    asked["request"] = _unpacked(row["request"])
    if "failed" in row:
        return Exchange(**asked, headers={}, failed=str(row["failed"]))
    came: dict[str, Any] = {"status": int(row["status"]), "type": str(row["type"]), "headers": dict(row["headers"])}
    return Exchange(**asked, **came, answer=_unpacked(row["answer"]))


def _packed(body: bytes) -> str | dict[str, str]:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def _unpacked(value: str | Mapping[str, str]) -> bytes:
    return value.encode() if isinstance(value, str) else base64.b64decode(value["base64"], validate=True)
