"""CLEAN -> DECIDE: the rule catalogue, the suites made from it, the gate, the cleaning journal.

What does not belong here: changing data (ingest and dbt do), Dagster, dbt. Great Expectations is imported
in suites/ only, and only when a validation runs: importing this package stays cheap.
"""
