"""What the brake of a service looks at, as the settings have it: its objectives, and where its starts are counted."""

from dataclasses import replace

from cases.telemetry import Direction, Severity, Signal
from config.settings import Settings
from config.watches import WatchSettings
from remediation.brake import BrakeRule, CrashLoop, Gauges, Objective


def gauges_of(settings: Settings, service: str) -> Gauges:
    """Those of one service. Raises PermanentError where a source is not named and there are several."""
    signals = {signal.key: signal for signal in settings.watched()}
    objectives = tuple(
        Objective(
            good=_asking(signals[f"{service}/{watch.name}"], watch.slo.good),
            total=_asking(signals[f"{service}/{watch.name}"], watch.slo.total),
            budget=1.0 - watch.slo.objective / 100.0,
        )
        for watch in settings.watch
        if isinstance(watch, WatchSettings) and watch.slo is not None and watch.service == service
    )
    loops = tuple(
        CrashLoop(
            starts=Signal(
                name="starts",
                service=service,
                source=settings.source_of(loop),
                query=loop.query,
                harm=Direction.UP,
                severity=Severity.PAGE,
                pick={loop.by: service},
            ),
            above=loop.above,
        )
        for loop in settings.judgement.brake.crash_loops
    )
    return Gauges(objectives=objectives, loops=loops)


def rule_of(settings: Settings) -> BrakeRule:
    """When the brake is pulled."""
    wanted = settings.judgement.brake
    return BrakeRule(burn=wanted.burn, lasting=wanted.lasting, within=wanted.within, step=settings.judgement.step)


def _asking(signal: Signal, query: str) -> Signal:
    return replace(signal, query=query, threshold=None)
