"""Reads `trackwalker.yaml`. A file is used as a whole or refused with all that is wrong in it, one mistake a line."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from config import document, references, wording
from config.document import Document, Loc
from config.errors import ConfigError, Mistake
from config.settings import Settings

FILE_NAME = "trackwalker.yaml"
_LARGEST = 1024 * 1024  # a thousand watches are about 200 KiB


def load(path: Path) -> Settings:
    """The settings in a file. Secrets are not read: only where they are found is kept.

    Raises ConfigError with every mistake: first those of single values; when there are none, those between them.
    """
    file = str(path)
    read = document.parse(_text(path), file)
    outcome = _validated(read.value)
    if not isinstance(outcome, Settings):
        raise ConfigError(file, _mistakes(read, wording.translate(outcome)))
    if misfits := references.check(outcome):
        raise ConfigError(file, _mistakes(read, misfits))
    return outcome


def _mistakes(read: Document, found: Iterable[tuple[Loc, wording.Said]]) -> list[Mistake]:
    return [
        Mistake(line=read.line_of(loc), key=wording.key(loc), problem=problem, hint=hint)
        for loc, (problem, hint) in found
    ]


def _validated(value: object) -> Settings | list[ErrorDetails]:
    """Settings, or what is wrong. Errors are returned: an exception on the way would carry the file's values along."""
    try:
        return Settings.model_validate(value)
    except ValidationError as error:
        return error.errors(include_url=False)


def _text(path: Path) -> str:
    """The file's text. Raises ConfigError for one that is not there, not readable, too large or not UTF-8."""
    raw = _bytes(path)
    if isinstance(raw, Mistake):
        raise ConfigError(str(path), [raw])
    if len(raw) > _LARGEST:
        raise ConfigError(str(path), [Mistake(problem="is larger than 1 MiB", hint="name a configuration file")])
    text = raw.decode("utf-8-sig", errors="surrogateescape")
    for line, content in enumerate(text.split("\n"), start=1):
        if any("\ud800" <= letter <= "\udfff" for letter in content):
            raise ConfigError(
                str(path), [Mistake(line=line, problem="this line is not UTF-8", hint="save the file as UTF-8")]
            )
    return text


def _bytes(path: Path) -> bytes | Mistake:
    try:
        with path.open("rb") as stream:
            return stream.read(_LARGEST + 1)
    except FileNotFoundError:
        return Mistake(
            problem="there is no such file", hint="run `trackwalker init` to write one, or name it with --config"
        )
    except IsADirectoryError:
        return Mistake(problem="is a folder", hint=f"name the file in it, as in {path / FILE_NAME}")
    except OSError as error:
        return Mistake(problem=f"cannot be read ({error.strerror})", hint="let the user that runs trackwalker read it")
