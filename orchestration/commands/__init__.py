"""The commands of `etalon`, one module each, with the name of the command.

What does NOT belong here: the work itself (see orchestration.steps, orchestration.publication, ingest).
"""
