"""What two containers have to be alike in, for one to stand in for the other."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from cases.trying import TrialOrder

SETTING_UP = timedelta(minutes=2)  # what starting, unpacking and reading out may take on top of the commands


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The image and the limits of a container. `hosts` are the names of companions, which lead to 127.0.0.1 in it."""

    image: str
    memory_mib: int
    cpus: float
    pids: int
    hosts: tuple[str, ...] = ()

    @classmethod
    def of(cls, order: TrialOrder) -> Self:
        """What an order asks for."""
        return cls(
            image=order.image,
            memory_mib=order.memory_mib,
            cpus=order.cpus,
            pids=order.pids,
            hosts=tuple(companion.name for companion in order.companions),
        )


def life_of(order: TrialOrder) -> timedelta:
    """How long an order may take at most, the setting up included."""
    return sum((command.timeout for command in order.commands), SETTING_UP)
