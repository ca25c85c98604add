"""A real Prometheus behind TLS that wants a password and a certificate of whoever asks."""

import json
import socket
import subprocess
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.parts.certificates import Authority, Pair
from tests.parts.prometheus import free_port

USER, PASSWORD = "reader", "0pen-sesame"
HASHED = "$2b$04$abcdefghijklmnopqrstuu2DCaiREHbqeDi0RH51HdZH9JU8K4gPW"
"""The password as Prometheus stores it: bcrypt, at its lowest cost."""


@contextmanager
def guarded_prometheus(folder: Path, server: Pair, clients: Authority) -> Generator[str]:
    """Start it in an empty folder; its https address."""
    port = free_port()
    tls = {
        "cert_file": str(server.cert),
        "key_file": str(server.key),
        "client_auth_type": "RequireAndVerifyClientCert",
        "client_ca_file": str(clients.certificate),
    }
    (folder / "web.yml").write_text(json.dumps({"tls_server_config": tls, "basic_auth_users": {USER: HASHED}}))
    (folder / "prometheus.yml").write_text("global: {}\n")
    command = [
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--web.config.file={folder / 'web.yml'}",
        f"--storage.tsdb.path={folder / 'storage'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait_until_it_says_so(process, folder / "log", port)
        yield f"https://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_until_it_says_so(process: subprocess.Popen[bytes], log: Path, port: int) -> None:
    pause = threading.Event()
    for _ in range(200):
        assert process.poll() is None, f"Prometheus ended: {log.read_text()}"
        if "Server is ready to receive web requests" in log.read_text():
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        pause.wait(0.05)
    raise AssertionError(f"Prometheus was not ready after 10 s: {log.read_text()}")
