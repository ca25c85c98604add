"""Secret: where a credential is found, never the credential itself. It is read at the moment it is used."""

import os
import shlex
import subprocess
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from cases.errors import PermanentError, TemporaryError
from config.errors import Unusable

FORMS = "write env:NAME (an environment variable), file:PATH (a file) or cmd:COMMAND (what a command prints)"
_PATIENCE = timedelta(seconds=10)  # a password manager's client answers in a second or two
_KINDS = ("env", "file", "cmd")
_LARGEST = 64 * 1024  # a certificate chain fits; a wrong path to something big does not


@dataclass(frozen=True, slots=True)
class Secret:
    """A reference to a credential, in one of three forms: `env:NAME`, `file:PATH`, `cmd:COMMAND`.

    Neither its text nor its repr shows what it refers to, and a command is not shown either: its arguments may say
    more than they should. Paths are taken from the working directory; `~` is the home directory.
    """

    kind: str
    target: str = field(repr=False)

    @classmethod
    def parse(cls, value: object) -> "Secret":
        """The reference that a file wrote. Raises Unusable for anything else, without repeating it."""
        if isinstance(value, Secret):
            return value
        if value is None:
            raise Unusable("there is no value", FORMS)
        kind, colon, target = value.partition(":") if isinstance(value, str) else ("", "", "")
        if not colon or kind not in _KINDS or not target.strip() or not target.isprintable():
            raise Unusable("a secret is never written into the file", FORMS)
        if kind == "env" and not target.isidentifier():
            raise Unusable("what follows env: is not the name of an environment variable", "write env:GITHUB_TOKEN")
        return cls(kind, target.strip())

    def reveal_key(self) -> str:
        """Read a key of several lines now, as a PEM file has it. In a single line, a backslash and n end a line.

        Raises like `reveal`.
        """
        value = self._read(_PATIENCE).strip()
        if not value:
            raise PermanentError(f"{self} is empty; put the key there")
        return value if "\n" in value else value.replace("\\n", "\n")

    def reveal(self, *, patience: timedelta = _PATIENCE) -> str:
        """Read the credential now: one line, the white space around it dropped. Nothing is kept, so a new one is seen.

        Raises PermanentError when it is not there, TemporaryError when a command takes longer than `patience`.
        """
        value = self._read(patience).strip()
        if not value:
            raise PermanentError(f"{self} is empty; put the credential there")
        if not value.isprintable():
            # Said here and not by whoever uses it: HTTP libraries repeat a bad header's value in their error.
            raise PermanentError(f"{self} holds more than one line of text; put the credential alone there")
        return value

    def _read(self, patience: timedelta) -> str:
        if self.kind == "env":
            return _environment(self.target)
        if self.kind == "file":
            return _file(self.target)
        return _command(self.target, patience)

    def __str__(self) -> str:
        return f"cmd:{_program(self.target)} …" if self.kind == "cmd" else f"{self.kind}:{self.target}"


def _environment(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise PermanentError(f"the environment variable {name} is not set; set it where trackwalker runs")
    return value


def _file(path: str) -> str:
    try:
        with Path(path).expanduser().open("rb") as stream:
            raw = stream.read(_LARGEST + 1)
    except OSError as error:
        raise PermanentError(
            f"file:{path} cannot be read ({error.strerror}); name a file that trackwalker may read"
        ) from None
    if len(raw) > _LARGEST:
        raise PermanentError(f"file:{path} is larger than 64 KiB; name a file that holds the credential alone")
    return _text(raw, f"file:{path}")


def _command(line: str, patience: timedelta) -> str:
    program = f"cmd:{_program(line)} …"
    try:
        # Its standard error is dropped: a password manager may say there what nobody else should read.
        done = subprocess.run(
            shlex.split(line),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=patience.total_seconds(),
            check=False,
        )
    except subprocess.TimeoutExpired:
        failure: PermanentError | TemporaryError = TemporaryError(
            f"{program} did not answer within {patience.total_seconds():g} s; run it by hand and see what it waits for"
        )
    except (OSError, ValueError):
        failure = PermanentError(f"{program} could not be started; check the name and the quotes of the command")
    else:
        if done.returncode == 0:
            return _text(done.stdout[: _LARGEST + 1], program)
        failure = PermanentError(f"{program} ended with status {done.returncode}; run it by hand and see why")
    raise failure  # outside the handlers: what subprocess raised carries the whole command and its output


def _text(raw: bytes, where: str) -> str:
    text = raw.decode(errors="replace")
    if "\ufffd" in text:
        raise PermanentError(f"{where} does not hold UTF-8 text; put the credential there as text")
    return text


def _program(line: str) -> str:
    return Path(line.split(maxsplit=1)[0]).name
