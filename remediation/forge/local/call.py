"""Call: one request to the API with everything that a handler needs, and how a handler refuses it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

from werkzeug import Request, Response

from remediation.forge.local.bare import Bare
from remediation.forge.local.code_views import CodeViews
from remediation.forge.local.grants import App, Grant, Grants
from remediation.forge.local.records import Comment, Records, Thread
from remediation.forge.local.thread_views import ThreadViews
from remediation.forge.local.views import Json

MOST_PER_PAGE = 100
USUAL_PER_PAGE = 30
DOCUMENTATION = "https://docs.github.com/rest"

Shown = TypeVar("Shown")


class Refusal(Exception):  # noqa: N818 - it is an answer, and reads as one where it is raised
    """The request cannot be done; the answer says why, in GitHub's shape."""

    def __init__(self, status: int, message: str, *errors: Json | str, needed: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.needed = needed or {}
        self.body: Json = {"message": message, "documentation_url": DOCUMENTATION}
        if errors:
            self.body["errors"] = list(errors)

    def answer(self) -> Response:
        """The answer. Where a permission was missing, a header names those that would have done."""
        shown = reply(self.body, self.status)
        if self.needed:
            shown.headers["X-Accepted-GitHub-Permissions"] = "; ".join(f"{n}={lv}" for n, lv in self.needed.items())
        return shown

    @classmethod
    def invalid(cls, code: str, resource: str, **more: str) -> "Refusal":
        """422: what is wrong with which field of which resource."""
        return cls(422, "Validation Failed", {"code": code, "resource": resource, **more})


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who asks, and whether their token may write.

    grant  what the token may do, where that is a part only
    app    the App that asks for itself, which is all that it may do so
    """

    login: str
    may_write: bool
    grant: Grant | None = None
    app: App | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request. `site` is `http://host:port` as the asker has it; `words` are the parts of the path with a name.

    `every` lists all repositories that are served.
    """

    request: Request
    person: Person
    site: str
    records: Records
    grants: Grants
    found: Bare | None = None
    every: Callable[[], Sequence[Bare]] = tuple
    words: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def bare(self) -> Bare:
        """The repository that the path names."""
        if self.found is None:
            raise Refusal(404, "Not Found")
        return self.found

    @property
    def repository(self) -> str:
        """Its `owner/name`."""
        return self.bare.full_name

    @property
    def threads(self) -> ThreadViews:
        """JSON for issues and pull requests."""
        return ThreadViews(self.site)

    @property
    def code(self) -> CodeViews:
        """JSON for what git holds."""
        return CodeViews(self.site)

    def word(self, name: str) -> str:
        """A part of the path."""
        return str(self.words[name])

    def query(self, name: str, usual: str = "") -> str:
        """A query parameter."""
        return str(self.request.args.get(name, usual))

    def body(self) -> Json:
        """The JSON object that was sent; an empty body is an empty object."""
        given = self.sent()
        if not isinstance(given, dict):
            raise Refusal(422, "Invalid request: the body is no JSON object")
        return cast("Json", given)

    def sent(self) -> Any:  # noqa: ANN401 - JSON of any kind
        """The JSON that was sent."""
        try:
            return json.loads(self.request.get_data() or b"{}")
        except ValueError:
            raise Refusal(400, "Problems parsing JSON") from None

    def thread(self) -> Thread:
        """The issue or pull request that the path names."""
        found = self.records.thread(self.repository, int(self.words["number"]))
        if found is None:
            raise Refusal(404, "Not Found")
        return found

    def comment(self) -> Comment:
        """The comment that the path names. Refusal 404 when there is none."""
        number = int(self.words["number"])
        found = next((one for one in self.records.all(Comment, self.repository) if one.id == number), None)
        if found is None:
            raise Refusal(404, "Not Found")
        return found

    def commit(self, name: str) -> str:
        """The sha that a branch, tag or sha names."""
        found = self.bare.resolve(name)
        if found is None:
            raise Refusal(422, f"No commit found for SHA: {name}")
        return found

    def paged(self, items: Sequence[Shown], show: Callable[[Shown], Any]) -> Response:
        """One page of the items, with GitHub's Link header."""
        size = max(1, min(_number(self.query("per_page"), USUAL_PER_PAGE), MOST_PER_PAGE))
        page = max(1, _number(self.query("page"), 1))
        last = max(1, -(-len(items) // size))
        answer = reply([show(item) for item in items[(page - 1) * size : page * size]])
        links = {"prev": page - 1, "first": 1} if page > 1 else {}
        links |= {"next": page + 1, "last": last} if page < last else {}
        if links:
            answer.headers["Link"] = ", ".join(f'<{self._page(n)}>; rel="{rel}"' for rel, n in links.items())
        return answer

    def conditional(self, answer: Response) -> Response:
        """The answer, or 304 when the asker has it already."""
        answer.add_etag(weak=True)
        answer.make_conditional(self.request)
        return answer

    def _page(self, number: int) -> str:
        asked = {**self.request.args.to_dict(), "page": str(number)}
        return f"{self.request.base_url}?{urlencode(asked)}"


def reply(content: Any, status: int = 200) -> Response:  # noqa: ANN401 - JSON of any kind
    """An answer in JSON."""
    return Response(json.dumps(content), status=status, content_type="application/json; charset=utf-8")


def _number(given: str, usual: int) -> int:
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else usual  # noqa: PLR2004 - fits an int
