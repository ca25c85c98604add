"""The ground of every test here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.remediation.playbooks.ground import Ground, ground


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Ground]:
    made = ground(tmp_path)
    yield made
    made.forge.close()
