"""What the end of a command means."""

import pytest

from sandbox.results import End, end_of


@pytest.mark.parametrize(
    ("code", "short", "end"),
    [
        (0, False, End(exit_code=0, ended="exited")),
        (0, True, End(exit_code=0, ended="exited")),
        (1, True, End(exit_code=None, ended="out of memory")),
        (137, True, End(exit_code=None, ended="out of memory")),
        (137, False, End(exit_code=None, ended="killed: by SIGKILL")),
        (153, False, End(exit_code=None, ended="killed: it wrote a file over the size limit")),
        (139, False, End(exit_code=139, ended="exited")),
        (1, False, End(exit_code=1, ended="exited")),
    ],
)
def test_the_end_of_a_command(code: int, short: bool, end: End) -> None:  # noqa: FBT001 - a column of the table
    assert end == end_of(code, short_of_memory=short)
