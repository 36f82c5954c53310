"""All that Dagster sees, one module per step.

What does NOT belong here: the steps' insides (see orchestration.steps).

Few events on purpose: one check per step with counts in its metadata, because Dagster's log costs about 35 ms
an event.
"""
