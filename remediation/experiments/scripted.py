"""ScriptedFlags: the stand-in. Flags that are kept in memory, for tests and for trying things out."""

from collections.abc import Mapping
from dataclasses import replace

from cases.errors import PermanentError
from cases.flags import FlagNow, FlagPlace
from cases.steps import Receipt


class ScriptedFlags:
    """Flags in memory (see `cases.flagging.Flags`). `ended` has what was turned off: the effect's key → where, why."""

    def __init__(self, flags: Mapping[FlagPlace, FlagNow]) -> None:
        self.flags = dict(flags)
        self.ended: dict[str, tuple[FlagPlace, str]] = {}

    def now(self, place: FlagPlace) -> FlagNow | None:
        """The flag as it is."""
        return self.flags.get(place)

    def off(self, place: FlagPlace, key: str, because: str) -> Receipt:
        """Show everybody the control."""
        held = self.flags.get(place)
        if held is None:
            raise PermanentError(f"{place} cannot be turned off: there is no such flag")
        if key in self.ended or not held.on:
            return Receipt(key=key, adopted=True)
        self.flags[place] = replace(held, on=False, shares={held.control: 1.0})
        self.ended[key] = (place, because)
        return Receipt(key=key, adopted=False)
