"""Settings of where telemetry is read, and how anomalies are told in it."""

from collections.abc import Mapping
from datetime import timedelta
from itertools import chain
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from config.access import HttpSettings
from config.analytics import (
    AmplitudeSettings,
    Ga4Settings,
    HttpSourceSettings,
    MixpanelSettings,
    PluginSettings,
    PosthogSettings,
    StripeSettings,
)
from config.fields import (
    REFUSED,
    Count,
    DatabaseUrl,
    Duration,
    LabelName,
    LogFilter,
    LogSelector,
    Name,
    SecretRef,
    Text,
)
from config.section import Section
from config.seldom_used import WhenUsed

_LATEST = timedelta(minutes=10)


def _soon(value: timedelta) -> timedelta:
    if value > _LATEST:
        said = {"problem": "errors would be seen that much too late", "hint": "write 10m or less"}
        raise PydanticCustomError(REFUSED, "{problem}; {hint}", said)
    return value


class PrometheusSettings(HttpSettings):
    """One Prometheus, or anything that answers its HTTP API."""


class LokiSettings(HttpSettings):
    """One Loki. Its error lines are read for stack traces; a watch may also name it, with a metric query in LogQL."""

    selector: LogSelector = '{app=~".+"}'
    """The streams whose error lines are read. Narrow it: everything is read once."""

    service_label: LabelName = "app"
    """The label with the service's name, as watches spell it."""

    errors: LogFilter = (
        r"|~ `(?i)(error|exception|traceback|panic|fatal|goroutine|caused by)"
        r'|^\s+(at |File "|from |\.\.\. \d|/\S+:\d)|^\s*File "`'
    )
    """What is added to the selector to find error lines. The second half finds the frames of stack traces that were
    shipped line by line: without them a trace has no place."""

    templates: Literal["errors", "all", "none"] = "errors"
    """Which lines are mined for templates, whose rates a watch may name (`query: templates`). errors: the error lines,
    which are read anyway. all: every line of `selector`, read once more, as far as can be kept up with; new templates
    are then evidence too. none: no templates."""

    settle: Annotated[Duration, AfterValidator(_soon)] = timedelta(seconds=10)
    """How long lines may take to arrive. Nothing younger is read, for what comes later would be missed; agents that
    collect lines send them every second or so."""


class AlertmanagerSettings(HttpSettings):
    """The Alertmanager that pages already."""

    name: Name = "alertmanager"
    """What the log calls it."""


class SqlSettings(Section):
    """One query of a database: a business metric. It is read, never written."""

    name: Name
    """What watches call it; unique among all sources."""

    url: DatabaseUrl
    """The database: postgresql+psycopg://user@host/base, sqlite:////full/path.db or duckdb:////full/path.db, without
    the password."""

    password: SecretRef | None = None
    """Where the password is found. None: the database asks for none."""

    query: Text
    """One SELECT. Its columns: `time` (a timestamp, a date, or epoch seconds or milliseconds; without a zone it is UTC)
    and `value` (a number; NULL is missing), any others are labels. `:start` and `:end` are the stretch that is asked
    for: write `time >= :start AND time < :end`, and only buckets that are whole are read. Without a `time` column the
    value counts for the moment at which it was read, and its history begins anew with each start of the daemon."""

    every: Duration = timedelta(minutes=5)
    """How often it is asked, and at least how far its rows are apart: for buckets of an hour, 1h. Between two answers
    the last one stands: databases are dear to ask. A row counts for twice that long, or for this and five minutes where
    that is longer; then the signal is missing."""

    timeout: Duration = timedelta(seconds=10)
    """How long the statement may run; the database is told to end it then."""

    max_rows: Count = 10_000
    """The most rows that are read. More is refused, never cut short in silence."""

    @property
    def asked(self) -> str:
        """What is asked."""
        return self.query

    @property
    def slow(self) -> timedelta:
        """How long the newest value may stand."""
        return self.every


AnySeldomSettings: TypeAlias = (
    SqlSettings
    | MixpanelSettings
    | AmplitudeSettings
    | Ga4Settings
    | PosthogSettings
    | StripeSettings
    | HttpSourceSettings
    | PluginSettings
)


class SignalsSettings(Section):
    """The telemetry sources."""

    prometheus: Annotated[tuple[PrometheusSettings, ...], Field(min_length=1)]
    """The Prometheus servers, at least one."""

    loki: Annotated[tuple[LokiSettings, ...], WhenUsed()] = ()
    """The Loki servers. None: no log line is read, and evidence comes from metrics alone."""

    alertmanager: AlertmanagerSettings | None = None
    """The Alertmanager whose alerts are annotated. None: there is none."""

    sql: Annotated[tuple[SqlSettings, ...], WhenUsed()] = ()
    """Queries of databases: business metrics beside the operational ones."""

    mixpanel: Annotated[tuple[MixpanelSettings, ...], WhenUsed()] = ()
    """Events and funnels of Mixpanel."""

    amplitude: Annotated[tuple[AmplitudeSettings, ...], WhenUsed()] = ()
    """Events and funnels of Amplitude."""

    ga4: Annotated[tuple[Ga4Settings, ...], WhenUsed()] = ()
    """Metrics of Google Analytics 4."""

    posthog: Annotated[tuple[PosthogSettings, ...], WhenUsed()] = ()
    """Events and queries of PostHog."""

    stripe: Annotated[tuple[StripeSettings, ...], WhenUsed()] = ()
    """Revenue of Stripe accounts."""

    http: Annotated[tuple[HttpSourceSettings, ...], WhenUsed()] = ()
    """Numbers from anything else that answers JSON over HTTP."""

    plugins: Annotated[tuple[PluginSettings, ...], WhenUsed()] = ()
    """Numbers from connectors of your own."""

    @property
    def analytics(self) -> Mapping[str, tuple[AnySeldomSettings, ...]]:
        """The sources of product analytics, by kind."""
        return {
            "mixpanel": self.mixpanel,
            "amplitude": self.amplitude,
            "ga4": self.ga4,
            "posthog": self.posthog,
            "stripe": self.stripe,
            "http": self.http,
            "plugins": self.plugins,
        }

    @property
    def seldom(self) -> tuple[AnySeldomSettings, ...]:
        """Every source that has its own question, and is asked seldom."""
        return (*self.sql, *chain.from_iterable(self.analytics.values()))


class DetectionSettings(Section):
    """How anomalies are told from what is normal."""

    history: Duration = timedelta(days=14)
    """How far back normal is learnt from: two weeks hold each weekday twice."""

    step: Duration = timedelta(minutes=1)
    """The distance of the points that are read. Most alert rules work at this grain."""

    recent: Duration = timedelta(minutes=30)
    """The stretch that is searched for anomalies at each look; it also covers a daemon that was away that long."""

    warm_up: Duration = timedelta(hours=2)
    """The least history before anything is called abnormal. Until then the signal is warming up, never healthy."""

    confirm: Count = 3
    """Consecutive points out of range before it is an anomaly: one stray scrape wakes nobody."""

    stale_after: Duration = timedelta(minutes=5)
    """The age of the newest sample from which a signal is stale: Prometheus itself looks back as far."""

    refit: Duration = timedelta(hours=1)
    """How often normal is learnt anew: it drifts over days, and reading two weeks has a price."""
