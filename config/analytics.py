"""Settings of product analytics: one question to a vendor a source, or to anything that answers JSON over HTTP."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Literal, TypeAlias, cast

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema
from pydantic.config import JsonDict

from config.access import HttpSettings
from config.errors import Unusable, shown
from config.fields import Count, Duration, LabelName, Name, SecretRef, Text, Url, Zone, validating
from config.section import Section

Bucket: TypeAlias = Literal["day", "hour"]
Sampled: TypeAlias = Literal["partial", "refuse", "accept"]


def _told(value: object) -> object:
    """What a file holds, as JSON has it: sequences of a file are tuples."""
    if isinstance(value, tuple | list):
        return [_told(held) for held in cast("Sequence[object]", value)]
    if isinstance(value, Mapping):
        return {str(name): _told(held) for name, held in cast("Mapping[object, object]", value).items()}
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise Unusable(f"{shown(value)} is no value of JSON", "write a text, a number, true, false, a list or a mapping")


Told: TypeAlias = Annotated[
    object,
    PlainValidator(validating(_told)),
    WithJsonSchema({"type": ["string", "number", "boolean", "array", "object", "null"], "title": "value of JSON"}),
]


_CURRENCY: JsonDict = {"type": "string", "pattern": "^[a-z]{3}$", "title": "currency"}
_CODE = re.compile("[a-z]{3}")


def _currency(text: str) -> str:
    if not _CODE.fullmatch(text):
        raise Unusable(f"{shown(text)} is no currency", "write its three letters, as in eur")
    return text


class _Vendor(HttpSettings):
    """What the vendors have in common."""

    zone: Zone
    """The project's time zone, as its own settings show it: days begin and end there."""

    every: Duration = timedelta(hours=6)
    """How often it is asked. Vendors allow few questions an hour, and their days change slowly."""

    late: Duration = timedelta(days=2)
    """How many of the newest whole days are read again each time: events arrive late, and vendors restate."""

    settle: Duration = timedelta(hours=1)
    """How long after its end a day still fills. It is not read before then, nor is the running day ever."""

    timeout: Duration = timedelta(seconds=30)
    """How long one answer may take: vendors count over all events. Nothing else is looked at meanwhile."""

    sampled: Sampled = "partial"
    """What to do with an answer that says it is cut, sampled or withheld in part. partial: the signal is blind, with
    the reason. refuse: the same, as an error. accept: it is read like any other."""

    @property
    def slow(self) -> timedelta:
        """How long the newest value may stand."""
        return max(timedelta(days=1), self.every)


class MixpanelSettings(_Vendor):
    """One event, or one saved funnel, of a Mixpanel project. `auth.basic` is a service account."""

    url: Url = "https://mixpanel.com"
    """Where its query API is: https://eu.mixpanel.com and https://in.mixpanel.com for data that is kept there."""

    project: Count
    """The project's number."""

    event: Text | None = None
    """The event that is counted. This or `funnel`."""

    funnel: Count | None = None
    """The number of a saved funnel: the value is the share of those at its first step who reach the last one."""

    within: Duration = timedelta(days=1)
    """How long users have for the funnel, at most 90d. A day is whole only so long after its end: before that it would
    look like a drop."""

    measure: Literal["users", "events"] = "users"
    """users: each user of a day once. events: every event."""

    by: Text | None = None
    """A property expression, as in properties["$os"]: a series for each value, labelled `segment`. Of events only."""

    where: Text | None = None
    """A filter, as in properties["plan"] == "pro"."""

    most: Annotated[int, Field(ge=1, le=10_000)] = 60
    """The most values of `by`. More is said to be cut."""

    @property
    def asked(self) -> str:
        """What is asked, for people."""
        what = f"{self.measure} of {self.event}" if self.funnel is None else f"conversion of funnel {self.funnel}"
        return (
            f"Mixpanel: {what}" + (f" by {self.by}" if self.by else "") + (f" where {self.where}" if self.where else "")
        )


class AmplitudeSettings(_Vendor):
    """One event, or one funnel, of an Amplitude project. `auth.basic` is the API key and the secret key."""

    url: Url = "https://amplitude.com"
    """Where its Dashboard REST API is: https://analytics.eu.amplitude.com for data that is kept in the EU."""

    event: Text | None = None
    """The event type that is counted. This or `steps`."""

    steps: tuple[Text, ...] = ()
    """The event types of a funnel, in order: the value is the share of those at the first who reach the last."""

    within: Duration = timedelta(days=1)
    """How long users have for the funnel. A day is whole only so long after its end: before that it would look like a
    drop."""

    measure: Literal["users", "events"] = "users"
    """users: each user of a day once. events: every event."""

    by: Text | None = None
    """A property, as in country, or gp:plan for one of your own: a series for each value, labelled `segment`. Of events
    only."""

    most: Annotated[int, Field(ge=1, le=1_000)] = 100
    """The most values of `by`. As many are said to be cut."""

    @property
    def asked(self) -> str:
        """What is asked, for people."""
        what = f"conversion of {' > '.join(self.steps)}" if self.steps else f"{self.measure} of {self.event}"
        return f"Amplitude: {what}" + (f" by {self.by}" if self.by else "")


class Ga4Settings(_Vendor):
    """One metric of a Google Analytics 4 property. It is known by `key`, or by a token in `auth.bearer`."""

    url: Url = "https://analyticsdata.googleapis.com"
    """Where the Data API is."""

    property_: Annotated[Count, Field(alias="property")]
    """The property's number."""

    key: SecretRef | None = None
    """The JSON key of a service account that may read the property, as Google hands it out: file:PATH, as a rule."""

    metric: Text
    """The metric, in the API's name, as in totalUsers or keyEvents."""

    of: Text | None = None
    """A metric that the first is divided by, as in sessions: the value is a share."""

    event: Text | None = None
    """Only what this event counts: the API's filter on eventName."""

    by: tuple[Text, ...] = ()
    """Dimensions, in the API's names: a series for each combination, labelled with them. Each makes sampling and
    thresholds likelier."""

    settle: Duration = timedelta(days=1)
    """How long after its end a day still fills: Google takes a day or two over one. It is not read before then."""

    late: Duration = timedelta(days=3)
    """How many of the newest whole days are read again each time: Google restates them."""

    @property
    def asked(self) -> str:
        """What is asked, for people."""
        what = f"{self.metric} of {self.of}" if self.of else self.metric
        on = f" on {self.event}" if self.event else ""
        return f"GA4: {what}" + (f" by {', '.join(self.by)}" if self.by else "") + on


class PosthogSettings(_Vendor):
    """One event, or one query in HogQL, of a PostHog project. `auth.bearer` is a personal API key with Query Read."""

    url: Url = "https://us.posthog.com"
    """Where the project is, as in https://eu.posthog.com or your own server."""

    project: Count
    """The project's number."""

    event: Text | None = None
    """The event that is counted. This or `query`."""

    measure: Literal["users", "events"] = "users"
    """users: each user of a day once. events: every event. Of `event` only."""

    query: Text | None = None
    """A SELECT in HogQL. Its columns: `time` (the beginning of a bucket), `value`, perhaps `of` (the value is then
    divided by it), any others are labels. {start} and {end} are the stretch that is asked for, as times: write
    timestamp >= {start} and timestamp < {end}, and a LIMIT, for PostHog cuts at 100 rows."""

    bucket: Bucket = "day"
    """How far the rows of `query` are apart."""

    @property
    def asked(self) -> str:
        """What is asked, for people."""
        return self.query or f"PostHog: {self.measure} of {self.event}"

    @property
    def slow(self) -> timedelta:
        """How long the newest value may stand."""
        return _slow(self.bucket, self.every)


class StripeSettings(_Vendor):
    """Revenue by the day of a Stripe account, in whole cents: captured, less what was refunded of it.

    `auth.bearer` is a restricted key that may read charges. A cent is the smallest unit of the currency.
    """

    url: Url = "https://api.stripe.com"
    """Where its API is."""

    currency: Annotated[str, AfterValidator(validating(_currency)), WithJsonSchema(_CURRENCY)]
    """Its three letters, as Stripe writes them: eur. Charges in others are left out."""

    late: Duration = timedelta(days=30)
    """How many of the newest whole days are read again each time: a refund makes less of the day of its charge."""

    @property
    def asked(self) -> str:
        """What is asked, for people."""
        return f"Stripe: captured less refunded, {self.currency}"


class PagesSettings(Section):
    """How an answer goes on."""

    at: Text
    """Where the answer names its next page, as a path of keys: meta.next. Nothing there, or null: it is the last."""

    param: Text | None = None
    """The parameter that takes what is there. None: it is the address of the next page, on the same host."""


class HttpSourceSettings(HttpSettings):
    """Any number by the day or hour, from anything that answers JSON over HTTP.

    In `path`, `params` and `body`, {start} and {end} are the stretch that is asked for: UTC times, the end not part of
    it. {start_day} and {last_day} are days of `zone`, the last one part of it; {start_epoch} and {end_epoch} are epoch
    seconds.
    """

    path: Text | None = None
    """What follows `url`, as in /v1/orders/daily."""

    method: Literal["GET", "POST"] = "GET"
    """POST sends `body` as JSON."""

    params: Mapping[Text, Text] = Field(default_factory=dict)
    """The query of the address."""

    body: Mapping[Text, Told] = Field(default_factory=dict)
    """What a POST sends."""

    rows: Text | None = None
    """Where the list of rows is in the answer, as a path of keys: data.items. None: the answer is the list."""

    time: Text = "time"
    """Where a row has the beginning of its bucket, as a path: a date, a time, epoch seconds or milliseconds."""

    value: Text = "value"
    """Where a row has its number, as a path. null is missing."""

    of: Text | None = None
    """Where a row has what the value is divided by, as a path: the value is then a share."""

    labels: Mapping[LabelName, Text] = Field(default_factory=dict)
    """Labels of a row's series, each with its path."""

    pages: PagesSettings | None = None
    """How an answer of several pages goes on. None: it has one."""

    partial: Text | None = None
    """Where the answer says that it is not the whole truth, as a path: anything but null, false, 0 and empty does."""

    zone: Zone = "UTC"
    """The time zone of days, and of times that name none."""

    bucket: Bucket = "day"
    """How far rows are apart."""

    every: Duration = timedelta(hours=1)
    """How often it is asked; for buckets of an hour, 1h or less."""

    late: Duration = timedelta(days=2)
    """How much of what is whole is read again each time."""

    settle: Duration = timedelta(minutes=5)
    """How long after its end a bucket still fills. It is not read before then, nor is the running one ever."""

    timeout: Duration = timedelta(seconds=10)
    """How long one answer may take. Nothing else is looked at meanwhile."""

    sampled: Sampled = "partial"
    """What to do with an answer that says so at `partial`. partial: the signal is blind, with the reason. refuse: the
    same, as an error. accept: it is read like any other."""

    @property
    def asked(self) -> str:
        """What is asked, for people."""
        return f"{self.value} of {self.path or '/'}"

    @property
    def slow(self) -> timedelta:
        """How long the newest value may stand."""
        return _slow(self.bucket, self.every)


class PluginSettings(Section):
    """A connector that is installed beside the daemon, found by its entry point."""

    name: Name
    """What watches call it; unique among all sources."""

    kind: Name
    """The connector's own name."""

    settings: Mapping[Text, Told] = Field(default_factory=dict)
    """What the connector is told."""

    secrets: Mapping[Text, SecretRef] = Field(default_factory=dict)
    """The credentials that it is given, read anew each time."""

    zone: Zone = "UTC"
    """The time zone of days, and of times that name none."""

    bucket: Bucket = "day"
    """How far its rows are apart."""

    every: Duration = timedelta(hours=6)
    """How often it is asked; for buckets of an hour, 1h or less."""

    late: Duration = timedelta(days=2)
    """How much of what is whole is read again each time."""

    settle: Duration = timedelta(hours=1)
    """How long after its end a bucket still fills. It is not read before then, nor is the running one ever."""

    @property
    def asked(self) -> str:
        """What is asked, for people."""
        return f"{self.kind} of {self.name}"

    @property
    def slow(self) -> timedelta:
        """How long the newest value may stand."""
        return _slow(self.bucket, self.every)


def _slow(bucket: Bucket, every: timedelta) -> timedelta:
    return max(timedelta(days=1) if bucket == "day" else timedelta(hours=1), every)
