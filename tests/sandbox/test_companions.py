"""A server beside a trial: its commands reach it, nobody else does, and it ends with them."""

import ast
import io
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import docker
import pytest

from cases.errors import PermanentError
from cases.trying import CommandReport, Companion, TrialOrder
from config.companions import CompanionSettings
from sandbox.companions import listening
from sandbox.docker import DockerSandbox
from tests.parts.dockerd import base_image, containers
from tests.sandbox.orders import an_order, tree_of
from tests.sandbox.pooled import pooled, until

OWNER = f"companions-{os.getpid()}"
PORT = 7432
SERVER = f"""\
import os, socket, time
time.sleep(0.3)
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
told = {{key: status[key].strip() for key in ("CapEff", "NoNewPrivs", "Seccomp")}}
told |= {{"root": os.access("/usr", os.W_OK), "interfaces": [name for _, name in socket.if_nameindex()]}}
with socket.create_server(("127.0.0.1", {PORT})) as server:
    while True:
        client, _ = server.accept()
        with client:
            asked = client.recv(100).decode()
            client.sendall((repr(told) if asked == os.environ["STORE_PASSWORD"] else "no").encode())
        if asked == "end":
            break
"""
ASK = f"""\
import os, socket, sys
with socket.create_connection((sys.argv[1], {PORT}), 2) as client:
    client.sendall(os.environ.get(sys.argv[2], sys.argv[2]).encode())
    print(client.recv(500).decode())
"""


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    """The base image, with that server as what it is for."""
    tag = f"trackwalker-store-{os.getpid()}"
    client: Any = docker.from_env()
    recipe = f"FROM {base_image()}\nENTRYPOINT {json.dumps(['python3', '-c', SERVER])}\n"
    client.images.build(fileobj=io.BytesIO(recipe.encode()), tag=tag, rm=True)
    yield tag
    client.images.remove(tag, force=True)
    client.close()


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    base_image()
    yield
    until(lambda: not containers(f"trackwalker.owner={OWNER}"))


def a_store(image: str, **more: Any) -> Companion:  # noqa: ANN401 - whatever a companion has
    settings = {"image": image, "name": "orders-db", "port": PORT, "environment": {"STORE_PASSWORD": "{password}"}}
    return CompanionSettings.model_validate(
        {**settings, "offers": {"STORE": "{password}@{host}:{port}"}, **more}
    ).companion()


def with_store(store: Companion, *lines: str, seconds: float = 30) -> TrialOrder:
    order = an_order(*lines, image=base_image(), tree=tree_of({"ask.py": ASK}), seconds=seconds)
    return replace(order, companions=(store,))


def ran(order: TrialOrder) -> tuple[CommandReport, ...]:
    return DockerSandbox(owner=OWNER).run(order).commands


def test_the_commands_reach_it_by_name_with_this_trials_password_and_it_stands_behind_the_same_walls(
    image: str,
) -> None:
    order = with_store(
        a_store(image),
        "python ask.py orders-db TRACKWALKER_ORDERS_DB_PASSWORD",
        "python ask.py 127.0.0.1 guessed",
        "echo $STORE",
    )
    told, refused, offered = ran(order)
    walls = ast.literal_eval(told.output)
    # What an image that begins as root needs to give that up: chown, dac_override, fowner, setgid and setuid.
    assert walls == {
        "CapEff": f"{0b11001011:016x}",
        "NoNewPrivs": "1",
        "Seccomp": "2",
        "root": False,
        "interfaces": ["lo"],
    }
    assert (refused.exit_code, refused.output) == (0, "no\n")
    password, _, where = offered.output.partition("@")
    assert (len(password), where) == (32, f"127.0.0.1:{PORT}\n")
    assert ran(with_store(a_store(image), "echo $STORE"))[0].output != offered.output, "another password each trial"


@pytest.mark.long
def test_neither_the_host_nor_another_trials_companion_can_be_reached(image: str) -> None:
    order = with_store(a_store(image), "sleep 4; python ask.py orders-db TRACKWALKER_ORDERS_DB_PASSWORD")
    others: list[CommandReport] = []
    thread = threading.Thread(target=lambda: others.extend(ran(order)))
    thread.start()
    until(lambda: len(containers(f"trackwalker.owner={OWNER}")) == 2)
    alone = an_order(
        "python ask.py 127.0.0.1 x", "cat /proc/net/route", image=base_image(), tree=tree_of({"ask.py": ASK})
    )
    lonely, routes = ran(alone)
    assert "Connection refused" in lonely.output
    assert len(routes.output.splitlines()) <= 1, "no way out"
    thread.join()
    assert others[0].exit_code == 0


@pytest.mark.long
def test_it_serves_a_container_that_waited(image: str) -> None:
    order = with_store(a_store(image), "python ask.py orders-db TRACKWALKER_ORDERS_DB_PASSWORD")
    with pooled(order, owner=OWNER) as (sandbox, told):
        (asked,) = sandbox.run(order).commands
    assert "NoNewPrivs" in asked.output
    assert told[0] == "taken"


def test_a_suite_that_fails_after_its_companion_ended_has_not_failed(image: str) -> None:
    first, *rest = ran(with_store(a_store(image), "python ask.py localhost end; sleep 0.5; false", "echo never"))
    assert (first.exit_code, first.ended) == (None, "killed: its companion orders-db ended before it did")
    assert rest == []


def test_one_that_ends_before_it_is_ready_is_told_with_its_last_words(image: str) -> None:
    store = a_store(image, environment={})
    order = with_store(replace(store, port=PORT + 1), "true")
    asking = replace(
        store, ready='python3 -c \'import socket; socket.create_connection(("127.0.0.1", 7432)).send(b"x")\'; false'
    )
    with pytest.raises(PermanentError, match=r"companion orders-db .* ended before it was ready.*KeyError"):
        ran(replace(order, companions=(asking,)))


def test_a_companion_that_is_not_there_is_named() -> None:
    with pytest.raises(PermanentError, match=r"no image 'nobody/store:1'"):
        ran(with_store(a_store("nobody/store:1"), "true"))


def test_what_listens_is_read_from_the_kernels_table() -> None:
    table = """
      sl  local_address rem_address   st
       0: 0100007F:1538 00000000:0000 0A 0:0
       1: 0100007F:0050 0100007F:1538 01 0
    """
    assert listening(table) == {5432}


def test_of_postgres_everything_is_known() -> None:
    known = CompanionSettings(image="registry.example:5000/team/postgres:16").companion()
    assert (known.name, known.port) == ("postgres", 5432)
    assert known.ready is not None
    assert dict(known.environment)["POSTGRES_PASSWORD"] == "{password}"
    assert dict(known.offers)["DATABASE_URL"] == "postgresql://{user}:{password}@{host}:{port}/{database}"
