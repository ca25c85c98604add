"""What a browser sees: the repositories, a pull request, a file. Everything that people wrote is escaped text."""

from collections.abc import Iterable

from markupsafe import Markup, escape
from werkzeug import Response

from remediation.forge.local.bare import Bare
from remediation.forge.local.call import Call, Refusal
from remediation.forge.local.pulls import fresh
from remediation.forge.local.records import Comment, Review, Thread

PICTURES = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "svg": "image/svg+xml"}
POLICY = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; sandbox"
STYLE = Markup(
    "<style>body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "pre{background:#f4f4f4;padding:1rem;overflow:auto;white-space:pre-wrap}"
    ".note{border-left:3px solid #ccc;padding-left:1rem;margin:1rem 0}.state{color:#555}</style>"
)
LONGEST_DIFF = 200_000


def index(call: Call, repositories: Iterable[Bare]) -> Response:
    """The repositories and their pull requests, newest first."""
    parts = [Markup("<h1>Local forge</h1>")]
    for bare in repositories:
        parts.append(Markup("<h2>{}</h2><p>{}</p><ul>").format(bare.full_name, f"{call.site}/{bare.full_name}.git"))
        threads = [t for t in call.records.all(Thread, bare.full_name) if t.head]
        parts += [
            Markup('<li><a href="/{}/pull/{}">#{} {}</a> <span class="state">{}</span></li>').format(
                bare.full_name, t.number, t.number, t.title, _state(t)
            )
            for t in reversed(threads)
        ]
        parts.append(Markup("</ul>"))
    return _page("Local forge", parts)


def pull(call: Call) -> Response:
    """A pull request: its text, its comments and reviews, its diff."""
    thread = fresh(call, call.thread())
    if not thread.head:
        raise Refusal(404, "Not Found")
    title = f"#{thread.number} {thread.title}"
    parts = [
        Markup('<h1>{}</h1><p class="state">{}: {} wants {} in {}</p>').format(
            title, _state(thread), thread.author, thread.head, thread.base
        ),
        Markup("<p>{}</p>").format(", ".join(thread.labels)),
        _said(thread.author, thread.created, thread.body),
    ]
    parts += [
        _said(note.author, note.created, note.body, anchor=f"issuecomment-{note.id}")
        for note in call.records.all(Comment, call.repository)
        if note.number == thread.number
    ]
    parts += [
        _said(r.author, r.created, f"{r.state} {r.body}", anchor=f"pullrequestreview-{r.id}")
        for r in call.records.all(Review, call.repository)
        if r.number == thread.number
    ]
    start = call.bare.merge_base(thread.base_sha, thread.head_sha) or thread.base_sha
    diff = call.bare.diff(start, thread.head_sha)
    parts.append(Markup("<h2>Changes</h2><pre>{}</pre>").format(diff[:LONGEST_DIFF]))
    return _page(title, parts)


def raw(call: Call) -> Response:
    """The file at `/raw/<ref>/<path>`, longest reference first. Pictures are shown, all else is text."""
    words = call.word("rest").split("/")
    for cut in range(len(words) - 1, 0, -1):
        sha = call.bare.resolve("/".join(words[:cut]))
        item = call.bare.item(sha, "/".join(words[cut:])) if sha else None
        if item is not None and item.kind == "blob":
            kind = PICTURES.get(item.path.rpartition(".")[2].lower(), "text/plain; charset=utf-8")
            return _guarded(Response(call.bare.blob(item.sha), content_type=kind))
    raise Refusal(404, "Not Found")


def _said(author: str, at: str, text: str, anchor: str = "") -> Markup:
    # Markdown stays as it was written: what people (and telemetry) put into it is never made into HTML.
    return Markup('<div class="note" id="{}"><p class="state">{} at {}</p><pre>{}</pre></div>').format(
        anchor, author, at, text
    )


def _state(thread: Thread) -> str:
    if thread.merged:
        return f"merged by {thread.merged_by}"
    return f"{'draft, ' if thread.draft else ''}{thread.state}"


def _page(title: str, parts: Iterable[Markup]) -> Response:
    head = Markup('<!doctype html><html lang="en"><meta charset="utf-8"><title>{}</title>').format(title)
    body = Markup("").join(escape(part) for part in parts)
    return _guarded(Response(head + STYLE + body, content_type="text/html; charset=utf-8"))


def _guarded(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
