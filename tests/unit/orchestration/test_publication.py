"""Write, audit, publish on a planted candidate."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from planted_candidate import (
    MANIFEST,
    SETTINGS,
    every_rule,
    judge,
    of_cycle,
    passing,
    plant,
    result,
    results_path,
)

from expectations.results import write_parquet, write_results
from orchestration.impact.results import SCHEMA as IMPACT_SCHEMA
from orchestration.impact.results import inputs_fingerprint
from orchestration.publication import NotAdmittedError, UnknownPublicationError, publish, refuse, rollback
from orchestration.publication.building import build_marts, connection
from orchestration.publication.hashing import logical_hash, published_hashes
from orchestration.publication.receipts import current_publication, receipts
from orchestration.publication.tables import PrivateColumnError, Table, published_tables
from orchestration.publication.trust import tables_behind, trust_of
from orchestration.settings import write_settings


def query(marts: Path, sql: str) -> list[tuple]:
    con = duckdb.connect()
    con.execute(f"attach '{marts}' as m (read_only); use m")
    try:
        return con.execute(sql).fetchall()
    finally:
        con.close()


def test_a_publication_holds_the_marts_the_public_models_and_their_trust(tmp_path: Path) -> None:
    receipt = publish(plant(tmp_path), MANIFEST)
    assert sorted(receipt.tables) == [
        "dim_metric", "dim_products", "dim_publication", "kpi_bridge", "kpi_restatements",
        "kpi_segment_bridge", "kpi_trust",
        "mart_management_kpis_month", "mart_sales_leads_month",
    ]  # fmt: skip
    assert query(receipt.marts, "select product_name from dim_products") == [('Étalon "A"',)]
    assert query(receipt.marts, "select metric_name, metric_version from dim_metric") == [("leads_new", "2")]
    assert query(receipt.marts, "select trust_code, is_too_few from kpi_trust order by period_month") == [
        ("caution", True), ("reliable", False)
    ]  # fmt: skip
    manifest = json.loads((receipt.parquet / "manifest.json").read_text())
    assert {name: entry["logical_hash"] for name, entry in manifest["tables"].items()} == published_hashes(
        receipt.marts
    )
    assert receipt.publication_id.startswith("2026-06-") and len(receipt.publication_id) == 20
    assert not (tmp_path / "published" / ".building").exists()


def test_what_decisions_do_to_kpis_is_published_for_the_inputs_it_was_measured_on(tmp_path: Path) -> None:
    company = plant(tmp_path)
    inputs = inputs_fingerprint(company.work)
    row = {
        "metric_name": "leads_new", "period_month": date(2026, 6, 1), "switch_kind": "reason",
        "switch_code": "test_record",
        "unit_code": "count", "value_published": Decimal(7), "value_without": Decimal(9), "difference": Decimal(-2),
        "n_rows": 2, "inputs_fingerprint": inputs,
    }  # fmt: skip
    path = company.work / "quality" / "kpi_impact.parquet"
    write_parquet(pa.Table.from_pylist([row], schema=IMPACT_SCHEMA), path)
    receipt = publish(company, MANIFEST)
    assert receipt.content["fingerprint"] == inputs
    assert query(receipt.marts, "select switch_code, difference from dq_kpi_impact") == [
        ("test_record", Decimal(-2))
    ]
    write_parquet(pa.Table.from_pylist([row | {"inputs_fingerprint": "other"}], schema=IMPACT_SCHEMA), path)
    assert "dq_kpi_impact" not in publish(plant(tmp_path), MANIFEST).tables


def test_keys_and_comments_travel_with_the_tables(tmp_path: Path) -> None:
    marts = publish(plant(tmp_path), MANIFEST).marts
    keys = "select constraint_column_names from duckdb_constraints() where constraint_type = 'PRIMARY KEY'"
    assert (["period_month"],) in query(marts, keys + " and database_name = 'm'")
    comment = "select comment from duckdb_columns() where database_name = 'm' and column_name = 'n_leads'"
    assert query(marts, comment) == [("Leads.",)]
    tables = "select comment from duckdb_tables() where database_name = 'm' and table_name = 'dim_products'"
    assert query(marts, tables) == [("One row per product_id of dim_products.",)]


def test_a_table_that_cannot_be_made_is_told_by_its_own_error(
    tmp_path: Path,
) -> None:
    table = Table("dim_planted", "marts", "", ("key",), ())
    with connection(None, tmp_path) as con:
        with pytest.raises(duckdb.BinderException, match="absent"):
            build_marts(con, [table], lambda _: "(select absent from (select 1 as key))", tmp_path)
        marts = build_marts(con, [table], lambda _: "(select 1 as key)", tmp_path)
    assert query(marts, "select key from dim_planted") == [(1,)]


@pytest.mark.audit("EX11")
def test_publishing_the_same_candidate_twice_gives_the_same_tables_and_receipt(tmp_path: Path) -> None:
    company = plant(tmp_path)
    first = publish(company, MANIFEST)
    second = publish(plant(tmp_path, settings=replace(SETTINGS, run_id="run-2")), MANIFEST)
    assert second.content == first.content
    assert len(receipts(company.published)) == 1


@pytest.mark.audit("CP5")
def test_the_receipt_chains_ledgers_and_names_what_went_in(tmp_path: Path) -> None:
    company = plant(tmp_path)
    first = publish(company, MANIFEST).content
    second = publish(plant(tmp_path, n_leads=8, delivery="d2"), MANIFEST).content
    assert second["previous_publication_id"] == first["publication_id"] != second["publication_id"]
    assert len({first["chain_hash"], second["chain_hash"], first["ledger_hash"], second["ledger_hash"]}) == 4
    assert second["deliveries"][0]["delivery_id"] and second["deliveries"][0]["file_sha256"]
    assert "file_path" not in second["deliveries"][0], "a calendar's file is named after its person"
    assert second["row_counts"]["mart_sales_leads_month"] == 2
    assert second["metric_versions"] == {"leads_new": "2"}
    assert "published_at" in second and "published_at" not in json.dumps(MANIFEST)


@pytest.mark.parametrize(
    "break_it",
    [
        "hold",
        "no_verdict",
        "other_cycle",
        "imbalance",
        "mart_rule",
        "no_mart_rule",
        "mart_rule_skipped",
        "mart_rule_not_assessed",
        "waiver_taken_back",
    ],
)
def test_nothing_is_published_when_anything_speaks_against_it(tmp_path: Path, break_it: str) -> None:
    company = plant(tmp_path)
    before = publish(company, MANIFEST)
    bytes_before = before.marts.read_bytes()
    plant(tmp_path, n_leads=9, delivery="d2")
    if break_it == "hold":
        judge(tmp_path, "hold")
    elif break_it == "no_verdict":
        (tmp_path / "work" / "quality" / "gate_verdicts.parquet").unlink()
    elif break_it == "other_cycle":
        write_settings(of_cycle("2026-07"), tmp_path / "work")
    elif break_it == "imbalance":
        con = duckdb.connect(str(tmp_path / "work" / "warehouse.duckdb"))
        con.execute("update quality_dbt.dq_ledger_balances set right_value = 0, difference = 1")
        con.close()
    elif break_it == "mart_rule":
        failed = passing("R-MRT-001", status="fail", n_failed=1, failed_share=Decimal("0.2"))
        write_results(every_rule([failed]), results_path(tmp_path))
    elif break_it == "mart_rule_skipped":
        write_results([each for each in every_rule() if each.rule_id != "R-MRT-001"], results_path(tmp_path))
    elif break_it == "mart_rule_not_assessed":
        unassessed = passing("R-MRT-001", status="not_assessed", cause="too_few_rows")
        write_results(every_rule([unassessed]), results_path(tmp_path))
    elif break_it == "waiver_taken_back":
        (tmp_path / "waivers.csv").write_text(
            "rule_id,table_name,author,reason,decided_on,expires_on\n"
            "R-CRM-001,,cfo,known gap of the migration,2026-06-01,2026-08-01\n"
        )
    else:
        write_results([each for each in every_rule() if each.layer != "mart"], results_path(tmp_path))
    with pytest.raises(NotAdmittedError):
        publish(company, MANIFEST)
    assert before.marts.read_bytes() == bytes_before
    assert [path.name for path in (tmp_path / "published" / "parquet").iterdir()] == [before.publication_id]


def test_a_hold_writes_a_refusal_receipt_that_names_what_stands(tmp_path: Path) -> None:
    company = plant(tmp_path)
    standing = publish(company, MANIFEST)
    judge(tmp_path, "hold")
    path = refuse(company, {"reasons": "ledger_imbalance", "sentences_en": ["x"]})
    content = json.loads(path.read_text())
    assert content["still_published"] == standing.publication_id and content["reasons"] == "ledger_imbalance"
    assert len(receipts(company.published)) == 1


@pytest.mark.audit("CP3")
@pytest.mark.parametrize("pii", ["direct", "restricted"])
def test_a_model_with_a_direct_identifier_or_free_text_is_never_published(tmp_path: Path, pii: str) -> None:
    manifest = copy.deepcopy(MANIFEST)
    persons = manifest["nodes"]["model.etalon.dim_persons"]
    persons["config"]["meta"]["publish"] = True
    persons["columns"]["person_id"]["config"]["meta"] = {"pii": pii}
    with pytest.raises(PrivateColumnError):
        publish(plant(tmp_path), manifest)
    assert "dim_persons" not in {table.name for table in published_tables(MANIFEST)}
    assert not (tmp_path / "published" / "marts.duckdb").exists()


def test_rollback_puts_an_earlier_publication_back_from_its_parquet(tmp_path: Path) -> None:
    company = plant(tmp_path)
    old = publish(company, MANIFEST)
    hashes = published_hashes(old.marts)
    new = publish(plant(tmp_path, n_leads=99, delivery="d2"), MANIFEST)
    assert published_hashes(new.marts) != hashes
    back = rollback(company, old.publication_id)
    assert published_hashes(back.marts) == hashes
    keys = "select table_name from duckdb_constraints() where constraint_type = 'PRIMARY KEY'"
    keys += " and database_name = 'm' order by 1"
    assert [name for (name,) in query(back.marts, keys)] == sorted(old.tables)
    current = current_publication(company.published)
    assert (
        current["publication_id"] == old.publication_id and current["rolled_back_from"] == new.publication_id
    )


def test_rollback_refuses_a_damaged_or_unknown_publication(tmp_path: Path) -> None:
    company = plant(tmp_path)
    old = publish(company, MANIFEST)
    new = publish(plant(tmp_path, n_leads=99, delivery="d2"), MANIFEST)
    live = new.marts.read_bytes()
    (old.parquet / "dim_products.parquet").write_bytes(b"x")
    with pytest.raises(OSError, match=r"dim_products\.parquet"):
        rollback(company, old.publication_id)
    with pytest.raises(UnknownPublicationError, match=new.publication_id):
        rollback(company, "2020-01-000000000000")
    assert new.marts.read_bytes() == live


def test_a_reader_keeps_its_file_while_a_publication_is_swapped_in(tmp_path: Path) -> None:
    company = plant(tmp_path)
    marts = publish(company, MANIFEST).marts
    reader = duckdb.connect()
    reader.execute(f"attach '{marts}' as m (read_only)")
    one = "select sum(n_leads) from m.mart_sales_leads_month"
    assert reader.execute(one).fetchone() == (10,)
    publish(plant(tmp_path, n_leads=99, delivery="d2"), MANIFEST)
    assert reader.execute(one).fetchone() == (10,)
    reader.close()
    assert query(marts, "select sum(n_leads) from mart_sales_leads_month") == [(102,)]


def test_the_logical_hash_sees_every_change_and_no_order() -> None:
    con = duckdb.connect()

    def hash_of(values: str) -> str:
        return logical_hash(con, f"(select * from (values {values}) as t(a, b))")

    base = hash_of("('x', 1.10), ('y', null)")
    assert hash_of("('y', null), ('x', 1.10)") == base
    others = (
        "('x', 1.1), ('y', null)",
        "('x', 1.10)",
        "('x', 1.10), ('x', 1.10), ('y', null)",
        "('x', 1.10), ('y', 0)",
    )
    assert len({base, *map(hash_of, others)}) == 5
    assert hash_of("('a', 'bc')") != hash_of("('ab', 'c')")
    assert hash_of("('', 'a')") != hash_of("(null, 'a')")


def test_trust_follows_the_lineage_of_a_metric() -> None:
    behind = tables_behind(MANIFEST)["leads_new"]
    assert {"mart_sales_leads_month", "crm_lead"} <= behind
    failed = result("R-CRM-001", "raw", "raw.crm_lead", status="fail")
    warned = result("R-MRT-001", "mart", "marts.mart_sales_leads_month", status="warn")
    elsewhere = result("R-ERP-001", "raw", "raw.erp_invoice", status="fail")
    assert trust_of(behind, [failed, warned]) == ("unreliable", ("R-CRM-001", "R-MRT-001"))
    assert trust_of(behind, [warned, elsewhere]) == ("caution", ("R-MRT-001",))
    assert trust_of(behind, [elsewhere]) == ("not_assessed", ())
    assert trust_of(behind, [replace(failed, status="pass")]) == ("reliable", ())
