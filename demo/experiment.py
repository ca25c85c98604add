"""The shop as it is experimented with: its code asks a flag, and writes down who saw what and what they did.

What it adds to the shop is one more commit of its developers; the files of it lie in `demo/shop_flags`.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from demo.faults import Commit, Replace, WholeFile

FILES = Path(__file__).parent / "shop_flags"
FLAGS = "config/flags.json"
"""The flags, in the shop's repository."""


def _added() -> tuple[WholeFile, ...]:
    found = (path for path in sorted(FILES.rglob("*")) if path.is_file() and path.suffix in {".py", ".json"})
    return tuple(WholeFile(path=path.relative_to(FILES).as_posix(), text=path.read_text()) for path in found)


ASK_THE_FLAG = Commit(
    title="Ask a flag for the text of the button",
    body="Who sees which text, and who leaves at the last step, is written down: so that texts can be compared.",
    edits=(
        *_added(),
        Replace(
            path="shop/app.py",
            search="from shop.checkout import Checkout\n",
            replace="from shop.checkout import Checkout\nfrom shop.flags import Flags\n",
        ),
        Replace(
            path="shop/app.py",
            search="self, settings: Settings, *, revision: str, network: CardNetwork | None = None, "
            "log: TextIO = sys.stdout\n    ) -> None:",
            replace="self, settings: Settings, *, revision: str, network: CardNetwork | None = None, "
            "log: TextIO = sys.stdout,\n        flags: Flags | None = None,\n    ) -> None:",
        ),
        Replace(
            path="shop/app.py",
            search="        self._catalogue: tuple[float, Reply] | None = None\n",
            replace="        self._catalogue: tuple[float, Reply] | None = None\n"
            "        self._flags = flags or Flags()\n",
        ),
        Replace(
            path="shop/app.py",
            search="            order = self._checkout.place(cart.from_order(json.loads(body)))\n",
            replace="            wanted = json.loads(body)\n"
            "            order = self._checkout.place(cart.from_order(wanted))\n"
            '            self._flags.event(wanted.get("user"), "finished")\n',
        ),
        Replace(
            path="shop/app.py",
            search='            wanted = cart.from_query(parse_qs(query).get("item", []))\n'
            '            return _json(200, {"items": len(wanted.lines), "subtotal": str(wanted.subtotal)})\n',
            replace="            asked = parse_qs(query)\n"
            '            wanted = cart.from_query(asked.get("item", []))\n'
            '            button = self._flags.button(asked.get("user", [""])[0])\n'
            "            return _json(\n"
            '                200, {"items": len(wanted.lines), "subtotal": str(wanted.subtotal), "button": button}\n'
            "            )\n"
            '        if path == "/events":\n'
            "            return self._happened(json.loads(body))\n",
        ),
        Replace(
            path="shop/app.py",
            search="    def _cached_catalogue(self) -> Reply:\n",
            replace="    def _happened(self, event: object) -> Reply:\n"
            '        if not isinstance(event, dict) or not event.get("user"):\n'
            '            raise ValueError("an event has a user")\n'
            '        self._flags.event(event["user"], event.get("what"))\n'
            '        return _json(200, {"status": "ok"})\n\n'
            "    def _cached_catalogue(self) -> Reply:\n",
        ),
        Replace(
            path="shop/metrics.py",
            search='ROUTES = ("/", "/catalogue", "/cart", "/checkout")',
            replace='ROUTES = ("/", "/catalogue", "/cart", "/checkout", "/events")',
        ),
        Replace(
            path="shop/__main__.py",
            search="from shop.app import Shop\n",
            replace="from shop.app import Shop\nfrom shop.flags import from_environment\n",
        ),
        Replace(
            path="shop/__main__.py",
            search='os.environ.get("SHOP_REVISION", "unknown"))',
            replace='os.environ.get("SHOP_REVISION", "unknown"), flags=from_environment())',
        ),
    ),
)

_START, _END = (f"(julianday(:{edge}) - 2440587.5) * 86400.0" for edge in ("start", "end"))
_THEN = f"time >= {_START} AND time < {_END}"
BUCKET_S = 5
"""Seconds over which the shop's own signals are counted."""
_BUCKET = f"CAST(time / {BUCKET_S} AS INTEGER) * {BUCKET_S} AS time"
_ENDED = "what IN ('left', 'finished')"
ABANDONMENT = f"SELECT {_BUCKET}, AVG(what = 'left') AS value FROM events WHERE {_ENDED} AND {_THEN} GROUP BY 1"  # noqa: S608
"""The share of users at the last step who leave."""
CANCELLATIONS = (
    f"SELECT {_BUCKET}, 1.0 * SUM(what = 'cancelled') / SUM({_ENDED}) AS value FROM events WHERE {_THEN} "  # noqa: S608
    f"GROUP BY 1 HAVING SUM({_ENDED}) > 0"
)
"""The share of users at the last step who cancel what they have just bought."""
EXPOSURES = f"SELECT unit, variant, time FROM exposures WHERE flag = :flag AND {_THEN}"  # noqa: S608


def users_who(what: str) -> str:
    """The query of the users who `left` or `cancelled`, one row an event."""
    return f"SELECT unit, time FROM events WHERE what = '{what}' AND {_THEN}"  # noqa: S608


def last_shown(record: Path, variant: str) -> float:
    """When the last user was shown a variant, in seconds since 1970; 0 for nobody."""
    with closing(sqlite3.connect(f"file:{record}?mode=ro", uri=True)) as read:
        found = read.execute("SELECT MAX(time) FROM exposures WHERE variant = ?", (variant,)).fetchone()
    return float(found[0] or 0.0)
