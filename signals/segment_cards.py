"""Segment cards that a database keeps: one query, a row a card.

This module imports SQLAlchemy (see `signals.sql.database`): import it where cards are read.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from cases.card import Card, PriceBand
from cases.errors import PermanentError
from config.segments import FIELDS, SegmentQuerySettings
from config.sources import SqlSettings
from signals.sql.database import Question, open_database

_BETWEEN = ";"
_NEEDED = ("name", "profile")
_MONEY = frozenset({"low_cents", "high_cents", "currency"})


def read_cards(wanted: SegmentQuerySettings, source: SqlSettings, now: datetime) -> tuple[Card, ...]:
    """Every card that the query gives, in its order; `:start` and `:end` are both now.

    Raises SourceDown where the database does not answer, PermanentError for a query or a row that gives no card.
    """
    password = source.password.reveal if source.password else None
    database = open_database(
        source.name, source.url, password=password, timeout=source.timeout, max_rows=source.max_rows
    )
    try:
        answer = database.ask(Question(f"{source.name}: segments_from", wanted.query), now, now)
    finally:
        database.close()
    return cards_in(answer.columns, answer.rows, wanted)


def cards_in(
    columns: Sequence[str], rows: Sequence[Sequence[object]], wanted: SegmentQuerySettings
) -> tuple[Card, ...]:
    """The cards in rows. Raises PermanentError."""
    said = f"{wanted.source}: the query of segments_from"
    places = {name.casefold(): place for place, name in enumerate(columns)}
    named: list[str] = [*wanted.fields.values(), *wanted.users.values(), *wanted.benchmarks.values()]
    named += [field for field in _NEEDED if field not in wanted.fields]
    if missing := sorted({name for name in named if name.casefold() not in places}):
        known = ", ".join(columns)
        raise PermanentError(f"{said} gives no column {', '.join(missing)}; it gives {known}: correct it, or `fields`")
    cards: list[Card] = []
    for number, row in enumerate(rows, 1):
        cells = {name: row[place] for name, place in places.items()}
        card = _card(cells, wanted, f"{said}, row {number}")
        if card.name in {other.name for other in cards}:
            raise PermanentError(f"{said}, row {number}: {card.name} is the name of another row; a row is a card")
        cards.append(card)
    return tuple(cards)


def _card(cells: Mapping[str, object], wanted: SegmentQuerySettings, said: str) -> Card:
    own = {field: cells.get(str(wanted.fields.get(field, field)).casefold()) for field in FIELDS}
    for field in _NEEDED:
        if not isinstance(own[field], str) or not str(own[field]).strip():
            raise PermanentError(f"{said}: it has no {field}; every card needs one, as text")
    usual = {signal: cells[column.casefold()] for signal, column in wanted.benchmarks.items()}
    return Card(
        name=str(own["name"]).strip(),
        profile=" ".join(str(own["profile"]).split()),
        users={prop: texts for prop, column in wanted.users.items() if (texts := _texts(cells[column.casefold()]))},
        pains=_texts(own["pains"]),
        channels=_texts(own["channels"]),
        benchmarks={
            signal: _number(value, f"{said}: the benchmark of {signal}")
            for signal, value in usual.items()
            if value is not None
        },
        price_bands=_bands(own, said),
    )


def _texts(value: object) -> tuple[str, ...]:
    parts = (part.strip() for part in str(value).split(_BETWEEN)) if value is not None else ()
    return tuple(part for part in parts if part)


def _number(value: object, said: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not math.isfinite(value):
        raise PermanentError(f"{said} is no number; give one, or NULL where it is not known")
    return float(value)


def _bands(own: Mapping[str, object], said: str) -> tuple[PriceBand, ...]:
    told = {field for field in _MONEY if own[field] is not None}
    if not told:
        return ()
    if missing := sorted(_MONEY - told):
        raise PermanentError(f"{said}: a price band needs {', '.join(missing)} as well; give all three, or none")
    low, high = (_number(own[field], f"{said}: {field}") for field in ("low_cents", "high_cents"))
    if not (low.is_integer() and high.is_integer() and 0 <= low <= high):
        raise PermanentError(f"{said}: low_cents and high_cents are whole cents, the second not below the first")
    return (PriceBand(low_cents=int(low), high_cents=int(high), currency=str(own["currency"])),)
