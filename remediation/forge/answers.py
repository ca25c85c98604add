"""What the API answers, as models: whatever else an answer holds is left alone, and what is missing is said."""

from typing import TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from cases.errors import TemporaryError


class Answered(BaseModel):
    """A part of an answer, as far as it is read."""

    model_config = ConfigDict(frozen=True, extra="ignore")


Shape = TypeVar("Shape", bound=Answered)


def read(shape: type[Shape], what: str, content: object) -> Shape:
    """The answer as the shape has it. TemporaryError where it is of another one; `what` begins the sentence."""
    try:
        return shape.model_validate(content)
    except ValidationError as error:
        raise _not_githubs(what, error) from None


def read_all(shape: type[Shape], what: str, content: object) -> tuple[Shape, ...]:
    """The same for a list."""
    if not isinstance(content, list):
        raise TemporaryError(f"{what}: the answer is not GitHub's (it is no list)")
    return tuple(read(shape, what, entry) for entry in cast("list[object]", content))


def _not_githubs(what: str, error: ValidationError) -> TemporaryError:
    where = ".".join(str(step) for step in error.errors(include_input=False, include_url=False)[0]["loc"])
    return TemporaryError(f"{what}: the answer is not GitHub's (at {where or 'the whole'})")
