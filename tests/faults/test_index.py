"""Each of the thirty-seven faults has a test, and the table names tests that are there."""

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tests.faults.forge_faults import FORGE_FAULTS
from tests.faults.index import FAULTS, OWN_FAULTS

ROOT = Path(__file__).parents[2]
LONG = "pytest.mark.long"


@cache
def functions_of(path: str) -> Mapping[str, bool]:
    """The test functions of a file, and whether each is run every time, and not with the long proofs alone."""
    file = ROOT / path
    tree = ast.parse(file.read_text()) if file.exists() else ast.Module(body=[], type_ignores=[])
    all_long = any(
        isinstance(node, ast.Assign)
        and ast.unparse(node.targets[0]) == "pytestmark"
        and LONG in ast.unparse(node.value)
        for node in tree.body
    )
    return {
        node.name: not all_long and all(ast.unparse(mark) != LONG for mark in node.decorator_list)
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def named(node: str) -> Mapping[str, bool]:
    """The test of that id, or, of a whole file, each."""
    path, _, name = node.partition("[")[0].partition("::")
    return {test: quick for test, quick in functions_of(path).items() if name in {"", test}}


def test_every_fault_has_a_test_that_is_there() -> None:
    assert sorted(FAULTS) == list(range(1, 38))
    assert not set(OWN_FAULTS) & set(FORGE_FAULTS), "each fault stands in one table"
    assert all(tests for _, _, tests in FAULTS.values())
    missing = [node for _, _, tests in FAULTS.values() for node in tests if not named(node)]
    assert missing == []


def test_every_fault_has_a_test_that_is_run_every_time() -> None:
    seldom = [
        fault
        for fault, (_, _, tests) in FAULTS.items()
        if not any(quick for node in tests for quick in named(node).values())
    ]
    assert seldom == []
    assert not all(functions_of("tests/faults/test_daemon_faults.py").values()), "a long one is known as such"
