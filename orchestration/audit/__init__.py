"""Statistics of the sales audit: pure functions of counts and arrays to figures with their uncertainty.

Not here: which rows are counted (dbt models and the statistics step), wording and drawing (reporting), Dagster.
"""
