"""Product analytics: known answers to the digit, whole days only, late numbers, pages, keys and plug-ins."""

import json
from collections.abc import Generator
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cases.connector import GROUP
from cases.errors import PermanentError, SourceDown
from signals.analytics import ga4
from tests.parts.analytics import CHECKOUT, FUNNEL, PROJECT, PURCHASE, TOKEN, Event, Vendors, some_vendors
from tests.parts.connected import DAY, HOUR, KINDS, LOADS, NOON, VENDORS, given, reader
from tests.parts.plug_in import BROKEN, CONNECTOR, installed

BERLIN = ZoneInfo("Europe/Berlin")
CONVERSION: dict[str, dict[str, Any]] = {
    "amplitude": {"steps": [CHECKOUT, PURCHASE]},
    "ga4": {"metric": "totalPurchasers", "of": "activeUsers"},
    "http": {
        "params": {"from": "{start_day}", "to": "{last_day}", "what": "conversion"},
        "of": "all",
        "labels": {},
    },
    "mixpanel": {"funnel": FUNNEL},
    "posthog": {"query": "SELECT time, value, of FROM funnel"},
}


@pytest.fixture
def vendors() -> Generator[Vendors]:
    with some_vendors() as running:
        yield running


@pytest.fixture
def loads(tmp_path: Path) -> Generator[None]:
    """The plug-in is installed."""
    with installed(tmp_path / "loads", {"loads": CONNECTOR}, {"loads": "loads:Loads"}, GROUP):
        yield


def shopping(zone: ZoneInfo, first: date, days: int) -> list[Event]:
    """Each day some come to the checkout and fewer buy, all within its hours; numbers that make no round shares."""
    events: list[Event] = []
    for n in range(days):
        day = datetime.combine(first + n * DAY, datetime.min.time(), tzinfo=zone).astimezone(UTC)
        came = 7 + 3 * (n % 5)
        for user in range(came):
            at = day + timedelta(minutes=30 + 37 * user)
            events.append(Event(user=f"u{n}-{user}", name=CHECKOUT, at=at))
            if user % 3 == n % 3:
                events.append(Event(user=f"u{n}-{user}", name=PURCHASE, at=at + timedelta(minutes=11)))
            if user % 6 == 5:  # they look again: a user is counted once
                events.append(Event(user=f"u{n}-{user}", name=CHECKOUT, at=at + timedelta(minutes=5)))
    return events


# -- known answers


@pytest.mark.parametrize("kind", CONVERSION)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
def test_conversion_agrees_to_the_digit(kind: str, zone: str, tmp_path: Path) -> None:
    first, days = date(2026, 3, 2), 12
    with some_vendors(zone) as vendors:
        vendors.events = shopping(ZoneInfo(zone), first, days)
        found = reader(kind, vendors, tmp_path, zone=zone, every="1h", settle="1m", **CONVERSION[kind])
        shown = [value for _, value in found.changes(20 * DAY)]
    came = [7 + 3 * (n % 5) for n in range(days)]
    bought = [len([user for user in range(came[n]) if user % 3 == n % 3]) for n in range(days)]
    assert [bought[n] / came[n] for n in range(days)] == shown


@pytest.mark.parametrize("kind", VENDORS)
def test_users_and_events_are_counted_apart(kind: str, vendors: Vendors, tmp_path: Path) -> None:
    day = datetime(2026, 3, 19, 10, tzinfo=UTC)
    vendors.events = [Event(user=user, name="visit", at=day) for user in ("ann", "ann", "bob")]
    counts: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "ga4": ({"metric": "totalUsers", "event": "visit"}, {"metric": "eventCount", "event": "visit"})
    }
    usual = ({"event": "visit"}, {"event": "visit", "measure": "events"})
    users, events = counts.get(kind, usual)
    assert reader(kind, vendors, tmp_path, settle="1h", **users).now() == 2.0
    assert reader(kind, vendors, tmp_path, settle="1h", **events).now() == 3.0


# -- whole days, and when they are known


@pytest.mark.parametrize("kind", KINDS)
def test_the_running_day_is_never_read(kind: str, vendors: Vendors, tmp_path: Path, loads: None) -> None:
    del loads
    given(vendors, date(2026, 3, 17), [100, 110, 120, 7])  # the last one is today's, so far
    found = reader(kind, vendors, tmp_path, every="6h", settle="1h", **LOADS[kind])
    assert found.changes(2 * DAY) == [("18.03. 12:00", 100.0), ("19.03. 06:00", 110.0), ("20.03. 06:00", 120.0)]
    found.clock.advance(11 * HOUR)
    assert found.now() == 120.0


def test_a_day_is_known_when_it_has_settled_and_not_before(vendors: Vendors, tmp_path: Path) -> None:
    given(vendors, date(2026, 3, 17), [100, 110, 120, 130])
    found = reader("mixpanel", vendors, tmp_path, every="1h", settle="3h", event="load")
    found.clock.advance(12 * HOUR)  # midnight
    assert [found.now()] == [120.0]
    found.clock.advance(3 * HOUR - timedelta(seconds=1))
    assert found.now() == 120.0
    found.clock.advance(timedelta(seconds=1))
    assert found.now() == 130.0
    assert found.changes(DAY)[-1] == ("21.03. 03:00", 130.0)


def test_a_live_reading_and_history_show_the_same(vendors: Vendors, tmp_path: Path) -> None:
    given(vendors, date(2026, 3, 1), [float(100 + n) for n in range(30)])
    live = reader("amplitude", vendors, tmp_path, every="6h", settle="1h", event="load")
    seen: list[float] = []
    for _ in range(48):
        live.clock.advance(HOUR)
        seen.append(live.block(timedelta(0)).values[0, 0])
    later = reader("amplitude", vendors, tmp_path, now=live.clock.now(), every="6h", settle="1h", event="load")
    assert later.block(47 * HOUR).values[0].tolist() == seen


@pytest.mark.parametrize("kind", ["amplitude", "mixpanel"])
def test_a_day_of_a_funnel_waits_for_those_who_are_still_in_it(kind: str, vendors: Vendors, tmp_path: Path) -> None:
    came = datetime(2026, 3, 19, 23, tzinfo=UTC)
    vendors.events = [Event(user="ann", name=CHECKOUT, at=came), Event(user="ann", name=PURCHASE, at=came + 8 * HOUR)]
    found = reader(kind, vendors, tmp_path, every="1h", settle="1h", within="12h", **CONVERSION[kind])
    assert found.now() is None  # the day ended at midnight, and its users have until noon, and an hour to be told
    found.clock.advance(HOUR)
    assert found.now() == 1.0


@pytest.mark.parametrize("kind", VENDORS)
@pytest.mark.parametrize(
    ("first", "hours"), [(date(2026, 3, 28), [23, 22]), (date(2026, 10, 24), [22, 23])], ids=["spring", "autumn"]
)
def test_days_of_23_and_25_hours(kind: str, first: date, hours: list[int], tmp_path: Path) -> None:
    """A Berlin day begins at 23:00 UTC in winter and 22:00 in summer; the counts of every hour are in one day."""
    begin = datetime.combine(first, datetime.min.time(), tzinfo=BERLIN).astimezone(UTC)
    end = datetime.combine(first + 3 * DAY, datetime.min.time(), tzinfo=BERLIN).astimezone(UTC)
    with some_vendors("Europe/Berlin") as vendors:
        at = begin
        while at < end:
            vendors.events.append(Event(user=f"u{at}", name="visit", at=at))
            at += HOUR
        asked: dict[str, Any] = {"metric": "eventCount"} if kind == "ga4" else {"measure": "events"}
        found = reader(
            kind,
            vendors,
            tmp_path,
            now=end + 2 * HOUR,
            zone="Europe/Berlin",
            every="1h",
            settle="1m",
            event="visit",
            **asked,
        )
        changes = [(at[7:], value) for at, value in found.changes(75 * HOUR) if value]
    odd = 23.0 if first.month == 3 else 25.0
    # A day is known an hour after its end: it settles for a minute, and is asked for on the hour.
    assert changes == [
        (f"{(hours[0] + 1) % 24:02}:00", 24.0),
        (f"{(hours[1] + 1) % 24:02}:00", odd),
        (f"{(hours[1] + 1) % 24:02}:00", 24.0),
    ]


def test_missed_runs_lose_nothing(vendors: Vendors, tmp_path: Path) -> None:
    given(vendors, date(2026, 3, 10), [float(100 + n) for n in range(20)])
    found = reader("posthog", vendors, tmp_path, every="6h", settle="1h", event="load", measure="events")
    found.block(2 * DAY)
    found.clock.advance(5 * DAY)  # asleep
    assert found.counted(5 * DAY) == [109.0, 110.0, 111.0, 112.0, 113.0, 114.0]
    assert len(vendors.asked) == 2


# -- late data, and how seldom it is asked


@pytest.mark.parametrize("kind", KINDS)
def test_late_data_replaces_what_was_read(kind: str, vendors: Vendors, tmp_path: Path, loads: None) -> None:
    del loads
    given(vendors, date(2026, 3, 14), [10, 20, 30, 40, 50, 60])
    found = reader(kind, vendors, tmp_path, every="6h", settle="1h", late="2d", **LOADS[kind])
    assert found.counted(6 * DAY) == [10.0, 20.0, 30.0, 40.0, 50.0, 60.0]
    given(vendors, date(2026, 3, 14), [11, 21, 31, 41, 51, 61])
    assert found.counted(6 * DAY) == [10.0, 20.0, 30.0, 40.0, 50.0, 60.0]
    found.clock.advance(6 * HOUR)
    assert found.counted(6 * DAY) == [10.0, 20.0, 30.0, 40.0, 51.0, 61.0]


def test_it_is_asked_once_in_a_stretch_and_for_no_more_than_it_must(vendors: Vendors, tmp_path: Path) -> None:
    given(vendors, date(2026, 3, 1), [float(n) for n in range(30)])
    found = reader("mixpanel", vendors, tmp_path, every="6h", settle="1h", late="2d", event="load")
    for _ in range(24):
        found.block(10 * DAY)
        found.block(HOUR)
        found.clock.advance(HOUR)
    asked = [(params["from_date"][0], params["to_date"][0]) for _, params, _ in vendors.asked]
    late = ("2026-03-18", "2026-03-19")
    assert asked == [("2026-03-07", "2026-03-19"), late, late, ("2026-03-18", "2026-03-20")]


def test_a_question_that_was_asked_before_a_change_of_configuration_has_no_series(
    vendors: Vendors, tmp_path: Path
) -> None:
    given(vendors, date(2026, 3, 14), [10, 20, 30, 40, 50, 60])
    found = reader("amplitude", vendors, tmp_path, event="load")
    assert found.block(DAY, query="Amplitude: users of another event").labels == ()
    assert vendors.asked == []


# -- pages, hours, probes


def test_pages_are_read_to_the_end(vendors: Vendors, tmp_path: Path) -> None:
    vendors.page = 2
    given(vendors, date(2026, 3, 14), [10, 20, 30, 40, 50, 60])
    found = reader("http", vendors, tmp_path)
    assert found.counted(5 * DAY) == [10.0, 20.0, 30.0, 40.0, 50.0, 60.0]
    assert [params.get("page", [None])[0] for _, params, _ in vendors.asked] == [None, "1", "2"]


def test_a_next_page_on_another_host_gets_no_credentials(vendors: Vendors, tmp_path: Path) -> None:
    vendors.fails = [(200, {}, {"data": {"items": []}, "meta": {"next": "http://evil.example/rows"}})]
    with pytest.raises(PermanentError, match="on another host, and would get our credentials"):
        reader("http", vendors, tmp_path, pages={"at": "meta.next"}).block(DAY)


def test_an_hour_is_known_when_it_has_ended(vendors: Vendors, tmp_path: Path) -> None:
    rows = [{"day": round((NOON - hour * HOUR).timestamp()), "number": f"{hour}.5"} for hour in range(5)]
    vendors.fails = [(200, {}, {"data": {"items": rows}})]
    found = reader("http", vendors, tmp_path, labels={}, bucket="hour", every="5m", settle="5m")
    assert found.changes(3 * HOUR)[-2:] == [("20.03. 11:00", 3.5), ("20.03. 12:00", 2.5)]
    assert found.now() == 2.5  # the hour from eleven has ended, and not settled


def test_a_post_says_what_is_asked_for(vendors: Vendors, tmp_path: Path) -> None:
    given(vendors, date(2026, 3, 14), [10, 20, 30, 40, 50, 60])
    body = {"from": "{start_day}", "to": "{last_day}", "since": ["{start}", 7]}
    found = reader("http", vendors, tmp_path, method="POST", params={}, body=body, labels={})
    assert found.now() == 60.0
    [(_, _, sent)] = vendors.asked
    assert sent["since"] == [f"{sent['from']}T00:00:00Z", 7]


@pytest.mark.parametrize("kind", KINDS)
def test_a_probe_reads_the_newest_whole_day(kind: str, vendors: Vendors, tmp_path: Path, loads: None) -> None:
    del loads
    given(vendors, date(2026, 3, 14), [10, 20, 30, 40, 50, 60])
    said = reader(kind, vendors, tmp_path, settle="1h", **LOADS[kind]).source.probe()
    assert said.endswith(": 1 series for 2026-03-19, the newest whole day there")


# -- Google's key


def test_a_service_account_signs_for_a_token(vendors: Vendors, tmp_path: Path) -> None:
    import jwt
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    key = {
        "type": "service_account",
        "client_email": "reader@acme.example",
        "private_key_id": "k1",
        "private_key": pem,
        "token_uri": f"{vendors.url}/token",
    }
    (tmp_path / "key.json").write_text(json.dumps(key))
    given(vendors, date(2026, 3, 14), [10, 20, 30, 40, 50, 60])
    asked: dict[str, Any] = {
        "metric": "eventCount",
        "event": "load",
        "auth": None,
        "key": f"file:{tmp_path / 'key.json'}",
    }
    found = reader("ga4", vendors, tmp_path, every="30m", settle="1h", **asked)
    assert found.now() == 60.0
    found.clock.advance(30 * timedelta(minutes=1))
    found.block(DAY)
    [signed] = vendors.tokens
    claims = jwt.decode(
        signed,
        private.public_key(),
        algorithms=["RS256"],
        audience=key["token_uri"],
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims["iss"] == "reader@acme.example"
    assert claims["scope"] == "https://www.googleapis.com/auth/analytics.readonly"
    assert claims["exp"] - claims["iat"] == 3600
    assert jwt.get_unverified_header(signed)["kid"] == "k1"
    found.clock.advance(HOUR)
    found.block(DAY)
    assert len(vendors.tokens) == 2


@pytest.mark.parametrize("text", ["hush", "{}", '{"client_email": "a@b.c", "private_key": "hush"}'])
def test_a_key_that_is_none_is_named_and_not_shown(text: str, vendors: Vendors, tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text(text)
    asked: dict[str, Any] = {"metric": "eventCount", "auth": None, "key": f"file:{tmp_path / 'key.json'}"}
    with pytest.raises(PermanentError, match=r"key \(file:.*key\.json\)") as refused:
        reader("ga4", vendors, tmp_path, **asked).block(DAY)
    assert "hush" not in str(refused.value)


def test_googles_own_client_reads_the_same(vendors: Vendors, tmp_path: Path) -> None:
    """What stands in for Google is understood by Google's client, so that our reading of it means something."""
    services: Any = import_module("google.analytics.data_v1beta.services.beta_analytics_data")
    transports: Any = import_module("google.analytics.data_v1beta.services.beta_analytics_data.transports")
    credentials: Any = import_module("google.oauth2.credentials")
    given(vendors, date(2026, 3, 14), [10, 20, 30, 40, 50, 60])
    rest = transports.BetaAnalyticsDataRestTransport(
        host=vendors.url, url_scheme="http", credentials=credentials.Credentials(token=TOKEN)
    )
    report = services.BetaAnalyticsDataClient(transport=rest).run_report(
        {
            "property": f"properties/{PROJECT}",
            "date_ranges": [{"start_date": "2026-03-14", "end_date": "2026-03-19"}],
            "dimensions": [{"name": "date"}],
            "metrics": [{"name": "eventCount"}],
            "limit": 100,
        }
    )
    theirs = [float(row.metric_values[0].value) for row in report.rows]
    assert theirs == reader("ga4", vendors, tmp_path, settle="1h", **LOADS["ga4"]).counted(6 * DAY)


def test_pages_of_google_are_read_to_the_end(vendors: Vendors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ga4, "PAGE", 4)
    given(vendors, date(2026, 3, 1), [float(n) for n in range(19)])
    found = reader("ga4", vendors, tmp_path, metric="eventCount", event="load", settle="1h")
    assert found.counted(12 * DAY) == [float(n) for n in range(6, 19)]
    assert [body["offset"] for _, _, body in vendors.asked] == ["0", "4", "8", "12"]


# -- plug-ins


MINE = """\
from datetime import timedelta

from cases.connector import Reading


class Mine:
    name = "mine"

    def readings(self, asked):
"""


def plugged(tmp_path: Path, text: str) -> Any:  # noqa: ANN401 - a context manager
    return installed(tmp_path / "mine", {"mine": text}, {"mine": "mine:Mine"}, GROUP)


def test_a_plug_in_that_is_not_installed_is_named(vendors: Vendors, tmp_path: Path, loads: None) -> None:
    del loads
    with pytest.raises(PermanentError, match=r"no connector till is installed \(there are: loads\)"):
        reader("plugins", vendors, tmp_path, kind="till").block(DAY)


def test_a_plug_in_that_cannot_be_loaded_says_why(vendors: Vendors, tmp_path: Path) -> None:
    with plugged(tmp_path, BROKEN), pytest.raises(PermanentError, match="mine of greetings is left out: it cannot be"):
        reader("plugins", vendors, tmp_path, kind="mine").block(DAY)


def test_a_plug_in_that_breaks_blinds_its_signal_and_shows_no_secret(vendors: Vendors, tmp_path: Path) -> None:
    text = MINE + "        raise KeyError(asked.secrets['token'])\n"
    with plugged(tmp_path, text), pytest.raises(SourceDown, match="the plug-in mine broke") as broke:
        reader("plugins", vendors, tmp_path, kind="mine").block(DAY)
    assert TOKEN not in str(broke.value)


def test_a_plug_in_may_give_shares(vendors: Vendors, tmp_path: Path) -> None:
    text = MINE + "        yield Reading(time=asked.end - timedelta(days=1), value=1, of=8)\n"
    with plugged(tmp_path, text):
        block = reader("plugins", vendors, tmp_path, kind="mine", settle="1h").block(3 * DAY)
    assert set(block.values[0][~block.missing[0]]) == {0.125}
