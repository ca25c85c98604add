"""How far the clocks of telemetry, forge and this machine may be apart."""

from datetime import timedelta

SKEW = timedelta(minutes=2)
