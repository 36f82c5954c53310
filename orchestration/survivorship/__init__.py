"""Survivorship: which source record gives each attribute of a golden record, by rules that are data.

What does NOT belong here: the choice itself, which is SQL over the records of a run (dbt master).
"""

from orchestration.survivorship.rules import RULES_SCHEMA, Rule, load_rules, own_rules, write_rules

__all__ = ["RULES_SCHEMA", "Rule", "load_rules", "own_rules", "write_rules"]
