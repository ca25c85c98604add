"""Product analytics of the configuration as sources: each vendor's file is imported only where it is used."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from cases.ports import Clock, SignalSource
from config.analytics import (
    AmplitudeSettings,
    Ga4Settings,
    HttpSourceSettings,
    MixpanelSettings,
    PluginSettings,
    PosthogSettings,
    StripeSettings,
)
from config.settings import Settings

if TYPE_CHECKING:
    from signals.analytics.source import Connector

AnyAnalytics = (
    MixpanelSettings
    | AmplitudeSettings
    | Ga4Settings
    | PosthogSettings
    | StripeSettings
    | HttpSourceSettings
    | PluginSettings
)


def analytics_of(settings: Settings, clock: Clock) -> dict[str, SignalSource]:
    """The sources of product analytics by name. Nothing is reached yet."""
    return {source.name: source_of(source, clock) for source in _all(settings)}


def source_of(settings: AnyAnalytics, clock: Clock, reach: timedelta | None = None) -> SignalSource:
    """One of them. `reach` is how long a value counts, where it is not as long as there is none after it."""
    from signals.analytics.source import AnalyticsSource, Asking

    asking = Asking(
        every=settings.every,
        late=settings.late,
        lag=settings.settle + _window(settings),
        zone=settings.zone,
        hourly=getattr(settings, "bucket", "day") == "hour",
        sampled=getattr(settings, "sampled", "accept"),  # a plug-in has no way to say that it is
    )
    connector = _connector(settings, clock)
    return AnalyticsSource(settings.name, connector, query=settings.asked, clock=clock, asking=asking, reach=reach)


def _all(settings: Settings) -> Iterator[AnyAnalytics]:
    signals = settings.signals
    yield from signals.mixpanel
    yield from signals.amplitude
    yield from signals.ga4
    yield from signals.posthog
    yield from signals.stripe
    yield from signals.http
    yield from signals.plugins


def _window(settings: AnyAnalytics) -> timedelta:
    """How long after a day its users may still reach the end of a funnel."""
    match settings:
        case MixpanelSettings() if settings.funnel is not None:
            return settings.within
        case AmplitudeSettings() if settings.steps:
            return settings.within
        case _:
            return timedelta(0)


def _connector(settings: AnyAnalytics, clock: Clock) -> "Connector":
    match settings:
        case MixpanelSettings():
            from signals.analytics.mixpanel import Mixpanel

            return Mixpanel(settings, clock)
        case AmplitudeSettings():
            from signals.analytics.amplitude import Amplitude

            return Amplitude(settings, clock)
        case Ga4Settings():
            from signals.analytics.ga4 import Ga4

            return Ga4(settings, clock)
        case PosthogSettings():
            from signals.analytics.posthog import Posthog

            return Posthog(settings, clock)
        case StripeSettings():
            from signals.analytics.stripe import Stripe

            return Stripe(settings, clock)
        case HttpSourceSettings():
            from signals.analytics.http import HttpJson

            return HttpJson(settings, clock)
        case PluginSettings():
            from signals.analytics.plugged import PluggedConnector

            return PluggedConnector(settings)
