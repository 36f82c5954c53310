"""MATCH: which source records are one account or one person.

Pure functions over Parquet; no Dagster, no dbt, no warehouse. `match` is the step of the pipeline (strong keys);
`linkage.link` is the engine that `etalon evaluate` measures.
"""

from orchestration.matching.matching import EntityReport, MatchReport, match

__all__ = ["EntityReport", "MatchReport", "match"]
