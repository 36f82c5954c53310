"""A golden account or person: its records, why they are one, its values and who gave them, and what hangs on it.

What does NOT belong here: merging and choosing values (matching and dbt did), words. Direct identifiers are masked
unless asked for raw.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from expectations.connection import connect
from ingest.contract import load_contracts
from ingest.sql import literal
from orchestration.dbt_running import WAREHOUSE
from orchestration.matching.linkage.explanation import Explanation, Step
from orchestration.publication.registry import GoldenId, find_golden_id


@dataclass(frozen=True)
class Link:
    """An accepted link between two records of the golden record. explanation: of a scored link, else None."""

    left_record_key: str
    right_record_key: str
    evidence_code: str
    weight: float | None
    explanation: Explanation | None


@dataclass(frozen=True)
class GoldenExplained:
    """known: what the registry says, None for an id that is not published yet.

    records: record_key, contract, file_path, line. values: attribute, value, record_key, criterion, decision_id,
    n_alternatives, alternatives. decisions: what stewards decided. facts: name -> number or amount.
    """

    golden_id: str
    entity: str
    known: GoldenId | None
    records: tuple[dict[str, Any], ...]
    links: tuple[Link, ...]
    values: tuple[dict[str, Any], ...]
    decisions: tuple[dict[str, Any], ...]
    facts: dict[str, Any]
    currency: str


_FACTS = {
    "n_leads": "count(*) from master.fct_leads where {entity}_id = $id",
    "n_touches": "count(*) from master.fct_touches where {entity}_id = $id",
    "n_opportunities": "count(*) from master.fct_opportunities where {hangs}",
    "won_amount": "sum(amount_reporting) from master.fct_opportunities where is_won and {hangs}",
    "open_amount": "sum(amount_reporting) from master.fct_opportunities where is_open and {hangs}",
}
_ACCOUNT_FACTS = {
    "n_invoice_lines": "count(*) from metrics.fct_revenue_lines where account_id = $id",
    "revenue_amount": "sum(net_amount_reporting) from metrics.fct_revenue_lines where account_id = $id",
    "mrr": "sum(m.closing_mrr) from master.fct_mrr_movements as m join run.settings as s"
    " on m.period_month = s.cycle_start where m.account_id = $id",
}


def explain_golden(work: Path, published: Path, golden_id: str, *, raw: bool = False) -> GoldenExplained:
    """Explain a golden id of the last run. Raises LookupError for one that neither the run nor the registry knows."""
    try:
        known: GoldenId | None = find_golden_id(published, golden_id)
    except LookupError:
        known = None
    entity = "account" if golden_id.startswith("acc_") else "person"
    deliveries = literal(str(work / "collect" / "deliveries.parquet"))
    with connect(work / WAREHOUSE) as con:
        records = _rows(
            con,
            f"select x.record_key, x.contract, d.source_instance, d.file_path, x._source_row_id as line"
            f" from master.xref_{entity}s as x"
            f" left join read_parquet({deliveries}) as d using (_delivery_id)"
            f" where x.{entity}_id = $id order by x.record_key",
            {"id": golden_id},
        )
        if not records and known is None:
            raise LookupError(f"no golden id {golden_id} is known here")
        keys = [row["record_key"] for row in records]
        return GoldenExplained(
            golden_id,
            entity,
            known,
            tuple(records),
            tuple(_links(con, work, entity, keys)),
            tuple(_values(con, golden_id, raw)),
            tuple(_decisions(con, work, keys)),
            _facts(con, entity, golden_id),
            con.execute("select reporting_currency from run.settings").fetchone()[0],
        )


def _links(con: duckdb.DuckDBPyConnection, work: Path, entity: str, keys: list[str]) -> list[Link]:
    edges = literal(str(work / "matching" / "edges.parquet"))
    rows = _rows(
        con,
        f"select left_record_key, right_record_key, evidence_code, weight, decision, reason, terms"
        f" from read_parquet({edges}) where entity = $entity and decision = 'accepted'"
        " and list_contains($keys, left_record_key) and list_contains($keys, right_record_key)"
        " order by weight desc nulls first, left_record_key, right_record_key, evidence_code",
        {"entity": entity, "keys": keys},
    )
    return [
        Link(
            row["left_record_key"],
            row["right_record_key"],
            row["evidence_code"],
            row["weight"],
            _explanation(row),
        )
        for row in rows
    ]


def _explanation(row: dict[str, Any]) -> Explanation | None:
    if row["weight"] is None or not row["terms"]:
        return None
    terms = [term for term in json.loads(row["terms"]) if term.get("weight") is not None]
    steps = tuple(Step(term["comparison"], term["level"], float(term["weight"])) for term in terms)
    probability = 1 / (1 + 2.0 ** -max(min(row["weight"], 500.0), -500.0))
    return Explanation(steps, row["weight"], probability, row["decision"], row["reason"] or "")


def _values(con: duckdb.DuckDBPyConnection, golden_id: str, raw: bool) -> list[dict[str, Any]]:
    values = _rows(
        con,
        "select attribute, value, record_key, criterion, decision_id, n_alternatives from master.golden_values"
        " where golden_id = $id order by attribute",
        {"id": golden_id},
    )
    others = _rows(
        con,
        "select attribute, value, record_key, sources, lost_by, n_records from master.golden_alternatives"
        " where golden_id = $id order by attribute, alternative_rank",
        {"id": golden_id},
    )
    for row in [*values, *others]:
        if not raw and row["value"] is not None and row["attribute"] in _direct_columns():
            row["value"] = row["value"][:1] + "***"
    return [
        row | {"alternatives": [other for other in others if other["attribute"] == row["attribute"]]}
        for row in values
    ]


def _direct_columns() -> set[str]:
    return {
        column.name
        for contract in load_contracts().values()
        for column in contract.columns
        if column.names_people
    }


def _decisions(con: duckdb.DuckDBPyConnection, work: Path, keys: list[str]) -> list[dict[str, Any]]:
    decided = work / "stewardship" / "decisions.parquet"
    if not decided.is_file():
        return []
    return _rows(
        con,
        "select decision_id, kind, record_keys, field, author, reason, decided_at, status"
        f" from read_parquet({literal(str(decided))}) where list_has_any(record_keys, $keys::varchar[])"
        " order by decided_at, decision_id",
        {"keys": keys},
    )


def _facts(con: duckdb.DuckDBPyConnection, entity: str, golden_id: str) -> dict[str, Any]:
    hangs = "account_id = $id" if entity == "account" else "lead_id = 'lea_' || substr($id, 5)"
    queries = _FACTS | (_ACCOUNT_FACTS if entity == "account" else {})
    return {
        name: con.execute(f"select {query.format(entity=entity, hangs=hangs)}", {"id": golden_id}).fetchone()[
            0
        ]
        for name, query in queries.items()
    }


def _rows(con: duckdb.DuckDBPyConnection, query: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    cursor = con.execute(query, values)
    names = [item[0] for item in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
