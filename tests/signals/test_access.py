"""Credentials and certificates, against a real Prometheus that wants them, and servers that show bad ones."""

import json
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cases.errors import PermanentError, SourceDown
from config.sources import PrometheusSettings
from signals.access import client_arguments
from signals.loki.source import LokiSource
from signals.prometheus import PrometheusSource
from tests.parts.certificates import Authority, Pair
from tests.parts.guarded_prometheus import PASSWORD, USER, guarded_prometheus
from tests.parts.misbehaving import Misbehaving, misbehaving
from tests.parts.web import says

PAST = datetime(2021, 1, 1, tzinfo=UTC)
BUILD = '{"status": "success", "data": {"version": "2"}}'


class World:
    """Two authorities, a client's certificate, and the guarded Prometheus."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ours, self.theirs = Authority(folder, "ours"), Authority(folder, "theirs")
        self.server = self.ours.signs("server")
        self.client = self.ours.signs("client")
        self.stranger = self.theirs.signs("stranger")
        self.password = folder / "password"
        self.password.write_text(PASSWORD + "\n")
        self.url = ""

    def settings(self, pair: Pair | None, ca: Path | None = None, **more: Any) -> PrometheusSettings:  # noqa: ANN401 - keys of a configuration
        tls: dict[str, str] = {"ca": str(ca or self.ours.certificate)}
        if pair is not None:
            tls |= {"cert": str(pair.cert), "key": str(pair.key)}
        auth = {"basic": {"username": USER, "password": f"file:{self.password}"}}
        return PrometheusSettings.model_validate({"name": "main", "url": self.url, "auth": auth, "tls": tls} | more)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Generator[World]:
    made = World(tmp_path_factory.mktemp("certificates"))
    with guarded_prometheus(tmp_path_factory.mktemp("prometheus"), made.server, made.ours) as made.url:
        yield made


@contextmanager
def reading(settings: PrometheusSettings) -> Generator[PrometheusSource]:
    source = PrometheusSource(settings.name, url=settings.url, timeout=settings.timeout, **client_arguments(settings))
    try:
        yield source
    finally:
        source.close()


@contextmanager
def https(pair: Pair) -> Generator[str]:
    """A server of nothing, whose certificate is what matters."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's
            """A client that hangs up in the handshake is the point."""

    with Server(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.cert, pair.key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"https://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_certificate_and_password_open_the_door(world: World) -> None:
    with reading(world.settings(world.client)) as source:
        assert source.probe().startswith("Prometheus 2.")


def test_a_rotated_password_is_seen_at_the_next_request(world: World, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("0ld-sesame")
    auth = {"basic": {"username": USER, "password": f"file:{secret}"}}
    with reading(world.settings(world.client, auth=auth)) as source:
        with pytest.raises(PermanentError, match=r"answered 401.*Check `auth`") as failure:
            source.probe()
        assert "sesame" not in repr(failure.value)
        secret.write_text(PASSWORD)
        assert source.probe().startswith("Prometheus 2.")
        secret.unlink()
        with pytest.raises(PermanentError, match=r"file:.*password cannot be read"):
            source.probe()


def test_a_renewed_certificate_is_seen_at_the_next_handshake(world: World, tmp_path: Path) -> None:
    pair = Pair(cert=tmp_path / "tls.crt", key=tmp_path / "tls.key")
    with reading(world.settings(pair)) as source:
        with pytest.raises(PermanentError, match=r"main: tls\.cert: .*tls\.crt cannot be read \(No such file"):
            source.probe()
        pair.cert.write_bytes(world.client.cert.read_bytes())
        pair.key.write_bytes(world.stranger.key.read_bytes())
        with pytest.raises(PermanentError, match=r"tls\.key do not belong together"):
            source.probe()
        pair.key.write_bytes(world.client.key.read_bytes())
        assert source.probe().startswith("Prometheus 2.")


@pytest.mark.parametrize(
    ("shown", "because"),
    [
        ("none", "wants a certificate of ours|refuses our certificate, or that there is none"),
        ("a stranger's", "refuses our certificate|does not trust the authority of our certificate"),
        ("expired", "refuses our certificate"),
    ],
)
def test_a_server_that_wants_another_certificate_of_ours(world: World, shown: str, because: str) -> None:
    pairs = {"a stranger's": world.stranger, "expired": world.ours.signs("late", until=PAST)}
    with reading(world.settings(pairs.get(shown))) as source, pytest.raises(SourceDown, match=f"main: .*({because})"):
        source.probe()


def test_a_server_of_another_authority_is_not_trusted(world: World) -> None:
    with (
        reading(world.settings(world.client, ca=world.theirs.certificate)) as source,
        pytest.raises(SourceDown, match=r"127\.0\.0\.1 is signed by no authority that is trusted \(.*theirs\.pem\)"),
    ):
        source.probe()
    settings = world.settings(world.client, tls=None)
    with reading(settings) as source, pytest.raises(SourceDown, match=r"one of the system's\); check tls\.ca"):
        source.probe()


def bad_servers(world: World) -> list[tuple[Pair, str]]:
    return [
        (world.ours.signs("old", until=PAST), r"the certificate of 127\.0\.0\.1 has expired; renew it there"),
        (world.ours.signs("other", host="elsewhere.example"), "is for another name; put the name that it carries"),
        (world.theirs.signs("alien"), "is signed by no authority that is trusted"),
    ]


@pytest.mark.parametrize("number", [0, 1, 2], ids=["expired", "another name", "another authority"])
def test_a_bad_certificate_is_told_alike_by_every_source(world: World, number: int) -> None:
    pair, because = bad_servers(world)[number]
    with https(pair) as url:
        settings = world.settings(None, url=url)
        with reading(settings) as source, pytest.raises(SourceDown, match=f"main: .*{because}"):
            source.probe()
        loki = LokiSource("main", url=url, selector='{a="b"}', errors="", **client_arguments(settings))
        with pytest.raises(SourceDown, match=f"main: .*{because}"):
            loki.probe()
        loki.close()


def test_a_server_without_tls_is_told(world: World) -> None:
    with misbehaving() as server:
        settings = world.settings(world.client, url=server.url.replace("http:", "https:"))
        with (
            reading(settings) as source,
            pytest.raises(SourceDown, match="does not speak TLS as we do; is `url` meant"),
        ):
            source.probe()


@pytest.mark.parametrize(
    ("key", "file", "because"),
    [
        ("ca", "password", r"tls\.ca: .*password holds no certificate"),
        ("ca", ".", r"tls\.ca: .* cannot be read \(Is a directory\)"),
        ("cert", "password", "are not a certificate and its key, in PEM"),
        ("cert", "sealed.pem", "in PEM, without a passphrase"),
    ],
)
def test_a_file_that_is_no_use_is_named(world: World, key: str, file: str, because: str) -> None:
    tls = {key: str(world.folder / file)}
    if file == "sealed.pem":
        tls["key"] = str(world.ours.signs("sealed", passphrase=b"hush").key)
    with reading(world.settings(None, tls=tls)) as source, pytest.raises(PermanentError, match=f"main: .*{because}"):
        source.probe()


def open_door(server: Misbehaving, **more: Any) -> PrometheusSettings:  # noqa: ANN401 - the same
    server.behave = says(200, BUILD)
    return PrometheusSettings.model_validate({"name": "main", "url": server.url, **more})


def complaint(text: str) -> str:
    return json.dumps({"status": "error", "errorType": "x", "error": text})


def test_a_token_and_headers_are_read_at_each_request(tmp_path: Path) -> None:
    token, tenant = tmp_path / "token", tmp_path / "tenant"
    token.write_text("first-t0ken")
    tenant.write_text("blue-tenant")
    more = {"auth": {"bearer": f"file:{token}"}, "headers": {"X-Scope-OrgID": f"file:{tenant}"}}
    with misbehaving() as server, reading(open_door(server, **more)) as source:
        source.describe()
        token.write_text("second-t0ken")
        source.describe()
        sent = [(headers["Authorization"], headers["X-Scope-OrgID"]) for _, headers in server.asked]
        assert sent == [("Bearer first-t0ken", "blue-tenant"), ("Bearer second-t0ken", "blue-tenant")]
        server.behave = says(503, complaint("no second-t0ken or first-t0ken here"))
        with pytest.raises(SourceDown, match="no … or … here"):
            source.describe()


def test_a_password_that_is_echoed_is_not_repeated(world: World) -> None:
    with misbehaving() as server:
        settings = world.settings(None, url=server.url)
        server.behave = says(503, complaint(f"{USER}:{PASSWORD} is unknown"))
        with reading(settings) as source, pytest.raises(SourceDown, match=f"{USER}:… is unknown"):
            source.describe()


@pytest.mark.parametrize(
    ("auth", "because"),
    [
        ({"bearer": "token"}, "`headers` and `auth` both say Authorization"),
        ({"basic": {"username": "a:b", "password": "token"}}, "holds a colon"),
        ({"bearer": "accent"}, "the value of header Authorization .* outside ASCII"),
    ],
)
def test_what_cannot_be_sent_is_said(tmp_path: Path, auth: dict[str, Any], because: str) -> None:
    (tmp_path / "token").write_text("t0ken-s3cret")
    (tmp_path / "accent").write_text("t0ken-s3crét")
    placed = json.loads(json.dumps(auth).replace('"token"', f'"file:{tmp_path}/token"'))
    placed = json.loads(json.dumps(placed).replace('"accent"', f'"file:{tmp_path}/accent"'))
    headers = {"authorization": f"file:{tmp_path}/token"} if "both" in because else {}
    with misbehaving() as server, reading(open_door(server, auth=placed, headers=headers)) as source:
        with pytest.raises(PermanentError, match=because) as failure:
            source.describe()
        assert "s3cr" not in repr(failure.value)
        assert server.asked == []


def test_a_command_that_gives_no_token_is_said() -> None:
    with misbehaving() as server:
        settings = open_door(server, auth={"bearer": "cmd:false"})
        with reading(settings) as source, pytest.raises(PermanentError, match="cmd:false … ended with status 1"):
            source.describe()
        assert server.asked == []
