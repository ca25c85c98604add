"""Several daemons do the same at the same time: one is first, nobody fails. On both stores."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import TypeVar

import pytest

from cases.case import Case
from cases.errors import PermanentError
from cases.leases import Claimed, Swap
from cases.steps import Receipt
from cases.telemetry import Deploy
from daemon.clock import ManualClock
from daemon.ledger.ledger import Ledger
from tests.parts.nouns import NOW, an_entry, an_opened
from tests.parts.steps import LEASE, a_case, a_notice
from tests.parts.stores import Place

T = TypeVar("T")
DAEMONS = 4
ROUNDS = 8


@pytest.fixture
def daemons(place: Place) -> Iterator[Sequence[Ledger]]:
    """Four daemons on one store."""
    with ExitStack() as stack:
        yield [stack.enter_context(place.opened(clock=ManualClock(NOW))) for _ in range(DAEMONS)]


def at_once(daemons: Sequence[Ledger], act: Callable[[Ledger, int], T]) -> list[list[T]]:
    """What came of it, round by round: every daemon does the act in each, and all begin together."""
    together = threading.Barrier(len(daemons))

    def rounds(ledger: Ledger) -> list[T]:
        done: list[T] = []
        for number in range(ROUNDS):
            together.wait(timeout=30)
            done.append(act(ledger, number))
        return done

    with ThreadPoolExecutor(len(daemons)) as executor:
        return [list(each) for each in zip(*executor.map(rounds, daemons), strict=True)]


def test_one_fingerprint_opens_one_case(daemons: Sequence[Ledger]) -> None:
    def opened(ledger: Ledger, number: int) -> Case | None:
        born = replace(an_opened(), case_id=f"{id(ledger)}-{number}", fingerprint=f"print {number}")
        return ledger.cases.open(an_entry(born), (a_notice(f"told {number}"),), NOW)

    for cases in at_once(daemons, opened):
        assert len([case for case in cases if case is not None]) == 1
    assert len(daemons[0].cases.active()) == ROUNDS
    assert len(daemons[0].outbox.notices(NOW)) == ROUNDS


def test_one_id_opens_one_case_and_the_others_are_told(daemons: Sequence[Ledger]) -> None:
    def opened(ledger: Ledger, number: int) -> str:
        born = replace(an_opened(), case_id=f"{number}", fingerprint=f"{number} of {id(ledger)}")
        try:
            return "opened" if ledger.cases.open(an_entry(born), (), NOW) else "known"
        except PermanentError as error:
            return str(error)

    for number, each in enumerate(at_once(daemons, opened)):
        said = f"there is a case {number} already, of another fingerprint or closed"
        assert sorted(each) == ["opened", said, said, said]


def test_a_case_is_claimed_once(daemons: Sequence[Ledger]) -> None:
    for number in range(ROUNDS * DAEMONS):
        a_case(daemons[0], f"case{number}")

    def claimed(ledger: Ledger, _: int) -> Claimed | None:
        return ledger.cases.claim(f"{id(ledger)}", NOW, LEASE)

    taken = [claim.case.id for each in at_once(daemons, claimed) for claim in each if claim is not None]
    assert len(taken) == len(set(taken))
    assert len(taken) == ROUNDS * DAEMONS, "nobody went away empty while a case was due"


def test_one_key_is_one_effect(daemons: Sequence[Ledger]) -> None:
    at_once(daemons, lambda ledger, number: ledger.outbox.send([a_notice(f"{number}")], NOW))
    assert len(daemons[0].outbox.notices(NOW, limit=100)) == ROUNDS


def test_a_notice_is_taken_by_one_and_its_receipt_is_stored_once(daemons: Sequence[Ledger]) -> None:
    daemons[0].outbox.send([a_notice(f"{number}") for number in range(20)], NOW)
    taken = [
        intent.effect.key
        for each in at_once(daemons, lambda ledger, _: ledger.outbox.take_notices(NOW, LEASE, limit=2))
        for intents in each
        for intent in intents
    ]
    assert sorted(taken) == sorted(f"{number}@mail" for number in range(20))
    at_once(daemons, lambda ledger, number: ledger.outbox.receive(Receipt(key=f"{number}@mail", adopted=False), None))
    told = [line for line in daemons[0].audit.listed() if line.action == "effect.done"]
    assert len(told) == ROUNDS


def test_a_swap_has_one_winner_also_of_what_was_not_there(daemons: Sequence[Ledger]) -> None:
    def swapped(ledger: Ledger, number: int) -> bool:
        before, after = (None, b"x") if number % 2 == 0 else (b"x", b"")
        return ledger.checkpoints.swap(Swap(key=f"{number // 2}", before=before, after=after), NOW)

    assert [each.count(True) for each in at_once(daemons, swapped)] == [1] * ROUNDS
    assert daemons[0].checkpoints.get("0") == b""


def test_what_is_sent_with_a_swap_is_sent_by_the_winner_alone(daemons: Sequence[Ledger]) -> None:
    def sent(ledger: Ledger, number: int) -> bool:
        swap = Swap(key="stood", before=None if number == 0 else b"%d" % (number - 1), after=b"%d" % number)
        return ledger.outbox.send([a_notice(f"{number} of {id(ledger)}")], NOW, swap=swap)

    assert [each.count(True) for each in at_once(daemons, sent)] == [1] * ROUNDS
    assert len(daemons[0].outbox.notices(NOW, limit=100)) == ROUNDS


def test_a_checkpoint_that_many_put_is_one_of_theirs(daemons: Sequence[Ledger]) -> None:
    at_once(daemons, lambda ledger, number: ledger.checkpoints.put(f"{number}", b"%d" % id(ledger), NOW))
    assert daemons[0].checkpoints.get("0") in {b"%d" % id(ledger) for ledger in daemons}


def test_a_deploy_is_told_once(daemons: Sequence[Ledger]) -> None:
    def told(ledger: Ledger, number: int) -> bool:
        commit = f"{number:040x}"
        deploy = Deploy(service="shop", commit=commit, started=NOW, environment="production", source="webhook")
        return ledger.deploys.tell(deploy, NOW, dated=number % 2 == 0)

    assert [each.count(True) for each in at_once(daemons, told)] == [1] * ROUNDS


def test_a_daemon_says_that_it_is_here_as_often_as_it_likes(daemons: Sequence[Ledger]) -> None:
    at_once(daemons, lambda ledger, number: ledger.daemons.here(f"d{number}", "1", "c", "h", NOW))
    assert len(daemons[0].daemons.others(NOW, LEASE)) == ROUNDS - 1


def test_hastening_and_working_do_not_wait_for_each_other_for_ever(daemons: Sequence[Ledger]) -> None:
    for number in range(20):
        a_case(daemons[0], f"case{number}")

    def act(ledger: Ledger, number: int) -> None:
        if (id(ledger) + number) % 2:
            ledger.cases.hasten(NOW, LEASE)
        elif (claimed := ledger.cases.claim(f"{id(ledger)}", NOW, LEASE)) is not None:
            ledger.cases.commit(claimed, (), (a_notice(f"{id(ledger)} {number}"),), NOW + LEASE)

    at_once(daemons, act)
