"""What SQL cannot estimate: shrunk baselines, a scored model. Pure Python between the master tables and the marts.

Each product reads the candidate warehouse (master, metrics, raw) and gives one or more tables, which dbt reads as
the source `statistics`. What does NOT belong here: Dagster (see orchestration.defs.statistics), anything that SQL
says well, any figure of its own (a mart publishes it, with its reason).
"""

from orchestration.statistics.products import PRODUCTS, Product, compute_all, one_table

__all__ = ["PRODUCTS", "Product", "compute_all", "one_table"]
