"""Settings of the brake: what takes a merged change back at once, whatever its own metric says."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from config.fields import Duration, Name, Text, lasting
from config.section import Section
from config.seldom_used import WhenUsed


class CrashLoopSettings(Section):
    """How it shows that the instances of a service start over and over."""

    query: Text
    """Starts or failures of a service's instances over the last minutes, in PromQL, as in sum by (service)
    (increase(kube_pod_container_status_restarts_total[10m])), or sum by (service) (changes(up[10m]))."""

    by: Name = "service"
    """The label that names the service."""

    above: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 3.0
    """The reading from which it is a loop: more than one deploy makes by itself."""

    source: Name | None = None
    """The Prometheus that is asked. None: the only one."""


class BrakeSettings(Section):
    """When a merged change is taken back because its service breaks down right after it.

    It looks at the objectives of the case's service (`watch: slo`) and at crash loops, from the merge on, and needs no
    word of the case's own metric. What was as bad before the change is none of its doing, and pulls nothing.
    """

    burn: Annotated[float, Field(ge=1, allow_inf_nan=False)] | None = 3.0
    """How many times as fast as asks for a page (14.4 times the budget) it must be spent, both since the change and for
    `lasting`; at most nine failures of ten are asked for. None: objectives pull no brake."""

    within: Annotated[Duration, lasting(timedelta(minutes=10), timedelta(hours=6))] = timedelta(hours=1)
    """How long after the change it is looked for: later the judgement and the kill rule see it."""

    lasting: Duration = timedelta(minutes=5)
    """How long it must be that bad, up to now."""

    crash_loops: Annotated[tuple[CrashLoopSettings, ...], WhenUsed()] = ()
    """Where starts are counted. None by default: no metric of that name is everywhere."""
