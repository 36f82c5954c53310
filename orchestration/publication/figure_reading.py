"""Reads kpi_bridge and kpi_segment_bridge of a publication, with the unit of each metric.

What does NOT belong here: making it (see moved_figures), words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from ingest.sql import literal
from orchestration.bridge.cuts import KPI_MART, parts_of
from orchestration.explaining.definitions import definitions


@dataclass(frozen=True)
class MovedSegment:
    """A figure of a segment that moved. share: of the whole's, the largest among its parts; None without a whole.

    before, after: a count or sum, or a rate from its halves. causes: cause, movement; the largest effect first.
    """

    metric_name: str
    period_month: date
    segment_kind_code: str
    segment_code: str
    unit_code: str | None
    before: Decimal
    after: Decimal
    causes: tuple[tuple[str, str], ...]
    share: Decimal | None


def read_bridge(published: Path, publication_id: str) -> list[dict[str, Any]] | None:
    """Rows of kpi_bridge with `unit_code`, by metric, month (latest first) and step; None where there is no table."""
    return _read(published, publication_id, "kpi_bridge", "metric_name, period_month desc, step_order")


def read_segment_bridge(published: Path, publication_id: str) -> list[dict[str, Any]] | None:
    """Rows of kpi_segment_bridge likewise, by metric, month (latest first), segment, part, step and movement."""
    order = "metric_name, period_month desc, segment_kind_code, segment_code, part_code, step_order, movement_code"
    return _read(published, publication_id, "kpi_segment_bridge", order)


def published_segments(published: Path, publication_id: str, kind: str) -> list[str]:
    """Codes of a kind that the KPI mart of a publication, or its bridge, gives; none where there are no such tables."""
    folder = published / "parquet" / publication_id
    files = [folder / f"{name}.parquet" for name in (KPI_MART, "kpi_segment_bridge")]
    given = " union ".join(
        f"select segment_code from {_file(path)} where segment_kind_code = $kind"
        for path in files
        if path.is_file()
    )
    if not given:
        return []
    with duckdb.connect() as con:
        return [code for (code,) in con.execute(f"{given} order by 1", {"kind": kind}).fetchall() if code]


def _read(published: Path, publication_id: str, table: str, order: str) -> list[dict[str, Any]] | None:
    folder = published / "parquet" / publication_id
    bridge, restated = folder / f"{table}.parquet", folder / "kpi_restatements.parquet"
    if not (bridge.is_file() and restated.is_file()):
        return None
    with duckdb.connect() as con:
        return _rows(
            con,
            f"select b.*, r.unit_code from {_file(bridge)} as b"
            f" left join {_file(restated)} as r using (metric_name, period_month) order by {order}",
        )


def read_moved_segments(
    published: Path, publication_id: str, kinds: Iterable[str], n_shown: int
) -> tuple[list[MovedSegment], int] | None:
    """Of each figure and kind the segment that moved most, by what moved of a part as a share of the whole's, the
    largest first; and how many figures of segments moved.

    None where there is no table. A figure that appears or disappears, and one that no parts give, such as a median,
    is left out; so is a rate with a half that does not add up, of which nothing says what it was before.
    """
    folder = published / "parquet" / publication_id
    files = {
        name: folder / f"{name}.parquet" for name in ("kpi_segment_bridge", "kpi_restatements", KPI_MART)
    }
    if not all(path.is_file() for path in files.values()):
        return None
    listed = ", ".join(literal(each) for each in kinds)
    halved = [
        name for name, each in definitions().items() if {"numerator", "denominator"} <= parts_of(each).keys()
    ]
    rates = ", ".join(map(literal, halved))
    with duckdb.connect() as con:
        rows = _rows(
            con,
            f"""
            with whole as (
                select metric_name, period_month, metric_value, numerator, denominator from {_file(files[KPI_MART])}
                where segment_kind_code = 'all'
            ),
            parts as (
                select metric_name, period_month, segment_kind_code, segment_code, part_code,
                    arg_min({{'v': value_before}}, (step_order, movement_code)).v as before,
                    arg_max({{'v': value_after}}, (step_order, movement_code)).v as after
                from {_file(files["kpi_segment_bridge"])} where segment_kind_code in ({listed}) group by all
            ),
            shares as (
                select p.metric_name, p.period_month, p.segment_kind_code, p.segment_code,
                    max({{'b': before, 'a': after}}) filter (where part_code = 'value') as value,
                    max({{'b': before, 'a': after}}) filter (where part_code = 'numerator') as numerator,
                    max({{'b': before, 'a': after}}) filter (where part_code = 'denominator') as denominator,
                    max(abs(cast(after - before as double)) / nullif(abs(cast(case part_code
                        when 'value' then w.metric_value when 'numerator' then w.numerator else w.denominator
                    end as double)), 0)) as share
                from parts as p left join whole as w using (metric_name, period_month)
                where before is distinct from after group by all
            ),
            halves as (
                select s.*, c.metric_value, c.numerator as numerator_now, c.denominator as denominator_now
                from shares as s left join {_file(files[KPI_MART])} as c
                    using (metric_name, period_month, segment_kind_code, segment_code)
            ),
            told as (
                select metric_name, period_month, segment_kind_code, segment_code, share, value is not null as is_value,
                    value.b as value_before, value.a as value_after,
                    coalesce(numerator.b, numerator_now) as n_before, coalesce(numerator.a, numerator_now) as n_after,
                    coalesce(denominator.b, denominator_now) as d_before,
                    coalesce(denominator.a, denominator_now) as d_after
                from halves
            ),
            valued as (
                select metric_name, period_month, segment_kind_code, segment_code,
                    cast(share as decimal(38, 10)) as share,
                    case when is_value then value_before
                        else cast(cast(n_before as double) / nullif(cast(d_before as double), 0) as decimal(38, 10))
                    end as before,
                    case when is_value then value_after
                        else cast(cast(n_after as double) / nullif(cast(d_after as double), 0) as decimal(38, 10))
                    end as after
                from told where is_value or metric_name in ({rates})
            ),
            kept as (
                select *, count(*) over () as n_moved, row_number() over (
                    partition by metric_name, period_month, segment_kind_code
                    order by share desc nulls last, segment_code
                ) as nth
                from valued where before <> after
            )
            select k.metric_name, k.period_month, k.segment_kind_code, k.segment_code, r.unit_code, n_moved, before,
                after, share,
                list_transform(
                    (select list({{'c': cause_code, 'm': movement_code}} order by size desc, step_order, movement_code)
                     from (
                        select cause_code, movement_code, step_order, max(abs(effect)) as size
                        from {_file(files["kpi_segment_bridge"])} as b
                        where (b.metric_name, b.period_month, b.segment_kind_code, b.segment_code)
                            = (k.metric_name, k.period_month, k.segment_kind_code, k.segment_code)
                        group by all
                     )), lambda each: [each.c, each.m]
                ) as causes
            from kept as k left join {_file(files["kpi_restatements"])} as r using (metric_name, period_month)
            where nth = 1
            order by k.share desc nulls last, k.period_month desc, k.metric_name, k.segment_kind_code, k.segment_code
            limit {n_shown}
            """,
        )
    n_moved = rows[0]["n_moved"] if rows else 0
    return [
        MovedSegment(
            **{name: value for name, value in row.items() if name not in ("n_moved", "causes")},
            causes=tuple((cause, movement) for cause, movement in row["causes"]),
        )
        for row in rows
    ], n_moved


def _file(path: Path) -> str:
    return f"read_parquet({literal(str(path))})"


def _rows(con: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    cursor = con.execute(query)
    names = [item[0] for item in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
