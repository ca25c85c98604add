"""The oversight and the lessons: pages that only tell. Their figures are those of the documents that they are given."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from cases.outcome import Lesson
from daemon.paper import html, link, said, table
from daemon.web.frame import Reader, case_link, frame

KINDS = ("model", "service", "case")
MOST_DEAR = 5  # of each kind; the dearest
NOTHING = "\N{EN DASH}"


def oversight_page(document: Mapping[str, Any], reader: Reader) -> Markup:
    """The page of an oversight's document (`daemon.oversight`)."""
    day = document["spend"]["last_24_hours"]
    figures = document["figures"]
    stats = (
        (str(len(document["open"])), "open cases"),
        (str(len(document["escalations"])), "wait for a human"),
        (f"${day['usd']:.4f}", f"of ${document['spend']['budget']['usd_per_day']:.2f} in 24 hours"),
        (str(figures["cases"]), "cases in 30 days"),
        (_seconds(figures["mend"]), f"to mend (mean of {figures['mend']['n']})"),
        (_share(figures["merged"]), f"merged, of {figures['merged']['n']}"),
    )
    shown = Markup("").join(
        html('<div class="stat"><b>{}</b><span>{}</span></div>', value, name) for value, name in stats
    )
    parts = (
        html('<h1>Oversight</h1><p class="soft">As of {}</p><div class="stats">{}</div>', document["at"], shown),
        _cases("Open", document["open"], reader),
        _authority(document["authority"]),
        _spend(document["spend"]),
        _outcomes(document, reader),
    )
    return frame("Oversight", Markup("").join(parts), reader, "oversight")


def _seconds(mean: Mapping[str, Any]) -> str:
    return NOTHING if mean["mean"] is None else f"{mean['mean'] / 60:.0f} min"


def _share(rate: Mapping[str, Any]) -> str:
    return NOTHING if rate["rate"] is None else f"{rate['rate']:.0%}"


def _cases(title: str, cases: Sequence[Mapping[str, Any]], reader: Reader) -> Markup:
    if not cases:
        return html("<h2>{}</h2><p>None.</p>", title)
    rows = [
        (
            case_link(reader, case["id"]),
            case["service"],
            case["phase"] if case["hold"] == "none" else f"{case['phase']} ({case['hold']})",
            case["opened"],
            case["outcome"]["ending"] if "outcome" in case else case["anomaly"]["signal"],
        )
        for case in cases
    ]
    return html("<h2>{}</h2>{}", title, table(("case", "service", "phase", "opened", "what"), rows, title))


def _authority(document: Mapping[str, Any]) -> Markup:
    head = Markup("<h2>What may be done unasked</h2>")
    if "error" in document:
        return head + html("<p>It cannot be told now: {}</p>", document["error"])
    broken = document["broken"]
    rows = [
        (
            "/".join(str(one["area"][key]) for key in ("repository", "service", "class", "risk")),
            one["level"],
            one["earned"],
            one["because"][0],
            one["wanting"] or NOTHING,
        )
        for one in document["areas"]
    ]
    columns = ("area", "in force", "outcomes support", "why", "missing for more")
    return html(
        "{}<p>By default: {}; grants: {}.{}</p>{}",
        head,
        document["default"],
        document["file"] or "no file",
        said(f" The file of grants cannot be used: {broken}") if broken else "",
        table(columns, rows, "Areas")
        if rows
        else Markup("<p>No change was proposed yet: nothing was earned or lost.</p>"),
    )


def _spend(document: Mapping[str, Any]) -> Markup:
    day, ever = document["last_24_hours"], document["in_all"]
    rows = [_money("last 24 hours", day), _money("in all", ever)]
    rows += [_money(f"{kind} {one['of']}", one) for kind in KINDS for one in ever[f"by_{kind}"][:MOST_DEAR]]
    columns = ("of", "calls", "USD", "set aside", "tokens in + out")
    return html("<h2>Spend</h2>{}", table(columns, rows, "Language models"))


def _money(of: str, part: Mapping[str, Any]) -> tuple[str, ...]:
    tokens = f"{part['input_tokens']} + {part['output_tokens']}"
    return of, str(part["calls"]), f"${part['usd']:.4f}", f"${part['unsettled_usd']:.4f}", tokens


def _outcomes(document: Mapping[str, Any], reader: Reader) -> Markup:
    counted = [(name, str(many)) for name, many in document["endings"].items()]
    ended = _cases("Ended last", document["ended"], reader)
    if not counted:
        return Markup("<h2>Outcomes of 30 days</h2><p>No case ended.</p>")
    return html("<h2>Outcomes of 30 days</h2>{}{}", table(("ending", "cases"), counted, "Endings"), ended)


def lessons_page(words: str, found: Sequence[tuple[Lesson, float]], reader: Reader) -> Markup:
    """Lessons with their quality, and the field to search them by."""
    rows = [
        (
            lesson.id,
            lesson.text,
            lesson.service,
            str(lesson.ending),
            lesson.strategy,
            f"{quality:.2f}",
            case_link(reader, lesson.case),
            link(lesson.pull_request, "pull request"),
        )
        for lesson, quality in found
    ]
    columns = ("id", "lesson", "service", "ending", "strategy", "quality", "case", "pull request")
    title = "Those that share words with yours, the best first" if words else "The newest lessons"
    none = (
        "No lesson shares a word with that." if words else "No lessons yet: one is written when a case has its outcome."
    )
    body = html(
        '<h1>Lessons</h1><form class="box" method="get" action="{}lessons" role="search"><label for="q">Words</label>'
        '<input id="q" name="q" value="{}" maxlength="200"><div class="row"><button>Search</button></div></form>{}',
        reader.root,
        said(words, 200),
        table(columns, rows, title) if rows else html("<p>{}</p>", none),
    )
    return frame("Lessons", body, reader, "lessons")
