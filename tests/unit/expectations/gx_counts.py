"""Great Expectations counts the rules on the tables themselves, with its own SQL: the oracle of counting.py.

Native expectations where they speak SQL, one counting expectation for the rest: its regular expressions know no
DuckDB, and its expectations for several columns or tables fetch rows.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

os.environ["GX_ANALYTICS_ENABLED"] = "false"
import great_expectations as gx
import great_expectations.expectations as gxe
from gx_dialect import connection_string

from expectations.checks import Between, Check, InSet, NotNull, RowCountMin
from expectations.compilation import ROWS, Compiled
from expectations.connection import settings

Key = tuple[str, str]


class ExpectNoFailingRows(gxe.UnexpectedRowsExpectation):
    """No row of the batch meets the failing condition; the result carries both counts, never the rows."""

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.row_count", "table.row_count")

    def _validate(
        self, metrics: dict, runtime_configuration: dict | None = None, execution_engine: Any = None
    ) -> dict:
        n_failed = metrics["unexpected_rows_query.row_count"]
        return {
            "success": n_failed == 0,
            "result": {"element_count": metrics["table.row_count"], "unexpected_count": n_failed},
        }


def expectation(key: Key, check: Check, compiled: Compiled) -> gxe.Expectation:
    """The expectation of a check; its meta holds the key by which the result is found again."""
    common = {"meta": {"key": list(key)}}
    # Column expectations read the whole batch to learn its columns unless the batch is a table: 3 million
    # rows of a query went through memory. A narrowed population is counted instead.
    if check.where is None:
        if isinstance(check, NotNull):
            return gxe.ExpectColumnValuesToNotBeNull(column=check.column, **common)
        if isinstance(check, InSet):
            return gxe.ExpectColumnValuesToBeInSet(
                column=check.column, value_set=list(check.values), **common
            )
        if isinstance(check, Between):
            return gxe.ExpectColumnValuesToBeBetween(
                column=check.column, min_value=check.min, max_value=check.max, **common
            )
    if isinstance(check, RowCountMin):
        return gxe.ExpectTableRowCountToBeBetween(min_value=check.min, **common)
    return ExpectNoFailingRows(
        unexpected_rows_query=f"select 1 from (select * from {{batch}}) as {ROWS} where "
        + _as_text(compiled.fails_when),
        **common,
    )


def _as_text(condition: str) -> str:
    """A condition that survives the two substitutions on its way: str.format (braces) and bound names
    (colons).
    """
    return condition.replace("{", "{{").replace("}", "}}").replace(":", "\\:")


def batch_query(check: Check, compiled: Compiled) -> str | None:
    """The query of the batch, None when the batch is the whole table."""
    if isinstance(check, RowCountMin):
        # The expectation counts the rows itself: its batch is the table, not the compiled aggregate.
        return f"select * from {check.table} where ({check.where})" if check.where else None
    return compiled.population if compiled.population[:6].lower() == "select" else None


def counts(check: Check, result: dict[str, Any], success: bool) -> tuple[int, int]:
    """(rows evaluated, rows failed) of a result. Null values are not evaluated, except by not_null."""
    if isinstance(check, RowCountMin):
        return 1, 0 if success else 1
    missing = 0 if isinstance(check, NotNull) else result.get("missing_count") or 0
    return result["element_count"] - missing, result["unexpected_count"] or 0


def counted_by_suites(
    warehouse: Path, checks: Mapping[Key, tuple[Check, Compiled]]
) -> dict[Key, tuple[int, int]]:
    """(rows evaluated, rows failed) of every check, one batch per population."""
    batches: dict[tuple[str, str | None], list[Key]] = {}
    for key, (check, compiled) in checks.items():
        batches.setdefault((check.table, batch_query(check, compiled)), []).append(key)
    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_sql(
        "warehouse",
        connection_string=connection_string(warehouse, settings(warehouse)),
        assets=[_asset(position, table, query) for position, (table, query) in enumerate(batches)],
    )
    counted = {}
    try:
        for position, members in enumerate(batches.values()):
            asset: Any = source.get_asset(str(position))
            suite = gx.ExpectationSuite(
                name=asset.name, expectations=[expectation(key, *checks[key]) for key in members]
            )
            report = asset.get_batch(asset.build_batch_request()).validate(
                suite,
                result_format={
                    "result_format": "SUMMARY",
                    "partial_unexpected_count": 0,
                    "exclude_unexpected_values": True,
                },
            )
            for outcome in report.results:
                key = tuple(outcome.expectation_config.meta["key"])
                counted[key] = counts(checks[key][0], outcome.result, outcome.success)
    finally:
        source.get_execution_engine().close()
        source.get_engine().dispose()
    return counted


def _asset(position: int, table: str, query: str | None) -> dict[str, str]:
    if query is not None:
        return {"type": "query", "name": str(position), "query": query}
    schema, name = table.split(".")
    return {"type": "table", "name": str(position), "table_name": name, "schema_name": schema}
