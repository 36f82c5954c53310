"""Records in the exchange, a review queue and decisions, planted; the commands invoked on them."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from click.testing import CliRunner

from orchestration import cli
from orchestration.stewardship.decisions import Decision
from orchestration.stewardship.files import read_decisions

SAID = ("--author", "Ann Lee", "--reason", "seen both sites")
AS_OF = dt.date(2026, 7, 1)
_TECHNICAL = {"_delivery_id": "d", "contract": "crm_account", "source_instance": "crm", "must_link_key": None}


def key(name: str, contract: str = "crm_account") -> str:
    return f"crm/{contract}/{name}"


def write_exchange(work: Path, accounts: dict[str, str], persons: dict[str, str] | None = None) -> None:
    """Records by short name -> company name (accounts) or mail address (persons)."""
    folder = work / "exchange"
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {"record_key": key(each), "name": name, "country_code": "FR", "source_record_id": each, **_TECHNICAL}
        for each, name in accounts.items()
    ]
    schema = pa.schema(
        [
            (name, pa.string())
            for name in ("record_key", "name", "country_code", "source_record_id", *_TECHNICAL)
        ]
    )
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "int_account_records.parquet")
    rows = [
        {"record_key": key(each, "crm_contact"), "email": email, "name_key": "K"}
        for each, email in (persons or {}).items()
    ]
    schema = pa.schema([(name, pa.string()) for name in ("record_key", "email", "name_key")])
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "int_person_records.parquet")


def pair(name: str, kind: str, left: str, right: str, **values: object) -> Decision:
    given = {
        "decision_id": name, "kind": kind, "entity": "account", "record_keys": (key(left), key(right)),
        "content_hashes": ("", ""), "author": "Ann Lee", "reason": "seen", "decided_at": dt.datetime(2026, 6, 20, 8),
    }  # fmt: skip
    return Decision(**(given | values))


_TERMS = [
    {"comparison": "name", "level": "exact", "weight": 9.5},
    {"comparison": "country", "level": "different", "weight": -2.0},
]
#: item, entity, kind, left, right, weight
QUEUE = (
    ("rev_ab", "account", "pair", "a", "b", 2.5),
    ("rev_bc", "account", "weak_bridge", "b", "c", 1.0),
    ("rev_de", "account", "conflict", "d", "e", None),
    ("rev_big", "account", "oversized", "f", "f", None),
    ("rev_pq", "person", "pair", "p", "q", 3.0),
)


def write_queue(work: Path, items: list[tuple]) -> None:
    """The review queue as a run leaves it, in the order given."""
    columns = (
        "item_id varchar, entity varchar, kind varchar, left_record_key varchar, right_record_key varchar,"
        " left_golden_id varchar, right_golden_id varchar, weight double, probability double, reason varchar,"
        " evidence_code varchar, terms varchar, attribute varchar, decision_ids varchar,"
        " impact_value decimal(18, 2), impact_unit varchar,"
        " n_leads bigint, n_touches bigint, is_strategic boolean, postponed_at timestamp, impact_rank bigint"
    )
    with duckdb.connect(str(work / "warehouse.duckdb")) as con:
        con.execute("create schema if not exists quality_dbt")
        con.execute(f"create or replace table quality_dbt.dq_review_queue ({columns})")
        for rank, (item, entity, kind, left, right, weight, *decisions) in enumerate(items, start=1):
            contract = "crm_account" if entity == "account" else "crm_contact"
            terms = json.dumps(_TERMS) if weight is not None else None
            con.execute(
                f"insert into quality_dbt.dq_review_queue values ({', '.join('?' * 21)})",
                [item, entity, kind, key(left, contract), key(right, contract), f"acc_{left}", None, weight, 0.7,
                 "between_thresholds", "score", terms, None, ",".join(decisions) or None, 1000 - rank, "EUR", 2, 5,
                 rank == 1, None, rank],
            )  # fmt: skip


def invoke(company: Path, *arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(cli.etalon, ["steward", *arguments, "--company", str(company)])
    assert result.exit_code == code, result.output
    return result.output


def invoke_json(company: Path, *arguments: str, code: int = 0) -> dict:
    return json.loads(invoke(company, *arguments, "--json", code=code))


def kinds(company: Path) -> list[str]:
    """Kinds of the decisions on file."""
    return [each.kind for each in read_decisions(company / "stewardship")]
