"""The small service that every scenario begins with: plain Python, its configuration, flags, pins and tests.

`PACKAGE` stands for the package's name. What breaks it is in `tests.scenarios.kinds`.
"""

from collections.abc import Mapping

PACKAGES = ("shop", "tickets", "parcels", "bookings")
FORMATS = ("toml", "yaml", "json", "yaml")
"""The format of the configuration file, by seed."""

CONFIGURATION: Mapping[str, Mapping[str, int]] = {
    "server": {"workers": 8, "max_body_kib": 512, "keep_alive_s": 30},
    "database": {"pool_size": 20, "statement_timeout_ms": 5000},
    "client": {"timeout_ms": 2000, "retries": 2, "backoff_ms": 200},
    "cache": {"ttl_s": 300, "max_entries": 10000},
    "search": {"page_size": 25},
}

PINS = {
    "attrs": "25.3.0", "certifi": "2025.8.3", "click": "8.1.8", "idna": "3.10", "jinja2": "3.1.6",
    "orderly": "4.2.1", "pytz": "2025.2", "tinymoney": "1.4.2", "urllib3": "2.2.3", "zstdlite": "0.9.4",
}  # fmt: skip

SETTINGS = '''\
"""The settings of the service."""

import json
import tomllib
from pathlib import Path


def load(folder="config"):
    """Section → key → number, from the only file there is."""
    (path,) = Path(folder).glob("app.*")
    text = path.read_text()
    if path.suffix == ".toml":
        return tomllib.loads(text)
    if path.suffix == ".json":
        return json.loads(text)
    found, section = {}, ""
    for line in text.splitlines():
        name, _, value = line.partition("#")[0].partition(":")
        if name.strip() and not value.strip():
            section = name.strip()
            found[section] = {}
        elif name.strip():
            found[section][name.strip()] = int(value)
    return found


def flag(name, path="flags/flags.json"):
    """Whether a flag is on."""
    held = json.loads(Path(path).read_text())
    if "flags" in held:
        one = held["flags"][name]
        return one["variants"][one["defaultVariant"]]
    return held[name]
'''

PRICING = '''\
"""What a cart costs."""

from decimal import ROUND_HALF_UP, Decimal

from PACKAGE.settings import flag

CENT = Decimal("0.01")


def amount(text):
    """A number as customers type it."""
    return Decimal(str(text).strip().replace(",", "."))


def reduced(net, coupon):
    """The price once a coupon is taken off."""
    if coupon is None:
        return net
    if "fixed" in coupon:
        return max(Decimal(0), net - amount(coupon["fixed"]))
    return net - net * amount(coupon["percent"]) / 100


def tiered(net, coupon):
    """The price by the new tiers, for those who have them."""
    if coupon is None:
        return net
    step = Decimal(coupon["percent"]) // 5 * 5
    return net - net * step / 100


def total(lines, coupon=None):
    """The sum of a cart."""
    net = sum((amount(line["price"]) * line["quantity"] for line in lines), Decimal(0))
    net = tiered(net, coupon) if flag("tiered-prices") else reduced(net, coupon)
    return net.quantize(CENT, ROUND_HALF_UP)
'''

SEARCH = '''\
"""Finding things in the catalogue."""

from PACKAGE.settings import flag

RECENT = 50


def matching(items, words):
    """The items that have all the words, by name."""
    wanted = [word.lower() for word in words]
    found = [item for item in items if all(word in item["name"].lower() for word in wanted)]
    return sorted(found, key=lambda item: item["name"])


def fuzzy(items, words):
    """The items that are nearly like the words."""
    return [item for item in items if any(set(word) <= set(item["name"]) for word in words for _ in items)]


def search(store, words, limit):
    """One page of what was asked for."""
    items = store.items()
    found = fuzzy(items, words) if flag("fuzzy-search") else matching(items, words)
    stock = store.stock_of([item["id"] for item in found[:limit]])
    return [{**item, "stock": stock[item["id"]]} for item in found[:limit]]
'''

ORDERS = '''\
"""What customers ordered."""


def listing(store, day):
    """The orders of a day with their customers."""
    orders = store.orders(day)
    customers = store.customers([order["customer"] for order in orders])
    return [line(order, customers[order["customer"]]) for order in orders]


def line(order, customer):
    """One row of the listing."""
    return f"{order['id']} {customer['name']} {order['total']}"


def by_weight(orders):
    """The heaviest first."""
    return sorted(orders, key=lambda order: -order.get("weight", 0))
'''

CHECKOUT = '''\
"""Taking orders."""

from PACKAGE.client import call
from PACKAGE.pricing import total


class Refused(Exception):
    """The order cannot be taken."""


def place(order, send, settings, sleep):
    """Check an order, have it paid, and say what it came to."""
    if not order["lines"]:
        raise Refused("an empty cart")
    if len(str(order)) > settings["server"]["max_body_kib"] * 1024:
        raise Refused("the order is too large")
    due = total(order["lines"], order.get("coupon"))
    return {"due": due, "paid": call(send, {"amount": str(due)}, settings["client"], sleep)}
'''

CLIENT = '''\
"""Calls to the payment service."""


class Unavailable(Exception):
    """It did not answer in time, or not at all."""


def call(send, message, settings, sleep):
    """Send a message, again after a growing pause when nobody answers. Refusals (4xx) are final."""
    pause = settings["backoff_ms"] / 1000
    for attempt in range(settings["retries"] + 1):
        status = send(message, timeout=settings["timeout_ms"] / 1000)
        if status < 500:
            return status
        if attempt < settings["retries"]:
            sleep(pause)
            pause *= 2
    raise Unavailable(f"no answer within {settings['timeout_ms']} ms")
'''

CACHE = '''\
"""What was looked up lately."""


class Cache:
    """Remembers values for some seconds, the newest entries only."""

    def __init__(self, settings, clock):
        self._ttl = settings["ttl_s"]
        self._most = settings["max_entries"]
        self._clock = clock
        self._held = {}

    def __len__(self):
        return len(self._held)

    def get(self, key, make):
        """What is remembered, or made now."""
        at, value = self._held.get(key, (None, None))
        if at is None or self._clock() - at > self._ttl:
            value = make()
            self._held[key] = (self._clock(), value)
            while len(self._held) > self._most:
                self._held.pop(next(iter(self._held)))
        return value
'''

POOL = '''\
"""Connections to the database."""


class Pool:
    """Lends connections, at most so many at once."""

    def __init__(self, settings, connect):
        self._most = settings["pool_size"]
        self._connect = connect
        self._lent = 0
        self._free = []

    def borrow(self):
        """A connection, or None when all are lent: the caller waits then."""
        if self._lent >= self._most:
            return None
        self._lent += 1
        return self._free.pop() if self._free else self._connect()

    def give_back(self, connection):
        """Take a connection back."""
        self._lent -= 1
        self._free.append(connection)
'''

SERVER = '''\
"""From a path to what answers it."""

from PACKAGE import checkout, orders, search

ROUTES = {"/checkout": checkout.place, "/search": search.search, "/orders": orders.listing}


def handle(path, *words):
    """Answer one request."""
    route = ROUTES[path]
    return route(*words)
'''

TEST_PRICING = """\
from decimal import Decimal

from PACKAGE.pricing import amount, total


def test_adds_up():
    assert total([{"price": "2.50", "quantity": 2}]) == Decimal("5.00")


def test_takes_a_percentage_off():
    assert total([{"price": "10", "quantity": 1}], {"percent": "10"}) == Decimal("9.00")


def test_reads_a_decimal_comma():
    assert amount("1,5") == Decimal("1.5")
"""

TEST_SERVICE = """\
from PACKAGE import cache, client, orders, pool, search, settings


class Store:
    def items(self):
        return [
            {"id": 1, "name": "Blue mug", "popularity": 2},
            {"id": 2, "name": "Red mug", "popularity": 9},
        ]

    def stock_of(self, ids):
        return {one: 3 for one in ids}

    def orders(self, day):
        return [{"id": 7, "customer": 1, "total": 5, "courier": {"name": "Swift"}}]

    def customers(self, ids):
        return {one: self.customer(one) for one in ids}

    def customer(self, one):
        return {"name": "Ada"}


def test_searches():
    assert {item["id"] for item in search.search(Store(), ["mug"], 25)} == {1, 2}


def test_lists_orders():
    assert "Ada" in orders.listing(Store(), "today")[0]


def test_calls_again():
    answers = [503, 200]
    held = {"timeout_ms": 100, "retries": 2, "backoff_ms": 1}
    assert client.call(lambda message, timeout: answers.pop(0), {}, held, lambda pause: None) == 200


def test_remembers():
    held = cache.Cache({"ttl_s": 60, "max_entries": 5}, lambda: 0)
    assert held.get("a", lambda: 1) == held.get("a", lambda: 2) == 1


def test_lends():
    one = pool.Pool({"pool_size": 2}, object)
    assert one.borrow() is not None


def test_loads():
    assert settings.load()["server"]["workers"] > 0
"""


def configuration(form: str, wanted: Mapping[str, Mapping[str, int]] = CONFIGURATION) -> str:
    """The configuration file as people write it."""
    if form == "json":
        sections = [
            f'  "{name}": {{\n' + ",\n".join(f'    "{key}": {value}' for key, value in keys.items()) + "\n  }"
            for name, keys in wanted.items()
        ]
        return "{\n" + ",\n".join(sections) + "\n}\n"
    if form == "toml":
        return "\n".join(
            f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
            for name, keys in wanted.items()
        )
    return "# read once, at the start\n" + "".join(
        f"{name}:\n" + "".join(f"  {key}: {value}\n" for key, value in keys.items()) for name, keys in wanted.items()
    )


def flags(form: str) -> str:
    """The flag file: as flagd reads it, or a plain map."""
    names = ("tiered-prices", "fuzzy-search", "dark-mode", "gift-wrap")
    if form == "json":
        return "{\n" + ",\n".join(f'  "{name}": false' for name in names) + "\n}\n"
    one = '    "%s": {\n      "state": "ENABLED",\n      "variants": {"on": true, "off": false},\n'
    one += '      "defaultVariant": "off"\n    }'
    return '{\n  "flags": {\n' + ",\n".join(one % name for name in names) + "\n  }\n}\n"


def pins(form: str) -> str:
    """The pinned requirements."""
    del form
    return "".join(f"{name}=={version}\n" for name, version in PINS.items())


def base(package: str, form: str) -> dict[str, str]:
    """The files of the first commit: path → text."""
    modules = {
        "settings": SETTINGS, "pricing": PRICING, "search": SEARCH, "orders": ORDERS, "checkout": CHECKOUT,
        "client": CLIENT, "cache": CACHE, "pool": POOL, "server": SERVER,
    }  # fmt: skip
    files = {f"{package}/{name}.py": text for name, text in modules.items()}
    files |= {
        f"{package}/__init__.py": '"""A small service."""\n',
        "tests/test_pricing.py": TEST_PRICING,
        "tests/test_service.py": TEST_SERVICE,
        f"config/app.{form}": configuration(form),
        "flags/flags.json": flags(form),
        "requirements.txt": pins(form),
        "README.md": f"# {package}\n\nA small service.\n",
        "CHANGELOG.md": "# Changes\n",
    }
    return {path: text.replace("PACKAGE", package) for path, text in files.items()}
