"""Where to look in the code when no stack trace leads there: a model is shown the map, and names what it would read.

What it names must exist in the map. Nothing is concluded from it: it only chooses what code the next question shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cases.asking import REPOSITORY, Material
from cases.case import Case
from cases.diagnosis import Evidence
from cases.errors import PermanentError
from cases.ports import LanguageModel
from remediation.edit import asking
from remediation.edit.brief import reader
from remediation.edit.code import function_at
from remediation.edit.places import Place
from remediation.edit.repository_map import repository_map
from remediation.neutral import neutral
from remediation.ports import Ports

MOST_PLACES = 3
LOCATE = """\
Name the functions that you would read first, the likeliest first, three at the most.
You are shown the evidence of an incident, facts with ids, and a map of the repository: its files, and the lines at
which functions and types begin. No stack trace leads into the code. Name path and function as they stand in the map;
name none when the facts point nowhere in the code.
"""


class PlaceAnswer(BaseModel):
    """A function of the map."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: asking.Path
    function: Annotated[str, Field(min_length=1, max_length=200)]


class LocatedAnswer(BaseModel):
    """The functions to read first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    places: Annotated[list[PlaceAnswer], Field(max_length=MOST_PLACES)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """The places that a model would read first. `because` is why there are none, for people; "" where there are."""

    places: tuple[Place, ...] = ()
    because: str = ""


def located(
    case: Case,
    ports: Ports,
    model: LanguageModel,
    facts: Sequence[Evidence],
    words: Sequence[str],
    *,
    task: str = LOCATE,
    purpose: str = "locate",
) -> Located:
    """Ask once, with the map of what the watched branch holds now. `words` are what the diagnosis names.

    `task` is how it is asked, and `purpose` whose money it costs.
    """
    repository = ports.settings.service(case.service).repository
    head = ports.forge.head(repository)
    drawn = repository_map(ports.forge.tree(repository, head, ()), words, ports.settings.scope)
    if not drawn.paths:
        return Located(because="no stack trace leads into the code, and no grammar reads it, so there is no map of it")
    told = (
        Material(
            title="Facts", source="evidence of the case", text="\n".join(f"{fact.id}: {fact.fact}" for fact in facts)
        ),
        Material(
            title=f"Map of the repository: {len(drawn.paths)} of {drawn.files} files",
            source=REPOSITORY,
            text=drawn.text,
        ),
    )
    try:
        said, answer = asking.ask(model, LocatedAnswer, case=case.id, purpose=purpose, task=task, material=told)
    except PermanentError as error:
        return Located(because=asking.reason(error))
    read = reader(ports.forge, repository, head)
    found: list[Place] = []
    for one in said.places:
        content = read(one.path) if one.path in drawn.paths else None
        function = function_at(one.path, content, 0, one.function) if content is not None else None
        if function is not None:
            found.append(Place(path=one.path, line=function.line, function=function.name))
    if not found:
        name = neutral(answer.model, 60)
        return Located(because=f"{name} names no place in the code" + (" that exists" if said.places else ""))
    return Located(places=tuple(dict.fromkeys(found)))
