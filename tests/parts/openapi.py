"""Holds every exchange of a GitHub-shaped server against GitHub's own OpenAPI description.

`data/github/openapi-*.json.gz` are cut from npm's `@octokit/openapi` (MIT, its notice lies beside it). What is not
in them is a failure: an undocumented operation or status, a request or an answer of another shape.
"""

import gzip
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast

from jsonschema.exceptions import ValidationError
from openapi_schema_validator import OAS30Validator, oas30_format_checker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4
from werkzeug import Request, Response

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]

FOLDER = Path(__file__).parents[1] / "data/github"
SUBSETS = ("openapi-subset.json.gz", "openapi-conversation.json.gz")
PREFIX = "/api/v3"
ERRORS = 400  # from here on GitHub sends a message, also where it documents no shape for it

ALLOWED: tuple[tuple[str, str], ...] = (
    (
        r"request POST /repos/\{owner\}/\{repo\}/issues/\{issue_number\}/labels .* is not valid under any",
        "PyGithub sends the bare array, and GitHub takes it",
    ),
    (r"status 401 of ", "GitHub asks for a token before it looks at the operation, and documents it for a few only"),
    (r"status 403 of ", "so does a token that may do a part only, and an archived repository, whatever the operation"),
    (r"status 304 of GET ", "a request with an ETag is answered so where nothing changed, documented for a few only"),
    (
        r"status 422 of .*No commit found for SHA",
        "a commit that is not there is answered so, documented for a few only",
    ),
    (r"status 404 of ", "a repository that is not there answers so for every operation below it"),
)
"""What the description does not say, and why it is right all the same."""


class OpenApi:
    """Collects what the description does not allow."""

    def __init__(self) -> None:
        self.failures: list[str] = []
        self.seen: set[str] = set()
        self.answered: list[tuple[str, str, int]] = []

    def around(self, application: Wsgi) -> Wsgi:
        """The application with every API exchange held against the description."""

        def watched(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401 - WSGI's own
            request = Request(environ)
            if not request.path.startswith(PREFIX):
                return application(environ, start_response)
            environ["wsgi.input"] = io.BytesIO(request.get_data())  # it was read, and is read again
            response = Response.from_app(application, environ, buffered=True)
            self.answered.append((request.method, request.path.removeprefix(PREFIX), response.status_code))
            self._hold(request, response)
            return response(environ, start_response)

        return watched

    def _hold(self, request: Request, response: Response) -> None:
        found = operation_of(request.method, request.path.removeprefix(PREFIX))
        if found is None:
            self._fail(f"no operation {request.method} {request.path}")
            return
        name, operation, where = found
        self.seen.add(name)
        for failure in _faults_of(name, operation, where, request, response):
            self._fail(failure)

    def _fail(self, failure: str) -> None:
        if not any(re.match(pattern, failure) for pattern, _ in ALLOWED):
            self.failures.append(failure)


@cache
def _document() -> dict[str, Any]:
    """The cuts as one; what two of them hold is taken from the first."""
    whole: dict[str, Any] = {"paths": {}, "components": {}}
    for name in SUBSETS:
        cut = json.loads(gzip.decompress((FOLDER / name).read_bytes()), object_hook=_without_discriminator)
        for path, operations in cut["paths"].items():
            whole["paths"][path] = {**operations, **whole["paths"].get(path, {})}
        for kind, named in cut["components"].items():
            whole["components"][kind] = {**named, **whole["components"].get(kind, {})}
    return whole


def _without_discriminator(schema: dict[str, Any]) -> dict[str, Any]:
    """`oneOf` decides by itself: the validator looks for the discriminator's field also in a list, which has none."""
    return {key: value for key, value in schema.items() if key != "discriminator" or "propertyName" not in value}


@cache
def _registry() -> Registry[Any]:
    whole = Resource(contents=_document(), specification=DRAFT4)
    return Registry[Any]().with_resource("urn:github", whole).crawl()


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Each path as a pattern. Refs, branches and paths may hold slashes; the path of a top folder is empty."""
    free = {"{path}": ".*", "{ref}": ".+", "{branch}": ".+", "{basehead}": ".+"}

    def part(text: str) -> str:
        return free.get(text, "[^/]+") if text.startswith("{") else re.escape(text)

    known: list[str] = list(_document()["paths"])
    return [(re.compile("".join(map(part, re.split(r"(\{\w+\})", path)))), path) for path in known]


def operation_of(method: str, path: str) -> tuple[str, dict[str, Any], str] | None:
    """The operation's name, its description, and where that lies in the document."""
    documented = _document()["paths"]
    fitting = [
        known for pattern, known in _patterns() if pattern.fullmatch(path) and method.lower() in documented[known]
    ]
    # `/commits/{ref}/status` also fits `/commits/{ref}`: the one with more of it spelled out is meant
    known = max(fitting, key=lambda known: len(re.sub(r"\{\w+\}", "", known)), default=None)
    if known is None:
        return None
    pointer = f"#/paths/{known.replace('~', '~0').replace('/', '~1')}/{method.lower()}"
    return f"{method} {known}", documented[known][method.lower()], pointer


def _faults_of(name: str, operation: dict[str, Any], where: str, request: Request, response: Response) -> Iterator[str]:
    sent = request.get_data()
    wanted = operation.get("requestBody")
    if wanted and (sent or wanted.get("required")):
        schema = f"{where}/requestBody/content/application~1json/schema"
        for error in errors_of(json.loads(sent or b"null"), schema):
            yield f"request {name} {error}"
    status = str(response.status_code)
    answer = operation["responses"].get(status)
    if answer is None:
        yield f"status {status} of {name} is not documented: {response.get_data(as_text=True)[:200]}"
        return
    place = f"{where}/responses/{status}"
    if "$ref" in answer:
        place = answer["$ref"]
        answer = _document()["components"]["responses"][place.rpartition("/")[2]]
    if "application/json" in answer.get("content", {}):
        for error in errors_of(response.get_json(), f"{place}/content/application~1json/schema"):
            yield f"answer {status} of {name}: {error}"
    elif response.get_data() and response.status_code < ERRORS:
        yield f"answer {status} of {name} has a body"


def errors_of(instance: object, pointer: str) -> list[str]:
    """What is wrong with the instance by the schema at the pointer."""
    validator = OAS30Validator(
        {"$ref": f"urn:github{pointer}"}, registry=_registry(), format_checker=oas30_format_checker
    )
    errors = cast("Iterable[ValidationError]", validator.iter_errors(instance))
    return [f"{error.json_path} {error.message[:300]}" for error in errors if not _is_allowed_null(error)]


def _is_allowed_null(error: ValidationError) -> bool:
    """`nullable: true` beside `oneOf` of objects means null may stand there; a validator of OAS 3.0 refuses it."""
    schema = cast("dict[str, Any]", error.schema)
    return error.instance is None and schema.get("nullable") is True and error.validator in {"oneOf", "anyOf"}
