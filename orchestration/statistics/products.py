"""The products of the statistics step: which there are, and how they reach work/statistics.

To add one: a module with SCHEMA (pa.schema) and compute(con, settings) -> pa.Table, a line in PRODUCTS, and the table
with its columns in dbt_project/models/sources/statistics.yml. A product that gives several tables of one estimate
returns them by name. What does NOT belong here: an estimate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from expectations.connection import connect
from expectations.results import write_parquet
from orchestration.settings import RunSettings
from orchestration.statistics import (
    account_values,
    cohort_tests,
    complaint_trends,
    cycle_framing,
    deal_score,
    experiments,
    forecast_precision,
    guard_rails,
    quantify,
    rep_baselines,
    thresholds,
)
from orchestration.statistics.frame import frame_of

Compute = Callable[[duckdb.DuckDBPyConnection, RunSettings], Mapping[str, pa.Table]]


@dataclass(frozen=True)
class Product:
    """One estimate. schemas: table -> its columns. compute: these tables, from a read-only connection.

    description: what the tables say, by table.
    """

    schemas: Mapping[str, pa.Schema]
    descriptions: Mapping[str, str]
    compute: Compute


def one_table(
    name: str,
    description: str,
    schema: pa.Schema,
    compute: Callable[[duckdb.DuckDBPyConnection, RunSettings], pa.Table],
) -> Product:
    """A product of one table."""
    return Product({name: schema}, {name: description}, lambda con, settings: {name: compute(con, settings)})


def _audit_and_experiments(con: duckdb.DuckDBPyConnection, settings: RunSettings) -> Mapping[str, pa.Table]:
    found = experiments.compute(con, settings)
    tested = experiments.segments_tested(found["experiments"], settings.cycle_end)
    trends = complaint_trends.compute(con, settings)
    audit = quantify.compute(
        con,
        settings,
        tested,
        frame_of(con, settings),
        are_complaints_up=complaint_trends.is_up(trends),
    )
    return {**found, "complaint_trends": trends, **audit}


def _thresholds(con: duckdb.DuckDBPyConnection, settings: RunSettings) -> Mapping[str, pa.Table]:
    frame = frame_of(con, settings)
    return thresholds.compute(con, settings, frame.capacity, frame.bars)


PRODUCTS: tuple[Product, ...] = (
    one_table(
        "rep_baselines",
        "Shrunk baseline of each seller and measure, with its credible interval.",
        rep_baselines.SCHEMA,
        rep_baselines.compute,
    ),
    Product(deal_score.SCHEMAS, deal_score.DESCRIPTIONS, deal_score.compute),
    # The light of a segment leans on its experiment and on the complaints of the company: one product, so that both
    # are read once.
    Product(
        {**experiments.SCHEMAS, "complaint_trends": complaint_trends.SCHEMA, **quantify.SCHEMAS},
        {
            **experiments.DESCRIPTIONS,
            "complaint_trends": complaint_trends.DESCRIPTION,
            **quantify.DESCRIPTIONS,
        },
        _audit_and_experiments,
    ),
    one_table(
        "cohort_tests",
        "Log-rank test of the customers of each start quarter against all others, adjusted for the number of tests.",
        cohort_tests.SCHEMA,
        cohort_tests.compute,
    ),
    Product(account_values.SCHEMAS, account_values.DESCRIPTIONS, account_values.compute),
    Product(cycle_framing.SCHEMAS, cycle_framing.DESCRIPTIONS, cycle_framing.compute),
    Product(
        thresholds.SCHEMAS,
        thresholds.DESCRIPTIONS,
        _thresholds,
    ),
    one_table(
        "guard_rails",
        "Exact bounds of complaints, unsubscriptions and bounces of each week, beside the weeks before.",
        guard_rails.SCHEMA,
        guard_rails.compute,
    ),
    one_table(
        "forecast_precision",
        forecast_precision.DESCRIPTION,
        forecast_precision.SCHEMA,
        forecast_precision.compute,
    ),
)


def compute_all(
    warehouse: Path, settings: RunSettings, folder: Path, products: tuple[Product, ...] = PRODUCTS
) -> dict[str, int]:
    """Every table of every product as folder/<table>.parquet, replaced by rename; returns rows by table.

    warehouse: the candidate after tag:master, opened read-only. Raises duckdb.Error when a table it reads is missing,
    pa.ArrowException when a product breaks its own schema: both are errors of the project, not of the data.
    """
    written = {}
    with connect(warehouse) as con:
        for product in products:
            tables = product.compute(con, settings)
            for name, schema in product.schemas.items():
                table = tables[name].select(schema.names).cast(schema)
                write_parquet(table, folder / f"{name}.parquet")
                written[name] = table.num_rows
    return written
