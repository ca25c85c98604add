"""Keeping the store: copies of it, the way back from one, and what is removed when it is old."""
