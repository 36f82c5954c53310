"""One check -> one expectation. Native expectations where they speak SQL, one counting expectation for the
rest.

Great Expectations' own regular expressions know no DuckDB, and its expectations for several columns or
tables fetch rows; ExpectNoFailingRows counts the failing rows of the compiled check in one statement.

Uniqueness is counted by grouping too: ExpectColumnValuesToBeUnique windows over the column, 1.7 CPU s on 3
million rows against 0.7.
"""

from __future__ import annotations

from typing import Any, ClassVar

import great_expectations.expectations as gxe

from expectations.catalogue import Rule
from expectations.checks import Between, Check, InSet, NotNull, RowCountMin
from expectations.compilation import ROWS, Compiled


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


def expectation(rule: Rule, check: Check, compiled: Compiled) -> gxe.Expectation:
    """The expectation of a check; its meta names rule and table, by which the result is found again."""
    common = {
        "severity": rule.severity,
        "meta": {
            "rule_id": rule.id,
            "table": check.table,
            "owner": rule.owner,
            "reason_code": rule.reason_code,
        },
    }
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
