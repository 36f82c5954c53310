"""Reads what earlier publications said, from published/registry: the last row account, and the trends.

What does not belong here: writing those files (orchestration.publication), the figures of the run itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.reporting.quality_figures import DimensionPoint, FormerAccount, History, SourcePoint

if TYPE_CHECKING:
    from orchestration.reporting.inputs import Reader

PUBLICATIONS_SHOWN = 12
_FATES = ("records_in", "kept", "quarantined", "excluded", "exact_duplicate", "superseded", "suppressed")
_ACCOUNT_COLUMNS = {"sequence", "publication_id", "cycle", "source_instance", "contract", *_FATES}
_RULE_COLUMNS = {"sequence", "publication_id", "cycle", "rule_id", "table_name", "dimension", "status"}
_STATUSES = ("pass", "warn", "fail", "waived", "not_assessed")


def former_accounts(reader: Reader, registry: Path, publication_id: str | None) -> tuple[FormerAccount, ...]:
    """The row account of the publication before `publication_id`; of the last one for a run that is not published."""
    sums = ", ".join(f"cast(sum({name}) as bigint) as {name}" for name in _FATES)
    query = f"""
        , mine as (select max(sequence) as sequence from relation where publication_id = ?),
        former as (
            select max(sequence) as sequence from relation
            where publication_id is distinct from ? and sequence < coalesce((select sequence from mine), 2147483647)
        )
        select publication_id as published_as, cycle, source_instance, coalesce(contract, '') as contract, {sums}
        from relation where sequence = (select sequence from former)
        group by all order by source_instance, contract
    """
    rows = reader.file(
        registry / "account_history.parquet", _ACCOUNT_COLUMNS, query, (publication_id, publication_id)
    )
    return tuple(FormerAccount(**row) for row in rows or ())


def publication_history(reader: Reader, registry: Path) -> History | None:
    """The last publications by dimension and by source; None before a publication left a history."""
    statuses = ", ".join(
        f"cast(count(*) filter (where status = '{status}') as bigint) as n_{status}" for status in _STATUSES
    )
    last = f"where sequence in (select distinct sequence from relation order by 1 desc limit {PUBLICATIONS_SHOWN})"
    dimensions = reader.file(
        registry / "rule_history.parquet",
        _RULE_COLUMNS,
        f"""
        select sequence, publication_id as published_as, cycle, dimension, {statuses}
        from relation {last} and dimension is not null group by all order by dimension, sequence
        """,
    )
    sources = reader.file(
        registry / "account_history.parquet",
        _ACCOUNT_COLUMNS,
        f"""
        select sequence, publication_id as published_as, cycle, source_instance,
            cast(sum(records_in) as bigint) as records_in,
            cast(sum(quarantined + excluded) as bigint) as n_set_aside
        from relation {last} group by all order by source_instance, sequence
        """,
    )
    if dimensions is None and sources is None:
        return None
    return History(
        tuple(DimensionPoint(**row) for row in dimensions or ()),
        tuple(SourcePoint(**row) for row in sources or ()),
    )
