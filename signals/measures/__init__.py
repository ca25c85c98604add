"""What users behind a flag did: exposures and events of databases, joined per user. `measures` is the port."""
