"""The local forge as a WSGI application: who asks, what for, and who answers."""

import hmac
import re
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias, cast

from werkzeug import Request, Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule

from cases.errors import TrackwalkerError
from remediation.forge.local import git_http, pages
from remediation.forge.local.api import api_map
from remediation.forge.local.bare import Bare
from remediation.forge.local.call import Call, Person, Refusal, reply
from remediation.forge.local.grants import NOT_FOR_APPS, Grants, needed
from remediation.forge.local.records import Records

Wsgi: TypeAlias = Callable[[dict[str, Any], Any], Iterable[bytes]]

OWN_LOGIN = "trackwalker"
NAMELESS = frozenset({"", "git", "x-access-token", "x-oauth-basic"})  # what clients say when only the token counts
READS = frozenset({"GET", "HEAD"})
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
DATABASE = "forge.sqlite3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Which tokens open the forge. With no `token`, everybody may write.

    A client that says who it is (HTTP Basic, the token as the password) goes by that name, so that several people can
    share the forge: it is for one machine.
    """

    token: str | None
    readers: Collection[str] = ()

    def person(self, request: Request, grants: Grants, now: datetime) -> Person | None:
        """Who asks, or None when they may not come in."""
        login, given = _credentials(request)
        if given.count(".") == 2 and (app := grants.of_app(given, now)) is not None:  # noqa: PLR2004 - a JSON web token
            return Person(login=app.login, may_write=False, app=app)
        if given and (grant := grants.of_token(given, now)) is not None:
            return Person(login=grant.login, may_write=True, grant=grant)
        name = OWN_LOGIN if login in NAMELESS else login
        if self.token is None or _same(given, self.token):
            return Person(login=name, may_write=True)
        if any(_same(given, reader) for reader in self.readers):
            return Person(login=name, may_write=False)
        return None


class Application:
    """Every bare repository `root/<owner>/<name>.git`, for git, for the API and for a browser."""

    def __init__(self, root: Path, tokens: Tokens) -> None:
        self._root = root.resolve()
        self._tokens = tokens
        self._api = api_map()
        self._pages = Map(
            [
                Rule("/", endpoint=self._index),
                Rule("/<owner>/<name>/pull/<int:number>", endpoint=pages.pull),
                Rule("/<owner>/<name>/raw/<path:rest>", endpoint=pages.raw),
            ],
            merge_slashes=False,
        )
        self._git = Map([Rule("/<owner>/<name>.git/<path:rest>", endpoint="git", methods=["GET", "POST"])])
        self._one_by_one = threading.Lock()  # calls are looked up and done one after the other: nothing is made twice
        self.records = Records(self._root / DATABASE)
        self.grants = Grants(root=self._root)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401 - WSGI's own
        """WSGI."""
        return self.respond(Request(environ))(environ, start_response)

    def respond(self, request: Request) -> Response:
        """Answer one request."""
        person = self._tokens.person(request, self.grants, datetime.fromisoformat(self.records.now()).astimezone(UTC))
        if person is None:
            message = "Bad credentials" if "Authorization" in request.headers else "Requires authentication"
            answer = reply(Refusal(401, message).body, 401)
            answer.headers["WWW-Authenticate"] = 'Basic realm="forge"'
            return answer
        try:
            return self._dispatch(request, person)
        except Refusal as refusal:
            return refusal.answer()
        except (NotFound, MethodNotAllowed):
            return reply(Refusal(404, "Not Found").body, 404)
        except TrackwalkerError as error:  # git would not, or could not, do what was asked
            return reply(Refusal(500, str(error)).body, 500)
        except HTTPException as error:
            status = error.code or 400
            return reply(Refusal(status, error.name).body, status)

    def _dispatch(self, request: Request, person: Person) -> Response:
        if request.path.startswith(("/api/v3", "/api/graphql")):
            return self._answer_api(request, person)
        try:
            _, words = self._git.bind_to_environ(request.environ).match()
        except NotFound:
            endpoint, words = self._pages.bind_to_environ(request.environ).match()
            return cast("Callable[[Call], Response]", endpoint)(self._call(request, person, words))
        return self._answer_git(request, person, words)

    def _answer_api(self, request: Request, person: Person) -> Response:
        endpoint, words = self._api.bind_to_environ(request.environ).match()
        handler, call = cast("Callable[[Call], Response]", endpoint), self._call(request, person, words)
        _check(request, call)
        if request.method in READS:
            with self._one_by_one:  # what is read of a pull request is brought up to date first
                return handler(call)
        origin = request.headers.get("Origin")
        if origin is not None and origin != call.site:
            raise Refusal(403, "Pages of other sites may not write here")
        if call.found is not None and call.bare.archived:
            raise Refusal(403, "Repository was archived so is read-only.")
        if not person.may_write and person.app is None:
            raise Refusal(403, "Resource not accessible by personal access token")
        with self._one_by_one:
            return handler(call)

    def _answer_git(self, request: Request, person: Person, words: Mapping[str, Any]) -> Response:
        bare = self._bare(str(words["owner"]), str(words["name"]))
        if bare is None or not _sees(person, bare.full_name):
            return Response("Repository not found.\n", status=404, mimetype="text/plain")
        rest = str(words["rest"])
        if git_http.is_push(request, rest):
            if bare.archived:
                return Response("This repository was archived so it is read-only.\n", 403, mimetype="text/plain")
            if not person.may_write or (person.grant and not person.grant.allows({"contents": "write"})):
                return Response("Write access to repository not granted.\n", 403, mimetype="text/plain")
        if person.grant and not person.grant.allows({"contents": "read"}):
            return Response("Repository not found.\n", status=404, mimetype="text/plain")
        return git_http.answer(request, self._root, bare.full_name, rest, person)

    def _index(self, call: Call) -> Response:
        return pages.index(call, self._every())

    def _every(self) -> list[Bare]:
        """Every repository that is served, by name."""
        found = sorted(self._root.glob("*/*.git"))
        bares = (self._bare(folder.parent.name, folder.name.removesuffix(".git")) for folder in found)
        return [bare for bare in bares if bare is not None]

    def _call(self, request: Request, person: Person, words: Mapping[str, Any]) -> Call:
        found = None
        if "owner" in words:
            found = self._bare(str(words["owner"]), str(words["name"]))
            if found is None:
                raise Refusal(404, "Not Found")
        site = request.host_url.rstrip("/")
        return Call(
            request=request,
            person=person,
            site=site,
            records=self.records,
            grants=self.grants,
            found=found,
            every=self._every,
            words=words,
        )

    def _bare(self, owner: str, name: str) -> Bare | None:
        folder = self._root / owner / f"{name}.git"
        sound = NAME.fullmatch(owner) and NAME.fullmatch(name) and (folder / "HEAD").is_file()
        return Bare(f"{owner}/{name}", folder) if sound else None


def _sees(person: Person, full_name: str) -> bool:
    """Whether the repository is there for them at all."""
    return person.app is None and (person.grant is None or person.grant.sees(full_name))


def _check(request: Request, call: Call) -> None:
    """Raise Refusal unless the token may do this. An App for itself may ask about itself, and nothing else."""
    person, path = call.person, request.path.removeprefix("/api/v3").removeprefix("/api")
    if person.app is not None:
        if path.startswith("/app") or path.endswith("/installation"):
            return
        raise Refusal(403, NOT_FOR_APPS)
    if path.startswith("/app"):
        raise Refusal(401, "A JSON web token could not be decoded")
    if person.grant is None:
        return
    wanted = needed(request.method, path)
    if call.found is not None and not person.grant.sees(call.repository):
        raise Refusal(404, "Not Found")
    if person.grant.app is not None and path == "/user":
        raise Refusal(403, NOT_FOR_APPS)
    if wanted and "metadata" not in wanted and not person.grant.allows(wanted):
        raise Refusal(403, person.grant.refusal, needed=wanted)


def _credentials(request: Request) -> tuple[str, str]:
    """The name and the token that were sent, as Basic, Bearer or `token`."""
    given = request.authorization
    if given is None:
        return "", ""
    if given.type == "basic":
        return given.username or "", given.password or ""
    return "", given.token or ""


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())
