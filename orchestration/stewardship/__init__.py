"""Decisions of stewards: read from the company directory, handed to matching and to dbt as tables."""

from orchestration.stewardship.tables import SCHEMAS, write_decision_tables

__all__ = ["SCHEMAS", "write_decision_tables"]
