"""Finding: one line of the table that `trackwalker check` prints."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cases.errors import PermanentError, TemporaryError
from daemon.exits import DONE, FOUND, UNREACHABLE
from remediation.forge.token import TokenRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line. `status` is an exit status: 0 fine, 1 falls short, 3 cannot be reached. `warns`: to be looked at."""

    system: str
    asked: str
    status: int
    said: str
    warns: bool = False


def worst(findings: Sequence[Finding]) -> int:
    """The exit status of a whole check: what cannot be reached comes before what falls short."""
    return max((finding.status for finding in findings), default=DONE)


def asked(system: str, what: str, ask: Callable[[], str]) -> Finding:
    """Ask, and turn the answer or the error into a finding."""
    try:
        return Finding(system=system, asked=what, status=DONE, said=ask())
    except TokenRefused as error:  # a daemon waits for another; whoever checks has to bring it
        return Finding(system=system, asked=what, status=FOUND, said=str(error))
    except TemporaryError as error:
        return Finding(system=system, asked=what, status=UNREACHABLE, said=str(error))
    except PermanentError as error:
        return Finding(system=system, asked=what, status=FOUND, said=str(error))


def short(system: str, what: str, said: str) -> Finding:
    """Something that falls short."""
    return Finding(system=system, asked=what, status=FOUND, said=said)


def fine(system: str, what: str, said: str) -> Finding:
    """Something that is as it should be, or that only needs to be known."""
    return Finding(system=system, asked=what, status=DONE, said=said)


def warned(system: str, what: str, said: str) -> Finding:
    """Something that will be missed, and keeps no daemon from its work."""
    return Finding(system=system, asked=what, status=DONE, said=said, warns=True)
