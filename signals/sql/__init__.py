"""SQL: one query of a database as a signal. `source` is the port; a file each for what the databases differ in."""
