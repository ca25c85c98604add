"""Faults that a value brings: of a limit, a pool, a timeout, a cache, a flag, a pin."""

from tests.scenarios.making import ROUTES, Effect, Making
from tests.scenarios.scenario import Scenario
from tests.scenarios.service import PINS
from tests.scenarios.timelines import afterwards, guilty, lure

VALUE = ("configuration", "revert")


def held(section: str, key: str, value: int, key_too: str = "", value_too: int = 0) -> str:
    """The hidden assertion that a value is what it was, and that the others still are."""
    lines = ["from PACKAGE import settings", "held = settings.load()", f"assert held['{section}']['{key}'] == {value}"]
    if key_too:
        lines.append(f"assert held['{section}']['{key_too}'] == {value_too}")
    return "\n".join([*lines, "assert sum(len(keys) for keys in held.values()) >= 11", ""])


def config(it: Making) -> Scenario:
    """A limit of the server is set where users meet it."""
    if it.fault == 0:
        culprit = guilty(it, "Refuse large bodies", it.set("max_body_kib", 512, 16))
        it.effects.append(Effect(measure="errors", split="/checkout", level=0.15))
        frames = ((it.module("checkout"), "place", 'raise Refused("the order is too large")'),)
        it.say(it.trace(*frames, error=f"{it.package}.checkout.Refused: the order is too large"))
        checks = held("server", "max_body_kib", 512)
    elif it.fault == 2:
        culprit = guilty(it, "Show whole categories at once", it.set("page_size", 25, 5000))
        it.effects += [
            Effect(measure="latency", split="/search", level=1.4),
            Effect(measure="memory", level=4.4e8, ramp=20),
        ]
        checks = held("search", "page_size", 25)
    else:
        edits = [it.set("workers", 8, 2)]
        if it.fault == 3:
            edits.append((it.module("server"), '"""Answer one request."""', '"""Answer one request, and no more."""'))
        culprit = guilty(it, "Save memory", *edits)
        it.effects += [Effect(measure="latency", level=1.2), Effect(measure="memory", level=2.1e8)]
        checks = held("server", "workers", 8)
    return it.finished("a limit is too low or too high", culprit=culprit, remedies=VALUE, checks=checks)


def small_pool(it: Making) -> Scenario:
    """Too few connections. Seed 3: the pool is what it was, and three times as many people came."""
    it.effects += [Effect(measure="waiting", level=28), Effect(measure="latency", level=1.3, ramp=4)]
    checks = (
        "from PACKAGE import pool, settings\none = pool.Pool(settings.load()['database'], object)\n"
        "assert all(one.borrow() is not None for _ in range(15))\n"
    )
    remedies: tuple[str, ...] = VALUE
    if it.fault == 0:
        culprit = guilty(it, "Leave connections for the reports", it.set("pool_size", 20, 4))
    elif it.fault == 1:
        old, new = 'self._most = settings["pool_size"]', 'self._most = min(settings["pool_size"], 4)'
        culprit = guilty(it, "Never hold more than four", (it.module("pool"), old, new))
        remedies = ("revert", "edit")
    elif it.fault == 2:
        more = '\n\ndef idle(pool):\n    """How many are free."""\n    return len(pool._free)\n'
        culprit = guilty(it, "Watch idle connections", it.set("pool_size", 20, 3), (it.module("pool"), "", more))
    else:
        it.effects += [Effect(measure="requests", level=64, ramp=3), Effect(measure="queries", level=4.1)]
        it.commit("Keep connections a little longer", -40, it.set("keep_alive_s", 30, 35))
        it.deploy(-9)
        it.decoys.append(len(it.commits) - 1)
        it.decoy(-20, deployed=4)
        it.say("ERROR timed out waiting for a database connection ({n} waiting)")
        return it.finished("a traffic surge")
    it.say("ERROR timed out waiting for a database connection ({n} waiting)")
    return it.finished("too few connections", culprit=culprit, remedies=remedies, checks=checks)


def tight_timeout(it: Making) -> Scenario:
    """Nothing is waited for. Seed 3: the provider became slow."""
    unavailable = f"{it.package}.client.Unavailable: no answer within"
    frames = ((it.module("checkout"), "place", "call(send"), (it.module("client"), "call", "raise Unavailable("))
    it.effects.append(Effect(measure="errors", split="/orders" if it.fault == 1 else "/checkout", level=0.3))
    if it.fault == 0:
        culprit = guilty(it, "Answer faster when payments hang", it.set("timeout_ms", 2000, 150))
        it.say(it.trace(*frames, error=f"{unavailable} 150 ms"))
        checks, remedies = held("client", "timeout_ms", 2000), VALUE
    elif it.fault == 1:
        culprit = guilty(it, "Cancel slow statements", it.set("statement_timeout_ms", 5000, 80))
        it.say("ERROR QueryCanceled: canceling statement due to statement timeout (listing, {n})")
        checks, remedies = held("database", "statement_timeout_ms", 5000), VALUE
    elif it.fault == 2:
        edit = (it.module("client"), 'timeout=settings["timeout_ms"] / 1000', 'timeout=settings["timeout_ms"] / 10_000')
        culprit = guilty(it, "Tidy the units of the client", edit)
        it.say(it.trace(*frames, error=f"{unavailable} 2000 ms"))
        checks = (
            "from PACKAGE import client, settings\nasked = []\n"
            "client.call(lambda message, timeout: asked.append(timeout) or 200, {}, settings.load()['client'], print)\n"
            "assert asked == [2.0], asked\n"
        )
        remedies = ("revert", "edit")
    else:
        lure(it, "client")
        it.decoy(-20, deployed=-2)
        it.effects.append(Effect(measure="latency", split="/checkout", level=2.2))
        it.say("ERROR call to payment provider api.pay.example timed out after 2000 ms ({n})")
        return it.finished("the provider is slow")
    return it.finished("too little patience", culprit=culprit, remedies=remedies, checks=checks)


def cache_ttl(it: Making) -> Scenario:
    """Nothing is remembered for long. Seed 3: a node of the cache is gone."""
    it.effects += [
        Effect(measure="hits", level=0.2, ramp=6),
        Effect(measure="queries", level=15, ramp=6),
        Effect(measure="latency", level=0.45, ramp=6),
    ]
    remedies: tuple[str, ...] = VALUE
    if it.fault == 0:
        culprit = guilty(it, "Show new prices sooner", it.set("ttl_s", 300, 2))
        checks = held("cache", "ttl_s", 300)
    elif it.fault == 1:
        edit = (it.module("cache"), 'self._ttl = settings["ttl_s"]', 'self._ttl = settings["ttl_s"] / 1000')
        culprit = guilty(it, "Count in milliseconds", edit)
        checks = (
            "from PACKAGE.cache import Cache\nnow = [0]\n"
            "held = Cache({'ttl_s': 300, 'max_entries': 5}, lambda: now[0])\n"
            "held.get('a', lambda: 1)\nnow[0] = 200\nassert held.get('a', lambda: 2) == 1\n"
        )
        remedies = ("revert", "edit")
    elif it.fault == 2:
        culprit = guilty(it, "Use less memory", it.set("ttl_s", 300, 20), it.set("max_entries", 10000, 50))
        checks = held("cache", "ttl_s", 300, "max_entries", 10000)
    else:
        lure(it, "cache")
        it.say("ERROR cache node redis-2 is unreachable: connection refused ({n})")
        return it.finished("a node of the cache is gone")
    return it.finished("nothing is remembered for long", culprit=culprit, remedies=remedies, checks=checks)


def turned(it: Making, name: str) -> tuple[str, str, str]:
    """The edit that turns a flag on."""
    if it.form == "json":
        return "flags/flags.json", f'"{name}": false', f'"{name}": true'
    old = f'"{name}": {{\n      "state": "ENABLED",\n      "variants": {{"on": true, "off": false}},\n'
    old += '      "defaultVariant": "off"'
    return "flags/flags.json", old, f'{old[: -len("off") - 1]}on"'


def bad_flag(it: Making) -> Scenario:
    """A flag is turned on, and what is behind it does not work. Seed 3: a machine is ill, and the flag is innocent."""
    remedies = ("flag", "configuration", "revert")
    if it.fault == 3:
        it.commit("Turn gift wrap on", -30, turned(it, "gift-wrap"))
        it.deploy(-6)
        it.decoys.append(len(it.commits) - 1)
        it.effects.append(Effect(measure="errors", level=0.2))
        it.say("ERROR node ip-10-0-3-7 is not ready: DiskPressure, evicted ({n})")
        return it.finished("a node is ill")
    if it.fault == 1:
        culprit = guilty(it, "Everybody gets the fuzzy search", turned(it, "fuzzy-search"))
        it.effects.append(Effect(measure="latency", split="/search", level=1.7))
        name = "fuzzy-search"
    else:
        edits = [turned(it, "tiered-prices")] + ([turned(it, "gift-wrap")] if it.fault == 2 else [])
        culprit = guilty(it, "Launch day" if it.fault == 2 else "Everybody gets the tiers", *edits)
        it.effects.append(Effect(measure="errors", split="/checkout", level=0.25))
        frames = (
            (it.module("checkout"), "place", 'due = total(order["lines"], order.get("coupon"))'),
            (it.module("pricing"), "total", "tiered(net, coupon) if"),
            (it.module("pricing"), "tiered", 'step = Decimal(coupon["percent"])'),
        )
        it.say(it.trace(*frames, error="KeyError: 'percent'"))
        name = "tiered-prices"
    checks = (
        f"from PACKAGE.settings import flag\nassert flag('{name}') is False\nassert flag('dark-mode') is False\n"
        "assert flag('gift-wrap') in {True, False}\n"
    )
    return it.finished("what is behind the flag does not work", culprit=culprit, remedies=remedies, checks=checks)


def pinned(name: str, version: str, others: dict[str, str]) -> str:
    """The hidden assertion that a pin is back, and the others are what they were."""
    wanted = {**PINS, name: version, **others}
    return (
        "import pathlib\nlines = pathlib.Path('requirements.txt').read_text().split()\n"
        "pins = dict(line.split('==') for line in lines)\n"
        f"assert pins == {wanted!r}, pins\n"
    )


def bad_bump(it: Making) -> Scenario:
    """A dependency's new version breaks what worked."""
    remedies = ("pin", "revert")
    name, new = (("tinymoney", "2.0.0"), ("orderly", "5.0.0"), ("urllib3", "3.0.0"), ("zstdlite", "1.0.0"))[it.fault]
    edit = ("requirements.txt", f"{name}=={PINS[name]}\n", f"{name}=={new}\n")
    others: dict[str, str] = {}
    title = f"Bump {name} from {PINS[name]} to {new}"
    if it.fault == 1:
        title = "Bump the weekly group of dependencies"
        culprit = guilty(it, title, edit, ("requirements.txt", "idna==3.10\n", "idna==3.11\n"))
    elif it.fault == 2:
        it.decoy(-120, deployed=None)
        culprit = it.commit(title, -105, edit)
        it.deploy(-70)
        it.commit(
            "Bump tinymoney from 1.4.2 to 1.4.3", -98, ("requirements.txt", "tinymoney==1.4.2\n", "tinymoney==1.4.3\n")
        )
        others["tinymoney"] = "1.4.3"
        afterwards(it)
    else:
        culprit = guilty(it, title, edit)
    if it.fault == 3:
        it.effects += [Effect(measure="latency", level=0.6), Effect(measure="memory", level=4.6e8)]
    else:
        route = ("/checkout", "/orders", "/checkout")[it.fault]
        it.effects.append(Effect(measure="errors", split=route, level=0.4))
        module = it.module("checkout" if route == "/checkout" else "orders")
        function = "place" if route == "/checkout" else "listing"
        code = "call(send" if route == "/checkout" else "return [line("
        frames = ((module, function, code), (f"usr/lib/python3/site-packages/{name}/core.py", "parse", "raise"))
        it.say(it.trace(*frames, error=f"{name}.errors.Unsupported: the old form is gone", route=route))
    checks = pinned(name, PINS[name], others)
    if it.fault == 1:
        checks = checks.replace("assert pins ==", "pins['idna'] = '3.10'\nassert pins ==")
    return it.finished(f"{name} {new} breaks it", culprit=culprit, remedies=remedies, checks=checks)


__all__ = ["ROUTES", "bad_bump", "bad_flag", "cache_ttl", "config", "held", "small_pool", "tight_timeout"]
