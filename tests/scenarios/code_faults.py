"""Faults that a commit to the code brings: an exception, memory that is never let go, queries by the dozen, retries."""

from dataclasses import replace

from tests.scenarios.making import Effect, Making
from tests.scenarios.scenario import Mending, Scenario
from tests.scenarios.timelines import PLANS, guilty, lure

REVERT = ("revert", "edit")
COUNTING = """
class Store:
    def __init__(self):
        self.asked = 0
    def items(self):
        self.asked += 1
        return [{'id': n, 'name': f'mug {n}', 'popularity': n} for n in range(50)]
    def stock_of(self, ids):
        self.asked += 1
        return {one: 1 for one in ids}
    def orders(self, day):
        self.asked += 1
        return [{'id': n, 'customer': n, 'total': 1, 'courier': {'name': 'Swift'}} for n in range(50)]
    def customers(self, ids):
        self.asked += 1
        return {one: {'name': 'Ada'} for one in ids}
    def customer(self, one):
        self.asked += 1
        return {'name': 'Ada'}
"""
REPLAY = '''\
"""Play a few requests of last week again; ends with 1 when one of them fails."""

import sys

sys.path.insert(0, ".")

from PACKAGE import orders, pricing


class Store:
    def orders(self, day):
        return [{"id": 1, "customer": 1, "total": 2, "courier": None}]

    def customers(self, ids):
        return {1: {"name": "Ada"}}


pricing.total([{"price": "9", "quantity": 1}], {"fixed": "2"})
orders.listing(Store(), "yesterday")
'''


def with_replay(it: Making) -> None:
    """Some teams keep requests to play again; their operator names that command."""
    text = it.tree["tools/replay.py"] = REPLAY.replace("PACKAGE", it.package)
    it.commits[0] = replace(it.commits[0], files={**it.commits[0].files, "tools/replay.py": text})
    it.reproduce = "python tools/replay.py"


def bug(it: Making) -> Scenario:
    """An input that the tests do not know raises. Seed 3: the code is old, the input is new, and nobody is guilty."""
    return (coupon, popular, courier, thousands)[it.fault](it)


def coupon(it: Making) -> Scenario:
    """Coupons of a fixed amount are forgotten."""
    with_replay(it)
    old = (
        '    if "fixed" in coupon:\n        return max(Decimal(0), net - amount(coupon["fixed"]))\n'
        '    return net - net * amount(coupon["percent"]) / 100\n'
    )
    new = '    share = min(amount(coupon["percent"]), Decimal(100))\n    return net - net * share / 100\n'
    culprit = guilty(it, "Cap percentages at a hundred", (it.module("pricing"), old, new))
    it.effects.append(Effect(measure="errors", split="/checkout", level=0.22))
    frames = (
        (it.module("checkout"), "place", 'due = total(order["lines"], order.get("coupon"))'),
        (it.module("pricing"), "total", "else reduced(net, coupon)"),
        (it.module("pricing"), "reduced", "share = min("),
    )
    it.say(it.trace(*frames, error="KeyError: 'percent'"))
    checks = (
        "from decimal import Decimal\nfrom PACKAGE.pricing import total\n"
        "assert total([{'price': '10', 'quantity': 2}], {'fixed': '5'}) == Decimal('15.00')\n"
        "assert total([{'price': '10', 'quantity': 2}], {'percent': '50'}) == Decimal('10.00')\n"
    )
    return it.finished("coupons of a fixed amount raise", culprit=culprit, remedies=REVERT, checks=checks)


def popular(it: Making) -> Scenario:
    """New items have no popularity yet."""
    edit = (it.module("search"), 'key=lambda item: item["name"])', 'key=lambda item: -item["popularity"])')
    culprit = guilty(it, "Show what sells first", edit)
    it.effects.append(Effect(measure="errors", split="/search", level=0.35))
    frames = (
        (it.module("search"), "search", "else matching(items, words)"),
        (it.module("search"), "matching", "return sorted(found"),
        (it.module("search"), "<lambda>", "return sorted(found"),
    )
    it.say(it.trace(*frames, error="KeyError: 'popularity'", route="/search"))
    checks = (
        "from PACKAGE.search import matching\n"
        "items = [{'id': 1, 'name': 'mug'}, {'id': 2, 'name': 'big mug'}]\n"
        "assert {item['id'] for item in matching(items, ['mug'])} == {1, 2}\n"
    )
    return it.finished("items without a popularity raise", culprit=culprit, remedies=REVERT, checks=checks)


COURIER = ("{customer['name']} {order['total']}", "{customer['name']} {order['total']} {order['courier']['name']}")
COURIER_CHECKS = (
    "from PACKAGE.orders import line\n"
    "assert 'Ada' in line({'id': 1, 'total': 2, 'courier': None}, {'name': 'Ada'})\n"
)  # fmt: skip


def courier_logged(it: Making) -> None:
    """What the log says of an order that nobody brings."""
    frames = (
        (it.module("orders"), "listing", "return [line("),
        (it.module("orders"), "line", "return f\"{order['id']}"),
    )
    it.say(it.trace(*frames, error="TypeError: 'NoneType' object is not subscriptable", route="/orders"))


def courier(it: Making) -> Scenario:
    """Orders that are fetched have no courier."""
    with_replay(it)
    culprit = guilty(it, "List who brings an order", (it.module("orders"), *COURIER))
    it.effects.append(Effect(measure="errors", split="/orders", level=0.5))
    courier_logged(it)
    return it.finished(
        "orders without a courier raise", culprit=culprit, remedies=REVERT, checks=COURIER_CHECKS
    )  # fmt: skip


def thousands(it: Making) -> Scenario:
    """Customers of a new country type thousands with a dot: old code, new input."""
    lure(it, "search", 30)
    it.decoy(-26, deployed=-4)
    it.effects.append(Effect(measure="errors", split="/checkout", level=0.18))
    frames = (
        (it.module("checkout"), "place", 'due = total(order["lines"], order.get("coupon"))'),
        (it.module("pricing"), "total", "net = sum((amount("),
        (it.module("pricing"), "amount", "return Decimal(str(text)"),
    )
    it.say(it.trace(*frames, error="decimal.InvalidOperation: [<class 'decimal.ConversionSyntax'>]"))
    line = 'return Decimal(str(text).strip().replace(",", "."))'
    mended = (
        'plain = str(text).strip()\n    if "," in plain:\n        plain = plain.replace(".", "").replace(",", ".")\n'
        "    return Decimal(plain)"
    )
    test = (
        f"from decimal import Decimal\n\nfrom {it.package}.pricing import total\n\n\ndef test_thousands_have_a_dot():\n"
        '    assert total([{"price": "1.234,50", "quantity": 1}]) == Decimal("1234.50")\n'
    )
    checks = (
        "from decimal import Decimal\nfrom PACKAGE.pricing import amount\n"
        "assert amount('2.000,25') == Decimal('2000.25')\nassert amount('1,5') == Decimal('1.5')\n"
        "assert amount('7.25') == Decimal('7.25')\n"
    )
    mending = Mending(
        path=it.module("pricing"),
        function="amount",
        search=line,
        replace=mended,
        test_path="tests/test_thousands.py",
        test=test,
    )
    return it.finished("a new way to type numbers", remedies=("edit",), checks=checks, mending=mending)


GROWS = """
import PACKAGE.MODULE as module
from PACKAGE import settings
CALLS
held = sum(len(v) for n, v in vars(module).items() if isinstance(v, (list, dict, set)) and not n.startswith('__'))
assert held < 150, held
"""


def leak(it: Making) -> Scenario:
    """Memory is taken and never given back, slowly. Seed 3: the catalogue itself grew."""
    it.step, it.ahead = it.step * 2, 150
    start = -PLANS[it.turn].delay
    it.effects.append(Effect(measure="memory", level=1.5e9, start=start, ramp=420 + 120 * it.fault))
    if it.fault == 0:
        old = (
            "            while len(self._held) > self._most:\n                self._held.pop(next(iter(self._held)))\n"
        )
        culprit = guilty(it, "Simplify the cache", (it.module("cache"), old, ""))
        checks = (
            "from PACKAGE.cache import Cache\nheld = Cache({'ttl_s': 60, 'max_entries': 5}, lambda: 0)\n"
            "for n in range(50):\n    held.get(n, lambda: n)\nassert len(held) <= 5\n"
        )
    elif it.fault == 1:
        asked = "    items = store.items()\n"
        edits = (
            (it.module("search"), "RECENT = 50\n", "RECENT = 50\n_asked = []\n"),
            (it.module("search"), asked, f"    _asked.append(words)\n{asked}"),
        )
        culprit = guilty(it, "Remember what was asked for, for suggestions", *edits)
        checks = _grows("search", "for n in range(400):\n    module.search(Store(), ['mug'], 5)\n")
    elif it.fault == 2:
        begins, row = '"""What customers ordered."""\n', "    return [line(order, customers"
        edits = (
            (it.module("orders"), begins, f"{begins}\n_listed = {{}}\n"),
            (it.module("orders"), row, f"    _listed[len(_listed)] = customers\n{row}"),
        )
        culprit = guilty(it, "Keep listings in memory for the monthly report", *edits)
        checks = _grows("orders", "for n in range(400):\n    module.listing(Store(), n)\n")
    else:
        lure(it, "cache", 12)
        it.decoy(-20, deployed=-3)
        it.say("INFO catalogue import: {n} new items, twice as many as ever", first=-8, last=100, often=0.2)
        return it.finished("the catalogue itself grew: nobody changed the service")
    return it.finished("memory is never let go", culprit=culprit, remedies=REVERT, checks=checks)


def _grows(module: str, calls: str) -> str:
    return COUNTING + GROWS.replace("MODULE", module).replace("CALLS", calls)


def n_plus_one(it: Making) -> Scenario:
    """What was one query is one for each row."""
    route = ("/orders", "/search", "/orders", "/orders")[it.fault]
    it.effects += [
        Effect(measure="queries", split=route, level=48),
        Effect(measure="latency", split=route, level=0.95),
    ]
    batched = '    customers = store.customers([order["customer"] for order in orders])\n'
    rows = '    return [line(order, customers[order["customer"]]) for order in orders]\n'
    asked = "queries = Store()\norders.listing(queries, 'today')\n"
    if it.fault == 0:
        new = '    return [line(order, store.customer(order["customer"])) for order in orders]\n'
        culprit = guilty(it, "Load customers when they are needed", (it.module("orders"), batched + rows, new))
    elif it.fault == 1:
        old = 'stock = store.stock_of([item["id"] for item in found[:limit]])'
        new = 'stock = {item["id"]: store.stock_of([item["id"]])[item["id"]] for item in found[:limit]}'
        culprit = guilty(it, "Ask for the stock of each item", (it.module("search"), old, new))
        asked = "queries = Store()\nsearch.search(queries, ['mug'], 40)\n"
    elif it.fault == 2:
        people = '"""Who people are."""\n\n\ndef person(store, one):\n    """A customer."""\n'
        people += "    return store.customer(one)\n"
        new = '    return [line(order, person(store, order["customer"])) for order in orders]\n'
        begins = '"""What customers ordered."""\n'
        edits = (
            (it.module("people"), "", people),
            (it.module("orders"), batched + rows, new),
            (it.module("orders"), begins, f"{begins}\nfrom {it.package}.people import person\n"),
        )
        culprit = guilty(it, "Move what is known of people to one place", *edits)
    else:
        new = "    customers = {}\n    for order in orders:\n"
        new += '        customers |= store.customers([order["customer"]])\n'
        culprit = guilty(it, "Skip customers who left", (it.module("orders"), batched, new))
    checks = f"{COUNTING}from PACKAGE import orders, search\n{asked}assert queries.asked <= 4, queries.asked\n"
    return it.finished("a query for each row", culprit=culprit, remedies=REVERT, checks=checks)


STORM_CHECKS = """
from PACKAGE import client, checkout, settings
sent, slept = [], []
held = settings.load()
try:
    client.call(lambda message, timeout: sent.append(1) or 503, {}, held['client'], slept.append)
except client.Unavailable:
    pass
assert len(sent) <= 4 and slept == sorted(slept) and all(pause > 0 for pause in slept), (sent, slept)
sent.clear()
order = {'lines': [{'price': '1', 'quantity': 1}]}
try:
    checkout.place(order, lambda message, timeout: sent.append(1) or 503, held, slept.append)
except client.Unavailable:
    pass
assert len(sent) <= 4, sent
sent.clear()
assert client.call(lambda message, timeout: sent.append(1) or 402, {}, held['client'], slept.append) == 402
assert len(sent) == 1
"""


def retry_storm(it: Making) -> Scenario:
    """Calls are made again and again. Seed 3: the provider is down, and the retries are as they always were."""
    it.effects += [
        Effect(measure="calls", level=70 if it.fault < 3 else 21),
        Effect(measure="errors", split="/checkout", level=0.12),
        Effect(measure="latency", split="/checkout", level=1.1),
    ]
    remedies: tuple[str, ...] = REVERT
    if it.fault == 0:
        paused = '        if attempt < settings["retries"]:\n            sleep(pause)\n            pause *= 2\n'
        edits = (
            (it.module("client"), 'for attempt in range(settings["retries"] + 1):', "for attempt in range(25):"),
            (it.module("client"), "        if status < 500:\n", "        if status < 400:\n"),
            (it.module("client"), paused, ""),
        )
        culprit = guilty(it, "Be more patient with payments", *edits)
    elif it.fault == 1:
        culprit = guilty(it, "Retry harder", it.set("retries", 2, 20), it.set("backoff_ms", 200, 0))
        remedies = ("configuration", "revert")
    elif it.fault == 2:
        old = '    return {"due": due, "paid": call(send, {"amount": str(due)}, settings["client"], sleep)}\n'
        new = (
            "    for _ in range(5):\n        try:\n"
            '            paid = call(send, {"amount": str(due)}, settings["client"], sleep)\n            break\n'
            '        except Unavailable:\n            continue\n    return {"due": due, "paid": paid}\n'
        )
        edits = (
            (it.module("checkout"), old, new),
            (it.module("checkout"), "client import call\n", "client import Unavailable, call\n"),
        )
        culprit = guilty(it, "Try again before an order is given up", *edits)
    else:
        lure(it, "checkout")
        it.say("ERROR payment provider https://api.pay.example/v1/charges answered 503 service unavailable")
        return it.finished("the payment provider is down")
    frames = (
        (it.module("checkout"), "place", "call(send"),
        (it.module("client"), "call", "raise Unavailable("),
    )
    it.say(it.trace(*frames, error=f"{it.package}.client.Unavailable: no answer within 2000 ms"))
    return it.finished("every failure is asked for again", culprit=culprit, remedies=remedies, checks=STORM_CHECKS)
