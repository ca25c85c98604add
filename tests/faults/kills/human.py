"""A human and a platform: each pull request is merged at once, deployed at once, and then the readings are good."""

import threading
from collections.abc import Generator
from concurrent.futures import Executor
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any

import httpx

from remediation.forge.local.application import Wsgi
from tests.faults.kills.stage import GOOD, SERVICE, Stage
from tests.parts.hub import TOKEN

LOOK = 0.05  # seconds between two looks at the queue


class Human:
    """Merges what is opened on a stage's forge, after `ponder` seconds.

    `watch` goes around the forge's application, to see what is opened. `api` has one thread, and serves it.
    """

    def __init__(self, api: Executor, method: str = "merge", ponder: float = 0.0) -> None:
        self.merged: list[str] = []
        self._method = method
        self._ponder = ponder
        self._opened: SimpleQueue[str] = SimpleQueue()
        self._api = api

    def watch(self, inner: Wsgi) -> Wsgi:
        """See each request that opens a pull request, once it was served.

        The API serves one request at a time: its stand-in reads a pull request and writes the whole of it back, so that
        a label that is added in the moment of the merge could open it again. It serves them in the order in which they
        came: what a killed daemon had sent is then done before the next one looks, as it is where a lease (a second
        here) is longer than a request may take.
        """

        def application(environ: dict[str, Any], start_response: Any) -> Any:  # noqa: ANN401 - WSGI's own
            path: str = environ["PATH_INFO"]
            if not path.startswith("/api/"):
                return inner(environ, start_response)
            answer = self._api.submit(inner, environ, start_response).result()
            if environ["REQUEST_METHOD"] == "POST" and path.endswith("/pulls"):
                self._opened.put(path)
            return answer

        return application

    @contextmanager
    def at_work(self, stage: Stage) -> Generator[None]:
        """Merge until the block ends."""
        end = threading.Event()
        worker = threading.Thread(target=self._work, args=(stage, end), name="human")
        worker.start()
        try:
            yield
        finally:
            end.set()
            worker.join()

    def _work(self, stage: Stage, end: threading.Event) -> None:
        with httpx.Client(auth=("reviewer", TOKEN), trust_env=False, timeout=20) as client:
            while not end.is_set():
                try:
                    path = self._opened.get(timeout=LOOK)
                except Empty:
                    continue
                end.wait(self._ponder)
                if not self._merge_all(client, stage, f"{stage.api_url}{path.removeprefix('/api/v3')}"):
                    self._opened.put(path)  # not mergeable at this moment: look again

    def _merge_all(self, client: httpx.Client, stage: Stage, pulls: str) -> bool:
        """Merge every open pull request of a repository; False when one could not be."""
        whole = True
        for pull in client.get(pulls, params={"state": "open"}).json():
            answer = client.put(f"{pulls}/{pull['number']}/merge", json={"merge_method": self._method})
            if answer.is_error:
                whole = False
                continue
            found = SERVICE.search(pull["title"])
            if found is not None:
                stage.becomes(found[0], GOOD)
                stage.deployed(found[0], answer.json()["sha"])
                self.merged.append(pull["head"]["ref"])
        return whole
