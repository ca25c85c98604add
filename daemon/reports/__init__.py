"""Reports: what a stretch of work came to. Made of what the ledger holds, and recomputable from its rows."""
