"""How people are told: one file a kind of receiver, and the delivery of what the outbox holds.

A notice's words may come from telemetry or from a repository: every receiver shows them as text, never as markup.
"""
