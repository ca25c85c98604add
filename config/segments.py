"""Settings of segment cards: written in the file, or read by one query."""

import re
from collections.abc import Mapping
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic.config import JsonDict

from cases.card import Card, PriceBand
from config.errors import Unusable, shown
from config.fields import Name, Text, validating
from config.section import Section

Number: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]
Cents: TypeAlias = Annotated[int, Field(ge=0)]


def _several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Values: TypeAlias = Annotated[
    tuple[Text, ...],
    BeforeValidator(_several),
    WithJsonSchema(
        {"type": ["string", "array"], "items": {"type": "string", "title": "text"}, "title": "value or values"}
    ),
]


FIELDS = ("name", "profile", "pains", "channels", "low_cents", "high_cents", "currency")
"""What a row of a query may tell of a card."""
_CODE = re.compile("[A-Z]{3}")
_CURRENCY: JsonDict = {"type": "string", "pattern": "^[A-Z]{3}$", "title": "currency"}


def _currency(text: str) -> str:
    if not _CODE.fullmatch(text):
        raise Unusable(f"{shown(text)} is no currency", "write its three letters, as in EUR")
    return text


class PriceBandSettings(Section):
    """What users of a segment pay."""

    low_cents: Cents
    """The least, in whole cents."""

    high_cents: Cents
    """The most, in whole cents."""

    currency: Annotated[str, AfterValidator(validating(_currency)), WithJsonSchema(_CURRENCY)]
    """Its three letters, as in EUR."""


class SegmentSettings(Section):
    """A segment card: who a group of users is, what ails them, and what is usual there."""

    name: Name
    """What it is called; unique."""

    profile: Text
    """Who they are, in a sentence or two."""

    users: Mapping[Name, Values] = {}
    """The properties by which its users are known in exposures and in an outcome's `segment`: as in country: [de]."""

    pains: tuple[Text, ...] = ()
    """What ails them, a few words each."""

    benchmarks: Mapping[Text, Number] = {}
    """What is usual there: a watch, as service/name, to its value, in the watch's unit."""

    channels: tuple[Text, ...] = ()
    """How they are reached."""

    price_bands: tuple[PriceBandSettings, ...] = ()
    """What they pay."""

    @property
    def card(self) -> Card:
        """As the rest of the daemon knows it."""
        return Card(
            name=self.name,
            profile=" ".join(self.profile.split()),
            users=dict(self.users),
            pains=self.pains,
            benchmarks=dict(self.benchmarks),
            channels=self.channels,
            price_bands=tuple(
                PriceBand(low_cents=one.low_cents, high_cents=one.high_cents, currency=one.currency)
                for one in self.price_bands
            ),
        )


class SegmentQuerySettings(Section):
    """Segment cards that a database keeps, a row each."""

    source: Name
    """The database, one of `signals.sql`."""

    query: Text
    """One SELECT with a row for each card. Its columns are the fields `name`, `profile`, `pains`, `channels`,
    `low_cents`, `high_cents` and `currency`, the first two at least; several pains or channels stand in one text with
    semicolons between them. NULL is a field that is not known."""

    fields: Mapping[Name, Name] = {}
    """The columns of fields that are called otherwise, as in profile: about."""

    users: Mapping[Name, Name] = {}
    """Properties of users to the columns that hold their values, with semicolons between several."""

    benchmarks: Mapping[Text, Name] = {}
    """Watches, as service/name, to the columns that hold what is usual there."""
