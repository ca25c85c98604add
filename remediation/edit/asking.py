"""The questions that a model is asked, and the shapes of its answers. What comes back is checked, never believed."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cases.asking import Answer, Material, Question
from cases.errors import NoAnswer, PermanentError, TemporaryError
from cases.ports import LanguageModel
from remediation.neutral import neutral

Shape = TypeVar("Shape", bound=BaseModel)
Path = Annotated[str, Field(min_length=1, max_length=400)]
Code = Annotated[str, Field(max_length=20_000)]
Words = Annotated[str, Field(max_length=600)]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EditAnswer(_Answer):
    """One exact replacement."""

    path: Path
    search: Code
    replace: Code


class TestAnswer(_Answer):
    """The regression test: a new file, or what is added behind the end of one that is there."""

    path: Path
    content: Code


class ChangeAnswer(_Answer):
    """An edit with its test, as replacements. `cannot` says why there is none; the rest is empty then."""

    edits: Annotated[list[EditAnswer], Field(max_length=8)] = []
    test: TestAnswer | None = None
    claim: Words = ""
    risk: Words = ""
    cannot: Words = ""


class ReproductionAnswer(_Answer):
    """A test alone, before anything is mended. `cannot` says why there is none."""

    test: TestAnswer | None = None
    cannot: Words = ""


class FunctionAnswer(_Answer):
    """A whole function, anew."""

    path: Path
    function: Annotated[str, Field(min_length=1, max_length=200)]
    code: Code


class FunctionsAnswer(_Answer):
    """An edit with its test, as whole functions."""

    functions: Annotated[list[FunctionAnswer], Field(max_length=3)] = []
    test: TestAnswer | None = None
    claim: Words = ""
    risk: Words = ""
    cannot: Words = ""


WITH_TEST = """\
Mend the function that raises an exception in production by the smallest edit, with a regression test.
The test fails with the same exception in the same file as the code is now, and passes with your edit.
"""
TO_THE_TEST = """\
Mend the function that raises an exception in production by the smallest edit that makes the regression test pass.
The test is in the material, and stays as it is: leave `test` out.
"""
EDITS = """\
- `edits`, up to 8: each `search` stands in its file exactly once, copied exactly; `replace` takes its place.
"""
THE_TEST = """\
- `test`: a new file that the repository's test runner collects, beside the tests that are there; or the path of an
  existing test file and what to add at its end. It calls the code as production does; it prints, mocks and skips
  nothing, and imports at its top only what exists already.
"""
LIMITS = """\
- Change no existing test, configuration or dependency. Bring in no new import, network, process, file access or
  environment. Do not swallow the exception: handle the input that causes it.
- At most {files} files and {lines} changed lines, the test included.
- `claim`: what was wrong, in one sentence. `risk`: one sentence.
- If it cannot be mended so, say why in `cannot`, and leave the rest empty.
"""
EDIT = WITH_TEST + EDITS + THE_TEST + LIMITS
MEND = TO_THE_TEST + EDITS + LIMITS
REPRODUCE = (
    """\
Write a regression test that fails with the exception of production in the same file, as the code is now.
Nothing is mended yet, and the test stays as it is once it failed so: let it say what the code should do.
"""
    + THE_TEST
    + """\
- If no test can show it, say why in `cannot` and leave the rest empty.
"""
)
AGAIN = "\nYour last answer did not go in: see the material. Copy `search` exactly."
WHOLE = """
Your `search` did not go in twice. Answer with `functions` now, up to 3: the path, the function's name (`Class.method`
for a method), and its whole new source with its decorators and its indentation.
"""


@cache
def schema_of(shape: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of an answer, with nothing to look up elsewhere."""
    schema = shape.model_json_schema()
    definitions: dict[str, Any] = schema.pop("$defs", {})
    inlined: dict[str, Any] = _inlined(schema, definitions)
    return inlined


def _inlined(node: Any, definitions: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]  # pyright: ignore[reportUnknownVariableType] - JSON
    if not isinstance(node, dict):
        return node
    fields = cast("dict[str, Any]", node)
    if "$ref" in fields:
        return _inlined(definitions[str(fields["$ref"]).rpartition("/")[2]], definitions)
    return {
        key: _inlined(value, definitions)
        for key, value in fields.items()
        if key not in {"title", "default", "description"}
    }


def ask(
    model: LanguageModel, shape: type[Shape], *, case: str, purpose: str, task: str, material: tuple[Material, ...]
) -> tuple[Shape, Answer]:
    """Ask and read the answer. Raises NoAnswer for one that does not fit, whatever the port let through."""
    name = {"ChangeAnswer": "edit", "FunctionsAnswer": "edit_functions"}.get(shape.__name__, purpose)
    question = Question(
        case=case, purpose=purpose, task=task, material=material, name=name, schema=schema_of(shape)
    )  # fmt: skip
    answer = model.ask(question)
    try:
        return shape.model_validate(dict(answer.content)), answer
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "the whole"
        raise NoAnswer(
            f"{neutral(answer.model, 60)} answered what cannot be used ({neutral(place, 60)}: {first['msg']})"
        ) from None


def reason(error: PermanentError | TemporaryError) -> str:
    """Why a model gave nothing, in one line."""
    return f"the model was of no help: {neutral(str(error), 200)}"
