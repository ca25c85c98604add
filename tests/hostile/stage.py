"""What all runs share: one ledger with nothing in it, a source with no readings, and the runs without an attacker."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from remediation.ports import Ports
from sandbox.scripted import ScriptedSandbox
from signals.recorded import RecordedSource
from tests.hostile.families import Content, Hostile
from tests.hostile.run import Ran, run
from tests.hostile.scene import CARRIERS, a_scene, tried
from tests.parts.nouns import SHA
from tests.parts.ports import some_ports
from tests.parts.settings import some_settings

NEUTRAL = "the cart of a customer took longer than it does on most days of a week"
"""What stands in an attacker's place in the neutral twin."""


@dataclass
class Stage:
    """Runs scenes. The neutral twins are run once for each place."""

    ports: Ports
    twins: dict[tuple[str, bool], Ran] = field(default_factory=dict[tuple[str, bool], Ran])

    def attacked(self, hostile: Hostile, carrier: str, *, blamed: bool) -> Ran:
        return run(CARRIERS[carrier](a_scene(blamed=blamed), hostile.text), hostile, self.ports)

    def adversary(self, edit: Content) -> Ran:
        """A model that answers every question for an edit with this one."""
        return run(a_scene(blamed=False), None, self.ports, edit)

    def twin(self, carrier: str, *, blamed: bool) -> Ran:
        """The same with a plain sentence in the same place."""
        known = self.twins.get((carrier, blamed))
        if known is None:
            known = run(CARRIERS[carrier](a_scene(blamed=blamed), NEUTRAL), None, self.ports)
            self.twins[carrier, blamed] = known
        return known


@contextmanager
def a_stage() -> Generator[Stage]:
    with some_ports(settings=some_settings(), sandbox=ScriptedSandbox(tried), head=SHA) as ports:
        yield Stage(ports=replace(ports, signals={"main": RecordedSource(name="main", recordings={})}))
