"""Where trees are run in the short suite: a plain child process a command, for the scenarios' own service alone.

The long suite and the benchmark use the real sandbox. Hidden programs are run by whoever judges, never by the product.
"""

import io
import json
import subprocess
import sys
import tarfile
import tempfile
import time

from cases.ports import Sandbox
from cases.trying import Command, CommandReport, TrialOrder
from sandbox.scripted import ScriptedSandbox
from tests.scenarios.stage import tar_of

RUNNER = """
import importlib.util, json, os, pathlib, sys, traceback
sys.path.insert(0, '.')
told = []
def failed(name, test, error):
    frame = traceback.extract_tb(error.__traceback__)[-1]
    kind = type(error).__name__
    told.append((f'{name}::{test}', 'failed'))
    place = os.path.relpath(frame.filename)
    print(f'______ {test} ______', '', f'E   {kind}: {error}', '', f'{place}:{frame.lineno}: {kind}', sep='\\n')
print('=== FAILURES ===')
for path in sorted(pathlib.Path('tests').glob('test_*.py')):
    name = f'tests.{path.stem}'
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        failed(name, 'import', error)
        continue
    for test in [one for one in vars(module) if one.startswith('test_')]:
        try:
            getattr(module, test)()
            told.append((f'{name}::{test}', 'passed'))
        except Exception as error:
            failed(name, test, error)
print('=== short test summary info ===')
print(json.dumps(told))
"""
HIDDEN = "judged_hidden.py"


def plain_bench() -> ScriptedSandbox:
    """A sandbox's place, for code that this repository itself generated."""
    return ScriptedSandbox(_run, words="a plain process (only for the scenarios' own service)")


def _run(order: TrialOrder, command: Command) -> CommandReport:
    with tempfile.TemporaryDirectory(prefix="scenario-") as folder:
        with tarfile.open(fileobj=io.BytesIO(order.tree)) as tar:
            tar.extractall(folder, filter="data")
        line = [sys.executable, "-I", "-B", "-c", RUNNER] if command.name == "test" else ["sh", "-c", command.line]
        began = time.perf_counter()
        ran = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    told: list[list[str]] = json.loads(ran.stdout.splitlines()[-1]) if command.name == "test" else []
    tests = tuple((test, outcome) for test, outcome in told)
    failed = any(outcome == "failed" for _, outcome in tests)
    return CommandReport(
        name=command.name,
        exit_code=int(failed) if tests else ran.returncode,
        ended="exited",
        output=(ran.stdout.rpartition("\n[")[0] + ran.stderr)[-4000:],
        seconds=time.perf_counter() - began,
        tests=tests,
    )


def right(sandbox: Sandbox, order: TrialOrder, tree: dict[str, bytes], hidden: str) -> str:
    """Run the hidden program at the top of a tree; "" where the tree is right, otherwise what it said."""
    whole = {**tree, HIDDEN: hidden.encode()}
    report = sandbox.run(
        TrialOrder(key=order.key, image=order.image, tree=tar_of(whole), commands=order.commands, memory_mib=256)
    ).commands[0]
    if report.ended == "exited" and report.exit_code == 0:
        return ""
    said = [line for line in report.output.splitlines() if line.strip()]
    return said[-1] if said else f"it ended with {report.exit_code} ({report.ended})"
