"""What the page of outcomes is made from, as the ledger, the sources and the cards of segments have it now."""

from cases.card import Card
from cases.errors import PermanentError, TemporaryError
from cases.goal import State
from cases.ports import Clock
from config.settings import Settings
from daemon.experimenting import Tried, tried
from daemon.goals import Gauge
from daemon.ledger.goals import LedgerGoals
from daemon.ledger.ledger import Ledger
from daemon.reports.outcomes import tells_of
from daemon.segments import against_benchmarks, cards_of
from daemon.web.outcomes_page import Followed
from remediation.worth import worth_of


def followed(ledger: Ledger, settings: Settings, clock: Clock, gauge: Gauge) -> list[Followed]:
    """Every outcome with what its signal reads now and what is tried for it, the active ones first."""
    goals = sorted(
        LedgerGoals(ledger.database).listed(), key=lambda one: (one.state is not State.ACTIVE, one.goal.name)
    )
    every = {one.goal.name: tried(ledger, one.goal.name) for one in goals}
    cards, unread = _cards([one for ideas in every.values() for one in ideas], settings, clock)
    return [
        Followed(
            pursued=one,
            reading=gauge.tell(one.goal.signal),
            tried=every[one.goal.name],
            worth={
                each.idea.id: worth
                for each in every[one.goal.name]
                if each.case is not None
                and (worth := worth_of(each.case, settings, ledger.spend.of(each.case.id))) is not None
            },
            benchmarks={each.idea.id: against_benchmarks(each, cards) for each in every[one.goal.name]},
            unread=unread,
            tells_of=tells_of(settings, one.goal.signal),
        )
        for one in goals
    ]


def _cards(every: list[Tried], settings: Settings, clock: Clock) -> tuple[tuple[Card, ...], str]:
    """The cards, where any effect is shown by segment; and why they cannot be read, or ""."""
    if not any(one.case is not None and one.case.looks and one.case.looks[-1].segments for one in every):
        return (), ""
    try:
        return cards_of(settings, clock), ""
    except (TemporaryError, PermanentError) as error:
        return (), str(error)
