"""The daemon's pages over a ledger of a test: a case that waits for a yes, and those who may say it."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from cases.events import Diagnosed, Drafted, Entry, Event, Gated, Proved
from cases.moments import EPOCH
from cases.steps import Notice, StorePlot, told
from cases.telemetry import Severity
from config.settings import Settings
from daemon.api.browser import PATIENCE, Browser
from daemon.api.deliveries import Deliveries
from daemon.api.documents import Documents
from daemon.api.logins import Logins
from daemon.api.proof import Credential
from daemon.api.routes import Health, routes
from daemon.api.server import serving
from daemon.api.sessions import ENDED, LASTS, Sessions
from daemon.authority import trust_of
from daemon.clock import ManualClock
from daemon.decisions import Decisions
from daemon.ledger.ledger import Ledger
from daemon.web.views import PNG, Views
from detectors.suspects import rank
from remediation.ports import Ports
from sandbox.scripted import ScriptedSandbox
from signals.deploys import AllMarkers
from signals.recorded import NoLogs
from tests.parts.nouns import NOW, SHA, a_change, a_diagnosis, a_trial, an_entry, an_opened
from tests.parts.playhouse import BAD, Readings
from tests.parts.ports import StillForge
from tests.parts.settings import some_settings

CASE, GATE = "deadbeef", "deadbeef-1"
TOKEN, ADAS = "all-of-it-8841", "adas-own-2217"
PICTURE = PNG + b"made up"
STORY: tuple[Event, ...] = (
    an_opened(),
    Diagnosed(diagnosis=a_diagnosis()),
    Drafted(change=a_change()),
    Proved(trial=a_trial()),
    Gated(reason="authority is observe", gate=GATE),
)


@dataclass(frozen=True, kw_only=True)
class Site:
    """The pages, where they are served, and what they tell of."""

    url: str
    ledger: Ledger
    settings: Settings
    clock: ManualClock

    @property
    def origin(self) -> dict[str, str]:
        """What a browser sends with a form of this site."""
        return {"Origin": self.url}

    @contextmanager
    def visitor(self) -> Generator[httpx.Client]:
        """A browser without a session."""
        with httpx.Client(base_url=self.url) as client:
            yield client

    @contextmanager
    def as_(self, token: str) -> Generator[httpx.Client]:
        """A browser that is logged in."""
        with self.visitor() as client:
            answer = client.post("/login", data={"token": token, "back": "/"}, headers=self.origin)
            assert answer.status_code == 303, answer.text
            yield client

    def form(self, client: httpx.Client, path: str = f"/cases/{CASE}") -> dict[str, str]:
        """The hidden fields of the form that a page asks by."""
        page = client.get(path).text
        return {
            name: page.partition(f'name="{name}" value="')[2].partition('"')[0] for name in ("form", "gate", "asked")
        }

    def events(self) -> list[str]:
        """What happened to the case, and by whom."""
        return [f"{type(entry.event).__name__} by {entry.actor}" for entry in self.ledger.cases.load(CASE).history]


def tell(ledger: Ledger, story: tuple[Event, ...] = STORY) -> None:
    """Let the story happen, with a picture that is kept and a notice that is due."""
    first, *rest = story
    assert ledger.cases.open(an_entry(first), (), NOW) is not None
    plot = StorePlot(key=f"{CASE}-1-plot", repository="shop", path=f"{CASE}-1/anomaly.png", content=PICTURE)
    notice = Notice(key=f"{GATE}-gate", severity=Severity.TICKET, subject="a yes is wanted", text="", case=CASE)
    for event in rest:
        effects = (plot, *told(["log"], notice)) if isinstance(event, Gated) else ()
        ledger.cases.add(CASE, Entry(at=NOW, actor="daemon", event=event), effects, None)


@contextmanager
def site(
    ledger: Ledger,
    clock: ManualClock,
    *,
    patience: timedelta = PATIENCE,
    listen: str = "127.0.0.1:0",
    **more: Any,  # noqa: ANN401 - keys of a configuration
) -> Generator[Site]:
    """The pages over this ledger, until the end of the block. The tokens have to be in the environment (`secrets`)."""
    document: Mapping[str, Any] = {
        "approvals": {"deciders": [{"name": "ada", "token": "env:ADA"}]},
        "api": {"token": "env:API"},
        **more,
    }
    settings = some_settings("observe", **document)
    forge = StillForge(SHA)
    ports = Ports(
        clock=clock,
        settings=settings,
        signals={"main": Readings([(EPOCH, BAD)])},
        changes=AllMarkers(parts=()),
        rank=rank,
        forge=forge,
        sandbox=ScriptedSandbox(_never),
        lessons=ledger.lessons,
        cases=ledger.cases,
        outbox=ledger.outbox,
        receivers=("log",),
        logs=NoLogs(),
        watched=settings.watched,
        trust=trust_of(settings, forge, ledger, clock),
    )
    logins = Logins(settings=settings, clock=clock)
    ended = Deliveries(checkpoints=ledger.checkpoints, key=ENDED, kept=2 * LASTS)
    decisions = Decisions(ledger=ledger, settings=settings, clock=clock, receivers=("log",))
    views = Views(ledger=ledger, ports=ports)
    sessions = Sessions(logins=logins, ended=ended)
    browser = Browser(sessions=sessions, decisions=decisions, views=views, patience=patience)
    token = None if settings.api.token is None else Credential(secret=settings.api.token, clock=clock)
    health = Health(stuck=None, blind={}, polled=True, paused="")
    doors = [browser, Documents(views=views, logins=logins)]
    with serving(routes(lambda: health, lambda: b"", token=token, doors=doors), listen) as url:
        yield Site(url=url, ledger=ledger, settings=settings, clock=clock)


def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tokens that the site's settings name."""
    monkeypatch.setenv("API", TOKEN)
    monkeypatch.setenv("ADA", ADAS)


def _never(*_: object) -> Any:  # noqa: ANN401 - it gives nothing
    raise AssertionError("nothing is tried here")
