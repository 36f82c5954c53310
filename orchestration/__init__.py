"""ORCHESTRATE: settings, matching, publication, reports and the command line.

Dagster is imported in `definitions` and `defs` only; importing this package costs nothing.
"""
