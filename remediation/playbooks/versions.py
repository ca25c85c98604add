"""Which versions a configuration file has set before, and which commit of the code each of them runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cases.diagnosis import Commit, Suspect
from cases.ports import Forge
from config.settings import DeployedConfigSettings
from remediation.moments import SKEW
from remediation.values.edit import read_value
from remediation.values.image import Image, image_of
from remediation.values.nodes import Kind, Scalar
from remediation.values.place import Place
from remediation.values.refused import NotEditable

LOOK_BACK = timedelta(days=30)
MOST_SETTINGS = 30  # versions of the file that are read


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a configuration repository sets the image now, at its `head`."""

    repository: str
    head: str
    file: str
    place: Place
    content: bytes
    scalar: Scalar
    image: Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version that the file had until `setter` set another."""

    setter: Commit
    scalar: Scalar
    image: Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """The version to go back to: the code commit it runs, and the commits that have set the tag since, newest first."""

    version: Version
    runs: str
    setters: tuple[Commit, ...]


def target(forge: Forge, config: DeployedConfigSettings, place: Place) -> Target:
    """Read the image at its place now. Raises NotEditable."""
    head = forge.head(config.repository)
    content = forge.read(config.repository, head, config.file)
    if content is None:
        raise NotEditable(f"{config.repository} has no file {config.file}")
    scalar = read_value(content, config.file, place)
    _refuse_digest_beside(content, config.file, place)
    return Target(
        repository=config.repository,
        head=head,
        file=config.file,
        place=place,
        content=content,
        scalar=scalar,
        image=image_of(scalar, place),
    )


def commit_of(forge: Forge, repository: str, head: str, image: Image) -> str | None:
    """The commit of the code repository that an image's tag names: by its digits, or as a git tag."""
    if image.commit and forge.contains(repository, head, image.commit):
        return image.commit
    return forge.tagged(repository, image.tag) or forge.tagged(repository, f"v{image.tag}")


def earlier(forge: Forge, now: Target, culprit: Suspect, onset: datetime, until: datetime) -> Earlier:
    """The newest version in the file's history whose code does not hold the culprit. Raises NotEditable."""
    code, sha = culprit.repository, culprit.commit.sha
    head = forge.head(code)
    runs = commit_of(forge, code, head, now.image)
    if runs is None:
        raise NotEditable(f"nothing says which commit of {code} the tag {now.image.tag} is")
    if not forge.contains(code, runs, sha):
        raise NotEditable(f"the tag {now.image.tag} does not hold {culprit.commit.short}")
    setters: list[Commit] = []
    for version in _versions(forge, now, onset - LOOK_BACK, until):
        setters.append(version.setter)
        before = commit_of(forge, code, head, version.image)
        if before is None:
            raise NotEditable(f"nothing says which commit of {code} the earlier tag {version.image.tag} is")
        if forge.contains(code, before, sha):
            continue
        if version.setter.at > onset + SKEW:
            raise NotEditable(f"{version.setter.short} set a tag with {culprit.commit.short} only after the onset")
        return Earlier(version=version, runs=before, setters=tuple(setters))
    raise NotEditable(
        f"no version of {now.file} in the last {LOOK_BACK.days} days has a tag without {culprit.commit.short}"
    )


def _versions(forge: Forge, now: Target, since: datetime, until: datetime) -> Iterator[Version]:
    """The versions that the file had before, newest first: those that a commit replaced by another."""
    commits = [commit for commit in forge.commits(now.repository, since, until) if now.file in commit.files]
    for commit in commits[:MOST_SETTINGS]:
        after = forge.read(now.repository, commit.sha, now.file)
        before = forge.read(now.repository, commit.parents[0], now.file) if commit.parents else None
        if after is None or before is None:
            return
        scalar = read_value(before, now.file, now.place)
        image = image_of(scalar, now.place)
        if image != image_of(read_value(after, now.file, now.place), now.place):
            yield Version(setter=commit, scalar=scalar, image=image)


def _refuse_digest_beside(content: bytes, name: str, place: Place) -> None:
    """A digest in a key of its own, beside the tag, outranks the tag: setting the tag would change nothing."""
    beside = Place(keys=(*place.keys[:-1], "digest"), document=place.document)
    try:
        digest = read_value(content, name, beside)
    except NotEditable:
        return  # there is none
    if digest.kind is not Kind.NOTHING and digest.value != "":
        raise NotEditable(f"{beside.shown} pins the image, whatever its tag says: a human has to put both back")
