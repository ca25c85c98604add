"""Loki: error lines and metric queries. `source` is the ports, `http` one bounded exchange, `lines` what it holds."""
