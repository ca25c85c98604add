"""What language models have cost, as one document: what `trackwalker spend --json` prints and the oversight shows."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from config.models import BudgetSettings
from daemon.ledger.spend import DAY, LedgerSpend


def spending(spend: LedgerSpend, budget: BudgetSettings, now: datetime) -> dict[str, Any]:
    """The last 24 hours, all of it, and the caps; in USD."""
    caps = {
        "usd_per_day": budget.usd_per_day,
        "usd_per_case": budget.usd_per_case,
        "usd_per_call": budget.usd_per_call,
        "usd_per_class": {name: usd for name, usd in budget.usd_per_class if usd is not None},
    }
    return {"last_24_hours": _since(spend, now - DAY), "in_all": _since(spend, None), "budget": caps}


def _since(spend: LedgerSpend, since: datetime | None) -> dict[str, Any]:
    document = asdict(spend.total(since))
    del document["of"]
    document["by_model"] = [asdict(total) for total in spend.by_model(since)]
    document["by_purpose"] = [asdict(total) for total in spend.by_purpose(since)]
    document["by_signal"] = [asdict(total) for total in spend.by_signal(since)]
    document["by_service"] = [asdict(total) for total in spend.by_service(since)]
    document["by_case"] = [asdict(total) for total in spend.by_case(since)]
    return document
