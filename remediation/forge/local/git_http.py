"""Git over HTTP for one bare repository, by git's own `http-backend`: clone, fetch and push. Hooks are not run."""

from datetime import timedelta
from pathlib import Path
from tempfile import SpooledTemporaryFile, TemporaryFile
from typing import IO

from werkzeug import Request, Response
from werkzeug.datastructures import Headers

from remediation.forge.git_command import GitCommand
from remediation.forge.local.call import Person

LIMIT = timedelta(minutes=10)
CHUNK = 64 * 1024
PUSH = "git-receive-pack"
SERVED = frozenset({"info/refs", "git-upload-pack", PUSH})  # the smart protocol only

SETTINGS = {
    "http.receivepack": "true",
    "receive.fsckObjects": "true",
    "receive.hideRefs": "refs/pull",  # those are the forge's to write
    "safe.directory": "*",  # whoever serves a folder of repositories trusts them
}


def is_push(request: Request, rest: str) -> bool:
    """Whether the request wants to write."""
    return PUSH in (rest, request.args.get("service", ""))


def answer(request: Request, root: Path, full_name: str, rest: str, person: Person) -> Response:
    """Let git answer what is asked below `/<owner>/<name>.git/`."""
    if rest not in SERVED:
        return Response("Not Found\n", status=404, mimetype="text/plain")
    variables = {
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{full_name}.git/{rest}",
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.query_string.decode("ascii", "replace"),
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "REMOTE_USER": person.login,
        "REMOTE_ADDR": request.remote_addr or "",
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
    }
    said = SpooledTemporaryFile[bytes](max_size=1 << 20)  # handed on; closed once the answer is sent
    with TemporaryFile() as sent:
        for piece in iter(lambda: request.stream.read(CHUNK), b""):
            sent.write(piece)
        variables["CONTENT_LENGTH"] = str(sent.tell())
        sent.seek(0)
        git = GitCommand(None, settings=SETTINGS, environment=variables, timeout=LIMIT)
        ended = git.ask("http-backend", stdin=sent, to=said)
    said.seek(0)
    if ended.status != 0 or ended.timed_out:
        said.close()
        return Response(f"git: {ended.reason}\n", status=500, mimetype="text/plain")
    status, headers = _head(said)
    response = Response(iter(lambda: said.read(CHUNK), b""), status=status, headers=headers)
    response.call_on_close(said.close)
    return response


def _head(said: IO[bytes]) -> tuple[int, Headers]:
    """The CGI header that git wrote first."""
    status, headers = 200, Headers()
    for line in iter(said.readline, b""):
        name, colon, value = line.decode("latin-1").strip().partition(":")
        if not colon:
            break
        if name.lower() == "status":
            status = int(value.split()[0])
        else:
            headers.add(name, value.strip())
    return status, headers
