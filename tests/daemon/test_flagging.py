"""Each service's flags are asked where its settings say that they live."""

from pathlib import Path
from typing import Any

import pytest

from cases.errors import PermanentError
from cases.flags import FlagPlace
from daemon.clock import SystemClock
from daemon.flagging import flags_of
from tests.parts import launchdarkly, unleash
from tests.parts.flags import FILE, KEY, seed
from tests.parts.hub import World, world
from tests.parts.settings import some_settings

EXPOSURES = {"source": "shop", "query": "select unit, variant, time from seen where flag = :flag"}


def a_service(name: str, **lives: Any) -> dict[str, Any]:  # noqa: ANN401 - keys of a configuration
    experiments = {"experiments": {**lives, "exposures": EXPOSURES}} if lives else {}
    return {"name": name, "repository": "shop", **experiments}


def test_each_service_has_its_flags_where_it_says(tmp_path: Path) -> None:
    (tmp_path / "unleash").write_text(unleash.TOKEN)
    (tmp_path / "launchdarkly").write_text(launchdarkly.TOKEN)
    with world(tmp_path) as made, unleash.an_unleash() as one, launchdarkly.a_launchdarkly() as other:
        seed(made.hub)
        flags = flags_of(settings_of(tmp_path, one.url, other.url), made.forge, SystemClock())
        places = [
            FlagPlace(service="shop", key=KEY, repository="shop", file=FILE),
            FlagPlace(service="search", key=KEY),
            FlagPlace(service="mail", key=KEY),
        ]
        for place in places:
            assert not flags.off(place, f"kill-{place.service}", "a guardrail was violated").adopted
            now = flags.now(place)
            assert now is not None
            assert not now.on
        assert not one.enabled[KEY]
        assert not other.on[KEY]
        with pytest.raises(
            PermanentError, match=r"nothing says where checkout-copy of pages lives: write services\[\]"
        ):
            flags.now(FlagPlace(service="pages", key=KEY))


def test_a_forge_without_copies_has_no_flags(tmp_path: Path) -> None:
    made: World
    with world(tmp_path) as made:
        flags = flags_of(some_settings(), made.served, SystemClock())  # pyright: ignore[reportArgumentType]
        with pytest.raises(PermanentError, match="no copies of its repositories"):
            flags.now(FlagPlace(service="shop", key=KEY, repository="shop", file=FILE))


def settings_of(folder: Path, one: str, other: str) -> Any:  # noqa: ANN401 - Settings, built in one place
    return some_settings(
        services=[
            a_service("shop", flagd={"file": FILE}),
            a_service("search", unleash={"url": one, "token": f"file:{folder}/unleash"}),
            a_service("mail", launchdarkly={"url": other, "token": f"file:{folder}/launchdarkly"}),
            a_service("pages"),
        ],
        signals={
            "prometheus": [{"name": "main", "url": "http://127.0.0.1:9"}],
            "sql": [{"name": "shop", "url": f"sqlite:///{folder}/shop.db", "query": "select 1 as value"}],
        },
    )
