"""Files beside the configuration, each of one thing: read as a whole, or refused with every mistake and its line."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from config import wording
from config.document import Loc, parse
from config.errors import ConfigError, Mistake
from config.section import Section

Form = TypeVar("Form", bound=Section)


def read(
    text: str, name: str, form: type[Form], shown: str, misfits: Callable[[Form], Iterable[tuple[Loc, str, str]]]
) -> Form:
    """The file as its form has it.

    shown    what to do where the file as a whole is wrong: which page shows its keys
    misfits  what does not fit together: where, what, what would be right; asked once all single values are right
    Raises ConfigError with every mistake.
    """
    if all(not line.strip() or line.lstrip().startswith("#") for line in text.splitlines()):
        raise ConfigError(name, [Mistake(problem="the file is empty", hint=shown)])
    document = parse(text, name)
    found = _validated(document.value, form)
    said: list[tuple[Loc, str, str]] = (
        [(loc, *_of_files(loc, said, shown)) for loc, said in wording.translate(found, form)]
        if isinstance(found, list)
        else list(misfits(found))
    )
    if said or isinstance(found, list):
        mistakes = [
            Mistake(line=document.line_of(loc), key=wording.key(loc), problem=problem, hint=hint)
            for loc, problem, hint in said
        ]
        raise ConfigError(name, mistakes)
    return found


def _validated(value: object, form: type[Form]) -> Form | list[ErrorDetails]:
    try:
        return form.model_validate(value)
    except ValidationError as error:
        return error.errors(include_url=False)


def _of_files(loc: Loc, said: wording.Said, shown: str) -> wording.Said:
    """What `trackwalker init` writes is another file."""
    problem, hint = said
    return (problem, shown) if not loc else (problem, hint)
