"""How the daemon itself is watched: metrics, the log, traces of cases."""
