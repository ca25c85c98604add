"""Pages for humans: what waits for them, a case in full, the oversight; and their answers, by forms.

A token is given once, in a form; from then on a cookie that only this site gets says who it is (`daemon.api.sessions`).
A form is taken from this site alone, with what its own session put into it; what it decides goes the way of every
decision (`daemon.decisions`).
"""

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import parse_qs, quote, urlsplit

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from cases.errors import PermanentError, TemporaryError
from daemon.alerts.wording import one_line
from daemon.api.access import caller_of
from daemon.api.bodies import FORM, Refused, body_of
from daemon.api.proof import Caller
from daemon.api.sessions import LASTS, NoSession, Session, Sessions
from daemon.decisions import Decided, Decisions, Unknown, parsed
from daemon.decisions import Refused as NotTaken
from daemon.web.frame import HEADERS, Reader, login_page, word_page
from daemon.web.views import NoCase, Views

log = logging.getLogger("trackwalker.web")

PATHS = ("/", "/inbox", "/oversight", "/outcomes", "/lessons", "/cases/", "/login", "/logout", "/decisions")
LARGEST = 64 * 1024
MOST_FIELDS = 8
PATIENCE = timedelta(seconds=8)
WORDS = {
    "taken": "Your answer is taken.",
    "repeated": "It had been answered so before: nothing changed.",
}
"""What a page says of the click that led to it, by the word in its address."""
_BACK = re.compile(r"/(?:[A-Za-z0-9_-][A-Za-z0-9._-]{0,100}(?:/[A-Za-z0-9_-][A-Za-z0-9._-]{0,100})?)?")
_FETCHED = frozenset({"", "same-origin"})


class Told(Exception):  # noqa: N818 - it is an answer, and reads as one where it is raised
    """An answer in words: the status, what is said, and of what; `login` where logging in may help."""

    def __init__(self, status: int, title: str, why: str, *, login: bool = False) -> None:
        super().__init__(why)
        self.status, self.title, self.why, self.login = status, title, why, login


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request: how it asks for what, who sends it, and its cookie. `secure`: it came to the public https site."""

    method: str
    path: str
    caller: Caller
    cookie: str
    secure: bool

    @property
    def root(self) -> str:
        """The way from here to the top."""
        return "../" * (self.path.count("/") - 1) or "./"

    @property
    def cookie_name(self) -> str:
        """Of its session: one that no other host can set, wherever the browser knows how to keep that."""
        return _cookie_name(secure=self.secure)


@dataclass(slots=True, kw_only=True)
class Browser:
    """Answers all of it. Safe to use from several threads. `patience` is how long a form may take to arrive."""

    sessions: Sessions
    decisions: Decisions
    views: Views
    patience: timedelta = PATIENCE

    @property
    def paths(self) -> tuple[str, ...]:
        """See `daemon.api.routes.Doorway`."""
        return PATHS

    def routes(self) -> list[Route]:
        """Every page, and the three forms."""
        return [
            Route("/", self._shown(lambda _, reader: self.views.inbox(reader))),
            Route("/inbox", self._shown(lambda _, reader: self.views.inbox(reader))),
            Route("/oversight", self._shown(lambda _, reader: self.views.oversight(reader))),
            Route("/outcomes", self._shown(lambda _, reader: self.views.outcomes(reader))),
            Route("/lessons", self._shown(lambda asked, reader: self.views.lessons(asked.get("q", ""), reader))),
            Route("/cases/{case}", self._shown(self._case)),
            Route("/cases/{case}/picture.png", self._answer(self._picture)),
            Route("/login", self._answer(self._login_form), methods=["GET"]),
            Route("/login", self._answer(self._login), methods=["POST"]),
            Route("/logout", self._answer(self._logout), methods=["POST"]),
            Route("/decisions", self._answer(self._decide), methods=["POST"]),
        ]

    def _shown(self, page: "Callable[[dict[str, str], Reader], Markup]") -> Callable[[Request], Awaitable[Response]]:
        """A page for whoever may look."""

        def show(visit: Visit, asked: dict[str, str], _: bytes) -> Response:
            return _html(page(asked, self._reader(visit)))

        return self._answer(show)

    def _answer(
        self, take: "Callable[[Visit, dict[str, str], bytes], Response]"
    ) -> Callable[[Request], Awaitable[Response]]:
        """A route. What is refused is a page in words, with its status, and is logged."""

        async def answer(request: Request) -> Response:
            visit = self._visit(request)
            asked = {**dict(request.query_params), **{name: str(one) for name, one in request.path_params.items()}}
            body = b""
            try:
                if request.method == "POST":
                    self._from_here(visit)
                    if visit.path != "/login":  # who sends is proved before their form is read
                        await asyncio.to_thread(self._session, visit)
                    async with asyncio.timeout(self.patience.total_seconds()):
                        body = await body_of(request, LARGEST, FORM)
                response = await asyncio.to_thread(take, visit, asked, body)
            except Told as told:
                response = self._told(visit, told)
            except TimeoutError:
                why = "The form took too long to arrive. Nothing was changed. Send it again."
                response = self._told(visit, Told(408, "Not taken", why))
            except Refused as refused:
                response = self._told(visit, Told(refused.status, "Not taken", refused.because))
            except (TemporaryError, PermanentError) as error:
                log.warning("a page cannot be shown: %s", error)
                response = self._told(
                    visit, Told(503, "Not now", "The store cannot be read or written now. Try again.")
                )
            response.headers.update(HEADERS)
            return response

        return answer

    def _visit(self, request: Request) -> Visit:
        host = request.headers.get("host", "")
        public = urlsplit(self.decisions.settings.api.public_url or "")
        secure = public.scheme == "https" and public.netloc.lower() == host.lower()
        cookie = request.cookies.get(_cookie_name(secure=secure), "")
        return Visit(
            method=request.method, path=request.url.path, caller=caller_of(request.scope), cookie=cookie, secure=secure
        )

    def _told(self, visit: Visit, told: Told) -> Response:
        nothing_sent = visit.method != "POST" and not visit.cookie  # somebody who came to log in
        where, whence = one_line(visit.path, 120), visit.caller.address
        log.log(
            logging.INFO if nothing_sent else logging.WARNING,
            "%s %s of %s is answered with %d: %s", visit.method, where, whence, told.status, told.why,
        )  # fmt: skip
        reader = Reader(root=visit.root, logins=self.sessions.logins.any)
        if told.login:
            page = login_page(reader, told.why, visit.path if _BACK.fullmatch(visit.path) else "/")
        else:
            onward = Markup('<p><a href="{}inbox">To the inbox</a></p>').format(visit.root)
            page = word_page(reader, told.title, told.why, onward)
        return _html(page, told.status, {"WWW-Authenticate": "Bearer"} if told.status == 401 else {})  # noqa: PLR2004

    # Who it is

    def _reader(self, visit: Visit) -> Reader:
        """Whoever may look. Raises Told for a stranger."""
        logins = self.sessions.logins
        reader = Reader(root=visit.root, logins=logins.any)
        actor = logins.of_token(visit.caller.bearer) if visit.caller.bearer else ""
        if actor:
            return replace(reader, actor=actor)
        if not visit.cookie and logins.open_to_here:
            if visit.caller.is_here:
                return reader
            if not logins.any:
                why = "Only this machine may look: use 127.0.0.1, or set api.token."
                raise Told(403, "Not from there", why)
        session = self._session(visit)
        return replace(reader, actor=session.actor, form=session.form)

    def _session(self, visit: Visit) -> Session:
        """The session of whoever sends. Raises Told."""
        try:
            return self.sessions.of(visit.cookie)
        except NoSession as none:
            raise Told(401, "Log in", str(none), login=True) from None

    def _from_here(self, visit: Visit) -> None:
        """Raise Told unless a page of this site sent the form."""
        headers = visit.caller.headers
        origin, host = headers.get("origin", ""), headers.get("host", "")
        public = urlsplit(self.decisions.settings.api.public_url or "")
        known = {f"http://{host}".lower(), f"https://{host}".lower(), f"{public.scheme}://{public.netloc}".lower()}
        if not host or origin.lower() not in known or headers.get("sec-fetch-site", "") not in _FETCHED:
            raise Told(403, "Not taken", "The form was not sent by a page of this site. Nothing was changed.")

    def _own(self, visit: Visit, fields: dict[str, str]) -> Session:
        """The session, if the form is one of its own. Raises Told."""
        from hmac import compare_digest

        session = self._session(visit)
        if not session.form or not compare_digest(
            fields.get("form", "").encode("utf-8", "replace"), session.form.encode()
        ):
            why = "The form is none of your session's. Nothing was changed. Load the page again."
            raise Told(403, "Not taken", why)
        return session

    # What is asked for

    def _case(self, asked: dict[str, str], reader: Reader) -> Markup:
        try:
            return self.views.case(asked["case"], reader, word=WORDS.get(asked.get("said", ""), ""))
        except NoCase as none:
            raise Told(404, "No such case", str(none)) from None

    def _picture(self, visit: Visit, asked: dict[str, str], _: bytes) -> Response:
        self._reader(visit)
        picture = self.views.picture(asked["case"])
        if picture is None:
            raise Told(404, "No picture", "No picture of this case is kept.")
        return Response(picture, media_type="image/png")

    def _login_form(self, visit: Visit, _: dict[str, str], __: bytes) -> Response:
        reader = Reader(root=visit.root, logins=self.sessions.logins.any)
        if not self.sessions.logins.any:
            why = "There is no token to log in by: set api.token, or the token of a decider (approvals.deciders)."
            return _html(word_page(reader, "Log in", why))
        return _html(login_page(reader, "Whoever has a token may look and decide.", "/"))

    def _login(self, visit: Visit, _: dict[str, str], body: bytes) -> Response:
        fields = _fields(body)
        actor = self.sessions.logins.of_token(fields.get("token", ""))
        if not actor:
            raise Told(401, "Log in", "That token is not known here.", login=True)
        log.info("%s logged in from %s", actor, visit.caller.address)
        back = fields.get("back", "/")
        response = _elsewhere(visit, back if _BACK.fullmatch(back) else "/")
        _keep(response, visit, self.sessions.begin(actor), int(LASTS.total_seconds()))
        return response

    def _logout(self, visit: Visit, _: dict[str, str], body: bytes) -> Response:
        session = self._own(visit, _fields(body))
        self.sessions.end(session)
        log.info("%s logged out", session.actor)
        response = _elsewhere(visit, "/login")
        _keep(response, visit, "", 0)
        return response

    def _decide(self, visit: Visit, _: dict[str, str], body: bytes) -> Response:
        fields = _fields(body)
        session = self._own(visit, fields)
        decided = self._decided(session, fields)
        word = "repeated" if decided.repeated else "taken"
        return _elsewhere(visit, f"/cases/{quote(decided.case, safe='')}?said={word}")

    def _decided(self, session: Session, fields: dict[str, str]) -> Decided:
        """The decision, taken as one that came as JSON. Raises Told."""
        document = {name: fields.get(name, "") for name in ("decision", "gate", "reason")}
        try:
            decision = parsed(json.dumps(document).encode(), session.actor)
        except NotTaken as refused:
            raise Told(422, "Not taken", f"{_sentence(refused)} Nothing was changed.") from None
        try:
            return self.decisions.take(replace(decision, asked=_moment(fields.get("asked", ""))))
        except Unknown as refused:
            raise Told(404, "Not taken", f"{_sentence(refused)} Nothing was changed.") from None
        except NotTaken as refused:
            raise Told(409, "Not taken", f"{_sentence(refused)} Nothing was changed.") from None


def _fields(body: bytes) -> dict[str, str]:
    """The fields of a form, each once. Raises Told; nothing of the form is repeated."""
    try:
        found = parse_qs(body.decode(), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=MOST_FIELDS)
    except ValueError:
        found = {"": ["", ""]}
    if any(len(values) != 1 for values in found.values()):
        raise Told(422, "Not taken", "It is no form of this site. Nothing was changed.")
    return {name: values[0] for name, values in found.items()}


def _moment(text: str) -> datetime | None:
    """When what they saw was asked. Raises Told."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Told(422, "Not taken", "The form does not say what it answers. Nothing was changed.") from None
    return moment


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."


def _cookie_name(*, secure: bool) -> str:
    return "__Host-trackwalker" if secure else "trackwalker"


def _keep(response: Response, visit: Visit, cookie: str, seconds: int) -> None:
    response.set_cookie(
        visit.cookie_name, cookie, max_age=seconds, path="/", secure=visit.secure, httponly=True, samesite="strict"
    )


def _elsewhere(visit: Visit, path: str) -> Response:
    """On to another page of ours. The address is relative: a proxy may have a path of its own before it."""
    return RedirectResponse(f"{visit.root}{path.lstrip('/')}", 303)


def _html(page: Markup, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return HTMLResponse(str(page).encode("utf-8", "replace"), status, headers)
