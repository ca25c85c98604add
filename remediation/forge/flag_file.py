"""GitFlags: flags in flagd files of repositories. Turning one off is the one commit that goes to the watched branch.

It changes one flag in one file, and only towards off: what was written is read again before it is pushed. It goes on
top of just the tip that was read: where somebody was quicker, the tip is read anew. The effect's key stands in the
commit's message, and is looked for first.
"""

from collections.abc import Callable

from cases.change import FileEdit
from cases.errors import PermanentError, TemporaryError
from cases.flags import FlagNow, FlagPlace
from cases.ports import Clock
from cases.steps import Receipt
from remediation.experiments import flagd
from remediation.forge import difference, tree
from remediation.forge.mirror import Mirror
from remediation.neutral import neutral
from remediation.values.refused import NotEditable

TRAILER = "Trackwalker-Key"
ROUNDS = 8
"""Tries against others who commit at the same time: each is a fetch and a push, a fraction of a second."""
FAR = 2_000
"""Commits in which a key is looked for: it is asked again minutes later at the most."""
RACES = (
    "stale info",
    "cannot lock ref",
    "failed to update ref",
    "fetch first",
    "non-fast-forward",
    "reference already",
)
"""What git says of a push that came too late."""


class GitFlags:
    """The flags of the repositories that `mirrors` knows (see `cases.flagging.Flags`)."""

    def __init__(self, mirrors: Callable[[str], Mirror], clock: Clock) -> None:
        self._mirrors = mirrors
        self._clock = clock

    def now(self, place: FlagPlace) -> FlagNow | None:
        """The flag at the tip of the watched branch; None where there is no such file, or no such flag in it."""
        mirror = self._mirrors(place.repository)
        mirror.fetch()
        content = difference.content(mirror.git, mirror.head(), place.file)
        try:
            return None if content is None else flagd.read(content, place.key)
        except NotEditable as refused:
            raise NotEditable(f"{place} cannot be read: {refused}") from None

    def off(self, place: FlagPlace, key: str, because: str) -> Receipt:
        """Commit the flag's end to the watched branch. facts: `sha` of the commit, where one was needed.

        TemporaryError when others keep being quicker; PermanentError when the branch takes no direct commit.
        """
        mirror = self._mirrors(place.repository)
        branch = mirror.repository.branch
        for _ in range(ROUNDS):
            mirror.fetch()
            tip = mirror.head()
            done = _done(mirror, tip, key)
            if done:
                return Receipt(key=key, adopted=True, facts={"sha": done})
            edit = _edit(mirror, tip, place)
            if edit is None:
                return Receipt(key=key, adopted=True)
            at = int(self._clock.now().timestamp())
            commit = tree.committed(mirror.git, tip, (edit,), _message(place, key, because), at=at)
            # With a lease: a plain push would bring back what somebody has just taken off the branch.
            refused = mirror.push(commit, branch, expected=tip, urgent=True)
            if not refused:
                return Receipt(key=key, adopted=False, facts={"sha": commit})
            if not any(sign in refused for sign in RACES) and mirror.remote_tip(branch) == tip:
                raise _barred(place, branch, refused)
        raise TemporaryError(f"{place} is not off yet: others keep committing to {branch}")


def _edit(mirror: Mirror, tip: str, place: FlagPlace) -> FileEdit | None:
    """The file with the flag off; None where it is off already."""
    content = difference.content(mirror.git, tip, place.file)
    if content is None:
        raise PermanentError(f"{place} cannot be turned off: there is no such file on {mirror.repository.branch}")
    try:
        edited = flagd.off(content, place.key)
        flagd.check_off(content, edited, place.key)
    except NotEditable as refused:
        raise NotEditable(f"{place} cannot be turned off: {refused}") from None
    if edited == content:
        return None
    listed = mirror.git.run("--literal-pathspecs", "ls-tree", tip, "--", place.file).out
    return FileEdit(path=place.file, content=edited, executable=listed.startswith(tree.EXECUTABLE.encode()))


def _done(mirror: Mirror, tip: str, key: str) -> str:
    """The commit of ours that has that key, or ""."""
    values = f"%(trailers:key={TRAILER},valueonly,separator=%x2C)"
    out = mirror.git.line("log", f"--max-count={FAR}", f"--format=%H%x09%ce%x09{values}", tip)
    for row in out.splitlines():
        sha, _, rest = row.partition("\t")
        if rest.strip() == f"{tree.AUTHOR[1]}\t{key}":
            return sha
    return ""


def _message(place: FlagPlace, key: str, because: str) -> str:
    return f"Turn {neutral(place.key, 60)} off\n\n{neutral(because, 500)}\n\n{TRAILER}: {key}\n"


def _barred(place: FlagPlace, branch: str, refused: str) -> PermanentError:
    return PermanentError(
        f"{place} is still on: {branch} takes no direct commit of ours ({refused}). Turn it off there by hand, with "
        f'"targeting": {{}}, and let the token pass the rules of {branch}'
    )
