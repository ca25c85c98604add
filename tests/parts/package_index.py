"""A package index over HTTP, with a password, where a container of the default network can reach it."""

import base64
import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import docker

USER, PASSWORD = "ci", "correct-horse-battery"


@dataclass
class PackageIndex:
    """The index, and what was asked of it."""

    host: str
    port: int
    files: dict[str, bytes]
    asked: list[str] = field(default_factory=list[str])

    @property
    def url(self) -> str:
        """Its address, with user and password."""
        return f"http://{USER}:{PASSWORD}@{self.host}:{self.port}/simple"

    def locked(self, *names: str) -> bytes:
        """A file of requirements with hashes, as lock tools write it."""
        lines = [
            f"{name.split('-')[0]}=={name.split('-')[1].removesuffix('.tar.gz')} "
            f"--hash=sha256:{hashlib.sha256(self.files[name]).hexdigest()}"
            for name in names
        ]
        return ("\n".join(lines) + "\n").encode()


def a_wheel(name: str, version: str, files: Mapping[str, str]) -> tuple[str, bytes]:
    """A wheel of pure Python."""
    info = f"{name}-{version}.dist-info"
    members = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    members[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in (*members, f"{info}/RECORD"))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in members.items():
            archive.writestr(path, text)
    return f"{name}-{version}-py3-none-any.whl", buffer.getvalue()


def an_sdist(name: str, version: str, hook: str) -> tuple[str, bytes]:
    """A source distribution whose own build hook runs when it is installed. `hook` goes into `build_wheel`."""
    wheel, content = a_wheel(name, version, {f"{name}.py": "built = True\n"})
    packed = base64.b64encode(content).decode()
    backend = (
        "import base64, os, pathlib, socket\n"
        "def build_wheel(folder, *_):\n"
        + "".join(f"    {line}\n" for line in hook.splitlines())
        + f"    pathlib.Path(folder, {wheel!r}).write_bytes(base64.b64decode({packed!r}))\n    return {wheel!r}\n"
    )
    files = {
        "pyproject.toml": f"[project]\nname = '{name}'\nversion = '{version}'\n"
        "[build-system]\nrequires = []\nbuild-backend = 'hook'\nbackend-path = ['.']\n",
        "hook.py": backend,
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, text in files.items():
            entry = tarfile.TarInfo(f"{name}-{version}/{path}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return f"{name}-{version}.tar.gz", buffer.getvalue()


@contextmanager
def package_index(*files: tuple[str, bytes]) -> Generator[PackageIndex]:
    """Serve these files at the gateway of the engine's default network."""
    client: Any = docker.from_env()
    host = client.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"]
    client.close()
    index = PackageIndex(host=host, port=0, files=dict(files))
    login = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            index.asked.append(self.path)
            if self.headers.get("Authorization") != login:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="index"')
                self.end_headers()
                return
            name = self.path.strip("/").rpartition("/")[2]
            content = index.files.get(name)
            if content is None:
                links = [f'<a href="/files/{file}">{file}</a>' for file in index.files if file.startswith(f"{name}-")]
                content = f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode()
            self.send_response(200)
            kind = "text/html" if content.startswith(b"<!DOCTYPE") else "application/octet-stream"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's
            """Quiet."""

    with ThreadingHTTPServer((host, 0), Answers) as server:
        index.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield index
        finally:
            server.shutdown()
            thread.join()
