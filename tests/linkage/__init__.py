"""Seeded record sets with known truth for the linkage engine; planted traps are pairs that must never merge."""
