"""`hypothesis.yaml`: somebody's own idea for an outcome, whole: what is turned, what is expected, how it is found out.

```yaml
hypothesis: Build a shorter payment form for visitors on phones, and they leave fewer carts.
outcome: checkout-abandonment
mechanism: Half of the fields are never needed, and each one costs time on a phone.
prediction: {signal: shop/abandonment, direction: down, size: 0.02}
turn: {lever: form, value: short}
measurement: {least: 0.01, days: 21}
rollout: [0.5, 1]
effort: small
risk: low
blast_radius: Every second visitor of the payment form.
```
"""

from collections.abc import Mapping
from pathlib import Path

from cases.goal import Goal
from config import own_file
from config.hypothesis_form import HypothesisFile
from config.hypothesis_misfits import misfits
from config.load import text_of
from config.settings import Settings

_SHOWN = "write the keys that docs/hypotheses.md shows"


def read(text: str, name: str, goals: Mapping[str, Goal], settings: Settings) -> HypothesisFile:
    """The hypothesis in a text, for one of the goals (by name). Raises ConfigError with every mistake.

    Mistakes of single values come alone: what does not fit together is looked at once they are right.
    """
    return own_file.read(text, name, HypothesisFile, _SHOWN, lambda found: misfits(found, goals, settings))


def text_in(path: Path) -> str:
    """The text of such a file. Raises ConfigError for one that cannot be read."""
    return text_of(path, missing="name the file that holds the hypothesis")
