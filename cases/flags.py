"""Flags: what shows some users one thing and the rest another."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagPlace:
    """Where a flag lives. `repository` and `file` are those of a flag file; "" where a service of its own keeps it."""

    service: str
    key: str
    repository: str = ""
    file: str = ""

    def __str__(self) -> str:
        return f"{self.key} in {self.repository}:{self.file}" if self.file else f"{self.key} of {self.service}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagNow:
    """A flag as its place has it now.

    on       whether anybody can be shown anything but the control
    shares   variant → the share of users, in [0, 1]; they sum to one
    values   variant → its value, as JSON
    """

    on: bool
    control: str
    shares: dict[str, float] = field(default_factory=dict[str, float])
    values: dict[str, str] = field(default_factory=dict[str, str])
