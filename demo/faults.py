"""The commits of the story, as values: what the shop's developers did, and which of it was a mistake.

Nothing here runs. `demo.repository` applies these values to a clone; `demo.load` brings the traffic that
finds the mistake.
"""

from dataclasses import dataclass
from pathlib import Path

from demo.errors import EditError

DEVELOPER = "shop developer <developer@shop.example>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replace:
    """Swap one passage of a file for another; the passage must be there exactly once."""

    path: str
    search: str
    replace: str

    def apply(self, tree: Path) -> None:
        """Change the file in the tree, or raise EditError."""
        text = (tree / self.path).read_text()
        if (found := text.count(self.search)) != 1:
            raise EditError(f"{self.path} holds the passage {self.search!r} {found} times, not once")
        (tree / self.path).write_text(text.replace(self.search, self.replace))


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeFile:
    """Write a file, new or not."""

    path: str
    text: str

    def apply(self, tree: Path) -> None:
        """Write the file into the tree."""
        (tree / self.path).parent.mkdir(parents=True, exist_ok=True)
        (tree / self.path).write_text(self.text)


Edit = Replace | WholeFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One commit of a developer; merged on its own branch, whose name is `branch`."""

    title: str
    body: str
    edits: tuple[Edit, ...]
    author: str = DEVELOPER

    @property
    def branch(self) -> str:
        """The feature branch: the title in lower case, joined by dashes."""
        return "-".join("".join(letter if letter.isalnum() else " " for letter in self.title.lower()).split())

    @property
    def message(self) -> str:
        """What `git commit` is given."""
        return f"{self.title}\n\n{self.body}\n"


HISTORY = (
    Commit(
        title="Keep the rendered catalogue for half a minute",
        body="Prices change once a day; rendering the page every ten seconds is wasted work.",
        edits=(Replace(path="config/shop.yaml", search="cache_ttl_s: 10 ", replace="cache_ttl_s: 30 "),),
    ),
    Commit(
        title="Sell oranges",
        body="They arrive on Thursdays.",
        edits=(
            Replace(
                path="shop/catalogue.py",
                search='    Product("candle",',
                replace='    Product("oranges", "Oranges, 1 kg", Decimal("3.40")),\n    Product("candle",',
            ),
        ),
    ),
    Commit(
        title="Say which coupon was refused",
        body="Customers who mistyped a coupon could not see what they had typed.",
        edits=(
            Replace(
                path="shop/pricing.py",
                search='raise UnknownCoupon(f"no such coupon: {coupon}")',
                replace='raise UnknownCoupon(f"we never gave out the coupon {coupon!r}")',
            ),
        ),
    ),
    Commit(
        title="Tell customers when the shop opens",
        body="The front page carries the opening hours now.",
        edits=(
            Replace(
                path="shop/app.py",
                search='"products": len(catalogue.SHELF)}',
                replace='"products": len(catalogue.SHELF), "open": "8 to 18"}',
            ),
        ),
    ),
)
"""What was merged in the weeks before the story, oldest first."""

BEFORE = Commit(
    title="Tell customers what an order needs",
    body="The old message did not say how many items are enough.",
    edits=(
        Replace(
            path="shop/cart.py",
            search='raise BadCart("an order needs items")',
            replace='raise BadCart("an order needs at least one item")',
        ),
    ),
)
"""Innocent; merged right before BAD, and deployed with it."""

BAD = Commit(
    title="Round discounts to whole cents",
    body=(
        "The receipt shows the discount on a line of its own, and bookkeeping wants that line in whole cents.\n"
        "Round it where it is computed, so that receipt and total agree."
    ),
    edits=(
        Replace(
            path="shop/pricing.py",
            search='"""What a cart costs. Amounts are in euro; only the total is rounded."""',
            replace='"""What a cart costs. Amounts are in euro; discounts and totals are rounded to whole cents."""',
        ),
        Replace(
            path="shop/pricing.py",
            search='from decimal import ROUND_HALF_UP, Decimal\n\nCENT = Decimal("0.01")\n',
            replace=(
                'from decimal import ROUND_HALF_UP, Context, Decimal\n\nCENT = Decimal("0.01")\n'
                "TWO_PLACES = Context(prec=2, rounding=ROUND_HALF_UP)\n"
            ),
        ),
        Replace(
            path="shop/pricing.py",
            search="    return amount * COUPONS[coupon]\n",
            replace="    return (amount * COUPONS[coupon]).quantize(CENT, context=TWO_PLACES)\n",
        ),
        Replace(
            path="tests/test_pricing.py",
            search="def test_an_unknown_coupon_is_refused() -> None:\n",
            replace=(
                "def test_a_discount_is_rounded_to_whole_cents() -> None:\n"
                '    assert pricing.discount(Decimal("2.50"), "WELCOME5") == Decimal("0.13")\n\n\n'
                "def test_an_unknown_coupon_is_refused() -> None:\n"
            ),
        ),
    ),
)
"""The mistake: a decimal context of precision 2 keeps two *digits*, not two places.

Every discount of 1.00 EUR or more raises `decimal.InvalidOperation`, a 500; its own test discounts 0.125 EUR.
"""

AFTER = Commit(
    title="Note in the log when the catalogue is rendered",
    body="A cached page and a fresh one look the same in the access log.",
    edits=(
        Replace(
            path="shop/app.py",
            search='            self._catalogue = (now, _json(200, {"products": catalogue.page()}))\n',
            replace=(
                '            self._catalogue = (now, _json(200, {"products": catalogue.page()}))\n'
                '            self._log.write("info", "rendered the catalogue")\n'
            ),
        ),
    ),
)
"""Innocent; merged right after BAD, and deployed with it."""

DECOY = Commit(
    title="Reword the checkout confirmation",
    body="Friendlier, and it names the shop.",
    edits=(
        Replace(
            path="shop/checkout.py",
            search='return f"Thank you! Order {self.number} over {self.total} EUR is on its way."',
            replace='return f"The corner shop says thank you! Order {self.number} ({self.total} EUR) is on its way."',
        ),
        Replace(
            path="tests/test_checkout.py",
            search='    assert "1" in order.confirmation\n',
            replace='    assert "thank you" in order.confirmation\n    assert "1" in order.confirmation\n',
        ),
    ),
)
"""Innocent, though it touches the checkout: deployed after the trouble began."""

PARTIAL_MEND = Commit(
    title="Open more stock connections",
    body="The autumn campaign sells hampers: carts with many lines.",
    edits=(Replace(path="config/shop.yaml", search="pool_size: 6 ", replace="pool_size: 12 "),),
)
"""Innocent, and worse: it helps. Accused because it was deployed when the campaign's long carts began to fail."""


FEWER_CONNECTIONS = Commit(
    title="Hold fewer stock connections",
    body="The stock system's owners ask every shop to hold no more than it needs, and most carts have few lines.",
    edits=(Replace(path="config/shop.yaml", search="pool_size: 6 ", replace="pool_size: 3 "),),
)
"""A value set wrong: carts of 4 to 6 lines fail now. The shop's reproduction orders at most three; it shows nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One deploy and what the world does with it.

    deployed  merged in this order and deployed together
    accused   the one of them that looks guilty
    later     deployed once the trouble is there
    campaign  whether the traffic turns to long carts right after the deploy (`Load.campaign`)
    """

    name: str
    deployed: tuple[Commit, ...]
    accused: Commit
    later: tuple[Commit, ...] = ()
    campaign: bool = False


BAD_MERGE = Scenario(name="bad merge", deployed=(BEFORE, BAD, AFTER), accused=BAD, later=(DECOY,))
"""The accused is guilty: reverting it mends the shop."""

WRONG_VALUE = Scenario(
    name="wrong value", deployed=(BEFORE, FEWER_CONNECTIONS, AFTER), accused=FEWER_CONNECTIONS, later=(DECOY,)
)
"""The accused is guilty, and only traffic shows it: the sandbox cannot."""

HARMFUL_REVERT = Scenario(name="harmful revert", deployed=(PARTIAL_MEND,), accused=PARTIAL_MEND, campaign=True)
"""The accused is innocent: the campaign's carts of more than 12 lines fail, and after a revert all of more than 6."""
