"""A process that asks a fuzzed provider until it is killed. It is given the folder of ledger and bill, and a seed."""

import json
import os
import sys
from contextlib import suppress
from pathlib import Path

from cases.errors import TrackwalkerError
from config.models import BudgetSettings, ModelSettings
from config.secret import Secret
from daemon.clock import SystemClock
from daemon.ledger.ledger import open_ledger
from remediation.model import provider_of
from remediation.model.wire import Wire
from tests.parts.fuzzed_provider import Account, FuzzedProvider, Killed
from tests.parts.questions import a_question

CAP = 0.5


class Billed(Account):
    """An account whose entries are in a file before anybody hears the answer."""

    file: Path

    def bill(self, case: str, usd: float) -> None:
        handle = os.open(self.file, os.O_WRONLY | os.O_APPEND)
        os.write(handle, f"{json.dumps([case, usd])}\n".encode())
        os.close(handle)


def main() -> None:
    folder, seed = Path(sys.argv[1]), int(sys.argv[2])
    clock = SystemClock()
    account = Billed(CAP, CAP, clock.now)
    account.file = folder / "bill"
    key = folder / f"key-{seed}"
    key.write_text("a-made-up-key")
    settings = ModelSettings(
        provider="openai", diagnose="gpt-5.1", api_key=Secret("file", str(key)), max_output_tokens=256
    )
    with open_ledger(f"sqlite:///{folder}/ledger.db", clock=clock) as ledger:
        purse = ledger.purse(BudgetSettings(usd_per_day=CAP, usd_per_case=CAP))
        model = provider_of(settings, purse, clock, Wire(transport=FuzzedProvider("chat", account, seed)))
        number = 0
        while True:
            number += 1
            with suppress(TrackwalkerError, Killed):
                model.ask(a_question(f"of case c{number % 20}", case=f"c{number % 20}"))


if __name__ == "__main__":
    main()
