"""A world to write any history into."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parts.hub import World, world


@pytest.fixture
def there(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        made.hub.commit("Begin", {"a.txt": b"one\n", "src/b.py": b"b = 1\n"})
        yield made
