"""Reads what earlier publications said, from published/registry: the last row account, and the trends.

What does not belong here: writing those files (orchestration.publication), the figures of the run itself.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.reporting.definitions import metric_definitions
from orchestration.reporting.quality_figures import (
    DimensionPoint,
    FigureMove,
    FormerAccount,
    History,
    SegmentMove,
    SourcePoint,
)

if TYPE_CHECKING:
    from orchestration.reporting.inputs import Reader

PUBLICATIONS_SHOWN = 12
SEGMENTS_SHOWN = 6
#: Kinds of segments of the report; what a single seller's figures did is asked of `etalon bridge`.
SEGMENT_KINDS = (
    "channel",
    "size_band",
    "product_family",
    "currency",
    "lead_source",
    "source_table",
    "stage",
    "forecast_category",
    "team",
)
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


def figure_moves(
    published: Path, publication_id: str | None
) -> tuple[tuple[FigureMove, ...] | None, str | None]:
    """The figures of past months that moved with a publication, by metric and latest month first; and since which
    publication. (None, None) for a run that is not published.
    """
    from orchestration.publication.figure_reading import read_bridge

    rows = read_bridge(published, publication_id) if publication_id else None
    if rows is None:
        return None, None
    found = []
    for (name, month), steps in groupby(rows, key=lambda row: (row["metric_name"], row["period_month"])):
        told, definition = list(steps), metric_definitions().get(name)
        found.append(
            FigureMove(
                name,
                f"{month:%Y-%m}",
                definition.unit if definition else told[0]["unit_code"] or "",
                told[0]["value_before"],
                told[-1]["value_after"],
                tuple((row["cause_code"], row["effect"], row["n_units"]) for row in told),
                definition.label_fr if definition else "",
                definition.label_en if definition else "",
            )
        )
    return tuple(found), rows[0]["from_publication_id"] if rows else None


def segment_moves(published: Path, publication_id: str | None) -> tuple[tuple[SegmentMove, ...], int]:
    """The segments that moved most with a publication, and how many figures of segments moved; none where it is not
    published.
    """
    from orchestration.publication.figure_reading import read_moved_segments

    read = (
        read_moved_segments(published, publication_id, SEGMENT_KINDS, SEGMENTS_SHOWN)
        if publication_id
        else None
    )
    if read is None:
        return (), 0
    found = []
    for each in read[0]:
        definition = metric_definitions().get(each.metric_name)
        found.append(
            SegmentMove(
                each.metric_name,
                f"{each.period_month:%Y-%m}",
                definition.unit if definition else each.unit_code or "",
                each.segment_kind_code,
                each.segment_code,
                each.before,
                each.after,
                *each.causes[0],
                definition.label_fr if definition else "",
                definition.label_en if definition else "",
            )
        )
    return tuple(found), read[1]
