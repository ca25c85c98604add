"""Markers from a metric: one whose label is the commit, or one whose label is the image."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cases.ports import Clock
from cases.telemetry import Deploy
from signals.deploys.showing import Showing

ARGO_METRICS = "argocd_"
ASK_TAG_AGAIN = timedelta(minutes=5)
MOST_TAGS = 1_000  # kept in mind: years of releases


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildInfoMarkers:
    """`Changes` from a metric such as `build_info{service="shop",revision="<sha>"} 1`: see `Showing`."""

    showing: Showing
    commit_label: str = "revision"

    def deploys(self, service: str, since: datetime, until: datetime) -> tuple[Deploy, ...]:
        """The deploys that began in the window, oldest first. Raises SourceDown, also for a partial answer."""
        source = f"{self.showing.metric} on {self.showing.source.name}"
        began = self.showing.began(service, since, until)
        return tuple(Deploy(service=service, commit=commit, started=at, source=source) for at, commit in began)

    def running(self, service: str, at: datetime) -> tuple[str, ...]:
        """The commits that were running at a moment, or when the service was last seen. Raises SourceDown."""
        return self.showing.at(service, at)

    def silence(self, service: str, at: datetime) -> str:
        """Why no commit is named at a moment, for people; "" when one is. Raises SourceDown."""
        why = self.showing.silence(service, at)
        if why and self.showing.metric.startswith(ARGO_METRICS):
            why += "; Argo CD's own metrics name no revision: use webhook: argocd, or a metric of the service itself"
        return why


@dataclass(slots=True, kw_only=True)
class TagBook:
    """Which commit an image's tag names: by its form, or by the git tag of the same name.

    form    matches a whole tag that holds a commit; its first group is the commit
    tagged  `Forge.tagged`
    A git tag that is there is asked for once; one that is not may come later, and is asked for again after five
    minutes: images are often pushed before their tag.
    """

    form: re.Pattern[str]
    tagged: Callable[[str, str], str | None]
    clock: Clock
    _known: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str], init=False)
    _asked: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float], init=False)

    def commit(self, repository: str, tag: str) -> str:
        """The commit, or "" when the tag names none. Raises what `tagged` raises."""
        formed = self.form.fullmatch(tag)
        commit = (formed[1] if self.form.groups else formed[0]) or "" if formed else ""
        if commit and not commit.isdecimal():
            return commit
        # Digits alone are more often a date or a build's number than a commit: a git tag has the first word.
        return self._looked_up(repository, tag) or commit

    def _looked_up(self, repository: str, tag: str) -> str:
        key, now = (repository, tag), self.clock.monotonic()
        if key in self._known:
            return self._known[key]
        if key in self._asked and now - self._asked[key] < ASK_TAG_AGAIN.total_seconds():
            return ""
        found = self.tagged(repository, tag) or ""
        for book in (self._known, self._asked):
            while len(book) >= MOST_TAGS:
                book.pop(next(iter(book)))
        if found:
            self._known[key] = found
        else:
            self._asked[key] = now
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageMarkers:
    """`Changes` from a metric that names images, such as kube-state-metrics's `kube_pod_container_info`.

    A new tag is a new version of the service; its commit is what `tags` says. A tag that names no commit (`latest`)
    makes no deploy here: `silence` says so. `repository_of` says which repository a service is built from.
    """

    showing: Showing
    tags: TagBook
    repository_of: Callable[[str], str | None]

    def deploys(self, service: str, since: datetime, until: datetime) -> tuple[Deploy, ...]:
        """The deploys that began in the window, oldest first. Raises SourceDown, or what the forge raises."""
        source = f"{self.showing.metric} on {self.showing.source.name}"
        found: list[Deploy] = []
        for at, tag in self.showing.began(service, since, until):
            if commit := self._commit(service, tag):
                found.append(Deploy(service=service, commit=commit, started=at, source=f"{source}, image tag {tag}"))
        return tuple(found)

    def running(self, service: str, at: datetime) -> tuple[str, ...]:
        """The commits of the tags that showed at a moment. Raises SourceDown, or what the forge raises."""
        commits = (self._commit(service, tag) for tag in self.showing.at(service, at))
        return tuple(sorted({commit for commit in commits if commit}))

    def silence(self, service: str, at: datetime) -> str:
        """Why no commit is named at a moment, for people; "" when one is. Raises like `running`."""
        if why := self.showing.silence(service, at):
            return why
        unread = [tag for tag in self.showing.at(service, at) if not self._commit(service, tag)]
        if not unread:
            return ""
        return f"the image tag {', '.join(unread)} holds no commit by `tag`, and is no git tag of its repository"

    def _commit(self, service: str, tag: str) -> str:
        repository = self.repository_of(service)
        return self.tags.commit(repository, tag) if repository is not None else ""


def tag_of(image: str) -> str:
    """The tag in `registry:5000/team/name:tag@sha256:…`; "" when it has none."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[2]
