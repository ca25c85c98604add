"""Reads `trackwalker.yaml`. A file is used as a whole or refused with all that is wrong in it, one mistake a line."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from config import references, wording
from config.document import Loc
from config.errors import ConfigError, Mistake, shown
from config.include import Composed, compose
from config.settings import Settings

FILE_NAME = "trackwalker.yaml"
_LARGEST = 1024 * 1024  # a thousand watches are about 200 KiB
_BEGINNING = ("signals", "forge", "catalog")
_MADE_UP: Mapping[str, object] = {
    "watch": ({"import": "prometheus_rules", "source": "main"},),
    "repositories": ({"name": "none", "url": "http://127.0.0.1/none/none.git", "full_name": "none/none"},),
}


def load(path: Path, text: str | None = None) -> Settings:
    """The settings in a file. Secrets are not read: only where they are found is kept.

    With `text` it is that which is read in the file's place, as if it stood there. Raises ConfigError with every
    mistake: first those of single values; when there are none, those between them.
    """
    return _used(str(path), _composed(path, text))


def load_anew(path: Path, present: Settings) -> Settings:
    """The settings in a file that are to take the place of `present` in a daemon that goes on running.

    Raises ConfigError as `load` does, and for what only a restart can change.
    """
    file = str(path)
    read = _composed(path, None)
    settings = _used(file, read)
    fixed: list[tuple[Loc, str, str]] = [
        (("store",), present.store, settings.store),
        (("lessons", "vectors"), present.lessons.vectors, settings.lessons.vectors),
        (("api", "listen"), present.api.listen, settings.api.listen),
    ]
    said = "cannot change while the daemon runs: it needs a restart"
    misfits = [
        (loc, (said, f"restart it, or write {loc[-1]}: {shown(before)}")) for loc, before, now in fixed if before != now
    ]
    if misfits:
        raise ConfigError(file, _mistakes(read, misfits))
    return settings


def _used(file: str, read: Composed) -> Settings:
    outcome = _validated(read.value)
    if not isinstance(outcome, Settings):
        raise ConfigError(file, _mistakes(read, wording.translate(outcome)))
    if misfits := references.check(outcome):
        raise ConfigError(file, _mistakes(read, misfits))
    return outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A file of which only the beginning counts: where telemetry and the forge are.

    value     all that it holds, unchecked, with what it includes
    own       what it holds itself: the same objects
    settings  those of `signals`, `forge` and `catalog`; what else a whole file needs is made up
    """

    text: str
    value: Mapping[str, object]
    own: Mapping[str, object]
    settings: Settings


def begin(path: Path, text: str | None = None) -> Begun:
    """Read a file whose rest may be missing or wrong: that is found out and proposed. `text` as in `load`.

    Raises ConfigError for what is wrong with its beginning.
    """
    file = str(path)
    held = text_of(path) if text is None else text
    read = _composed(path, held)
    value, own = _keys(read.value), _keys(read.pieces[0].read.value)
    outcome = _validated({**_MADE_UP, **{key: value[key] for key in _BEGINNING if key in value}})
    if not isinstance(outcome, Settings):
        raise ConfigError(file, _mistakes(read, wording.translate(outcome)))
    misfits = [(loc, said) for loc, said in references.check(outcome) if loc[0] in _BEGINNING]
    if misfits:
        raise ConfigError(file, _mistakes(read, misfits))
    return Begun(text=held, value=value, own=own, settings=outcome)


def _keys(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _composed(path: Path, text: str | None) -> Composed:
    return compose(path, lambda wanted: text if text is not None and wanted == path else text_of(wanted))


def _mistakes(read: Composed, found: Iterable[tuple[Loc, wording.Said]]) -> list[Mistake]:
    return [
        Mistake(file=file, line=line, key=wording.key(loc), problem=problem, hint=hint)
        for loc, (problem, hint) in found
        for file, line in [read.place_of(loc)]
    ]


def _validated(value: object) -> Settings | list[ErrorDetails]:
    """Settings, or what is wrong. Errors are returned: an exception on the way would carry the file's values along."""
    try:
        return Settings.model_validate(value)
    except ValidationError as error:
        return error.errors(include_url=False)


_MISSING = "run `trackwalker init` to write one, or name it with --config"


def text_of(path: Path, missing: str = _MISSING) -> str:
    """The file's text. Raises ConfigError for one that is not there, not readable, too large or not UTF-8.

    `missing` is what to do where it is not there.
    """
    raw = _bytes(path, missing)
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


def _bytes(path: Path, missing: str) -> bytes | Mistake:
    try:
        with path.open("rb") as stream:
            return stream.read(_LARGEST + 1)
    except FileNotFoundError:
        return Mistake(problem="there is no such file", hint=missing)
    except IsADirectoryError:
        return Mistake(problem="is a folder", hint=f"name the file in it, as in {path / FILE_NAME}")
    except OSError as error:
        return Mistake(problem=f"cannot be read ({error.strerror})", hint="let the user that runs trackwalker read it")
