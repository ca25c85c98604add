"""Turn a flag off: the one that a suspect turned on, in its file of flags. One key in one file, and towards off only.

Files of flags are flagd's (also OpenFeature's own file shape), which are known by what they hold, and plain maps of
YAML, TOML or JSON, which are known by their name (`services[].flags`).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cases.case import Case
from cases.change import ChangeClass, FileEdit, Patch
from cases.diagnosis import Commit, Suspect
from cases.ports import Forge
from config.scope import matches
from config.settings import ServiceSettings
from remediation.drafting import CannotDraft, Drafting
from remediation.neutral import neutral
from remediation.playbooks.promise import cited, is_inverse, part_of, promise, reach, shown
from remediation.ports import Ports
from remediation.values.edit import is_configuration, parsed, put_back, read_value, set_value
from remediation.values.nodes import Group, Kind, Plain, Scalar, scalars
from remediation.values.place import Place
from remediation.values.refused import NotEditable

ORIGIN = "playbook:turn-the-flag-off"
MOST_FILES = 20  # a commit of more turned no flag
_SWITCHES: Mapping[str, str] = {"on": "off", "yes": "no", "true": "false", "enabled": "disabled", "active": "inactive"}
_UNTOLD = frozenset({"enabled", "disabled", "on", "value", "default"})  # keys that name no flag
_NEGATIVE = re.compile(r"(^|[_.-])(disabled?|off|killed|kill_?switch)$", re.IGNORECASE)
_SHARE = re.compile(r"percent|rollout|ratio|share|weight|fraction", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnedOn:
    """A key that a commit turned on. `before` is None where the commit brought it; `off` what turns it off."""

    path: str
    place: Place
    before: Scalar | None
    after: Scalar
    off: Plain

    @property
    def name(self) -> str:
        """The flag, as in `new-pricing`."""
        named = [str(key) for key in self.place.keys]
        if len(named) > 2 and named[0] == "flags":  # noqa: PLR2004 - flags.NAME.KEY
            return neutral(named[1], 60)
        telling = [name for name in named if name.lower() not in _UNTOLD]
        return neutral((telling or named)[-1], 60)


def drafter(case: Case, ports: Ports, suspect: Suspect | None) -> Drafting:
    """Turn the flag off that the suspect turned on."""
    if suspect is None:
        return CannotDraft()
    forge, repository, commit = ports.forge, suspect.repository, suspect.commit
    service = ports.settings.service(case.service)
    found = list(turned_on(forge, repository, commit, service))
    if not found:
        return CannotDraft()
    if len(found) > 1:
        names = ", ".join(one.name for one in found[:3])
        return CannotDraft(reason=f"{commit.short} turned {len(found)} flags on ({names}): which one is not known")
    return _off(case, forge, suspect, found[0], service)


def turned_on(forge: Forge, repository: str, commit: Commit, service: ServiceSettings) -> Iterator[TurnedOn]:
    """Every key of a file of flags that the commit turned on, against its first parent."""
    if not commit.parents or len(commit.files) > MOST_FILES:
        return
    for path in commit.files:
        if not is_configuration(path):
            continue
        before, after = (forge.read(repository, sha, path) for sha in (commit.parents[0], commit.sha))
        if after is None:
            continue
        try:
            yield from _of_file(path, before, after, named=matches(path, service.flags))
        except NotEditable:
            continue  # a template, or no file of its format: nothing is known of its flags


def _of_file(path: str, before: bytes | None, after: bytes, *, named: bool) -> Iterator[TurnedOn]:
    now = parsed(after, path)
    roots = [document.root for document in now.documents]
    variants = _flagd(roots[0]) if len(roots) == 1 else {}
    if not named and not variants:
        return
    had = dict(scalars(parsed(before, path))) if before is not None else {}
    for place, scalar in scalars(now):
        was = had.get(place)
        if was is not None and was.meaning == scalar.meaning:
            continue
        off = _flagd_off(place, was, scalar, variants) if variants else _plain_off(place, was, scalar)
        if off is not None:
            yield TurnedOn(path=path, place=place, before=was, after=scalar, off=off)


def _flagd(root: object) -> dict[str, dict[str, Plain]]:
    """The variants of each flag of a flagd file; nothing for any other file."""
    flags = root.entries.get("flags") if isinstance(root, Group) else None
    if not isinstance(flags, Group) or not flags.entries:
        return {}
    found: dict[str, dict[str, Plain]] = {}
    for name, flag in flags.entries.items():
        if not isinstance(flag, Group) or not {"state", "variants", "defaultVariant"} & flag.entries.keys():
            return {}
        held = flag.entries.get("variants")
        entries = held.entries if isinstance(held, Group) else {}
        found[name] = {key: value.value for key, value in entries.items() if isinstance(value, Scalar)}
    return found


def _flagd_off(place: Place, was: Scalar | None, now: Scalar, variants: Mapping[str, Mapping[str, Plain]]) -> Plain:
    """What turns a key of a flagd file off, or None where it was not turned on by it."""
    if len(place.keys) != 3 or place.keys[0] != "flags":  # noqa: PLR2004 - flags.NAME.KEY
        return None
    name, key = (str(step) for step in place.keys[1:])
    if key == "state" and now.value == "ENABLED" and (was is None or was.value == "DISABLED"):
        return "DISABLED"
    if key == "disabled" and now.value is False and (was is None or was.value is True):
        return True
    if key != "defaultVariant" or was is None:
        return None
    flag = variants.get(name, {})
    turned = flag.get(str(was.value)) is False and flag.get(str(now.value)) is not False
    return was.value if turned else None


def _plain_off(place: Place, was: Scalar | None, now: Scalar) -> Plain:
    """What turns a value of a plain map off, or None where it was not turned on."""
    key = "".join(str(key) for key in place.keys[-1:])
    on, off = (False, True) if _NEGATIVE.search(key) else (True, False)
    if now.kind is Kind.BOOLEAN:
        return off if now.value is on and (was is None or was.value is off) else None
    if was is None:
        return None
    word = str(now.value).lower()
    if now.kind in {Kind.STRING, Kind.UNCLEAR} and _SWITCHES.get(word) == str(was.value).lower():
        return was.value if was.kind is Kind.STRING else off
    numbers = isinstance(now.value, int | float) and isinstance(was.value, int | float) and was.kind is now.kind
    if numbers and _SHARE.search(key) and float(now.value or 0) > float(was.value or 0):
        return was.value
    return None


def _off(case: Case, forge: Forge, suspect: Suspect, flag: TurnedOn, service: ServiceSettings) -> Drafting:
    commit, repository = suspect.commit, suspect.repository
    head = forge.head(repository)
    content = forge.read(repository, head, flag.path)
    where = f"{neutral(flag.place.shown, 80)} in {neutral(flag.path, 80)}"
    if content is None:
        return CannotDraft(reason=f"{where} is gone with its file")
    try:
        now = read_value(content, flag.path, flag.place)
        if now.meaning != flag.after.meaning:
            return CannotDraft(reason=f"{where} was set again since {commit.short}: it is {shown(now)} now")
        if flag.before is not None:
            edited = put_back(content, flag.path, {flag.place: flag.before})
        else:
            edited = set_value(content, flag.path, flag.place, flag.off)
        written = shown(read_value(edited, flag.path, flag.place))
    except NotEditable as refused:
        return CannotDraft(reason=neutral(str(refused), 300))
    part = part_of(forge, repository, head, [FileEdit(path=flag.path, content=edited)])
    brought = "brought it turned on" if flag.before is None else f"turned it on (it was {shown(flag.before)})"
    return Patch(
        number=len(case.changes) + 1,
        kind=ChangeClass.FLAG,
        origin=ORIGIN,
        title=f"Turn {flag.name} off ({commit.short} turned it on)",
        summary=f"Sets {where} from {shown(now)} to {written}, which is towards off, and touches nothing else.",
        parts=(part,),
        promise=promise(case),
        blast_radius=reach((part,), service, removes=f"what the flag {flag.name} shows", migrations="none found"),
        inverse_of=commit.sha if is_inverse(forge, part, commit) else None,
        blames=commit.sha,
        because=f"{commit.short} {brought}{cited(case, commit.sha)}",
    )
