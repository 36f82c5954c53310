"""Damaged extracts with a known truth: streams, kinds of damage, and a count of what landing made of them.

Shares no code with ingest but the two calls that are measured: `collect` and the names of its tables.
What does NOT belong here: assertions (tests/faults/test_damage_figures.py).
"""
