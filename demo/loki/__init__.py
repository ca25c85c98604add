"""A stand-in for a Loki: what it is sent, what it remembers, how it answers."""
