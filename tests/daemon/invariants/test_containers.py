"""I6 on a real engine: a container that is past its deadline is named, and left alone."""

import os

from sandbox.docker import DockerSandbox
from sandbox.engine import Engine
from tests.parts.dockerd import base_image, containers, ensure_dockerd


def test_a_container_past_its_deadline_is_named_and_left_alone() -> None:
    ensure_dockerd()
    owner = f"a-stranger-{os.getpid()}"
    with Engine() as engine:
        now = round(engine.now().timestamp())
        found: set[str] = set()
        names = {kind: f"trackwalker-{kind}-overdue-{os.getpid()}" for kind in ("due", "late")}
        try:
            for _ in range(3):  # any other daemon on this engine may reap it in between
                for kind, deadline in (("due", now + 500), ("late", now - 70)):
                    labels = {"trackwalker": "sandbox", "trackwalker.owner": owner}
                    labels["trackwalker.deadline"] = str(deadline)
                    engine.remove(names[kind])
                    host = {"network_mode": "none", "init": True}
                    engine.create(name=names[kind], image=base_image(), seconds=60, labels=labels, host=host)
                found = set(DockerSandbox(owner="another").overdue()) & set(names.values())
                if found:
                    break
            assert found == {names["late"]}
            assert names["due"] in containers(f"trackwalker.owner={owner}")
        finally:
            for name in names.values():
                engine.remove(name)
