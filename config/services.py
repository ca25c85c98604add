"""Settings of services: where their code and configuration live, what they are worth, and what may be set there."""

from typing import Annotated, Literal

from pydantic import Field

from config.experiments import ExperimentsSettings
from config.fields import Glob, KeyPath, Name, RelativePath, Text, Url
from config.section import Section
from config.seldom_used import WhenUsed

DEFAULT_WEIGHT = 5.0
"""The weight of a service that says none, or that is not listed."""


class DeployedConfigSettings(Section):
    """Where a service's deployed configuration lives, when that is another repository (GitOps)."""

    repository: Name
    """The repository of the configuration."""

    file: RelativePath
    """The file in it, as in prod/shop/values.yaml."""

    image_tag: KeyPath | None = None
    """Where the file has the image's tag, as in .image.tag. In a file of several documents: kind/namespace/name before
    it, as in Deployment/prod/shop:.spec.template.spec.containers[0].image. None: the version is not set there."""

    render: Text | None = None
    """A command that renders the file to standard output at the top of the tree, as in "helm template …": a change is
    proved by what it changes there. Let it write YAML, and of the service alone: the last 64 KiB are read. None: the
    file itself is compared."""


class TuneSettings(Section):
    """A value that may be tuned when a signal says so and no change explains it: the operator's own rule."""

    file: RelativePath
    """The file in the service's repository, as in config/pool.yaml."""

    path: KeyPath
    """Where the value is, as in .pool.size."""

    signal: Name
    """The watch whose anomaly asks for it."""

    answers: Literal["trouble", "improvement"] = "trouble"
    """What it is for. trouble: a live anomaly that no change explains. improvement: an opportunity that opened a case,
    such as memory that nobody used for weeks, or what got slower little by little; never a live anomaly."""

    factor: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 2
    """What the value is multiplied by; below 1 to lower it."""

    bound: Annotated[float, Field(allow_inf_nan=False)]
    """The farthest that it may come to, in the unit of the value: never past this."""

    unit: Text | None = None
    """The unit that the value is written with, as in s of "30s" or Mi of "512Mi"; it is kept, and one with another unit
    is left alone. None: the value is a plain number."""


class ServiceSettings(Section):
    """What is known of a service. One that is not listed gets the repository of its own name, or the only one."""

    name: Name
    """The service, as watches and deploy markers spell it."""

    repository: Name
    """The repository that its code lives in."""

    paths: tuple[Glob, ...] = ("**",)
    """Its part of the repository, as in .gitignore. Everything, unless several services share one repository."""

    depends: tuple[Name, ...] = ()
    """The services that it calls. What goes wrong here while one of them is in trouble, near or far down the chain, is
    listed in that one's case as its echo, and opens none of its own."""

    owners: tuple[Text, ...] = ()
    """Who is named in its pull requests, as in "@sre"."""

    runbook: Url | None = None
    """A link for whoever is woken."""

    weight: Annotated[float, Field(ge=0, le=10)] = DEFAULT_WEIGHT
    """What it is worth to the business, from 0 to 10. Times the share of it that is hit it is the impact, see
    `approvals.impact`: a service of the default weight never comes to that by itself."""

    test: Text | None = None
    """The command that tests it, run at the top of the tree. None: the repository's."""

    reproduce: Text | None = None
    """A command that exits 1 while the fault is there and 0 when it is gone. None: the repository's."""

    config: DeployedConfigSettings | None = None
    """Where its deployed configuration lives. None: in its own repository."""

    tune: Annotated[tuple[TuneSettings, ...], WhenUsed()] = ()
    """Values that may be tuned."""

    experiments: ExperimentsSettings | None = None
    """How it is experimented with. None: it is not."""

    flags: tuple[Glob, ...] = ("*flag*", "*toggle*", "features.*")
    """Its files of feature flags (YAML, TOML, JSON), as in .gitignore: a flag that a suspect turned on is turned off
    there, and never on. A flagd file is known by its shape, whatever its name."""
