"""Settings of who is told."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag

from config.fields import Address, HostPort, Name, SecretRef, Text, Url
from config.section import Section


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


def _receiver(value: Any) -> str:  # noqa: ANN401 - what a file holds is anything
    if isinstance(value, EmailSettings) or (isinstance(value, dict) and ("email" in value or "smtp" in value)):
        return "<email>"
    thread = isinstance(value, SlackThreadSettings) or (isinstance(value, dict) and "slack_token" in value)
    return "<thread>" if thread else "<slack>"


ReceiverSettings: TypeAlias = Annotated[
    Annotated[SlackSettings, Tag("<slack>")]
    | Annotated[SlackThreadSettings, Tag("<thread>")]
    | Annotated[EmailSettings, Tag("<email>")],
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


class AlertsSettings(Section):
    """Who is told."""

    mode: Literal["direct", "enrich"] | None = None
    """direct: every receiver is told of each case. enrich: what is found goes to the alert that pages already
    (`signals.alertmanager`), and receivers hear only of what no alert speaks of, and of escalations. None: enrich where
    there is an Alertmanager, because one alert is enough; direct otherwise."""

    receivers: tuple[ReceiverSettings, ...] = ()
    """Who is told. None: notices go to the log alone."""

    alertmanager: AlertmanagerLinkSettings = AlertmanagerLinkSettings()
    """Alerts in and out."""
