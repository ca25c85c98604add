"""A corner shop on the web."""
