import pytest

from shop import settings


def test_the_shipped_settings_can_be_read() -> None:
    assert settings.load().pool_size > 0


def test_a_line_that_is_no_setting_is_named() -> None:
    with pytest.raises(settings.BadSettings, match="line 2: 'colour: blue'"):
        settings.read("pool_size: 6\ncolour: blue\n")


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(settings.BadSettings, match="missing: cache_ttl_s, timeout_ms"):
        settings.read("pool_size: 6  # connections\n")
