"""The pages in a real browser: somebody logs in and says yes by keyboard, on a phone and in the dark."""

import pytest

from daemon.clock import ManualClock
from tests.parts.chromium import Tab, chromium
from tests.parts.nouns import NOW
from tests.parts.site import ADAS, CASE, secrets, site, tell
from tests.parts.stores import Place

WIDE = "document.documentElement.scrollWidth"


def test_a_yes_by_keyboard_on_a_phone_and_everything_can_be_read(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets(monkeypatch)
    clock = ManualClock(NOW)
    with place.opened(clock=clock) as ledger:
        tell(ledger)
        with site(ledger, clock) as it, chromium() as tab:
            tab.looks(width=360, dark=True)
            tab.open(f"{it.url}/cases/{CASE}")
            assert tab.does("document.title") == "Log in · Trackwalker"
            tab.does("document.getElementById('token').focus()")
            tab.types(ADAS)
            tab.press("Enter", leads_on=True)
            assert tab.does("location.pathname") == f"/cases/{CASE}"
            legible(tab, least=60)
            tab.open(f"{it.url}/inbox")
            legible(tab, least=12)
            tab.to(f"{CASE}-1")
            tab.press("Enter", leads_on=True)
            tab.to("Approve")
            tab.press("Enter", leads_on=True)
            assert tab.does("document.querySelector('[role=status]').textContent") == "Your answer is taken."
            assert it.events()[-1] == "Approved by human:ada"
            for page in ("oversight", "lessons", f"cases/{CASE}"):
                tab.open(f"{it.url}/{page}")
                for width, dark in ((360, False), (1280, True)):
                    tab.looks(width=width, dark=dark)
                    legible(tab, least=8, width=width)
            asked = {params["request"]["url"] for name, params in tab.said if name == "Network.requestWillBeSent"}
            assert {url.partition("/cases")[0] for url in asked if not url.startswith(it.url)} == set()
            assert f"{it.url}/cases/{CASE}/picture.png" in asked
            refused = [params["entry"]["text"] for name, params in tab.said if name == "Log.entryAdded"]
            assert [text for text in refused if "401" not in text] == [], "a rule of the page's was broken"


def legible(tab: Tab, *, least: int, width: int = 360) -> None:
    """Nothing is wider than the screen, and every text can be told from what is behind it."""
    assert tab.does(WIDE) <= width
    seen, bad = tab.contrast()
    assert bad == []
    assert seen >= least
