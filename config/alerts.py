"""Settings of who is told."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag

from config.fields import Address, HostPort, Name, SecretRef, Text, TimeOfDay, Url, Zone
from config.routes import RouteSettings
from config.section import Section
from config.seldom_used import WhenUsed


class SlackSettings(Section):
    """A receiver behind a Slack-shaped incoming webhook."""

    name: Name
    """What the log and the audit trail call it."""

    slack: SecretRef
    """The webhook's URL, which is itself the credential."""


class SlackThreadSettings(Section):
    """A receiver in a Slack channel by a bot's token: what follows a first message goes into its thread."""

    name: Name
    """What the log and the audit trail call it."""

    slack_token: SecretRef
    """The bot's token; it needs chat:write."""

    channel: Text
    """The channel, as in "#oncall" or its id."""

    api_url: Url = "https://slack.com/api"
    """Slack's API."""

    signing_secret: SecretRef | None = None
    """The app's signing secret. With it messages that ask for something have buttons, and what is pressed is taken at
    /webhooks/slack, which Slack must reach (its "Interactivity" setting). None: no buttons."""


class EmailSettings(Section):
    """A receiver behind a mail server, in plain text."""

    name: Name
    """What the log and the audit trail call it."""

    email: Address
    """Who gets it."""

    smtp: HostPort
    """The mail server, host:port. It is spoken to without log-in or encryption: name a relay nearby."""

    sender: Annotated[Address, Field(alias="from")] = "trackwalker@localhost"
    """Whom it comes from (`from` in the file). Many servers want an address of their own domain here."""


class PagerDutySettings(Section):
    """A receiver in PagerDuty, by its Events API v2: a case is one alert there, and is resolved when it closes."""

    name: Name
    """What the log and the audit trail call it."""

    pagerduty: SecretRef
    """The routing key of an integration "Events API V2"."""

    api_url: Url = "https://events.pagerduty.com"
    """Where events go; https://events.eu.pagerduty.com in Europe."""


class NoticeWebhookSettings(Section):
    """A receiver of notices as JSON, signed as the Standard Webhooks specification has it."""

    name: Name
    """What the log and the audit trail call it."""

    webhook: SecretRef
    """The URL, which may itself be a credential."""

    secret: SecretRef | None = None
    """What it is signed with; whsec_ and base64, or any text. None: it is not signed."""


class FileSettings(Section):
    """A receiver that is a file, one JSON object a line."""

    name: Name
    """What the log and the audit trail call it."""

    file: Text
    """The file. It is made where it is missing, for this user alone."""


class ConsoleSettings(Section):
    """The log as a receiver, beside others. With no receiver at all it is there by itself."""

    name: Name
    """What the log and the audit trail call it."""

    console: Literal[True]
    """true."""


_KINDS: Mapping[str, str] = {
    "email": "<email>",
    "smtp": "<email>",
    "slack_token": "<thread>",
    "pagerduty": "<pagerduty>",
    "webhook": "<webhook>",
    "file": "<file>",
    "console": "<console>",
}
_TAGS: Mapping[type[Section], str] = {
    EmailSettings: "<email>",
    SlackThreadSettings: "<thread>",
    PagerDutySettings: "<pagerduty>",
    NoticeWebhookSettings: "<webhook>",
    FileSettings: "<file>",
    ConsoleSettings: "<console>",
}


def _receiver(value: Any) -> str:  # noqa: ANN401 - what a file holds is anything
    if isinstance(value, dict):
        return next((tag for key, tag in _KINDS.items() if key in value), "<slack>")
    return next((tag for kind, tag in _TAGS.items() if isinstance(value, kind)), "<slack>")


ReceiverSettings: TypeAlias = Annotated[
    Annotated[SlackSettings, Tag("<slack>")]
    | Annotated[SlackThreadSettings, Tag("<thread>")]
    | Annotated[EmailSettings, Tag("<email>")]
    | Annotated[PagerDutySettings, Tag("<pagerduty>")]
    | Annotated[NoticeWebhookSettings, Tag("<webhook>")]
    | Annotated[FileSettings, Tag("<file>")]
    | Annotated[ConsoleSettings, Tag("<console>")],
    Discriminator(_receiver),
]


class AlertmanagerLinkSettings(Section):
    """What Alertmanager tells us, and what we tell it. docs/alertmanager.md has what to set up there."""

    receive: bool = False
    """Whether alerts are taken at /webhooks/alertmanager. A firing one is a symptom like any other: it opens a case, or
    joins one. Off, because nobody is known to send any."""

    secret: SecretRef | None = None
    """What the sender proves itself with: the bearer token, or the password of basic auth with any user. None:
    `api.token` does it, and with neither only this machine may send."""

    post: bool = False
    """Whether open cases are said to `signals.alertmanager` as alerts of their own, TrackwalkerCase, where no alert
    speaks of them already. It pages by its routes then, and receivers hear no more of a case than where an alert of
    somebody else carries it. Off, because a new page is yours to ask for."""


class BriefingSettings(Section):
    """The daily briefing: what waits, what was done, what came of it, what it cost."""

    at: TimeOfDay
    """When it is sent, as in "08:00"; within a quarter of an hour. After a downtime it is made up, once."""

    zone: Zone = "UTC"
    """The time zone of `at`, as in Europe/Berlin."""


class AlertsSettings(Section):
    """Who is told."""

    mode: Literal["direct", "enrich"] | None = None
    """direct: every receiver is told of each case. enrich: what is found goes to the alert that pages already
    (`signals.alertmanager`), and receivers hear only of what no alert speaks of, and of escalations. None: enrich where
    there is an Alertmanager, because one alert is enough; direct otherwise."""

    receivers: Annotated[tuple[ReceiverSettings, ...], WhenUsed()] = ()
    """Who is told. None: notices go to the log alone."""

    routes: Annotated[tuple[RouteSettings, ...], WhenUsed()] = ()
    """Which receiver hears of what. The first route that matches takes a notice; what none matches goes to every
    receiver, at once. None: everything does."""

    briefing: BriefingSettings | None = None
    """When the daily briefing is sent, by the routes (kind briefing). None: never; `trackwalker briefing` shows it."""

    alertmanager: AlertmanagerLinkSettings = AlertmanagerLinkSettings()
    """Alerts in and out."""
