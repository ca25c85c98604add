"""`hypothesis.yaml`: somebody's own idea for an outcome, whole: what is turned, what is expected, how it is found out.

```yaml
hypothesis: Build a shorter payment form for visitors on phones, and they leave fewer carts.
outcome: checkout-abandonment
mechanism: Half of the fields are never needed, and each one costs time on a phone.
prediction: {signal: shop/abandonment, direction: down, size: 0.02}
turn: {lever: form, value: short}
measurement: {least: 0.01, days: 21}
rollout: [0.5, 1]
effort: small
risk: low
blast_radius: Every second visitor of the payment form.
```
"""

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from cases.goal import Goal
from config import wording
from config.document import Loc, parse
from config.errors import ConfigError, Mistake
from config.hypothesis_form import HypothesisFile
from config.hypothesis_misfits import misfits
from config.load import text_of
from config.settings import Settings

_SHOWN = "write the keys that docs/hypotheses.md shows"


def read(text: str, name: str, goals: Mapping[str, Goal], settings: Settings) -> HypothesisFile:
    """The hypothesis in a text, for one of the goals (by name). Raises ConfigError with every mistake.

    Mistakes of single values come alone: what does not fit together is looked at once they are right.
    """
    if all(not line.strip() or line.lstrip().startswith("#") for line in text.splitlines()):
        raise ConfigError(name, [Mistake(problem="the file is empty", hint=_SHOWN)])
    document = parse(text, name)
    found = _validated(document.value)
    said: list[tuple[Loc, str, str]] = (
        [(loc, *_of_files(loc, said)) for loc, said in wording.translate(found, HypothesisFile)]
        if isinstance(found, list)
        else list(misfits(found, goals, settings))
    )
    if said or isinstance(found, list):
        raise ConfigError(
            name,
            [
                Mistake(line=document.line_of(loc), key=wording.key(loc), problem=problem, hint=hint)
                for loc, problem, hint in said
            ],
        )
    return found


def text_in(path: Path) -> str:
    """The text of such a file. Raises ConfigError for one that cannot be read."""
    return text_of(path, missing="name the file that holds the hypothesis")


def _validated(value: object) -> HypothesisFile | list[ErrorDetails]:
    try:
        return HypothesisFile.model_validate(value)
    except ValidationError as error:
        return error.errors(include_url=False)


def _of_files(loc: Loc, said: wording.Said) -> wording.Said:
    """What `trackwalker init` writes is another file."""
    problem, hint = said
    return (problem, _SHOWN) if not loc else (problem, hint)
