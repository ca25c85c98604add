"""Settings of where telemetry is read, and how anomalies are told in it."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from config.access import HttpSettings
from config.fields import Count, DatabaseUrl, Duration, Name, SecretRef, Text
from config.section import Section


class PrometheusSettings(HttpSettings):
    """One Prometheus, or anything that answers its HTTP API."""


class LokiSettings(HttpSettings):
    """One Loki. Its error lines are read for stack traces; a watch may also name it, with a metric query in LogQL."""

    selector: Text = '{app=~".+"}'
    """The streams whose error lines are read. Narrow it: everything is read once."""

    service_label: Text = "app"
    """The label with the service's name, as watches spell it."""

    errors: Text = '|~ "(?i)(error|exception|traceback|panic|fatal)"'
    """What is added to the selector to find error lines."""


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
    """One SELECT. Its columns: `time` and `value`, any others are labels. `:start` and `:end` are the stretch that is
    asked for. Without a `time` column the value counts for the moment at which it was read."""

    every: Duration = timedelta(minutes=5)
    """How often it is asked. Between two answers the last one stands: databases are dear to ask."""

    timeout: Duration = timedelta(seconds=10)
    """How long the statement may run; the database is told to end it then."""

    max_rows: Count = 10_000
    """The most rows that are read. More is refused, never cut short in silence."""


class SignalsSettings(Section):
    """The telemetry sources."""

    prometheus: Annotated[tuple[PrometheusSettings, ...], Field(min_length=1)]
    """The Prometheus servers, at least one."""

    loki: tuple[LokiSettings, ...] = ()
    """The Loki servers. None: no log line is read, and evidence comes from metrics alone."""

    alertmanager: AlertmanagerSettings | None = None
    """The Alertmanager whose alerts are annotated. None: there is none."""

    sql: tuple[SqlSettings, ...] = ()
    """Queries of databases: business metrics beside the operational ones."""


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
