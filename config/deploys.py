"""Settings of deploy markers: what says that a commit runs in production."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag

from config.fields import Duration, Name, SecretRef, Text
from config.section import Section


class BuildInfoSettings(Section):
    """A metric that carries the running commit as a label: a deploy is when a new commit first shows."""

    prometheus: Text
    """The metric, as in build_info."""

    commit_label: Text = "revision"
    """The label with the commit; it may be abbreviated to 7 digits. `revision` is Prometheus's own word."""

    image_label: Text | None = None
    """The label with the image, where no label has the commit: its tag is read, as kube_pod_container_info has it in
    `image`. None: `commit_label` has the commit."""

    tag: Text = "(?:sha-|git-)?([0-9a-f]{7,40})"
    """How a commit is read from an image's tag: a regular expression for the whole tag, its first group the commit. A
    tag that is a tag of the repository as well (v1.4.2) is looked up there."""

    service_label: Text = "service"
    """The label with the service's name, as watches spell it."""

    match: Mapping[Text, Text] = Field(default_factory=dict)
    """Labels that a series must have, each as an anchored regular expression, as in namespace: prod."""

    source: Name | None = None
    """The name of the source that has the metric. None: the only one."""


class GithubDeploymentsOfSettings(Section):
    """Which deployments of the forge count."""

    environment: Text = "production"
    """The environment."""


class GithubDeploymentsSettings(Section):
    """The forge's own record of deployments: one counts from its first status `success`."""

    github_deployments: GithubDeploymentsOfSettings
    """Which of them."""


TELLERS: Mapping[str, str] = {"argocd": "Argo CD (webhook)", "flux": "Flux (webhook)", "generic": "webhook"}
"""Who tells, by kind of webhook, as a deploy's source names it."""


class WebhookSettings(Section):
    """Deploys that a tool tells us of, at /webhooks/deploys/<kind>."""

    webhook: Literal["argocd", "flux", "generic"]
    """Whose message it is. docs/deploys.md has what to set up there."""

    secret: SecretRef | None = None
    """What the sender proves itself with: the key of the HMAC (flux, generic), or the bearer token (argocd). None:
    `api.token` does it, and with neither only this machine may send."""

    environment: Text = "production"
    """The environment that its messages are about. A message that names another one is taken note of, and not kept."""

    @property
    def teller(self) -> str:
        """Who tells, as a deploy's source names it."""
        return TELLERS[self.webhook]


class MergeDelaySettings(Section):
    """When a merge is taken to be live."""

    delay: Duration = timedelta(minutes=2)
    """How long after the merge. Two minutes suit a small service that deploys at once; measure your own."""


class MergeSettings(Section):
    """For services that deploy on merge and have no marker: said explicitly, because it is a belief, not a reading."""

    merge: MergeDelaySettings
    """How long after its merge a commit is live."""


def _kind(value: Any) -> str:  # noqa: ANN401 - what a file holds is anything
    kinds: dict[str, type[Section]] = {
        "merge": MergeSettings,
        "github_deployments": GithubDeploymentsSettings,
        "webhook": WebhookSettings,
    }
    for key, kind in kinds.items():
        if isinstance(value, kind) or (isinstance(value, dict) and key in value):
            return f"<{key}>"
    return "<metric>"


DeploySettings: TypeAlias = Annotated[
    Annotated[BuildInfoSettings, Tag("<metric>")]
    | Annotated[GithubDeploymentsSettings, Tag("<github_deployments>")]
    | Annotated[WebhookSettings, Tag("<webhook>")]
    | Annotated[MergeSettings, Tag("<merge>")],
    Discriminator(_kind),
]
