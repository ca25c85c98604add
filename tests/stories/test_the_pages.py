"""A human follows the link in a pull request, or in a notice, and sees the case with all of its evidence."""

import json
import re
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from cases.case import Phase
from daemon.main import trackwalker
from tests.parts.playhouse import house
from tests.parts.prometheus import free_port
from tests.parts.site import TOKEN, secrets

_EVIDENCE = re.compile(r"\[All evidence\]\((http://[^)]+)\)")


@pytest.mark.long
def test_the_link_in_a_pull_request_opens_its_case_for_whoever_has_a_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets(monkeypatch)
    address = f"127.0.0.1:{free_port()}"
    api = {"listen": address, "public_url": f"http://{address}", "token": "env:API"}
    with house(tmp_path, api=api) as it, it.alive() as app:
        case = it.until(Phase.PROPOSED)
        it.passes(1)
        (pull,) = it.pull_requests()
        found = _EVIDENCE.search(pull["body"])
        assert found is not None
        link = found[1]
        assert {notice["link"] for notice in it.notices() if notice["case"] == case.id} >= {link}
        with httpx.Client(follow_redirects=True) as client:
            stranger = client.get(link)
            assert (stranger.status_code, "Round checkout totals" in stranger.text) == (401, False)
            back = stranger.text.partition('name="back" value="')[2].partition('"')[0]
            fields = {"token": TOKEN, "back": back}
            page = client.post(f"{app.url}/login", data=fields, headers={"Origin": f"http://{address}"})
            assert (page.status_code, str(page.url)) == (200, link)
            for text in (
                "Round checkout totals",
                "round(sum(cart))",
                "Reproduction",
                pull["html_url"],
                "still out of its band",
            ):
                assert text in page.text, text
            picture = client.get(f"{link}/picture.png")
            assert picture.headers["content-type"] == "image/png"
            assert picture.content.startswith(b"\x89PNG")
            bearer = {"Authorization": f"Bearer {TOKEN}"}
            seen = client.get(f"{app.url}/api/v1/oversight", headers=bearer).json()
            described = client.get(f"{app.url}/api/v1/openapi.json", headers=bearer).json()
            assert {client.get(f"{app.url}{path}").status_code for path in described["paths"]} <= {401, 405}
            shown = client.get(f"{app.url}/oversight").text
        for command, mine in ((("spend",), seen["spend"]), (("authority", "show"), seen["authority"])):
            told = CliRunner().invoke(trackwalker, [*command, "--config", str(tmp_path / "trackwalker.yaml"), "--json"])
            assert json.loads(told.stdout) == mine, command
        (area,) = seen["authority"]["areas"]
        assert "/".join(area["area"].values()) in shown
        assert f"<b>{len(seen['open'])}</b><span>open cases</span>" in shown
        assert f"<b>{seen['figures']['cases']}</b><span>cases in 30 days</span>" in shown
        assert f'href="./cases/{case.id}"' in shown
