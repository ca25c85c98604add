"""A registry of images over HTTP, with a password: one tiny image, as Docker's distribution protocol (v2) has it."""

import base64
import gzip
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USER, PASSWORD = "ci", "correct-horse-registry"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@dataclass(frozen=True)
class Blob:
    """Some bytes by their digest."""

    kind: str
    content: bytes

    @property
    def digest(self) -> str:
        """The name by which it is asked for."""
        return f"sha256:{hashlib.sha256(self.content).hexdigest()}"

    @property
    def entry(self) -> dict[str, str | int]:
        """How a manifest names it."""
        return {"mediaType": self.kind, "size": len(self.content), "digest": self.digest}


def _image() -> tuple[Blob, ...]:
    """Manifest, configuration and layer of an image of one file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo("hello")
        info.size = 5
        tar.addfile(info, io.BytesIO(b"world"))
    diff = f"sha256:{hashlib.sha256(buffer.getvalue()).hexdigest()}"
    rootfs = {"type": "layers", "diff_ids": [diff]}
    configured = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs}).encode()
    config = Blob("application/vnd.docker.container.image.v1+json", configured)
    layer = Blob("application/vnd.docker.image.rootfs.diff.tar.gzip", gzip.compress(buffer.getvalue(), mtime=0))
    document = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config.entry, "layers": [layer.entry]}
    return Blob(MANIFEST, json.dumps(document).encode()), config, layer


@contextmanager
def registry(name: str) -> Generator[str]:
    """Serve the image as `name` on this machine; its whole name, for an engine that runs here as well."""
    manifest, *others = _image()
    login = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    blobs = {f"/v2/{name}/blobs/{blob.digest}": blob for blob in others}
    blobs |= {f"/v2/{name}/manifests/{tag}": manifest for tag in ("1", manifest.digest)}

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers.get("Authorization") != login:
                self._say(401, Blob("application/json", b'{"errors": [{"code": "UNAUTHORIZED"}]}'))
            elif self.path == "/v2/":
                self._say(200, Blob("application/json", b"{}"))
            elif self.path in blobs:
                self._say(200, blobs[self.path])
            else:
                self._say(404, Blob("application/json", b'{"errors": [{"code": "NAME_UNKNOWN"}]}'))

        do_HEAD = do_GET  # noqa: N815 - the library's

        def _say(self, status: int, blob: Blob) -> None:
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="registry"')
            self.send_header("Content-Type", blob.kind)
            self.send_header("Content-Length", str(len(blob.content)))
            self.send_header("Docker-Content-Digest", blob.digest)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(blob.content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}/{name}:1"
        finally:
            server.shutdown()
            thread.join()
