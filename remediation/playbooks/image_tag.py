"""Put an image's tag back in the configuration repository, which is what production runs; the code revert follows.

The tag that goes back is the newest of the file's own history whose commit does not hold the culprit.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from cases.case import Case
from cases.change import ChangeClass, FileEdit, Part, Patch
from cases.diagnosis import Suspect
from cases.errors import PermanentError
from cases.ports import Forge
from config.settings import ServiceSettings
from remediation.drafting import CannotDraft, Drafting
from remediation.moments import SKEW
from remediation.neutral import neutral
from remediation.playbooks.bumping import bumped_again, configured_updater
from remediation.playbooks.promise import cited, part_of, promise, reach
from remediation.playbooks.revert import blast_radius, brought_with, first_of
from remediation.playbooks.revert import part as revert_part
from remediation.playbooks.versions import Earlier, Target, earlier, target
from remediation.ports import Ports
from remediation.values.edit import put_back, read_value, set_value
from remediation.values.image import image_of
from remediation.values.place import Place
from remediation.values.refused import NotEditable

ORIGIN = "playbook:put-the-image-tag-back"


@dataclass(frozen=True, slots=True, kw_only=True)
class TagBack:
    """The change, and what would undo it by itself: a reason to ask a human first, or ""."""

    patch: Patch
    bumped_again: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _CodeRevert:
    """The part that follows, or in `said` why there is none."""

    parts: tuple[Part, ...]
    said: str = ""
    migrations: str = "none found"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drafted:
    """What the change is made of."""

    there: Target
    back: Earlier
    lead: Part
    code: _CodeRevert
    bumped_again: str


def drafter(case: Case, ports: Ports, suspect: Suspect | None) -> Drafting:
    """Put the tag back; where automation would set it again, say so and leave it to the code revert or a human."""
    service = ports.settings.service(case.service)
    if suspect is None or service.config is None or service.config.image_tag is None:
        return CannotDraft()
    drafted = image_tag(case, len(case.changes) + 1, suspect, ports.forge, service, ports.now)
    if isinstance(drafted, CannotDraft):
        return drafted
    if drafted.bumped_again:
        return CannotDraft(reason=f"{drafted.patch.title}: {drafted.bumped_again}")
    return drafted.patch


def tag_at(content: bytes, name: str, place: str) -> str | None:
    """The tag (with its digest, if it has one) at a place of a configuration file; None where none can be read."""
    try:
        at = Place.parse(place)
        image = image_of(read_value(content, name, at), at)
    except NotEditable:
        return None
    return f"{image.tag}@{image.digest}" if image.digest else image.tag


def image_tag(
    case: Case, number: int, culprit: Suspect, forge: Forge, service: ServiceSettings, now: datetime
) -> TagBack | CannotDraft:
    """Draft the configuration part, and behind it the code revert where that is possible without conflicts."""
    config = service.config
    if config is None or config.image_tag is None:
        return CannotDraft(reason=f"the configuration does not say where the image's tag of {service.name} is")
    if config.repository == culprit.repository:
        return CannotDraft(reason=f"{config.repository} holds code and configuration: a revert takes both back")
    onset = min(anomaly.onset for anomaly in case.anomalies)
    try:
        there = target(forge, config, Place.parse(config.image_tag))
        back = earlier(forge, there, culprit, onset, now + SKEW)
        edited = _edited(there, back)
    except NotEditable as refused:
        return CannotDraft(reason=neutral(str(refused), 300))
    lead = part_of(forge, there.repository, there.head, [FileEdit(path=there.file, content=edited)])
    again = bumped_again(there.content, there.scalar.line, back.setters)
    again = again or configured_updater(forge, there.repository, there.head, there.file)
    code = _code_revert(forge, culprit, service)
    drafted = _Drafted(there=there, back=back, lead=replace(lead, runs=back.runs), code=code, bumped_again=again)
    return TagBack(patch=_patch(case, number, culprit, service, drafted), bumped_again=again)


def _edited(there: Target, back: Earlier) -> bytes:
    """The file with the earlier version. A bare tag goes back as it was written, quotes and all."""
    wanted = there.image.at(back.version.image)
    if not there.image.name:
        return put_back(there.content, there.file, {there.place: back.version.scalar})
    return set_value(there.content, there.file, there.place, str(wanted))


def _code_revert(forge: Forge, culprit: Suspect, service: ServiceSettings) -> _CodeRevert:
    commit, repository = culprit.commit, culprit.repository
    try:
        together = brought_with(forge, repository, commit)
        undone = forge.revert(repository, forge.head(repository), together[-1], first_of(together))
    except PermanentError as refused:
        return _CodeRevert(parts=(), said=f"{commit.short} stays in {repository}: {neutral(str(refused), 160)}")
    if undone.conflicts:
        files = ", ".join(neutral(path, 60) for path in undone.conflicts[:3])
        said = f"{commit.short} stays in {repository}, for undoing it conflicts in {files}: a human has to take it out"
        return _CodeRevert(parts=(), said=said)
    if not undone.edits:
        return _CodeRevert(parts=(), said=f"{commit.short} is undone in {repository} already")
    migrations = blast_radius(undone, service, removes="").migrations
    return _CodeRevert(parts=(revert_part(repository, undone),), migrations=migrations)


def _patch(case: Case, number: int, culprit: Suspect, service: ServiceSettings, drafted: _Drafted) -> Patch:
    there, commit, code = drafted.there, culprit.commit, drafted.code
    was, now = neutral(drafted.back.version.image.tag, 60), neutral(there.image.tag, 60)
    where = f"{neutral(there.place.shown, 60)} in {neutral(there.file, 80)} of {there.repository}"
    sentences = [
        f"Sets {where} from {now} back to {was}",
        code.said,
        drafted.bumped_again and f"But {drafted.bumped_again}",
    ]
    parts = (drafted.lead, *code.parts)
    return Patch(
        number=number,
        kind=ChangeClass.CONFIGURATION,
        origin=ORIGIN,
        title=f"Put {case.service} back to {was} ({now} holds {commit.short})",
        summary=" ".join(f"{sentence}." for sentence in sentences if sentence),
        parts=parts,
        promise=promise(case),
        blast_radius=reach(parts, service, removes=neutral(commit.title, 60), migrations=code.migrations),
        blames=commit.sha,
        because=(
            f"production runs what {where} says: {now} holds {commit.short}, and {was}, which ran before the onset, "
            f"does not{cited(case, commit.sha)}"
        ),
    )
