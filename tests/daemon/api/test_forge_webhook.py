"""`/webhooks/github`: a hint that is proved wakes whoever waits; whatever else comes moves nothing."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cases.events import Diagnosed, Drafted, Entry, Opened, Proved
from cases.moments import iso
from cases.pull_request_events import Merged, Proposed
from config.secret import Secret
from daemon.api.deliveries import FORGE, FORGE_KEPT, MOST, Deliveries
from daemon.api.forge_webhook import LARGEST, ForgeWebhook
from daemon.api.routes import Health, routes
from daemon.api.server import serving
from daemon.clock import ManualClock
from daemon.ledger.ledger import Ledger, open_ledger
from tests.daemon.api.told_deploys import ask
from tests.parts.hooks import HOOK_KEY, Delivery, signed
from tests.parts.nouns import NOW, SHA, a_change, a_diagnosis, a_trial, an_anomaly

LATER = timedelta(hours=1)
BRANCH = "trackwalker/deadbeef-1"
TAKEN = {"hint": False, "because": "it was taken already"}


@dataclass
class Place:
    """A ledger with one case whose pull request is open, and the door."""

    ledger: Ledger
    clock: ManualClock
    hook: ForgeWebhook
    listened: list[None] = field(default_factory=list[None])

    def due(self) -> bool:
        """Whether the case is to be looked at now; if so, it is looked at and waits again."""
        claimed = self.ledger.cases.claim("one", self.clock.now(), LATER)
        if claimed is not None:
            self.ledger.cases.release(claimed, self.clock.now() + LATER)
        return claimed is not None

    def goes_on(self, event: Merged) -> None:
        self.ledger.cases.add("deadbeef", Entry(at=NOW, actor="daemon", event=event), (), None)


@contextmanager
def a_place(folder: Path) -> Generator[Place]:
    clock = ManualClock(NOW)
    with open_ledger(f"sqlite:///{folder / 'ledger.db'}", clock=clock) as ledger:
        listened: list[None] = []
        hook = ForgeWebhook(
            secret=Secret.parse("env:HOOK"),
            cases=ledger.cases,
            deliveries=Deliveries(checkpoints=ledger.checkpoints, key=FORGE, kept=FORGE_KEPT),
            clock=clock,
            repositories={"acme/shop": "shop"},
            listen=lambda: listened.append(None),
        )
        anomaly = an_anomaly()
        ledger.cases.open(
            Entry(
                at=NOW,
                actor="daemon",
                event=Opened(case_id="deadbeef", service="shop", fingerprint=anomaly.fingerprint, anomaly=anomaly),
            ),
            (),
            NOW,
        )
        claimed = ledger.cases.claim("one", NOW, LATER)
        assert claimed is not None
        events = (
            Diagnosed(diagnosis=a_diagnosis()),
            Drafted(change=a_change()),
            Proved(trial=a_trial()),
            Proposed(change=1, repository="shop", branch=BRANCH),
        )
        entries = [Entry(at=NOW, actor="daemon", event=event) for event in events]
        claimed = ledger.cases.commit(claimed, entries, (), NOW + LATER)
        ledger.cases.release(claimed, NOW + LATER)
        yield Place(ledger, clock, hook, listened)


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", HOOK_KEY)


@pytest.fixture
def it(tmp_path: Path) -> Generator[Place]:
    with a_place(tmp_path) as place:
        assert not place.due()
        yield place


def pulled(at: datetime = NOW, branch: str = BRANCH, name: str = "acme/shop") -> Delivery:
    pull = {"number": 7, "updated_at": iso(at), "head": {"ref": branch}}
    return Delivery("pull_request", {"action": "closed", "pull_request": pull, "repository": {"full_name": name}})


def test_a_proved_hint_wakes_its_case_once(it: Place) -> None:
    delivery = pulled()
    assert delivery.send(it.hook) == {"hint": True, "cases": 1}
    assert it.due()
    assert delivery.send(it.hook) == TAKEN
    assert not it.due()


def test_a_replay_under_another_number_moves_nothing_for_as_long_as_it_could(it: Place) -> None:
    delivery = pulled()
    delivery.send(it.hook)
    assert it.due()
    for days in (0, 1, 2, 2.9, 3.1, 30):  # first it is known, then it is too old
        it.clock.set(NOW + timedelta(days=days))
        it.due()
        again = replace(delivery, number=f"another-{days}").send(it.hook)
        assert again == (TAKEN if days < 3 else {"hint": False, "because": "it is too old"})
        assert not it.due()


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"x_hub_signature_256": ""}, 401),
        ({"x_hub_signature_256": signed(b"another body")}, 401),
        ({"x_hub_signature_256": signed(pulled().body, "another-key")}, 401),
        ({"x_github_delivery": ""}, 422),
        ({"x_github_delivery": "n" * 101}, 422),
    ],
)
def test_what_is_not_proved_moves_nothing(it: Place, changes: dict[str, str], status: int) -> None:
    assert pulled().send(it.hook, **changes) == status
    assert not it.due()


@pytest.mark.parametrize(
    "delivery",
    [
        pulled(branch="feature/x"),
        pulled(branch="trackwalker/deadbeef-2"),
        pulled(name="acme/other"),
        Delivery("star", {"action": "created", "repository": {"full_name": "acme/shop"}}),
        Delivery("ping", {"zen": "Keep it logically awesome.", "repository": {"full_name": "acme/shop"}}),
        Delivery("pull_request", {"pull_request": {"head": {"ref": BRANCH}}, "repository": {"full_name": "acme/shop"}}),
        Delivery("status", {"branches": 5, "updated_at": iso(NOW), "repository": {"full_name": "acme/shop"}}),
        Delivery("push", {"ref": ["x"], "repository": {"full_name": 7, "pushed_at": True}}),
        Delivery(
            "deployment_status",
            {"deployment_status": {"updated_at": iso(NOW)}, "repository": {"full_name": "acme/shop"}},
        ),
    ],
    ids=lambda delivery: delivery.event,
)
def test_what_is_about_nothing_of_ours_moves_nothing(it: Place, delivery: Delivery) -> None:
    answer = delivery.send(it.hook)
    assert isinstance(answer, dict)
    assert not answer["hint"]
    assert (it.due(), it.ledger.checkpoints.get("forge:deliveries")) == (False, None)


@pytest.mark.parametrize(
    "delivery",
    [
        Delivery(
            "push",
            {
                "ref": f"refs/heads/{BRANCH}",
                "deleted": True,
                "repository": {"full_name": "Acme/Shop", "pushed_at": int(NOW.timestamp())},
            },
        ),
        Delivery(
            "check_suite",
            {"check_suite": {"head_branch": BRANCH, "updated_at": iso(NOW)}, "repository": {"full_name": "acme/shop"}},
        ),
        Delivery(
            "check_run",
            {
                "check_run": {"check_suite": {"head_branch": BRANCH}, "completed_at": iso(NOW)},
                "repository": {"full_name": "acme/shop"},
            },
        ),
        Delivery(
            "status",
            {
                "branches": [{"name": "main"}, {"name": BRANCH}],
                "updated_at": iso(NOW),
                "repository": {"full_name": "acme/shop"},
            },
        ),
    ],
    ids=lambda delivery: delivery.event,
)
def test_every_event_about_the_branch_is_a_hint(it: Place, delivery: Delivery) -> None:
    assert delivery.send(it.hook) == {"hint": True, "cases": 1}
    assert it.due()


def test_a_comment_has_comments_read(it: Place) -> None:
    issue: dict[str, Any] = {"number": 7, "pull_request": {}}
    message: dict[str, Any] = {
        "issue": issue,
        "comment": {"updated_at": iso(NOW)},
        "repository": {"full_name": "acme/shop"},
    }
    assert Delivery("issue_comment", message).send(it.hook) == {"hint": True, "cases": 0}
    assert (len(it.listened), it.due()) == (1, False)


def test_a_deployment_wakes_whoever_waits_for_one(it: Place) -> None:
    it.goes_on(Merged(change=1, repository="shop", pull_request=7, url="http://x/7", sha=SHA, merged_at=NOW, by="sre"))
    message = {"deployment_status": {"updated_at": iso(NOW)}, "repository": {"full_name": "acme/shop"}}
    assert Delivery("deployment_status", message).send(it.hook) == {"hint": True, "cases": 1}
    assert it.due()


def test_clocks_that_disagree(it: Place, caplog: pytest.LogCaptureFixture) -> None:
    assert pulled(NOW + timedelta(hours=20)).send(it.hook) == {"hint": True, "cases": 1}
    assert it.due()
    assert pulled(NOW + timedelta(days=2)).send(it.hook) == 422
    assert "are both clocks right" in caplog.text
    assert not it.due()


def test_memory_is_bounded_and_what_is_forgotten_is_too_old(it: Place) -> None:
    held, second = Deliveries(checkpoints=it.ledger.checkpoints, key=FORGE, kept=FORGE_KEPT), timedelta(seconds=1)
    assert held.take((b"n1", b"first"), NOW, NOW) == ""
    blob = json.loads(it.ledger.checkpoints.get("forge:deliveries") or b"{}")
    more = {f"{n:024x}": (NOW + second).timestamp() for n in range(MOST - 2)}
    full = json.dumps({**blob, "known": {**blob["known"], **more}}).encode()
    it.ledger.checkpoints.put("forge:deliveries", full, NOW)
    assert held.take((b"n2", b"last"), NOW + 2 * second, NOW + 2 * second) == ""
    assert len(json.loads(it.ledger.checkpoints.get("forge:deliveries") or b"{}")["known"]) == MOST
    assert held.take((b"again", b"first"), NOW, NOW + 3 * second) == "it is too old"
    assert held.take((b"n2", b"other"), NOW + 3 * second, NOW + 3 * second) == "it was taken already"


def test_the_door_over_http(it: Place) -> None:
    health = Health(stuck=None, blind={}, polled=True, paused="")
    with serving(routes(lambda: health, lambda: b"", doors=[it.hook]), "127.0.0.1:0") as url:
        delivery = pulled()
        status, said = ask(url, "POST", "/webhooks/github", delivery.body, delivery.headers())
        assert (status, json.loads(said)) == (200, {"hint": True, "cases": 1})
        form = delivery.headers(content_type="application/x-www-form-urlencoded")
        assert ask(url, "POST", "/webhooks/github", delivery.body, form)[0] == 415
        huge = b" " * (LARGEST + 1)
        assert ask(url, "POST", "/webhooks/github", huge, delivery.headers())[0] == 413
        nonsense = delivery.headers(x_hub_signature_256=signed(b"{"))
        assert ask(url, "POST", "/webhooks/github", b"{", nonsense)[0] == 422
    assert it.due()


def test_without_a_secret_none_are_taken(it: Place) -> None:
    health = Health(stuck=None, blind={}, polled=True, paused="")
    shut = replace(it.hook, secret=None)
    with serving(routes(lambda: health, lambda: b"", doors=[shut]), "127.0.0.1:0") as url:
        status, said = ask(url, "POST", "/webhooks/github", pulled().body, pulled().headers())
        assert (status, "set forge.webhook_secret" in said) == (404, True)
    assert not it.due()
