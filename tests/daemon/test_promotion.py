"""A rise in authority is a pull request with the outcomes attached, that a human merges or does not."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cases.errors import PermanentError, TemporaryError
from cases.leases import Pause
from cases.moments import iso
from cases.policy import Authority
from cases.trust import Area, Book, Mark, Risk
from config.overlaps import overlaps
from config.trust_file import read
from daemon.authority import trust_of
from daemon.clock import ManualClock
from daemon.ledger.ledger import open_ledger
from daemon.promotion import Promotion, Promotions, added, asked, body, grant_line, promotions
from daemon.scope_review import review
from remediation.ladder import Gift, standing
from tests.parts.hub import TOKEN, world
from tests.parts.nouns import NOW
from tests.parts.ports import StillForge
from tests.parts.settings import some_settings

AREA = Area(repository="shop", service="shop", kind="revert", risk=Risk.LOW)
KNOWN = ("shop",)


def marks(n: int, book: Book = Book.SAFETY) -> list[Mark]:
    return [
        Mark(
            case=f"case{k}", change=1, area=AREA, book=book, good=True, at=NOW - timedelta(days=n - k), because="clean",
            by=("sre", "lead")[k % 2], maker="playbook:revert-the-culprit",
        )
        for k in range(n)
    ]  # fmt: skip


def a_promotion(n: int = 80, given: Authority = Authority.PULL_REQUEST) -> Promotion:
    known = [*marks(n), *marks(n, Book.ACCEPTANCE)]
    (found,) = promotions([standing(AREA, known, Gift(level=given), NOW)], known, NOW)
    return found


def test_what_was_earned_is_asked_for_one_step_at_a_time() -> None:
    assert a_promotion().to is Authority.AUTO_MERGE
    assert a_promotion(given=Authority.PROPOSE).to is Authority.PULL_REQUEST
    few = marks(6, Book.ACCEPTANCE)
    assert promotions([standing(AREA, few, Gift(level=Authority.PROPOSE), NOW)], few, NOW) == ()


def test_a_demotion_is_never_asked_to_be_lifted() -> None:
    fallen = [*marks(80), *marks(80, Book.ACCEPTANCE)]
    severe = replace(fallen[0], case="bad", good=False, severe=True)
    known = [replace(severe, at=NOW - timedelta(days=100)), *fallen]
    seen = standing(AREA, known, Gift(level=Authority.PULL_REQUEST), NOW)
    assert (seen.level, seen.earned) == (Authority.PROPOSE, Authority.PULL_REQUEST)
    assert promotions([seen], known, NOW) == ()


def test_the_text_has_the_outcomes_and_says_who_merges() -> None:
    text = body(a_promotion(), NOW)
    assert "Only a human merges this." in text
    assert "80, 80 of them clean for seven days; score 27.10" in text
    assert "lead, sre" in text
    assert text.count("(case `case") == 40
    assert "and 120 older ones" in text


GRANT = f'- {{repository: shop, service: shop, class: revert, risk: low, level: auto_merge, granted: "{iso(NOW)}"'


def test_a_grant_is_put_into_the_file_and_all_else_stays() -> None:
    line = grant_line(a_promotion(), NOW)
    assert line.startswith(GRANT)
    text = (
        "# ours\npools: {web: [shop]}\ngrants:\n"
        "  - {repository: shop, service: shop, class: revert, risk: low, level: pull_request, granted: "
        '"2026-03-01T00:00:00Z", because: so}\n'
        '  - {class: edit, level: observe, granted: "2026-03-01T00:00:00Z", because: no}\n'
    )
    after = added(text, line, "trust.yaml", NOW, KNOWN)
    assert [old for old, new in zip(text.split("\n"), after.split("\n"), strict=True) if old != new] == [
        text.split("\n")[3]
    ]
    grant = read(after, "trust.yaml", NOW, KNOWN).grant(AREA)
    assert grant is not None
    assert grant.authority is Authority.AUTO_MERGE
    assert added("", line, "trust.yaml", NOW, KNOWN) == f"grants:\n  {line}\n"


def test_a_file_that_is_written_otherwise_is_left_to_a_human() -> None:
    flow = 'grants: [{class: edit, level: observe, granted: "2026-03-01T00:00:00Z", because: no}]\n'
    with pytest.raises(PermanentError, match=r"put this one in by hand: - \{repository: shop"):
        added(flow, grant_line(a_promotion(), NOW), "trust.yaml", NOW, KNOWN)


def test_it_is_opened_once_where_the_file_is_and_never_in_a_pause(tmp_path: Path) -> None:
    with world(tmp_path) as it, open_ledger(f"sqlite:///{tmp_path}/l.db", clock=ManualClock(NOW)) as ledger:
        head = it.hub.commit("Open the shop", {"README.md": b"shop\n"})
        settings = some_settings({"default": "pull_request", "file": "trust.yaml"})
        forge = it.adapter(TOKEN)
        trust = trust_of(settings, forge, ledger, ledger.clock)
        promises = Promotions(forge, trust, ledger.levers)
        notice = asked(a_promotion(), "shop", NOW).notice
        ledger.levers.pause(Pause(by="sre", reason="a release", since=NOW))
        with pytest.raises(TemporaryError, match="paused by sre"):
            promises.notify(notice)
        ledger.levers.resume("sre", NOW)
        promises.notify(notice)
        promises.notify(notice)
        (pull,) = it.ask("GET", "/pulls", params={"state": "all"}).json()
        assert (pull["head"]["ref"], pull["title"]) == (notice.link, "Let shop/shop/revert/low do more unasked")
        assert it.hub.show(f"{notice.link}:trust.yaml").startswith(b"grants:\n  - {repository: shop")
        assert it.hub.tip() == head  # nothing was given yet
        assert trust.standing(AREA).given is Authority.PULL_REQUEST
        it.ask("PUT", f"/pulls/{pull['number']}/merge", json={"merge_method": "squash"})
        assert trust.standing(AREA).given is Authority.AUTO_MERGE
        promises.notify(notice)
        assert len(it.ask("GET", "/pulls", params={"state": "all"}).json()) == 1


def test_the_review_lists_every_area_and_what_could_be_given(tmp_path: Path) -> None:
    with open_ledger(f"sqlite:///{tmp_path}/l.db", clock=ManualClock(NOW)) as ledger:
        settings = some_settings("propose")
        seen = review(trust_of(settings, StillForge("0" * 40), ledger, ledger.clock), (), NOW)
        assert "nothing was earned or lost" in seen.text()
        assert seen.document()["areas"] == []


def test_services_that_share_files_are_told_of() -> None:
    def said(*paths: list[str]) -> tuple[str, ...]:
        services = [{"name": f"s{n}", "repository": "shop", "paths": each} for n, each in enumerate(paths)]
        watch = [{"name": "errors", "service": "s0", "query": "errors", "harm": "up"}]
        return overlaps(some_settings(services=services, watch=watch))

    assert said(["shop/**"], ["cart/**"]) == ()
    assert said(["shop/**"], ["shopping/**"]) == ()
    assert "share shop/api/ of repository shop" in said(["shop/**"], ["shop/api/**"])[0]
    assert "share everything of repository shop" in said(["**"], ["**"])[0]
    assert "services s0 and s1 share cart/" in said(["**"], ["cart/**"])[0]
