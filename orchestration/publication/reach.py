"""What a finding has to do with a metric: does the metric read the table and column, and in which months.

A finding counts for a metric where its failing rows stand among the rows behind the metric (explaining/kpis.yml), in
the months of those rows; where its table feeds the metric and nothing places its rows, in every month.
What does NOT belong here: judging (see trust), what becomes of a finding (expectations.gate).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from expectations.catalogue import Catalogue
from ingest.contract import load_contracts
from ingest.sql import ident, literal
from orchestration.bridge.evidence import Evidence
from orchestration.explaining.definitions import Definition

#: No month: the finding does not concern the metric. EVERY: it concerns it in all of them.
Months = frozenset[date] | None
NEVER: Months = frozenset()
EVERY: Months = None
KPI_MART = "mart_management_kpis_month"
_FAILING = ("fail", "warn", "waived")
_COMMENTS = re.compile(r"\{#.*?#\}|/\*.*?\*/|--[^\n]*", re.DOTALL)


@dataclass(frozen=True)
class Reach:
    """Where findings concern metrics. behind: metric -> all names of its lineage. units: (metric, month) -> rows.

    placed: (metric, rule, table) -> months of failing rows. delivered: delivery -> its month.
    """

    behind: Mapping[str, frozenset[str]]
    definitions: Mapping[str, Definition] = field(default_factory=dict)
    catalogue: Catalogue | None = None
    readers: Mapping[str, tuple[tuple[str, frozenset[str]], ...]] = field(default_factory=dict)
    placed: Mapping[tuple[str, str, str], Months] = field(default_factory=dict)
    delivered: Mapping[str, date] = field(default_factory=dict)
    units: Mapping[tuple[str, date], int] = field(default_factory=dict)

    def months(self, metric: str, finding: Any) -> Months:
        """In which months a finding (rule_id, table_name) concerns a metric."""
        table = finding.table_name
        name, definition = table.split(".")[-1], self.definitions.get(metric)
        if definition is None:
            return EVERY if name in self.behind.get(metric, ()) else NEVER
        if "." not in table:  # a control, or the quarantine, of a contract
            if table not in {*definition.of_record, *definition.contracts}:
                return NEVER
            delivery = getattr(getattr(finding, "result", None), "delivery_id", None)
            return frozenset({self.delivered[delivery]}) if delivery in self.delivered else EVERY
        if not self._reads(metric, definition, finding):
            return NEVER
        key = (metric, finding.rule_id, table)
        is_placed = key in self.placed and getattr(finding, "status", None) in _FAILING
        return self.placed[key] if is_placed else EVERY

    def _reads(self, metric: str, definition: Definition, finding: Any) -> bool:
        table, behind = finding.table_name, self.behind.get(metric, frozenset())
        name = table.split(".")[-1]
        if table.startswith("marts."):
            return name == KPI_MART or name in behind
        entry = self.catalogue.tables.get(table) if self.catalogue else None
        if entry and entry.layer == "fact":
            return table in definition.of_fact
        if name not in behind:
            return False
        if entry and entry.layer == "raw":
            return bool(set(entry.fed_by[:1]) & {*definition.of_record, *definition.contracts})
        column = self._column(finding)
        words = [words for reader, words in self.readers.get(name, ()) if reader in behind]
        return column is None or any(column in each for each in words)

    def _column(self, finding: Any) -> str | None:
        checks = (
            check.field
            for rule in (self.catalogue.rules if self.catalogue else ())
            if rule.id == finding.rule_id
            for check in rule.checks
            if check.table == finding.table_name
        )
        return next(checks, None)


def reach(
    con: duckdb.DuckDBPyConnection,
    work: Path,
    manifest: Mapping[str, Any],
    behind: Mapping[str, frozenset[str]],
    definitions: Mapping[str, Definition],
    catalogue: Catalogue,
    judged: Iterable[Any],
    evidence: Evidence,
) -> Reach:
    """Place the failing rows of `judged` in the months of the metrics. con: has the warehouse as catalogue `warehouse`.
    evidence: of the candidate.

    One query per table with failing rows and way of reading it; nothing is read of a rule that passes.
    """
    con.execute("use warehouse")
    try:
        return Reach(
            behind,
            definitions,
            catalogue,
            _readers(manifest),
            _placed(con, work / "quality" / "rule_failures.parquet", definitions, catalogue, judged),
            _delivered(work / "collect" / "deliveries.parquet"),
            _units(con, definitions, evidence),
        )
    finally:
        con.execute("use memory")


def _readers(manifest: Mapping[str, Any]) -> dict[str, tuple[tuple[str, frozenset[str]], ...]]:
    """Relation -> the models made from it, with the words of their code: no column is read that is not named."""
    found: dict[str, list[tuple[str, frozenset[str]]]] = {}
    names = {key: node["name"] for kind in ("nodes", "sources") for key, node in manifest[kind].items()}
    for key, node in manifest["nodes"].items():
        if node.get("resource_type") != "model":
            continue
        words = frozenset(re.findall(r"\w+", _COMMENTS.sub(" ", node.get("raw_code") or "")))
        for parent in manifest["parent_map"].get(key, ()):
            found.setdefault(names.get(parent, ""), []).append((node["name"], words))
    return {name: tuple(readers) for name, readers in found.items()}


def _placed(
    con: duckdb.DuckDBPyConnection,
    failures: Path,
    definitions: Mapping[str, Definition],
    catalogue: Catalogue,
    judged: Iterable[Any],
) -> dict[tuple[str, str, str], Months]:
    failing = {(each.rule_id, each.table_name) for each in judged if each.status in _FAILING}
    if not failing or not failures.is_file():
        return {}
    wanted = ", ".join(f"({literal(rule)}, {literal(table)})" for rule, table in sorted(failing))
    con.execute(
        "create or replace temp table failing as select rule_id as failing_rule, table_name as failing_table,"
        f" record_key as failing_key, _delivery_id, _source_row_id from read_parquet({literal(str(failures))})"
        f" where (rule_id, table_name) in ({wanted})"
    )
    listed = set(con.execute("select distinct failing_rule, failing_table from failing").fetchall())
    placed: dict[tuple[str, str, str], Months] = {}
    known: dict[str, list[tuple[str, date]]] = {}
    for table in sorted({table for _, table in listed}):
        for metric, definition in definitions.items():
            statement = _months_sql(definition, catalogue, table)
            if statement is None:
                continue
            if statement not in known:
                known[statement] = con.execute(statement).fetchall()
            for rule_id in {rule for rule, name in listed if name == table}:
                months = {month for rule, month in known[statement] if rule == rule_id}
                placed[metric, rule_id, table] = frozenset(months)
    return placed


def _months_sql(definition: Definition, catalogue: Catalogue, table: str) -> str | None:
    """The months of failing rows of a table, by rule, in the metric's own rows; None where nothing places them."""
    rows = f"(select * from failing where failing_table = {literal(table)}) as f"
    entry = catalogue.tables.get(table)
    keys = definition.of_fact.get(table)
    if entry and entry.layer == "raw":
        contract = entry.fed_by[0]
        keys, dated_by = definition.of_record.get(contract), definition.contracts.get(contract)
        if keys is None and dated_by:
            moment = f"r.{ident(dated_by)}"
            if load_contracts()[contract].column(dated_by).type == "timestamp":
                moment = f"({moment} at time zone 'UTC') at time zone s.timezone"
            return (
                f"select distinct f.failing_rule, cast(date_trunc('month', {moment}) as date) as month from {rows}"
                f" join raw.{ident(contract)} as r using (_delivery_id, _source_row_id) cross join run.settings as s"
                f" where {moment} is not null"
            )
    if keys is None:
        return None
    return (
        "with reached as (select distinct f.failing_rule, k.reached_key from"
        f" {rows}, lateral ({keys.replace('$record', 'f.failing_key')}) as k(reached_key))"
        f" select distinct reached.failing_rule, cast(date_trunc('month', r.{definition.month}) as date) as month"
        f" from {definition.rows} as r join reached on r.{definition.key} = reached.reached_key"
        f" where ({definition.where})"
    )


def _delivered(path: Path) -> dict[str, date]:
    rows = pq.read_table(path, columns=["_delivery_id", "delivered_on"]).to_pylist()
    return {row["_delivery_id"]: row["delivered_on"].replace(day=1) for row in rows if row["delivered_on"]}


def _units(
    con: duckdb.DuckDBPyConnection, definitions: Mapping[str, Definition], evidence: Evidence
) -> dict[tuple[str, date], int]:
    """Rows behind each metric by month, for metrics that the mart gives without a denominator.

    The evidence holds them all, one a unit: reading the rows again would join and rank the facts a second time.
    """
    found: dict[tuple[str, date], int] = {}
    known: dict[str, list[tuple[date, int]]] = {}
    for metric in definitions:
        family = evidence.metrics[metric]["family"] if metric in evidence.metrics else None
        if family is None:
            continue
        if family not in known:
            known[family] = con.execute(
                f"select unit_month, count(*) from {evidence.file(family)} group by unit_month"
            ).fetchall()
        found |= {(metric, month): n for month, n in known[family]}
    return found
