"""What is on sale."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Product:
    """One thing on the shelf; the price is in euro."""

    sku: str
    name: str
    price: Decimal


class UnknownProduct(LookupError):
    """Somebody asked for a thing that is not on the shelf."""


SHELF = (
    Product("tea", "Green tea, 50 g", Decimal("3.20")),
    Product("coffee", "Coffee, 250 g", Decimal("7.80")),
    Product("honey", "Forest honey", Decimal("4.90")),
    Product("bread", "Rye bread", Decimal("2.40")),
    Product("cheese", "Mountain cheese, 200 g", Decimal("6.50")),
    Product("apples", "Apples, 1 kg", Decimal("2.80")),
    Product("candle", "Beeswax candle", Decimal("5.60")),
    Product("soap", "Olive soap", Decimal("3.60")),
)
_BY_SKU = {product.sku: product for product in SHELF}


def find(sku: str) -> Product:
    """Return the product of that SKU, or raise UnknownProduct."""
    try:
        return _BY_SKU[sku]
    except KeyError:
        raise UnknownProduct(f"we do not sell {sku!r}") from None


def page() -> list[dict[str, str]]:
    """Everything on the shelf, as the catalogue page shows it."""
    return [{"sku": product.sku, "name": product.name, "price": str(product.price)} for product in SHELF]
