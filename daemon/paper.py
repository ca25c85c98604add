"""What every page of HTML is made with: one look, tables, and text from outside that stays text.

Whatever is put into a page by `Markup.format`, `said` or `table` is escaped; only what is Markup already is not.
"""

import re
import unicodedata
from collections.abc import Sequence

from markupsafe import Markup, escape

from cases.redaction import redacted

MOST_ROWS = 100
LONGEST = 4_000  # characters of one text; a page stays readable whatever it is told
_LONGEST_CELL = 300
_WIDE, _TIME = Markup(' class="what"'), Markup(' class="time"')
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:]+Z")
_SHORT = 28  # characters that one line has room for
_LINK = re.compile(r"https?://[!-~]{1,1500}")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_PLAIN = frozenset("\n\t")

BASE = """
:root{color-scheme:light dark;--paper:#fbfbfa;--card:#fff;--ink:#1c1f23;--soft:#5c656e;--line:#e1e4e7;--read:#2f5f8f;
--band:#8fb3d633;--mid:#7f93a8;--out:#c2361f;--shade:#c2361f22;
--page:#b8321c;--ticket:#8a5700;--note:#56656f}
@media(prefers-color-scheme:dark){:root{--paper:#14171a;--card:#1c2024;--ink:#e7eaed;--soft:#98a3ad;--line:#30363c;
--read:#7fb2e5;--band:#5b8fc333;--mid:#6d8196;--out:#ff7a5f;--shade:#ff7a5f2b;
--page:#ff7a5f;--ticket:#e0a94a;--note:#9fb0c0}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1080px;margin:0 auto;padding:24px 16px 64px}
h1{font-size:1.45rem;margin:0 0 4px}h2{font-size:1.1rem;margin:36px 0 10px}p{margin:0 0 12px;max-width:75ch}
.soft,figcaption span,.stat span{color:var(--soft)}
.stats{display:grid;grid-template-columns:repeat(auto-fit,minmax(130px,1fr));gap:10px;margin:18px 0}
.stat,figure,.table{background:var(--card);border:1px solid var(--line);border-radius:10px}
.stat{padding:10px 14px}.stat b{display:block;font-size:1.35rem;font-variant-numeric:tabular-nums}
.stat span{font-size:.82rem}
.table{overflow-x:auto;margin:0 0 10px}table{border-collapse:collapse;width:100%;font-size:.9rem}
caption{text-align:left;color:var(--soft);font-size:.85rem;padding:10px 12px 4px}
th{font-weight:600;text-align:left;color:var(--soft);font-size:.8rem}
th,td{padding:8px 12px;border-bottom:1px solid var(--line);vertical-align:top}tr:last-child td{border-bottom:0}
td.time,td.id{white-space:nowrap;font-variant-numeric:tabular-nums}td.what{min-width:14rem;overflow-wrap:anywhere}
.page{color:var(--page);font-weight:600}.ticket{color:var(--ticket)}.note{color:var(--note)}
figure{margin:0;padding:10px 12px 6px}figcaption{display:flex;flex-wrap:wrap;gap:2px 12px;justify-content:space-between;
font-size:.85rem;overflow-wrap:anywhere}figcaption b{font-weight:600}
svg{display:block;width:100%;height:auto;margin-top:6px}svg text{font-size:11px;fill:var(--soft)}
svg text{paint-order:stroke;stroke:var(--card);stroke-width:3px}
.band{fill:var(--band)}.expected{fill:none;stroke:var(--mid);stroke-width:1;stroke-dasharray:4 3}
.readings{fill:var(--read);stroke:var(--read);stroke-width:1.2;stroke-linejoin:round}.line{fill:none;stroke-width:2}
.out{fill:var(--out);stroke:var(--out);stroke-width:1.8;stroke-linejoin:round}.anomaly{fill:var(--shade)}
.key{display:flex;flex-wrap:wrap;gap:4px 18px;font-size:.85rem;color:var(--soft);margin:0 0 10px}
.key i{border:1px solid var(--line);display:inline-block;
width:18px;height:10px;border-radius:2px;margin-right:6px;vertical-align:-1px}
ul{margin:0 0 10px;padding-left:20px}li{overflow-wrap:anywhere}
@media(max-width:620px){main{padding:16px 10px 48px}
table,thead,tbody,tr,td,caption{display:block}
td[data-head]::before{content:attr(data-head) ": ";color:var(--soft)}
tr.head{display:none}tr{padding:8px 12px;border-bottom:1px solid var(--line)}
td{display:inline-block;max-width:100%;border:0;padding:0 10px 0 0;overflow-wrap:anywhere}td.what{display:block}}
"""
"""The look of every page: light and dark, from a phone on."""


def said(text: object, longest: int = LONGEST) -> Markup:
    """A text from outside as it is shown: no secret, nothing unseen (its code is shown instead), escaped."""
    if isinstance(text, Markup):
        return text
    whole = str(text)
    shown = redacted(whole[: 2 * longest])  # a secret that is cut in the middle is not known as one
    if len(shown) > longest:
        shown = f"{shown[:longest]}\N{HORIZONTAL ELLIPSIS}"
    if not shown.isprintable():
        shown = "".join(map(_seen, shown))
    return escape(shown)


def html(template: str, *parts: object) -> Markup:
    """A piece of a page: our own template, with texts from outside in its places (see `said`)."""
    return Markup(template).format(*map(said, parts))  # noqa: S704 - the template is ours, and `said` escapes


def link(url: str, text: object) -> Markup:
    """A link to somewhere else; only its text where the address is none of the web's."""
    if not _LINK.fullmatch(url):
        return said(text)
    return html('<a href="{}" rel="noreferrer noopener">{}</a>', url, said(text))


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], caption: str) -> Markup:
    """A table of texts, which are escaped, and of Markup, which stays as it is."""
    wide = [any(_length(row[place]) > _SHORT for row in rows[:MOST_ROWS]) for place in range(len(columns))]
    head = Markup("").join(html('<th scope="col">{}</th>', column) for column in columns)
    body = Markup("").join(
        html(
            "<tr>{}</tr>",
            Markup("").join(_cell(*cell) for cell in zip(columns, row, wide, strict=True)),
        )
        for row in rows[:MOST_ROWS]
    )
    more = html('<p class="soft">and {} more</p>', len(rows) - MOST_ROWS) if len(rows) > MOST_ROWS else ""
    return html(
        '<div class="table"><table><caption>{}</caption><thead><tr class="head">{}</tr></thead>'
        "<tbody>{}</tbody></table></div>{}",
        caption,
        head,
        body,
        more,
    )


def _cell(column: str, text: object, wide: bool) -> Markup:  # noqa: FBT001 - one of a row's triples
    """A cell that has its column's name with it, for a screen too narrow for columns."""
    kind = _TIME if _MOMENT.fullmatch(str(text)) else _WIDE if wide else ""
    return html('<td{} data-head="{}">{}</td>', kind, column, said(text, _LONGEST_CELL))


def _length(text: object) -> int:
    return len(text.striptags() if isinstance(text, Markup) else str(text))


def _seen(sign: str) -> str:
    hidden = sign not in _PLAIN and unicodedata.category(sign) in _UNSEEN
    return f"(U+{ord(sign):04X})" if hidden else sign
