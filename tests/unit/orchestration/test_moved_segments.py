"""The segments that moved most, read from the tables of a publication."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.publication.figure_reading import read_moved_segments

PLACE = {"period_month": date(2026, 5, 1), "segment_kind_code": "channel", "segment_code": "web"}


def number(value: int | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def plant(root: Path, bridge: list[tuple], now: list[tuple]) -> None:
    """bridge: metric, part, before, after. now: metric, value, numerator, denominator of the segment; the whole too."""
    folder = root / "parquet" / "p2"
    folder.mkdir(parents=True)
    figure = pa.decimal128(38, 10)
    key = [("metric_name", pa.string()), ("period_month", pa.date32())]
    segment = [("segment_kind_code", pa.string()), ("segment_code", pa.string())]
    tables = {
        "kpi_segment_bridge": (
            [
                PLACE | {"metric_name": name, "part_code": part, "cause_code": "correction", "step_order": 5,
                         "movement_code": "within", "value_before": number(before), "value_after": number(after),
                         "effect": number(after - before)}
                for name, part, before, after in bridge
            ],
            [*key, *segment, ("part_code", pa.string()), ("cause_code", pa.string()), ("step_order", pa.int32()),
             ("movement_code", pa.string()), ("value_before", figure), ("value_after", figure), ("effect", figure)],
        ),
        "kpi_restatements": (
            [{"metric_name": name, "period_month": PLACE["period_month"], "unit_code": "rate"} for name, *_ in now],
            [*key, ("unit_code", pa.string())],
        ),
        "mart_management_kpis_month": (
            [
                PLACE | whole | {"metric_name": name, "metric_value": number(value), "numerator": number(numerator),
                                 "denominator": number(denominator)}
                for name, value, numerator, denominator in now
                for whole in ({}, {"segment_kind_code": "all", "segment_code": "all"})
            ],
            [*key, *segment, ("metric_value", figure), ("numerator", figure), ("denominator", figure)],
        ),
    }  # fmt: skip
    for name, (rows, columns) in tables.items():
        pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema(columns)), folder / f"{name}.parquet")


def test_a_rate_is_told_where_both_of_its_halves_are_known_before(tmp_path: Path) -> None:
    plant(
        tmp_path,
        bridge=[
            ("cr", "numerator", 10, 12),
            ("leads_new", "value", 40, 48),
            # Its denominator, a maximum over the company, went from 200 to 400; no part says so.
            ("channel_revenue_share", "numerator", 100, 120),
        ],
        now=[
            ("cr", None, 12, 40),
            ("leads_new", 48, None, None),
            ("channel_revenue_share", None, 120, 400),
        ],
    )
    found, n_moved = read_moved_segments(tmp_path, "p2", ("channel",), 5)
    assert {each.metric_name: (each.before, each.after) for each in found} == {
        "cr": (Decimal("0.25"), Decimal("0.3")),
        "leads_new": (40, 48),
    }
    assert n_moved == 2
