"""What a message about a deploy says, by kind of teller. Only "deployed and healthy" counts."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from cases.errors import TrackwalkerError

COMMIT = re.compile(r"[0-9a-f]{7,64}")
_GIT_REVISION = re.compile(r"(?:.*[@/:])?(?:sha1:)?([0-9a-f]{40}|[0-9a-f]{64})")
_DIGEST = re.compile(r"(?:.*@)?sha256:[0-9a-f]{64}")  # of an OCI artifact: no commit

Short = Annotated[str, StringConstraints(min_length=1, max_length=253)]  # what Kubernetes allows a name
Long = Annotated[str, StringConstraints(max_length=1024)]


class Unreadable(TrackwalkerError):  # noqa: N818 - it is what the message is, and reads as one where it is caught
    """The body is not what this kind of teller sends. The text is one sentence, and repeats nothing of the body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A deploy as a message tells it. `started` None: it began when the message came. `environment` None: unsaid."""

    service: str
    commit: str
    started: datetime | None = None
    environment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """A sound message that tells of no deploy that is live and well, and why."""

    because: str


class _Message(BaseModel):
    """Whatever else a message holds is left alone: tools add fields."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Generic(_Message):
    service: Short
    commit: Short
    started: AwareDatetime | None = None
    environment: Short | None = None


class _ArgoCd(_Message):
    """The template of docs/deploys.md. Argo CD sends what its operator wrote there."""

    app: Short
    revision: Long
    sync: Long
    health: Long
    finished_at: AwareDatetime = Field(alias="finishedAt")
    environment: Short | None = None


class _Involved(_Message):
    kind: Short
    name: Short


class _Flux(_Message):
    """An event of notification-controller, as its generic and generic-hmac providers send it."""

    involved: _Involved = Field(alias="involvedObject")
    severity: Long
    timestamp: AwareDatetime
    reason: Long
    metadata: Mapping[str, Long] | None = None


DONE_BY_FLUX: Mapping[str, str] = {
    "Kustomization": "ReconciliationSucceeded",
    "HelmRelease": "UpgradeSucceeded, InstallSucceeded, RollbackSucceeded",
}


def read(kind: str, body: bytes) -> Told | Ignored:
    """What the body of that kind of teller says. Raises Unreadable."""
    try:
        return _READERS[kind](body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False, include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise Unreadable(f"{where}: {first['msg']}" if where else f"the body is not JSON: {first['msg']}") from None


def _generic(body: bytes) -> Told:
    said = _Generic.model_validate_json(body)
    commit = said.commit.lower()
    if not COMMIT.fullmatch(commit):
        raise Unreadable("commit: it is no commit: send 7 to 64 hexadecimal digits")
    return Told(service=said.service, commit=commit, started=_utc(said.started), environment=said.environment)


def _argocd(body: bytes) -> Told | Ignored:
    said = _ArgoCd.model_validate_json(body)
    if said.sync not in {"Synced", "Succeeded"} or said.health != "Healthy":
        return Ignored(because="it is not synced and healthy")
    commit = _commit(said.revision)
    if commit is None:
        return Ignored(because="its revision is no commit (a chart's version, an image, or several sources)")
    return Told(service=said.app, commit=commit, started=_utc(said.finished_at), environment=said.environment)


def _flux(body: bytes) -> Told | Ignored:
    said = _Flux.model_validate_json(body)
    done = DONE_BY_FLUX.get(said.involved.kind)
    if done is None:
        return Ignored(because="only events of a Kustomization or a HelmRelease tell of deploys")
    if said.severity != "info" or said.reason not in done.split(", "):
        return Ignored(because=f"only {done} tells of a deploy that is live")
    metadata = {key.rpartition("/")[2]: value for key, value in (said.metadata or {}).items()}
    # An OCI artifact has a digest for its revision; the commit that it was built from is its origin.
    revisions = (metadata.get("originRevision", ""), metadata.get("revision", ""))
    commit = next((found for revision in revisions if (found := _commit(revision))), None)
    if commit is None:
        return Ignored(because="its revision is no commit (a chart's version, or an artifact without its origin)")
    return Told(service=said.involved.name, commit=commit, started=_utc(said.timestamp))


def _commit(revision: str) -> str | None:
    """The sha in `main@sha1:<sha>`, `main/<sha>`, `sha1:<sha>` or `<sha>`."""
    if _DIGEST.fullmatch(revision):
        return None
    found = _GIT_REVISION.fullmatch(revision)
    return found[1] if found else None


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else at.astimezone(UTC)


_READERS: Mapping[str, Callable[[bytes], Told | Ignored]] = {"argocd": _argocd, "flux": _flux, "generic": _generic}
