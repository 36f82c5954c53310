"""MetricFlow joins facts to the version of their account that was valid then: a merger moves it from its day on."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb

from tests.golden.planted_warehouse import model_columns, write_relations
from tests.metricflow_engine import open_engine

MERGER = date(2026, 3, 1)


def version(account: str, group: str, first: date, last: date | None) -> dict:
    return {
        "account_version_key": f"{account}/{first}", "account_id": account, "group_id": group,
        "owner_rep_id": "unknown", "size_band_code": "smb", "is_strategic": False,
        "valid_from": first, "valid_to": last, "is_current": last is None,
    }  # fmt: skip


def month(account: str, day: date, mrr: int) -> dict:
    zero = {name: 0 for name in model_columns()["fct_mrr_movements"][1] if name.endswith("_mrr")}
    named = {"account_month_key": f"{account}/{day}", "account_id": account, "period_month": day}
    return zero | named | {"closing_mrr": mrr, "size_band_code": "smb"}


def test_recurring_revenue_moves_to_the_new_group_from_the_month_of_the_merger(tmp_path: Path) -> None:
    always = date(1900, 1, 1)
    months = [date(2026, n, 1) for n in (1, 2, 3, 4)]
    rows = {
        "dim_account_versions": [
            version("acc_peugeot", "grp_psa", always, MERGER),
            version("acc_peugeot", "grp_stellantis", MERGER, None),
            version("acc_fiat", "grp_fca", always, MERGER),
            version("acc_fiat", "grp_stellantis", MERGER, None),
            version("acc_renault", "grp_renault", always, None),
        ],
        "fct_mrr_movements": [
            month(account, day, amount)
            for account, amount in (("acc_peugeot", 100), ("acc_fiat", 40), ("acc_renault", 7))
            for day in months
        ],
    }
    (tmp_path / "planted").mkdir()
    warehouse = tmp_path / "planted" / "warehouse.duckdb"
    write_relations(warehouse, rows)
    with duckdb.connect(str(warehouse)) as con:
        con.execute("create schema metrics")
        con.execute("create table metrics.time_spine_daily as select date_day from master.dim_dates")
    query = open_engine(tmp_path / "engine", warehouse)
    found = {
        (day.date() if isinstance(day, datetime) else day, group): Decimal(str(value))
        for day, group, value in query(["mrr"], ["metric_time__month", "account__group_as_was"])
    }
    before = {"grp_psa": 100, "grp_fca": 40, "grp_renault": 7}
    after = {"grp_stellantis": 140, "grp_renault": 7}
    assert found == {
        (day, group): amount
        for day in months
        for group, amount in (before if day < MERGER else after).items()
    }
