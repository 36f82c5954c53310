"""Which decisions of the last run can be taken the other way, one at a time, and why the others cannot.

What does NOT belong here: taking them the other way (scratch.py), what comes of it (measuring.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from expectations.catalogue import load_catalogue
from expectations.checks import Freshness, Reconcile, RowCountMin
from expectations.connection import connect
from ingest.contract import load_contracts
from ingest.reasons import reasons
from ingest.sql import ident, literal
from orchestration.dbt_running import WAREHOUSE
from orchestration.impact.errors import ImpactError

#: Reasons that models give through the macro `applies`. Whatever else a model leaves out has nothing to count.
POLICIES = (
    "automated_activity",
    "deleted_in_source",
    "double_logged",
    "draft_document",
    "internal_attendee",
    "internal_recipient",
    "internal_record",
    "negative_ttf",
    "not_a_touch",
    "not_outbound",
    "opening_entry",
    "outlier_error",
    "overlapping_subscription",
    "test_record",
    "trial_subscription",
    "void_document",
)
#: The merge switch by which each record is a golden record of its own.
EVERY_MERGE = "every_merge"
KINDS = ("reason", "merge", "rule")


@dataclass(frozen=True)
class Switch:
    """One decision of the run. n_rows: decisions of this code. obstacle: why it cannot go the other way, or None.

    kind: reason (rows and cells come back as delivered), merge (the links of one kind of evidence are not made), rule
    (the rows that a rule only flags are left out).
    """

    kind: str
    code: str
    n_rows: int
    obstacle: str | None = None


def switches(work: Path) -> list[Switch]:
    """Every decision of the last run by kind and code. Raises ImpactError E-IMP-001 before a run has built one."""
    warehouse = work / WAREHOUSE
    if not warehouse.is_file():
        raise ImpactError("E-IMP-001", work.parent.name, is_usage=True)
    with connect(warehouse) as con:
        try:
            found = [*_reasons(con), *_merges(con, work), *_rules(con, work)]
        except duckdb.CatalogException as error:
            raise ImpactError("E-IMP-001", work.parent.name, is_usage=True) from error
    return sorted(found, key=lambda each: (KINDS.index(each.kind), each.code))


def find_switch(known: list[Switch], kind: str, code: str) -> Switch:
    """The switch of a kind and code. Raises ImpactError E-IMP-003 for one the run never took."""
    for each in known:
        if (each.kind, each.code) == (kind, code):
            return each
    raise ImpactError("E-IMP-003", code, is_usage=True)


def largest_switches(known: list[Switch], n: int) -> list[Switch]:
    """The n decisions of most rows that can be taken the other way, in the order of `known`.

    Less than all of them leave out every_merge, which is the merges together.
    """
    possible = [each for each in known if not each.obstacle]
    if n < len(known):
        possible = [each for each in possible if each.code != EVERY_MERGE]
    largest = sorted(possible, key=lambda each: (-each.n_rows, each.kind, each.code))[:n]
    return [each for each in known if each in largest]


def _reasons(con: duckdb.DuckDBPyConnection) -> list[Switch]:
    rows = con.execute(
        "select reason_code, list(distinct step_code), cast(sum(n_decisions) as bigint)"
        " from quality_dbt.dq_journal_summary where step_code in ('line', 'record', 'cell', 'exclusion', 'metric')"
        " group by reason_code order by reason_code"
    ).fetchall()
    text = [literal(f"{contract}.{name}") for contract, names in text_columns().items() for name in names]
    with_text = {
        code
        for (code,) in con.execute(
            "select distinct reason_code from quality_dbt.dq_journal where step_code = 'cell' and action = 'null'"
            f" and contract || '.' || field in ({', '.join(text)})"
        ).fetchall()
    }
    return [Switch("reason", code, n, _obstacle(code, set(steps), with_text)) for code, steps, n in rows]


def _obstacle(code: str, steps: set[str], with_text: set[str]) -> str | None:
    reason = reasons()[code]
    if reason.disposition == "suppressed":
        return "suppressed"
    if code in POLICIES:
        return None
    if "record" in steps:
        return "absorbed" if reason.absorbed else None
    if "cell" in steps and code in with_text:
        return None
    if "line" in steps:
        return "no_record"
    if reason.action == "keep_flagged":
        return "kept"
    return "no_value" if "cell" in steps else "structural"


def text_columns() -> dict[str, list[str]]:
    """Contract -> its columns of text, in which a value that was refused can stand again as it came."""
    return {
        name: [column.name for column in contract.columns if pa.types.is_string(column.arrow_type)]
        for name, contract in load_contracts().items()
    }


def _merges(con: duckdb.DuckDBPyConnection, work: Path) -> list[Switch]:
    edges = literal(str(work / "matching" / "edges.parquet"))
    rows = con.execute(
        f"select evidence_code, count(*) from read_parquet({edges}) where decision = 'accepted' group by 1"
    ).fetchall()
    merged = con.execute("select count(*) from quality_dbt.dq_merges").fetchone()
    every = [Switch("merge", EVERY_MERGE, merged[0])] if merged and merged[0] else []
    return [Switch("merge", code, n) for code, n in rows] + every


def _rules(con: duckdb.DuckDBPyConnection, work: Path) -> list[Switch]:
    failures = work / "quality" / "rule_failures.parquet"
    if not failures.is_file():
        return []
    rows = con.execute(
        "select rule_id, count(*), bool_and(layer = 'raw' and _delivery_id is not null),"
        " bool_and(layer = 'fact' and record_key is not null), list(distinct table_name)"
        f" from read_parquet({literal(str(failures))}) group by rule_id"
    ).fetchall()
    catalogue = load_catalogue()
    found = []
    for code, n, is_raw, is_fact, tables in rows:
        keys = {
            check.table: check.key
            for rule in catalogue.rules
            if rule.id == code
            for check in rule.checks
            if not isinstance(check, Freshness | Reconcile | RowCountMin)  # they flag groups of rows
        }
        by_row = is_fact and all(keys.get(name) == catalogue.tables[name].key for name in tables)
        found.append(Switch("rule", code, n, None if is_raw or by_row else "no_row"))
    return found


def flagged_rows(table: str, key: tuple[str, ...], failures: Path, rule_id: str) -> str:
    """SQL condition that a row of `table` is not one that the rule flags."""
    named = ", ".join(f"cast({ident(name)} as varchar)" for name in key)
    return (
        f"concat_ws('/', {named}) not in (select record_key from read_parquet({literal(str(failures))})"
        f" where rule_id = {literal(rule_id)} and table_name = {literal(table)} and record_key is not null)"
    )
