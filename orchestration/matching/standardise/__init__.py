"""STANDARDISE: one spelling for the values that identify persons, sites and organisations.

Builders of DuckDB SQL, applied to distinct values (see records); Python touches distinct identifiers only. The
original value always stays beside what is derived from it.
What does NOT belong here: comparing two records or deciding anything about them (see linkage), reading files.
"""

from orchestration.matching.standardise.records import standardise

__all__ = ["standardise"]
