"""Whether a change stays where changes may go: clean paths, nothing denied, inside the allow list, small."""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from config.denied import ALWAYS_DENIED, LOCK_FILES
from config.errors import printable
from config.settings import ScopeSettings

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_LONGEST = 4096  # bytes of a path: Linux opens no longer one
_LONGEST_NAME = 255  # bytes of one of its names


def in_scope(
    paths: Sequence[str], scope: ScopeSettings, *, lines: int, exact_inverse: bool = False, pins: bool = False
) -> tuple[str, ...]:
    """Why a change of these paths is refused: every reason as a sentence with its path and rule; none when it is fine.

    `lines` is what it adds and removes together. `exact_inverse` is true for a change that exactly undoes a merged
    one: it is excused from the allow list and from the size, never from what is denied. `pins` is true for one that
    puts pinned versions back: it alone may touch lock files. No path at all is refused.
    """
    reasons = [] if paths else ["the change touches no file"]
    for path in paths:
        unclean = hygiene(path)
        reasons += [f"{printable(path)}: {reason}" for reason in unclean]
        if not unclean:  # patterns are only asked about paths that mean what they look like
            reasons += _denied(path, scope.deny, pins=pins)
            if not exact_inverse and not _spec(scope.allow).match_file(path):
                reasons.append(f"{path}: outside scope.allow ({', '.join(scope.allow) or 'nothing'})")
    if not exact_inverse:
        files = len(set(paths))
        if files > scope.max_files:
            reasons.append(f"{files} files are touched, more than scope.max_files ({scope.max_files})")
        if lines > scope.max_lines:
            reasons.append(f"{lines} lines are changed, more than scope.max_lines ({scope.max_lines})")
    return tuple(reasons)


def matches(path: str, patterns: Sequence[str]) -> bool:
    """Whether a path is one of those that the patterns mean, as in .gitignore, without regard to letter case."""
    return _spec(tuple(_plain(pattern) for pattern in patterns)).match_file(_plain(path))


def allowed(path: str, patterns: Sequence[str]) -> bool:
    """Whether a path is one of those that an allow list means: as in .gitignore, letter case and all."""
    return not hygiene(path) and _spec(tuple(patterns)).match_file(path)


def hygiene(path: str) -> tuple[str, ...]:
    """What makes a path unfit for any repository, whatever the scope; nothing for a plain relative path."""
    names = path.split("/")
    checks = (
        (not path, "the path is empty"),
        (path.startswith("/"), "the path is absolute"),
        ("\\" in path, "a backslash is a folder on some machines"),
        # Control, bidi, zero-width and surrogate characters, line separators, and every space but the plain one.
        (not path.isprintable(), "the path holds hidden or control characters"),
        (bool(path) and not {"", "."}.isdisjoint(path.removeprefix("/").split("/")), "the path has an empty part"),
        (".." in names, "the path climbs out with .."),
        (any(_is_git(name) for name in names), "the path leads into .git"),
        (any(name.startswith("-") for name in names), "a name that begins with - is read as an option"),
        (any(name != name.strip() for name in names), "a name begins or ends with a space"),
        (any(_size(name) > _LONGEST_NAME for name in names) or _size(path) > _LONGEST, "the path is too long"),
    )
    return tuple(reason for hit, reason in checks if hit)


def _is_git(name: str) -> bool:
    """Whether some file system takes the name for `.git`: by letter case, Windows' short name, stream or tail."""
    return _plain(name).partition(":")[0].rstrip(" .") in {".git", "git~1"}


def _denied(path: str, deny: Sequence[str], *, pins: bool) -> list[str]:
    """What denies the path: the built-in rules and the operator's, both without regard to letter case."""
    plain = _plain(path)
    rules = [rule for rule in ALWAYS_DENIED if not (pins and rule in LOCK_FILES)]
    built_in = _spec(tuple(rule.pattern for rule in rules)).check_file(plain).index
    own = _spec(tuple(_plain(pattern) for pattern in deny)).check_file(plain).index
    reasons: list[str] = []
    if built_in is not None:
        rule = rules[built_in]
        reasons.append(f"{path}: always denied ({rule.pattern}): {rule.because}")
    if own is not None:
        reasons.append(f"{path}: denied by scope.deny ({deny[own]})")
    return reasons


def _plain(text: str) -> str:
    """Without letter case and look-alike forms, as lenient file systems compare names."""
    return unicodedata.normalize("NFKC", text).casefold()


def _size(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


@lru_cache(maxsize=64)
def _spec(patterns: tuple[str, ...]) -> "GitIgnoreSpec":
    from pathspec import GitIgnoreSpec  # needed with the first change

    return GitIgnoreSpec.from_lines(patterns, backend="simple")
