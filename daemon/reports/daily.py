"""The briefing as a job of the day: sent once, by the routes, at its hour in its zone, and made up after a downtime."""

from collections.abc import Mapping

from cases.telemetry import Severity
from daemon.keeping.daily import Daily, Errand
from daemon.ledger.ledger import Ledger
from remediation.ports import Ports

JOB = "briefing"


def briefings_of(ports: Ports, ledger: Ledger) -> tuple[Daily, ...]:
    """The job, where the settings want a briefing."""
    wanted = ports.settings.alerts.briefing
    if wanted is None:
        return ()

    def work(_: Errand) -> Mapping[str, str]:
        from daemon.reports.briefing import briefing_of

        now = ledger.clock.now()
        day, briefing = daily.due(now), briefing_of(ledger, ports.settings, now)
        severity = Severity.TICKET if briefing.waits else Severity.NOTE
        told = ports.tell(f"briefing-{day}", severity, f"Trackwalker's briefing of {day}", briefing.text, case="")
        ledger.outbox.send(told, now)  # its key is the day's: a job that is run again tells nothing twice
        return {"day": day, "sections": str(len(briefing.sections))}

    daily = Daily(name=JOB, hour=wanted.at.hour, minute=wanted.at.minute, zone=wanted.zone, work=work)
    return (daily,)
