"""Settings of edits: how many are tried, whether somebody looks again, and the loop of last resort."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from config.fields import Duration
from config.section import Section


class LoopSettings(Section):
    """The last resort of an edit: a model looks around in the code by itself, one typed action a turn.

    Each action is run in a throwaway container on the tree, with no network. It begins only where two edits were tried
    and none held, and ends at the first of its limits; `budget` holds for it as well.
    """

    turns: Annotated[int, Field(ge=0, le=40)] = 0
    """How many actions it may take. 0: there is no loop, because it spends most where least is to be had; 8 is enough
    to read a few files, try an edit and mend it."""

    usd: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.2
    """Money for one loop: no turn begins that would pass it at the price of the dearest one so far."""

    tokens: Annotated[int, Field(ge=1000)] = 100_000
    """Tokens of one loop, read and written together, held to in the same way."""

    time: Duration = timedelta(minutes=10)
    """How long one loop may take: no turn begins later."""


class EditsSettings(Section):
    """How an edit of the code is found, where a model is asked for one. What it must prove is not to be set."""

    candidates: Annotated[int, Field(ge=1, le=5)] = 2
    """How many edits are asked for and tried before one is chosen: the one that proves most, of equals the smallest.
    One that holds and is a few lines long ends the search."""

    review: bool = True
    """Whether a model that saw nothing of the drafting looks at what was proved, the code of an experiment too. It may
    veto with lines that it cites, and never promote; where it cannot be asked, the pull request says so."""

    loop: LoopSettings = LoopSettings()
    """The last resort."""
