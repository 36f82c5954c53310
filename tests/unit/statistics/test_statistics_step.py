"""The step writes every table of every product, from what was known in time, as its schema says."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from planted_candidate import SETTINGS
from planted_warehouse_of_deals import add, add_deal, add_sellers, open_warehouse

from orchestration.project import DBT_PROJECT
from orchestration.statistics import PRODUCTS, compute_all, one_table
from orchestration.statistics.deal_features import FEATURES, read_passages

_TYPES = {"string": "string", "int64": "bigint", "int32": "int", "bool": "boolean", "timestamp[us]": "timestamp",
          "date32[day]": "date", "double": "double"}  # fmt: skip


def spelled(kind: pa.DataType) -> str:
    return f"decimal({kind.precision},{kind.scale})" if pa.types.is_decimal(kind) else _TYPES[str(kind)]


def test_dbt_declares_the_tables_and_columns_that_the_products_give() -> None:
    content = yaml.safe_load((DBT_PROJECT / "models" / "sources" / "statistics.yml").read_text())
    (source,) = content["sources"]
    declared = {
        table["name"]: [(column["name"], column["data_type"]) for column in table["columns"]]
        for table in source["tables"]
    }
    given = {
        name: [(field.name, spelled(field.type)) for field in schema]
        for product in PRODUCTS
        for name, schema in product.schemas.items()
    }
    assert declared == given
    assert all(set(product.descriptions) == set(product.schemas) for product in PRODUCTS)


def test_a_company_without_sellers_or_deals_has_every_table_and_a_reason(tmp_path: Path) -> None:
    open_warehouse(tmp_path / "warehouse.duckdb").close()
    written = compute_all(tmp_path / "warehouse.duckdb", SETTINGS, tmp_path / "statistics")
    assert set(written) == {name for product in PRODUCTS for name in product.schemas}
    assert written["rep_baselines"] == 0
    (row,) = pq.read_table(tmp_path / "statistics" / "deal_models.parquet").to_pylist()
    assert (row["is_published"], row["reason_code"]) == (False, "no_stage_history")


def test_what_a_product_gives_beside_its_schema_is_an_error(tmp_path: Path) -> None:
    open_warehouse(tmp_path / "warehouse.duckdb").close()
    schema = pa.schema([("n", pa.int64())])
    wrong = one_table("wrong", "Wrong.", schema, lambda con, settings: pa.table({"m": [1]}))
    with pytest.raises(KeyError):
        compute_all(tmp_path / "warehouse.duckdb", SETTINGS, tmp_path / "statistics", (wrong,))
    assert not (tmp_path / "statistics" / "wrong.parquet").exists()


@pytest.mark.audit("FD1")
def test_nothing_that_happens_at_the_entry_or_later_changes_a_feature(tmp_path: Path) -> None:
    """Leakage: touches after the meeting, an amount raised at the end and a date put off would tell the outcome."""
    con = open_warehouse(tmp_path / "warehouse.duckdb")
    opened = datetime(2026, 1, 1, 9)
    entry = opened + timedelta(days=10)
    add_deal(con, "old", opened - timedelta(days=60), closed=opened - timedelta(days=1), won=True)
    add_deal(con, "deal", opened, closed=opened + timedelta(days=50), won=True)
    for days, person in ((1, "p1"), (2, "p2"), (3, "p1")):
        add(
            con,
            "master.fct_touches",
            account_id="a_deal",
            person_id=person,
            occurred_at=opened + timedelta(days=days),
        )
    event = {"source_instance": "crm", "opportunity_id": "deal", "is_deleted": False}
    add(con, "staging.stg_crm__opportunity_events", record_key="e1", field="amount",
        changed_at=entry + timedelta(days=20), old_value="100", new_value="500", **event)  # fmt: skip
    before = read_passages(con, SETTINGS)
    add(con, "master.fct_touches", account_id="a_deal", person_id="p3", occurred_at=entry)
    add(con, "master.fct_touches", account_id="a_deal", person_id="p4", occurred_at=entry + timedelta(days=1))
    add(con, "staging.stg_crm__opportunity_events", record_key="e2", field="amount",
        changed_at=entry + timedelta(days=30), old_value="500", new_value="900", **event)  # fmt: skip
    add(
        con,
        "staging.stg_crm__opportunity_events",
        record_key="e3",
        field="close_date",
        changed_at=entry,
        **event,
    )
    add_deal(con, "later", opened, closed=entry + timedelta(days=1), won=False)
    con.execute("update master.fct_opportunities set amount = 900 where opportunity_id = 'deal'")
    after = read_passages(con, SETTINGS)
    (first,), (second,) = ((each.features[each.opportunity_ids == "deal"]) for each in (before, after))
    assert first.tolist() == second.tolist()
    values = dict(zip(FEATURES, first.tolist(), strict=True))
    assert values["log_account_touches_30d"] == pytest.approx(math.log(4))
    assert values["log_persons_touched"] == pytest.approx(math.log(3))
    assert values["log_amount"] == pytest.approx(math.log(101)), "the amount at the entry, not the last one"
    assert values["log_days_open"] == pytest.approx(math.log(11))
    assert values["n_close_date_changes"] == 0 and values["has_won_before"] == 0
    # one deal of the seller was won before: (1 + 10 * 0.75) / (1 + 10), the company's share being (1 + 0.5) / 2
    assert values["rep_win_logit"] == pytest.approx(math.log(8.5 / 2.5))
    con.close()


@pytest.mark.audit("QU15", "OB6", "OB8")
def test_baselines_are_shrunk_to_a_large_team_else_to_the_company(tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "warehouse.duckdb") as con:
        add_sellers(con)
        add(con, "master.fct_quotas", scope_code="rep", rep_id="r1", metric_code="activities", basis_code="value",
            period_kind_code="month", period_start=SETTINGS.cycle_end, target=50)  # fmt: skip
    compute_all(tmp_path / "warehouse.duckdb", SETTINGS, tmp_path / "statistics")
    path = tmp_path / "statistics" / "rep_baselines.parquet"
    rows = {(r["measure_code"], r["rep_id"]): r for r in pq.read_table(path).to_pylist()}
    assert len(rows) == 18
    assert {rows["win_rate", f"r{i}"]["group_code"] for i in range(5)} == {"team"}
    assert rows["win_rate", "r5"]["group_code"] == "company" and rows["win_rate", "r5"]["n_group_reps"] == 6
    best = rows["win_rate", "r0"]
    assert best["baseline_value"] < best["observed_value"] and (best["place_best"], best["place_worst"]) == (
        1,
        1,
    )
    other = rows["win_rate", "r2"]
    assert other["baseline_value"] > other["observed_value"] and other["place_best"] < other["place_worst"]
    asked = rows["touches", "r1"]
    assert asked["target_value"] == 50 and 0 < asked["target_reach_probability"] < 0.5
    assert rows["touches", "r2"]["target_reach_probability"] is None
    assert asked["seasonal_index"] == 1 and asked["proposed_target"] > asked["baseline_value"]


def test_two_sellers_are_no_group(tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "warehouse.duckdb") as con:
        add_sellers(con, months=3)
        con.execute("delete from metrics.fct_rep_months where rep_id > 'r1'")
    compute_all(tmp_path / "warehouse.duckdb", SETTINGS, tmp_path / "statistics")
    with duckdb.connect() as con:
        found = con.execute(
            "select distinct reason_code, baseline_value, seasonal_index from read_parquet($path)",
            {"path": str(tmp_path / "statistics" / "rep_baselines.parquet")},
        ).fetchall()
    assert found == [("too_few_reps", None, None)]
