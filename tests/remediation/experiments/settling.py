"""Made-up code that asks the flag `checkout_button`, and what is left of it: written before the removal was run on it.

TAKEN    name, the value that everybody is shown, the code, and the code without the flag
REFUSED  name, the value, the code, and what the refusal says
"""

from pydantic import JsonValue

FLAG, EVENT = "checkout_button", 'exposure("checkout_button"'

TAKEN: list[tuple[str, JsonValue, str, str]] = [
    (
        "the example of the documents",
        "Pay now",
        """\
from shop.flags import exposure, flags


def button(user, variant):
    label = flags.get("checkout_button", "Pay")
    exposure("checkout_button", user, variant)  # without it nothing can be measured
    return f"<button>{label}</button>"
""",
        """\
def button(user, variant):
    label = "Pay now"
    return f"<button>{label}</button>"
""",
    ),
    (
        "OpenFeature, and a branch",
        True,
        """\
from openfeature import api
from openfeature.evaluation_context import EvaluationContext

client = api.get_client()


def checkout(user):
    ctx = EvaluationContext(targeting_key=user.id)
    if client.get_boolean_value("checkout_button", False, ctx):
        # one page is enough
        return one_page(user)
    # the three pages of old
    return three_pages(user)
""",
        """\
from openfeature import api

client = api.get_client()


def checkout(user):
    # one page is enough
    return one_page(user)
""",
    ),
    (
        "OpenFeature by keyword, in single quotes",
        "Buy",
        "def f(client, ctx):\n    return client.get_string_value(flag_key='checkout_button', default_value='Pay')\n",
        "def f(client, ctx):\n    return 'Buy'\n",
    ),
    (
        "OpenFeature, awaited",
        3,
        'async def f(c):\n    return await c.get_integer_value_async("checkout_button", 1) + 1\n',
        "async def f(c):\n    return 3 + 1\n",
    ),
    (
        "a whole number where a float is asked for",
        2,
        'def f(c):\n    return c.get_float_value("checkout_button", 1.5)\n',
        "def f(c):\n    return 2.0\n",
    ),
    (
        "an object",
        {"label": "Pay", "big": True, "tags": ["a", None]},
        'LAYOUT = client.get_object_value("checkout_button", {})\n',
        'LAYOUT = {"label": "Pay", "big": True, "tags": ["a", None]}\n',
    ),
    (
        "LaunchDarkly, whose default is third",
        False,
        """\
import ldclient
from ldclient import Context


def view(user):
    context = Context.builder(user.key).name(user.name).build()
    show = ldclient.get().variation("checkout_button", context, True)

    if show == True:
        r = fetch()
        return r
    else:
        text = "The app is up!"  # as ever
        return text
""",
        """\
def view(user):
    text = "The app is up!"  # as ever
    return text
""",
    ),
    (
        "Unleash, with a multi-line call and bool()",
        True,
        """\
def enabled(account):
    context = {"schema": account}
    LOG.info("asked for %s", account)
    return bool(
        UNLEASH_CLIENT.is_enabled(
            "checkout_button",
            context,
        )
    )
""",
        """\
def enabled(account):
    LOG.info("asked for %s", account)
    return True
""",
    ),
    (
        "Unleash among other conditions",
        True,
        """\
def on(account, context):
    return bool(
        settings.ENABLED
        or account in settings.ACCOUNTS
        or UNLEASH_CLIENT.is_enabled("checkout_button", context)
    )
""",
        """\
def on(account, context):
    return bool(
        settings.ENABLED
        or account in settings.ACCOUNTS
        or True
    )
""",
    ),
    (
        "waffle, not, guard at the top",
        True,
        """\
class RecordView(View):
    def dispatch(self, request, *args, **kwargs):
        if not waffle.flag_is_active(request, 'checkout_button'):
            raise http.Http404()
        return super().dispatch(request, *args, **kwargs)
""",
        """\
class RecordView(View):
    def dispatch(self, request, *args, **kwargs):
        return super().dispatch(request, *args, **kwargs)
""",
    ),
    (
        "PostHog, and an elif",
        True,
        """\
def price(user, plan):
    if plan == "free":
        return 0
    elif posthog.feature_enabled("checkout_button", user.id):
        return 8  # of late
    elif plan == "old":
        return 9
    else:
        return 10
    return 11
""",
        """\
def price(user, plan):
    if plan == "free":
        return 0
    else:
        return 8  # of late
""",
    ),
    (
        "an elif that nobody sees",
        False,
        """\
def price(plan):
    if plan == "free":
        return 0
    elif feature_enabled("checkout_button"):
        return 8
    # the rest
    elif plan == "old":
        return 9
    return 10
""",
        """\
def price(plan):
    if plan == "free":
        return 0
    # the rest
    elif plan == "old":
        return 9
    return 10
""",
    ),
    (
        "an elif that everybody sees, and what is behind it",
        True,
        """\
def price(flags):
    if not flags.get("checkout_button", False):
        old()
    elif flags.get("checkout_button", False):
        for each in new():
            each()
    return 1
""",
        """\
def price(flags):
    for each in new():
        each()
    return 1
""",
    ),
    (
        "Flagsmith on an object of flags",
        False,
        """\
def skill(user):
    found = flagsmith.get_environment_flags()
    use = found.is_feature_enabled("checkout_button")
    return new(user) if use else old(user)
""",
        """\
def skill(user):
    return old(user)
""",
    ),
    (
        "Statsig, whose key is second",
        True,
        """\
def model():
    user = StatsigUser(user_id="genie")
    large = statsig.check_gate(user, "checkout_button")
    if large:
        print("large")
    else:
        print("small")
    return large
""",
        """\
def model():
    print("large")
    return True
""",
    ),
    (
        "Split, compared with what it is shown",
        "on",
        """\
def f(client, user):
    if client.get_treatment(user.key, "checkout_button") == "on":
        a()
    elif user.late:
        b()
    c()
""",
        """\
def f(client, user):
    a()
    c()
""",
    ),
    (
        "a key in a constant",
        True,
        """\
import os
from typing import Final

CHECKOUT: Final = "checkout_button"
OTHER = "other"


def f(flags, user):
    on = flags.is_enabled(CHECKOUT)
    exposure(CHECKOUT, user, on)
    return os.sep if on else OTHER
""",
        """\
import os

OTHER = "other"


def f(flags, user):
    return os.sep
""",
    ),
    (
        "comments stay with the code that stays",
        True,
        """\
# the shop
def f(flags, cart):
    # Section: prices

    # ask the flag
    if flags.get("checkout_button", False):  # new
        # what it comes to
        total = cart.sum()  # in cents
        # all of it
    else:
        # what it came to
        total = cart.old()
    # done
    return total
""",
        """\
# the shop
def f(flags, cart):
    # Section: prices

    # ask the flag
    # what it comes to
    total = cart.sum()  # in cents
    # all of it
    # done
    return total
""",
    ),
    (
        "nothing but the exposure in a branch and a loop",
        "x",
        """\
def f(users, flags):
    text = flags.get("checkout_button")
    for user in users:
        exposure("checkout_button", user, text)
    if users:
        exposure("checkout_button", users[0], text)
    if audit(users): exposure("checkout_button", 1, text)
    return text
""",
        """\
def f(users, flags):
    text = "x"
    for user in users:
        pass
    if audit(users): pass
    return text
""",
    ),
    (
        "several statements on a line",
        1,
        """\
def f(flags):
    a(); exposure("checkout_button", 1); b()
    c(); exposure("checkout_button", 2);
    return flags.get("checkout_button", 0)
""",
        "def f(flags):\n    a(); b()\n    c()\n    return 1\n",
    ),
    (
        "what was constant before stays",
        True,
        """\
def f(flags):
    while True:
        if False:
            never()
        if 1 == 1 and flags.get("checkout_button", False):
            break
        x = not True
    return x
""",
        """\
def f(flags):
    while True:
        if False:
            never()
        if 1 == 1:
            break
        x = not True
    return x
""",
    ),
    (
        "CRLF, tabs and a byte order mark",
        True,
        "\ufeffdef f(flags):\r\n\tif flags.get('checkout_button'):\r\n\t\treturn 1   # one\r\n",
        "\ufeffdef f(flags):\r\n\treturn 1   # one\r\n",
    ),
    (
        "below zero, in a sum and a power",
        -5,
        'def f(flags):\n    return flags.get("checkout_button", 1) ** 2, [flags.get("checkout_button", 1)]\n',
        "def f(flags):\n    return (-5) ** 2, [-5]\n",
    ),
    (
        "quotes, signs and lines in the value",
        'He said "now"\\ \n\u200b',
        'A = flags.get("checkout_button", "")\n',
        "A = 'He said \"now\"\\\\ \\n\\u200b'\n",
    ),
    (
        "inside an f-string",
        "Pay now",
        "def f(flags):\n    return f\"<b>{flags.get('checkout_button', 'Pay')}</b>\"\n",
        "def f(flags):\n    return f\"<b>{'Pay now'}</b>\"\n",
    ),
    (
        "a variable that is bound twice stays one",
        True,
        """\
def f(flags):
    try:
        on = flags.get("checkout_button", False)
    except FlagError:
        on = False
    return on
""",
        """\
def f(flags):
    try:
        on = True
    except FlagError:
        on = False
    return on
""",
    ),
    (
        "a fallback behind it, and a list",
        ["a", "b"],
        'def f(features):\n    for each in features.get("checkout_button") or []:\n        show(each)\n',
        'def f(features):\n    for each in ["a", "b"]:\n        show(each)\n',
    ),
    (
        "imports on several lines, one of them remarked on",
        True,
        """\
from shop.flags import (
    exposure,
    is_enabled,
    label,
)
from shop import users  # noqa: F401


def f(user):
    exposure("checkout_button", users.id(user))
    return is_enabled("checkout_button") and label(user)
""",
        """\
from shop.flags import (
    label,
)
from shop import users  # noqa: F401


def f(user):
    return label(user)
""",
    ),
]

REFUSED: list[tuple[str, JsonValue, str, str]] = [
    (
        "details",
        "x",
        'd = client.get_string_details("checkout_button", "Pay")\n',
        "code.py:1 gives the flag's key to get_",
    ),
    ("a member of the answer", "x", 'v = flags.get("checkout_button").variant\n', "more than a value"),
    ("a method of the answer", "x", 'v = flags.get("checkout_button", "Pay").lower()\n', "more than a value"),
    ("an item of the answer", {"a": 1}, 'v = flags.get("checkout_button", {})["a"]\n', "more than a value"),
    (
        "an answer of two",
        "x",
        'v, variant = flags.get("checkout_button", "Pay")\n',
        "takes the answer of the flag apart",
    ),
    ("an answer that is called", True, 'v = flags.get("checkout_button")()\n', "calls what the flag answers"),
    (
        "awaited in an unknown way",
        True,
        'async def f(flags):\n    await flags.get("checkout_button")\n',
        "code.py:2 asks",
    ),
    ("not awaited", True, 'f = c.get_boolean_value_async("checkout_button", False)\n', "awaited"),
    (
        "a decorator",
        True,
        '@waffle_flag("checkout_button")\ndef f(): ...\n',
        "code.py:1 gives the flag's key to waffle_flag",
    ),
    ("a known name as one", True, '@is_enabled("checkout_button")\ndef f(): ...\n', "more than a value"),
    ("an unknown function", "x", 'v = text_of("checkout_button", "Pay")\n', "gives the flag's key to text_of"),
    ("a mapping that is no flags", "x", 'v = settings.get("checkout_button", "Pay")\n', "which may be no question"),
    ("another kind", "Pay now", 'v = unleash.is_enabled("checkout_button")\n', "of another kind"),
    ("a yes for a number", True, 'v = c.get_integer_value("checkout_button", 1)\n', "of another kind"),
    ("a key in a mapping", "x", 'DEFAULTS = {"checkout_button": "Pay"}\n', "code.py:1 has the flag's key in no call"),
    ("a key in a list", "x", 'KNOWN = [\n    "other",\n    "checkout_button",\n]\n', "code.py:3 has the flag's key"),
    ("an item by the key", "x", 'v = flags["checkout_button"]\n', "has the flag's key in no call"),
    ("a member by the key", "x", 'a = "checkout_button"\nv = flags.checkout_button\n', "code.py:1 names the flag a"),
    ("a constant for others", "x", 'CHECKOUT = "checkout_button"\n', "a human follows where that goes"),
    (
        "a constant that is given on",
        "x",
        '__all__ = ["KEY"]\nKEY = "checkout_button"\nv = flags.get(KEY)\n',
        "code.py:2 names the flag KEY",
    ),
    ("a constant in a test of names", "x", 'K = "checkout_button"\nv = flags.get(K)\nw = K in names\n', "code.py:3"),
    ("a constant of a class", "x", 'class Flag(StrEnum):\n    BUTTON = "checkout_button"\n', "code.py:2"),
    ("the key in two halves", "x", 'v = flags["checkout_" "button"]; w = "checkout_button"\n', "code.py:1"),
    (
        "the exposure is used",
        "x",
        'def f(u):\n    return exposure("checkout_button", u)\n',
        "code.py:2 tells of the flag",
    ),
    ("the exposure after and", "x", 'user and exposure("checkout_button", user)\n', "in the midst of something else"),
    ("the exposure in a call", "x", 'later(exposure("checkout_button", user))\n', "does something else"),
    ("the exposure does more", "x", 'exposure("checkout_button", charge(user))\n', "does something else"),
    ("the exposure in a lambda", "x", 'on_seen(lambda: exposure("checkout_button", user))\n', "does something else"),
    ("asking does more", "x", 'v = flags.get("checkout_button", take_next())\n', "does something else where it asks"),
    (
        "asking names something",
        "x",
        'v = flags.get("checkout_button", (d := 1))\n',
        "does something else where it asks",
    ),
    ("a match", "x", 'match flags.get("checkout_button"):\n    case "x":\n        a()\n', "more than a value"),
    ("a with", True, 'with flags.get("checkout_button"):\n    a()\n', "more than a value"),
    (
        "a generator would be none",
        True,
        'def f(flags):\n    if flags.get("checkout_button", 0):\n        return []\n    yield 1\n',
        "f() would yield nothing",
    ),
    (
        "a global in what goes",
        True,
        """\
def f(flags):
    if flags.get("checkout_button", 0):
        x = 1
    else:
        global x
        x = 2
""",
        "f() sets names of others",
    ),
    ("a brace in an f-string", {"a": 1}, "v = f\"{flags.get('checkout_button')}\"\n", "a text that the value cannot"),
    ("both quotes in an f-string", "\"'", "v = f\"{flags.get('checkout_button')}\"\n", "a text that the value cannot"),
    (
        "an f-string that shows the asking",
        1,
        "v = f\"{flags.get('checkout_button')=}\"\n",
        "a text that the value cannot",
    ),
    ("no Python at all", True, 'if flags.get("checkout_button") {\n', "cannot be read as Python"),
    ("Python 2", True, 'print "x", flags.get("checkout_button")\n', "cannot be read as Python"),
    ("second where first is meant", True, 'v = unleash.is_enabled(user, "checkout_button")\n', "may be no question"),
    ("an odd keyword", True, 'v = flags.get("other", default="checkout_button")\n', "may be no question"),
    ("a stand-in is set", True, 'flags.override("checkout_button", False)\n', "gives the flag's key to override"),
    (
        "is_off is the other way round",
        True,
        'v = growthbook.is_off("checkout_button")\n',
        "gives the flag's key to is_off",
    ),
]
