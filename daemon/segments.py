"""Segment cards as people and experiments ask for them: those of the file, then those of the query."""

import logging
from typing import Any

from cases.card import Card
from cases.errors import PermanentError, TemporaryError
from cases.ports import Clock
from config.settings import Settings
from daemon.experimenting import Tried

log = logging.getLogger("trackwalker.segments")


def cards_of(settings: Settings, clock: Clock) -> tuple[Card, ...]:
    """Every card. Raises SourceDown, or PermanentError where a row gives none or a name stands twice."""
    cards = [one.card for one in settings.segments]
    for wanted in settings.segments_from:
        from signals.segment_cards import read_cards  # SQLAlchemy and a driver

        source = next(one for one in settings.signals.sql if one.name == wanted.source)
        read = read_cards(wanted, source, clock.now())
        if twice := sorted({one.name for one in cards} & {one.name for one in read}):
            raise PermanentError(f"{source.name}: there is another segment card named {', '.join(twice)}; rename one")
        cards += read
    return tuple(cards)


def cards_there(settings: Settings, clock: Clock) -> tuple[Card, ...]:
    """The same for whom cards only help: where a database gives none now, those of the file, and the log says so."""
    try:
        return cards_of(settings, clock)
    except (TemporaryError, PermanentError) as error:
        log.warning("segment cards of the configuration alone are used: %s", error)
        return tuple(one.card for one in settings.segments)


def named(cards: tuple[Card, ...], name: str) -> Card:
    """The card of that name. Raises PermanentError."""
    found = next((card for card in cards if card.name == name), None)
    if found is None:
        known = ", ".join(sorted(card.name for card in cards)) or "none: list them under `segments`"
        raise PermanentError(f"there is no segment {name}; there are: {known}")
    return found


def benchmarks_of(one: Tried, settings: Settings, clock: Clock) -> tuple[list[dict[str, Any]], str]:
    """`against_benchmarks` with the cards there are now; and why cards cannot be read, or "".

    An experiment is shown whether or not a database of cards answers.
    """
    if one.case is None or not one.case.looks or one.case.looks[-1].segments is None:
        return [], ""
    try:
        return against_benchmarks(one, cards_of(settings, clock)), ""
    except (TemporaryError, PermanentError) as error:
        return [], str(error)


def against_benchmarks(one: Tried, cards: tuple[Card, ...]) -> list[dict[str, Any]]:
    """The effect in each segment of an experiment's newest look beside what is usual there.

    A row for each effect whose card has a benchmark of the outcome's signal. `distance` is how far the benchmark lies
    from where all users of the control are, more is better; `interval` that of the segment's gain, None while unknown.
    """
    case = one.case
    look = case.looks[-1] if case is not None and case.looks else None
    if case is None or case.goal is None or look is None or look.segments is None:
        return []
    goal, segments = case.goal, look.segments
    sign = 1 if goal.up else -1
    return [
        {
            "segment": effect.segment,
            "card": card.name,
            "word": effect.word,
            "gain": effect.lift,
            "interval": None if effect.low is None else [effect.low, effect.high],
            "benchmark": card.benchmarks[goal.signal],
            "control": look.control,
            "distance": None if look.control is None else sign * (card.benchmarks[goal.signal] - look.control),
        }
        for effect in segments.effects
        for card in cards
        if goal.signal in card.benchmarks and card.is_about(segments.by, effect.segment)
    ]
