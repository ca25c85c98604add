"""Segment cards of a made-up shop, in four groups that people would call alike, and the group of each."""

from cases.card import Card, PriceBand

GROUPS: dict[str, tuple[Card, ...]] = {
    "small shops": (
        Card(
            name="corner-shops",
            profile="Owners of one small shop who order stock on a phone between two customers.",
            users={"plan": ("starter",)},
            pains=("the checkout asks for too much", "no time to compare prices"),
            benchmarks={"shop/abandonment": 0.31},
            channels=("newsletter", "wholesaler"),
            price_bands=(PriceBand(low_cents=900, high_cents=2900, currency="EUR"),),
        ),
        Card(
            name="market-stalls",
            profile="Small owners with a market stall who order on the phone before they open.",
            users={"plan": ("mobile",)},
            pains=("a checkout that is too long", "prices are hard to compare"),
            benchmarks={"shop/abandonment": 0.35},
            channels=("wholesaler",),
            price_bands=(PriceBand(low_cents=500, high_cents=1900, currency="EUR"),),
        ),
        Card(
            name="kiosks",
            profile="Kiosk owners ordering small stock daily on their phones.",
            users={"plan": ("kiosk",)},
            pains=("too many steps at the checkout",),
            benchmarks={"shop/abandonment": 0.33},
            channels=("wholesaler", "newsletter"),
        ),
    ),
    "procurement": (
        Card(
            name="procurement-offices",
            profile="Buyers in procurement offices of companies, bound to approvals and purchase orders.",
            users={"plan": ("enterprise",)},
            pains=("approvals take days", "invoices lack the purchase order number"),
            benchmarks={"shop/abandonment": 0.62},
            channels=("account manager",),
            price_bands=(PriceBand(low_cents=90_000, high_cents=400_000, currency="EUR"),),
        ),
        Card(
            name="public-buyers",
            profile="Buyers in public offices who need approvals and a purchase order for each invoice.",
            users={"plan": ("public",)},
            pains=("approval of every order takes long", "invoice formats are refused"),
            benchmarks={"shop/abandonment": 0.66},
            channels=("account manager", "tender"),
            price_bands=(PriceBand(low_cents=120_000, high_cents=500_000, currency="EUR"),),
        ),
    ),
    "students": (
        Card(
            name="students",
            profile="Students who share a flat and buy second hand with little money.",
            users={"plan": ("student",)},
            pains=("delivery costs more than the book",),
            channels=("campus", "social media"),
        ),
        Card(
            name="apprentices",
            profile="Apprentices and young people in shared flats with little money, buying second hand.",
            users={"plan": ("apprentice",)},
            pains=("delivery is too dear",),
            channels=("social media",),
        ),
    ),
    "collectors": (
        Card(
            name="collectors",
            profile="Collectors of rare first editions who know exactly what they want.",
            users={"plan": ("collector",)},
            pains=("descriptions of condition cannot be trusted",),
            channels=("auction",),
        ),
        Card(
            name="rare-dealers",
            profile="Dealers in rare editions who sell to collectors at auction.",
            users={"plan": ("dealer",)},
            pains=("the condition of editions is described in too few words",),
            channels=("auction", "fair"),
        ),
    ),
}
CARDS = tuple(card for group in GROUPS.values() for card in group)
GROUP_OF = {card.name: name for name, group in GROUPS.items() for card in group}
