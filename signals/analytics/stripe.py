"""Stripe's charges, as revenue by the day: whole cents, added up as such. Only ever read.

API: https://docs.stripe.com/api/charges/list and https://docs.stripe.com/api/pagination
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime

from cases.errors import PermanentError
from cases.ports import Clock
from config.analytics import StripeSettings
from signals.analytics.buckets import Span
from signals.analytics.exchange import Exchange, Object, list_of, object_of
from signals.analytics.source import Rows
from signals.table import TIME, VALUE

_PATH, _PAGE, _MOST_PAGES = "/v1/charges", 100, 1000


class Stripe:
    """A `Connector` on the charges of one account, in one currency.

    The value of a day is what was captured of the charges that were made in it, less what has been refunded of these by
    now: a refund counts for the day of its charge. A day without a charge is 0: the whole list was read.
    """

    def __init__(self, settings: StripeSettings, clock: Clock) -> None:
        self._settings = settings
        self._exchange = Exchange(settings, clock)

    @property
    def place(self) -> str:
        """Who answers and where."""
        return f"Stripe at {self._exchange.where}"

    def close(self) -> None:
        """Close the connections."""
        self._exchange.close()

    def rows(self, span: Span) -> Rows:
        """See `Connector`."""
        cents = Counter[date]()
        for charge in self._charges(span):
            if charge.get("currency") == self._settings.currency and charge.get("status") == "succeeded":
                made = datetime.fromtimestamp(self._whole(charge, "created"), UTC)
                net = self._whole(charge, "amount_captured") - self._whole(charge, "amount_refunded")
                cents[span.buckets.day(made)] += net
        rows: list[tuple[object, ...]] = []
        begin = span.first
        while begin < span.end:
            day = span.buckets.day(begin)
            rows.append((day, cents[day]))
            begin = span.buckets.after(begin)
        return Rows(columns=(TIME, VALUE), rows=rows)

    def _charges(self, span: Span) -> Iterator[Object]:
        """Every charge of the span, page by page, the newest first."""
        limits = [
            ("created[gte]", str(round(span.first.timestamp()))),
            ("created[lt]", str(round(span.end.timestamp()))),
        ]
        after: list[tuple[str, str]] = []
        for _ in range(_MOST_PAGES):
            answer = object_of(self._exchange.get(_PATH, [*limits, ("limit", str(_PAGE)), *after]))
            listed = list_of(answer.get("data")) if answer is not None else None
            if answer is None or listed is None:
                raise self._exchange.misshapen("there is no list of charges")
            charges = [object_of(entry) for entry in listed]
            for charge in charges:
                if charge is None:
                    raise self._exchange.misshapen("a charge is no object")
                yield charge
            if answer.get("has_more") is not True:
                return
            last = charges[-1].get("id") if charges and charges[-1] is not None else None
            if not isinstance(last, str) or ("starting_after", last) in after:
                raise self._exchange.misshapen("there is more, and no charge to go on from")
            after = [("starting_after", last)]
        raise PermanentError(
            f"{self._exchange.name}: there are more than {_MOST_PAGES * _PAGE:,} charges in {span.first_day} to "
            f"{span.last_day}, which is too many to read one by one: add them up in a database (`signals.sql`)"
        )

    def _whole(self, charge: Object, name: str) -> int:
        value = charge.get(name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._exchange.misshapen(f"{name} of a charge is no whole number")
        return value
