"""The frame of every page that the daemon serves: head, ways to the other pages, and the rules a browser keeps.

No script runs, nothing is loaded from anywhere else, and the one style is known by its digest. Links within are
relative, so that a proxy may put all of it below a path of its own.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from daemon.paper import BASE, html, said

STYLE = f"""{BASE}
a{{color:var(--read)}}:focus-visible{{outline:3px solid var(--read);outline-offset:2px}}
.skip{{position:absolute;left:-999px}}.skip:focus{{left:8px;top:8px;background:var(--card);padding:8px;z-index:1}}
header{{border-bottom:1px solid var(--line);background:var(--card)}}
header nav{{max-width:1080px;margin:0 auto;padding:10px 16px;display:flex;flex-wrap:wrap;gap:4px 18px;
align-items:center}}
header nav a[aria-current]{{color:var(--ink);font-weight:600;text-decoration:none}}
header form{{margin-left:auto;display:flex;gap:10px;align-items:center;flex-wrap:wrap}}
button{{font:inherit;padding:7px 16px;border-radius:8px;border:1px solid var(--soft);background:var(--card);
color:var(--ink);cursor:pointer;min-height:40px}}
button.yes{{background:#1d5b31;border-color:#1d5b31;color:#fff}}button.no{{background:#8f2716;border-color:#8f2716;color:#fff}}
input,textarea{{font:inherit;width:100%;max-width:60ch;padding:8px;border:1px solid var(--soft);border-radius:8px;
background:var(--paper);color:var(--ink)}}label{{display:block;font-weight:600;margin:0 0 4px}}
.box{{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px;margin:14px 0}}
.box h2{{margin-top:0}}a.id{{white-space:nowrap}}
.ask{{border-left:5px solid var(--ticket)}}.row{{display:flex;flex-wrap:wrap;gap:10px;margin:10px 0 0}}
dl{{display:grid;grid-template-columns:max-content 1fr;gap:4px 14px;margin:0 0 10px}}dt{{color:var(--soft)}}
dd{{margin:0;overflow-wrap:anywhere}}h3{{font-size:1rem;margin:22px 0 8px}}p,h1,h2,h3,li{{overflow-wrap:anywhere}}
pre{{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:10px 12px;margin:0 0 12px;
overflow-x:auto;font-size:.85rem;line-height:1.4;max-height:70vh}}
.plus{{color:#1a6b35}}.minus{{color:var(--page)}}.late{{color:var(--page);font-weight:600}}
img{{display:block;max-width:100%;height:auto;border-radius:10px}}
@media(prefers-color-scheme:dark){{.plus{{color:#7fd79a}}}}
@media(max-width:620px){{dl{{grid-template-columns:1fr;gap:0}}dd{{margin:0 0 8px}}header form{{margin-left:0}}
svg text{{font-size:17px}}}}
"""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_DIGEST}'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with none at all a browser names no origin when it sends a form
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""What every answer to a browser carries."""
WAYS = (("inbox", "Inbox"), ("oversight", "Oversight"), ("outcomes", "Outcomes"), ("lessons", "Lessons"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Whoever looks.

    root   the way from their page to the top: "./", "../"
    actor  who they are logged in as, "" for nobody: then they decide nothing
    form   what their forms carry, "" with no session
    logins whether one can log in at all
    """

    root: str = "./"
    actor: str = ""
    form: str = ""
    logins: bool = True

    @property
    def name(self) -> str:
        """Their name, as people say it."""
        return self.actor.partition(":")[2] or self.actor


def case_link(reader: Reader, case_id: str, text: str = "") -> Markup:
    """A link to a case's page; only the text where it is no id: lessons of others bring names of theirs."""
    shown = said(text or case_id, 100)
    return (
        html('<a class="id" href="{}cases/{}">{}</a>', reader.root, case_id, shown) if _ID.fullmatch(case_id) else shown
    )


def frame(title: str, body: Markup, reader: Reader, here: str = "") -> Markup:
    """A whole page. `here` is which of WAYS it is."""
    ways = Markup("").join(
        html('<a href="{}{}"{}>{}</a>', reader.root, path, Markup(' aria-current="page"') if path == here else "", name)
        for path, name in WAYS
    )
    return html(
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        "<title>{} · Trackwalker</title><style>{}</style></head><body>"
        '<a class="skip" href="#content">To the content</a>'
        '<header><nav aria-label="Pages">{}{}</nav></header><main id="content">{}</main></body></html>\n',
        said(title, 200),
        Markup(STYLE),  # noqa: S704 - our own style
        ways,
        _whom(reader),
        body,
    )


def _whom(reader: Reader) -> Markup:
    if reader.form:
        return html(
            '<form method="post" action="{}logout"><span class="soft">{}</span>'
            '<input type="hidden" name="form" value="{}"><button>Log out</button></form>',
            reader.root,
            said(reader.name, 60),
            reader.form,
        )
    if reader.logins and not reader.actor:
        return html('<a href="{}login">Log in</a>', reader.root)
    return Markup("")


def login_page(reader: Reader, why: str, back: str) -> Markup:
    """The form that takes a token. `back` is where to go from there."""
    body = html(
        '<h1>Log in</h1><p role="status">{}</p><form class="box" method="post" action="{}login">'
        '<input type="text" name="username" autocomplete="username" value="trackwalker" hidden>'
        '<label for="token">Your token</label>'
        '<input id="token" name="token" type="password" autocomplete="current-password" required>'
        '<input type="hidden" name="back" value="{}"><p class="soft">Yours of <code>approvals.deciders</code>, or '
        "<code>api.token</code>: what you decide is kept under its name.</p>"
        '<div class="row"><button class="yes">Log in</button></div></form>',
        said(why, 300),
        reader.root,
        back,
    )
    return frame("Log in", body, reader)


def word_page(reader: Reader, title: str, why: str, onward: Markup | None = None) -> Markup:
    """One sentence: what is not there, or what was not done."""
    body = html('<h1>{}</h1><p role="alert">{}</p>{}', said(title, 120), said(why, 1_000), onward or "")
    return frame(title, body, reader)
