"""`trackwalker backup`, `restore` and `purge`, as an operator uses them."""

import json
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cases.errors import PermanentError
from config.load import load
from daemon.clock import SystemClock
from daemon.home import at_home
from daemon.house import housed
from daemon.keeping.removal import PURGED
from daemon.keeping.restore import RESTORED
from daemon.ledger.ledger import open_ledger
from tests.daemon.keeping.filled import NOW, a_closed_case, an_open_case, whole
from tests.parts.postgres import OWNERS_PASSWORD, RunningPostgres
from tests.parts.settings import a_document
from tests.parts.stores import new_base


class Desk:
    """A folder with a configuration, where commands are typed."""

    def __init__(self, folder: Path, **more: Any) -> None:  # noqa: ANN401 - keys of a configuration
        self.folder = folder
        self.store = folder / "store.db"
        self.config = folder / "trackwalker.yaml"
        self.write(store=f"sqlite:///{self.store}", **more)

    def write(self, **more: Any) -> None:  # noqa: ANN401 - the same
        self.config.write_text(json.dumps(a_document(**more)))

    def run(self, words: Sequence[str]) -> Result:
        from daemon.main import trackwalker

        return CliRunner().invoke(trackwalker, [*words, "--config", str(self.config)])

    def said(self, *words: str) -> str:
        done = self.run(words)
        assert done.exit_code == 0, (done.output, done.exception)
        return done.output

    def json(self, *words: str) -> Any:  # noqa: ANN401 - a document
        return json.loads(self.said(*words, "--json"))

    def refused(self, *words: str) -> str:
        done = self.run(words)
        assert done.exit_code != 0
        return str(done.exception) if isinstance(done.exception, PermanentError) else done.output


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    with open_ledger(f"sqlite:///{desk.store}") as ledger:
        an_open_case(ledger, "a")
        a_closed_case(ledger, "b")
    return desk


def test_a_backup_has_a_name_of_its_own_and_only_as_many_stay_as_are_kept(desk: Desk) -> None:
    desk.write(store=f"sqlite:///{desk.store}", backup={"keep": 1})
    first = desk.json("backup")
    assert (first["cases"], first["removed"]) == ({"open": 1, "closed": 1}, [])
    file = Path(first["file"])
    assert file.parent == desk.folder / ".trackwalker" / "backups"
    older = file.rename(file.with_name("trackwalker-20200101T000000Z.db"))
    assert "1 open and 1 closed cases" in desk.said("backup", str(desk.folder / "mine.db"))
    assert older.exists(), "a copy with a name of its own is none of the nightly ones"
    assert desk.json("backup")["removed"] == [str(older)]
    assert "is there already" in desk.refused("backup", str(desk.folder / "mine.db"))
    desk.said("backup", str(desk.folder / "mine.db"), "--force")


def test_a_damaged_store_names_the_backup_and_the_very_command_that_restores_it(desk: Desk) -> None:
    backup = desk.json("backup")["file"]
    with open_ledger(f"sqlite:///{desk.store}") as ledger:
        before = whole(ledger)
    content = desk.store.read_bytes()
    desk.store.write_bytes(content[:4096] + bytes(byte ^ 0xFF for byte in content[4096:]))
    with (
        pytest.raises(PermanentError, match="is not a healthy database") as refusal,
        housed(load(desk.config), SystemClock(), config=desk.config),
    ):
        pass
    assert f"the newest healthy backup is {backup}" in str(refusal.value)
    assert backup in desk.refused("cases")
    told = re.search(r"`trackwalker (.*?)`", str(refusal.value))
    assert told is not None
    words = shlex.split(told[1])
    assert words[-2:] == ["--config", str(desk.config)]
    said = desk.said(*words[:-2])
    assert "1 open and 1 closed cases" in said
    assert len(list(desk.folder.glob("store.db.aside-*"))) >= 1, "what was there is kept"
    with open_ledger(f"sqlite:///{desk.store}") as ledger:
        assert whole(ledger) == before
        assert ledger.audit.listed()[-1].action == RESTORED


def test_a_restore_goes_nowhere_but_into_an_empty_store_of_nobody(desk: Desk) -> None:
    backup = desk.json("backup")["file"]
    assert "never writes over them" in desk.refused("restore", backup)
    assert "is the store itself" in desk.refused("restore", str(desk.store), "--aside")
    assert "there is no file" in desk.refused("restore", "nowhere.db", "--aside")
    with at_home(desk.folder):
        assert "a daemon runs on the store" in desk.refused("restore", backup, "--aside")
    assert list(desk.folder.glob("*.aside-*")) == []
    done = desk.json("restore", backup, "--aside")
    assert (done["backup"]["cases"], Path(done["aside"]).exists()) == ({"open": 1, "closed": 1}, True)


def test_the_way_to_postgresql_and_back(desk: Desk, postgres: RunningPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_PASSWORD", OWNERS_PASSWORD)
    first = desk.json("backup")
    server = {"store": postgres.url(base=new_base(postgres)), "store_password": "env:STORE_PASSWORD"}
    desk.write(**server, home=str(desk.folder / "home"))
    done = desk.json("restore", first["file"])
    assert (done["aside"], done["backup"]["cases"]) == (None, {"open": 1, "closed": 1})
    assert "--aside moves a SQLite file" in desk.refused("restore", first["file"], "--aside")
    second = desk.json("backup", str(desk.folder / "back.db"))
    assert second["audit"]["seq"] == done["seq"]
    desk.write(store=f"sqlite:///{desk.folder / 'again.db'}")
    desk.said("restore", second["file"])
    assert [case["id"] for case in desk.json("cases")] == ["b", "a"]


def test_a_purge_is_seen_before_it_is_done(desk: Desk) -> None:
    with open_ledger(f"sqlite:///{desk.store}") as ledger:
        a_closed_case(ledger, "hers", NOW, guidance="Jane Doe said so")
    assert "--older-than 90d, or --subject TEXT" in desk.refused("purge")
    assert "at least 1d" in desk.refused("purge", "--older-than", "5m")
    plan = desk.json("purge", "--subject", "jane doe", "--dry-run")
    assert ([case["id"] for case in plan["cases"]], plan["dry_run"]) == (["hers"], True)
    assert "hers" in desk.said("purge", "--subject", "jane doe", "--dry-run")
    assert desk.json("purge", "--subject", "jane doe")["cases"] == plan["cases"]
    assert "its history was removed on" in desk.refused("cases", "show", "hers")
    assert "case hers of shop is closed; its history was removed on" in desk.said("cases")
    assert len(desk.json("lessons")) == 2
    gone = desk.json("purge", "--older-than", "1d", "--effects")
    assert (gone["cases"], gone["effects"], gone["audit"]) == ([], 1, 0)
    assert "1 histories of cases, 0 effects" in desk.said("purge", "--older-than", "1d")
    with open_ledger(f"sqlite:///{desk.store}") as ledger:
        assert whole(ledger).keys() == {"a"}
        actors = {line.actor for line in ledger.audit.listed() if line.action == PURGED}
    assert {actor.partition(":")[0] for actor in actors} == {"human"}


@pytest.mark.parametrize("words", [("backup",), ("purge", "--older-than", "1d")])
def test_a_store_that_is_not_there_is_not_made(tmp_path: Path, words: tuple[str, ...]) -> None:
    desk = Desk(tmp_path)
    assert f"there is no store {desk.store}" in desk.refused(*words)
    assert not desk.store.exists()
