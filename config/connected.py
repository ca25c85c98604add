"""What sources of product analytics say of themselves: one question each, credentials of the vendor's kind."""

from collections.abc import Iterator
from datetime import timedelta

from config.analytics import (
    AmplitudeSettings,
    HttpSourceSettings,
    MixpanelSettings,
    PluginSettings,
    PosthogSettings,
)
from config.document import Loc
from config.settings import HttpSettings, Settings
from config.wording import Said

_LONGEST_FUNNEL = timedelta(days=90)


def misfits(settings: Settings) -> Iterator[tuple[Loc, Said]]:
    """Where a source would ask nothing, two things at once, or as nobody."""
    signals = settings.signals
    for place, mixpanel in enumerate(signals.mixpanel):
        yield from _mixpanel(("signals", "mixpanel", place), mixpanel)
    for place, amplitude in enumerate(signals.amplitude):
        yield from _amplitude(("signals", "amplitude", place), amplitude)
    for place, ga4 in enumerate(signals.ga4):
        if (ga4.key is None) == (ga4.auth is None or ga4.auth.bearer is None):
            hint = "write key: file:PATH of the service account's JSON key, or auth: {bearer: env:NAME}"
            yield ("signals", "ga4", place), ("needs one of key and auth.bearer", hint)
    for place, posthog in enumerate(signals.posthog):
        yield from _posthog(("signals", "posthog", place), posthog)
    for place, stripe in enumerate(signals.stripe):
        if stripe.auth is None or stripe.auth.bearer is None:
            hint = "write auth: {bearer: env:NAME}"
            yield ("signals", "stripe", place), ("needs a restricted key that may read charges", hint)
    yield from _skipped(settings)


def _mixpanel(loc: Loc, mixpanel: MixpanelSettings) -> Iterator[tuple[Loc, Said]]:
    yield from _one(loc, event=mixpanel.event is not None, funnel=mixpanel.funnel is not None)
    yield from _basic(loc, mixpanel, "a service account: its username and its secret")
    if mixpanel.funnel is not None and mixpanel.by is not None:
        yield (*loc, "by"), ("is of no use with a funnel", "leave it out, or count an event")
    if mixpanel.within > _LONGEST_FUNNEL:
        yield (*loc, "within"), ("is longer than Mixpanel knows", "write at most 90d")


def _amplitude(loc: Loc, amplitude: AmplitudeSettings) -> Iterator[tuple[Loc, Said]]:
    yield from _one(loc, event=amplitude.event is not None, steps=bool(amplitude.steps))
    yield from _basic(loc, amplitude, "the API key as username, and the secret key as password")
    if len(amplitude.steps) == 1:
        yield (*loc, "steps"), ("has one step, and a funnel has two or more", "add the others, or write event")
    if amplitude.steps and amplitude.by is not None:
        yield (*loc, "by"), ("is of no use with a funnel", "leave it out, or count an event")


def _posthog(loc: Loc, posthog: PosthogSettings) -> Iterator[tuple[Loc, Said]]:
    yield from _one(loc, event=posthog.event is not None, query=posthog.query is not None)
    if posthog.auth is None or posthog.auth.bearer is None:
        yield loc, ("needs a personal API key", "write auth: {bearer: env:NAME}")
    if posthog.event is not None and posthog.bucket != "day":
        yield (*loc, "bucket"), ("is of no use with `event`, which is counted by the day", "leave it out")


def _one(loc: Loc, **written: bool) -> Iterator[tuple[Loc, Said]]:
    if sum(written.values()) != 1:
        first, second = written
        yield loc, (f"needs one of {first} and {second}", f"write {first} or {second}")


def _basic(loc: Loc, source: HttpSettings, what: str) -> Iterator[tuple[Loc, Said]]:
    if source.auth is None or source.auth.basic is None:
        hint = "write auth: {basic: {username: …, password: env:NAME}}"
        yield loc, (f"needs {what}", hint)


def _skipped(settings: Settings) -> Iterator[tuple[Loc, Said]]:
    """Of several hours that become known at once, only the last would show."""
    signals = settings.signals
    sources: list[tuple[Loc, HttpSourceSettings | PosthogSettings | PluginSettings]] = [
        *((("signals", "http", place), source) for place, source in enumerate(signals.http)),
        *((("signals", "posthog", place), source) for place, source in enumerate(signals.posthog)),
        *((("signals", "plugins", place), source) for place, source in enumerate(signals.plugins)),
    ]
    for loc, source in sources:
        if source.bucket == "hour" and source.every > timedelta(hours=1):
            yield (*loc, "every"), ("is longer than an hour: hours would be skipped", "write 1h or less")
