"""Settings of repositories: where they are, and the commands that their changes are tried by."""

from typing import Annotated, Literal

from cases.trying import Companion
from config.companions import CompanionSettings, Mebibytes
from config.fields import Branch, Duration, FullName, Name, RelativePath, Text, Url
from config.recipes import RegistrySettings, SetupSettings
from config.section import Section
from config.seldom_used import WhenUsed


class RepositorySandboxSettings(Section):
    """What trials of this repository need otherwise than `sandbox` says."""

    image: Text = "trackwalker-base"
    """The image that trials run in. With what `setup` adds, it must hold what the tests import: there is no network
    inside."""

    registry: RegistrySettings | None = None
    """Who fetches the image when it is not there. None: somebody else put it there."""

    setup: SetupSettings = SetupSettings()
    """What `setup` is given."""

    memory_mib: Mebibytes | None = None
    """Memory of a trial, in MiB. None: that of `sandbox`."""

    timeout: Duration | None = None
    """How long one command of a trial may run. None: that of `sandbox`."""

    companions: Annotated[tuple[CompanionSettings, ...], WhenUsed()] = ()
    """Servers that the commands need beside them. They share a network with the trial that leads nowhere else."""

    @property
    def present(self) -> tuple[str, ...]:
        """The images of a trial that have to be there already: all but one that a registry has."""
        own = (self.image,) if self.registry is None else ()
        return (*own, *(companion.image for companion in self.companions))

    @property
    def beside(self) -> tuple[Companion, ...]:
        """What a trial is ordered to start beside its commands."""
        return tuple(companion.companion() for companion in self.companions)


class RepositorySettings(Section):
    """One target repository."""

    name: Name
    """What services call it."""

    url: Url
    """Where git finds it, over http or https: the forge's token is used for it."""

    branch: Branch = "main"
    """The branch that is deployed, and that pull requests go to."""

    forge: Literal["github"] = "github"
    """The kind of forge: GitHub, GitHub Enterprise or the local forge, at `forge.api_url`."""

    full_name: FullName
    """Its name on the forge, as in acme/shop."""

    setup: Text | None = None
    """A command that installs what the tests import, as in "pip install --require-hashes -r requirements.lock". It is
    run by `sh -c` while an image is prepared, before any trial, in a container like theirs but with a network, in the
    folder /prepared, where `locks` are and which is all that is kept. None: `sandbox.image` has everything."""

    locks: tuple[RelativePath, ...] = ()
    """The files that `setup` reads, as in requirements.lock: it sees no others of the repository. When one of them
    changes on the watched branch, another image is prepared."""

    test: Text = "python -m pytest -q"
    """The command that tests it, run by `sh -c` at the top of the tree. The default leaves a report a test, which is
    how a test that failed before is told from one that a change broke."""

    report: RelativePath | None = None
    """The file in which `test` leaves what each test came to: JUnit XML, TAP, the lines of `go test -json`, jest's JSON
    or what `cargo test` prints. None: that of pytest, or what the command prints, where all of it is short and has one
    of these forms."""

    lint: Text | None = None
    """The repository's own linters. A change may add no finding, as file and words: one that was there may stay. None:
    none are run."""

    bench: Text | None = None
    """A command that takes as long as what it measures. An improvement is called faster only where runs in turn without
    and with it show it; nothing else is measured so. None: no improvement is ever shown."""

    reproduce: Text | None = None
    """A command that exits 1 while the fault is there and 0 when it is gone. Without it a change is never *proved*. It
    is run three times a tree, twice in one container; one that comes and goes, or cannot be repeated, is no proof."""

    sandbox: RepositorySandboxSettings = RepositorySandboxSettings()
    """What its trials need otherwise."""
