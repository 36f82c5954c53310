"""The checks of one source, contract by contract: counted in one pass over its kept rows, failing rows listed.

What does NOT belong here: the SQL of a check (controls_measures.py), thresholds (controls_judging.py), when to run
(controls_run.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from ingest.check_model import CheckSpec
from ingest.check_names import contract_of, expression_sql
from ingest.contract import Contract, load_contract
from ingest.controls_clock import SAMPLE, evidence
from ingest.controls_contract import filled_columns, implied_checks
from ingest.controls_deliveries import Source
from ingest.controls_judging import judge, judge_constant, judge_total, not_assessed
from ingest.controls_measures import (
    BY_DELIVERY,
    REASONS,
    Measure,
    Table,
    epoch_column,
    known_values,
    measure,
    rows_sql,
)
from ingest.controls_result import ControlResult, breached
from ingest.reasons import codes_of
from ingest.sql import ident, literal, write_parquet

# Kinds with a query of their own instead of the common pass.
_OWN_QUERY = {"unique", "constant", "total"}


class SourceControls:
    """One run over one source. `folder` takes the lists of failing rows."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, work: Path, source: Source, folder: Path
    ) -> None:
        self.connection, self.work, self.source, self.folder = connection, work, source, folder
        self.results: list[ControlResult] = []
        self.parts: list[Path] = []
        self.made: set[str] = set()

    def run(self) -> tuple[list[ControlResult], list[Path]]:
        """Results, and the files of failing rows (columns of FAILURE_COLUMNS)."""
        for name in self.source.by_contract:
            checks = self._checks(load_contract(name))
            if checks:
                self._run_contract(load_contract(name), checks)
        for table in self.made:
            self.connection.execute(f"DROP TABLE {table}")
        return self.results, self.parts

    def _checks(self, contract: Contract) -> list[CheckSpec]:
        """Declared checks of a contract and those that it implies for columns which the mapping fills."""
        model = self.source.mapping.model
        declared = [c for c in model.checks if c.table and contract_of(model, c.table).name == contract.name]
        declared = [c for c in declared if c.type != "last_timestamp"]
        tables = [t for name, t in model.tables.items() if (t.contract or name) == contract.name]
        filled = filled_columns(tables)
        implied = [
            check
            for check in implied_checks(contract, declared)
            if {check.column, check.earlier, check.later} - {None} <= filled
        ]
        return [*declared, *implied]

    def _run_contract(self, contract: Contract, checks: list[CheckSpec]) -> None:
        self._view("control_rows", contract.name)
        table = Table(contract, self.source.mapping.defaults.timezone, self._day_columns(contract))
        measures = []
        for check in checks:
            if check.references and check.references.contract not in self.source.by_contract:
                params = {
                    "column": check.column,
                    "contract": contract.name,
                    "target": check.references.contract,
                }
                start = judge(check, self.source.instance, contract.name, {"n_evaluated": 0, "n_failed": 0})
                self.results.append(not_assessed(start, "orphan_absent", **params))
            elif check.type in _OWN_QUERY:
                self._guarded(check, contract, self._alone, check, table)
            else:
                if check.references:
                    self._know(check.references.contract, check.references.column)
                measures.append(measure(check, table))
        if not measures:
            return
        try:
            self._count(measures, table)
        except duckdb.Error as error:
            if isinstance(error, (duckdb.IOException, duckdb.OutOfMemoryException)):
                raise
            for each in measures:  # one of them cannot be computed on these values: the others still are
                self._guarded(each.check, contract, self._count, [each], table)

    def _guarded(self, check: CheckSpec, contract: Contract, run: Any, *arguments: Any) -> None:
        """Run one check; one that cannot be computed on these values is a breach at its level, never a silence."""
        try:
            run(*arguments)
        except duckdb.Error as error:
            if isinstance(error, (duckdb.IOException, duckdb.OutOfMemoryException)):
                raise
            start = judge(check, self.source.instance, contract.name, {"n_evaluated": 0, "n_failed": 0})
            # Its message may quote values of rows.
            params = {**start.params, "detail": type(error).__name__}
            self.results.append(replace(start, status=breached(check.level), code="broken", params=params))

    def _view(self, name: str, contract: str) -> None:
        """The kept rows of a contract as this source delivered them."""
        source, disposed = self.source, self.work / "collect" / "parts" / f"{contract}.dispositions.parquet"
        rows = f"read_parquet({source.files(self.work, contract)})"
        self.connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM {rows} ANTI JOIN (SELECT _delivery_id, "
            f"_source_row_id, _record_part FROM read_parquet({literal(str(disposed))}) WHERE source_instance = "
            f"{literal(source.instance)}) USING (_delivery_id, _source_row_id, _record_part)"
        )

    def _know(self, contract: str, column: str) -> None:
        """The values of a column that some record of the source bears, be it no longer the newest version.

        A record that was set aside as unreadable does not exist for the rest of the pipeline; one that was
        excluded does exist in the source, and naming it is no fault of the source.
        """
        name = known_values(contract, column)
        if name in self.made:
            return
        excluded = ", ".join(literal(code) for code in codes_of("excluded"))
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT DISTINCT CAST({ident(column)} AS VARCHAR) AS v FROM "
            f"read_parquet({self.source.files(self.work, contract)}) WHERE {ident(column)} IS NOT NULL "
            f"AND (_set_aside IS NULL OR _set_aside IN ({excluded}))"
        )
        self.made.add(name)

    def _day_columns(self, contract: Contract) -> frozenset[str]:
        tables = self.source.mapping.model.tables.items()
        return frozenset(
            name
            for label, table in tables
            if (table.contract or label) == contract.name
            for name, column in table.columns.items()
            if f"{name}_precision" not in contract.names
            and (column.precision == "day" or column.type == "date")
        )

    def _count(self, measures: Sequence[Measure], table: Table) -> None:
        """All measures in one pass over the rows, by delivery; then the failing rows of those that have any."""
        inner, outer = ["_delivery_id"], ["_delivery_id"]
        for i, each in enumerate(measures):
            inner += [f"({each.judged}) AS j{i}", f"({each.fails}) AS f{i}"]
            outer += [
                f"count(*) FILTER (WHERE j{i}) AS n{i}",
                f"count(*) FILTER (WHERE j{i} AND f{i}) AS b{i}",
            ]
            for name, function, sql in each.extras:
                inner.append(f"{sql} AS {name}_{i}")
                outer.append(f"{function}({name}_{i}) FILTER (WHERE j{i}) AS {name}_{i}")
        cursor = self.connection.execute(
            f"SELECT {', '.join(outer)} FROM (SELECT {', '.join(inner)} FROM {rows_sql(measures)}) "
            "GROUP BY _delivery_id ORDER BY _delivery_id"
        )
        names = [item[0] for item in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        for i, each in enumerate(measures):
            counts = [(row["_delivery_id"], _counts(row, i, each)) for row in rows]
            if each.check.type not in BY_DELIVERY:
                counts = [(None, _added([c for _, c in counts]))]
            judged = [self._judged(each, table, delivery, count) for delivery, count in counts]
            if len(judged) > 1:  # small deliveries say nothing alone; one row tells that none was assessed
                assessed = [r for r in judged if r.status != "not_assessed"]
                judged = assessed or [replace(judged[0], delivery_id=None, file_path="")]
            self.results += judged
            if each.check.type in REASONS and any(r.n_failed for r in judged if r.status != "not_assessed"):
                self._list(each, table)

    def _judged(
        self, each: Measure, table: Table, delivery: str | None, counts: dict[str, Any]
    ) -> ControlResult:
        result = judge(each.check, self.source.instance, table.contract.name, counts, table.timezone)
        if delivery is not None:
            path = next(
                d.file_path for d in self.source.by_contract[table.contract.name] if d.delivery_id == delivery
            )
            result = replace(result, delivery_id=delivery, file_path=path)
        if each.check.type == "clock" and result.status in {"warn", "fail"}:
            column, seconds = ident(each.check.column or ""), epoch_column(each.check)
            pairs = self.connection.execute(
                f"SELECT {column}, {seconds} FROM {rows_sql([each])} WHERE {each.judged} AND {each.fails} "
                f"AND _delivery_id = {literal(delivery or '')} "
                f"ORDER BY hash(_source_row_id), _source_row_id LIMIT {SAMPLE}"
            ).fetchall()
            code, values = evidence(pairs, table.timezone, each.check.tolerance_s)
            result = replace(result, code=code, params={**result.params, **values})
        return result

    def _list(self, each: Measure, table: Table) -> None:
        """The failing rows of a check, as keys."""
        instance, contract = self.source.instance, table.contract.name
        prefix = literal(f"{instance}/{contract}/")
        target = self.folder / f"{len(self.parts)}_{instance}.parquet"
        write_parquet(
            self.connection,
            f"SELECT {literal(f'{instance}/{each.check.name}')} AS control_id, {literal(contract)} AS contract, "
            f"{literal(instance)} AS source_instance, {prefix} || source_record_id AS record_key, "
            f"{literal(each.field)} AS field, _delivery_id, _source_row_id, _record_part, "
            f"{literal(REASONS[each.check.type])} AS reason_code, 'keep_flagged' AS action FROM {rows_sql([each])} "
            f"WHERE ({each.judged}) AND ({each.fails})",
            target,
        )
        self.parts.append(target)

    def _alone(self, check: CheckSpec, table: Table) -> None:
        instance, contract = self.source.instance, table.contract.name
        where = f"({expression_sql(check.where, table.contract, check.name)})" if check.where else "true"
        if check.type == "total":
            self._total(check, table, where)
            return
        columns = [ident(name) for name in check.columns or [check.column or ""]]
        filled = " AND ".join(f"{column} IS NOT NULL" for column in columns)
        n, shared, top = self._row(
            f"SELECT coalesce(sum(n), 0), coalesce(sum(n) FILTER (WHERE n > 1), 0), coalesce(max(n), 0) FROM "
            f"(SELECT count(*) AS n FROM control_rows WHERE {where} AND {filled} GROUP BY {', '.join(columns)})"
        )
        if check.type == "constant":
            self.results.append(judge_constant(check, instance, contract, int(n), int(top)))
            return
        counts = {"n_evaluated": n, "n_failed": shared}
        self.results.append(judge(check, instance, contract, counts))

    def _total(self, check: CheckSpec, table: Table, where: str) -> None:
        assert check.equals is not None  # CheckSpec has seen to it
        other = contract_of(self.source.mapping.model, check.equals.table)
        own = self._row(f"SELECT sum({ident(check.column or '')}) FROM control_rows WHERE {where}")[0]
        second = None
        if other.name in self.source.by_contract:
            self._view("other_rows", other.name)
            condition = "true"
            if check.equals.where:
                condition = f"({expression_sql(check.equals.where, other, check.name)})"
            second = self._row(f"SELECT sum({ident(check.equals.column)}) FROM other_rows WHERE {condition}")[
                0
            ]
        sums = (_decimal(own), _decimal(second))
        self.results.append(judge_total(check, self.source.instance, table.contract.name, other.name, sums))

    def _row(self, query: str) -> tuple[Any, ...]:
        (row,) = self.connection.execute(query).fetchall()
        return row


def _counts(row: dict[str, Any], i: int, each: Measure) -> dict[str, Any]:
    extras = {name: row[f"{name}_{i}"] for name, _, _ in each.extras}
    return {"n_evaluated": row[f"n{i}"], "n_failed": row[f"b{i}"], **extras}


def _added(counts: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts of several deliveries as one; the extras of checks that are not judged by delivery are sums."""
    return {name: sum(int(c[name] or 0) for c in counts) for name in (counts[0] if counts else ())} or {
        "n_evaluated": 0, "n_failed": 0
    }  # fmt: skip


def _decimal(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))
