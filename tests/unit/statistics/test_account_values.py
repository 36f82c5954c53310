"""Values of accounts are published when the model predicts, and say why they are not when it does not."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from planted_candidate import SETTINGS
from planted_warehouse_of_deals import open_warehouse

from orchestration.statistics.account_values import compute

END = SETTINGS.cycle_end


def warehouse(path: Path, lines: list[tuple[str, date, float, bool]]) -> duckdb.DuckDBPyConnection:
    con = open_warehouse(path / "warehouse.duckdb")
    planted = pa.table(
        {
            "account_id": [line[0] for line in lines],
            "invoiced_on": pa.array([line[1] for line in lines], pa.date32()),
            "net_amount_reporting": [line[2] for line in lines],
            "is_recurring": [line[3] for line in lines],
        }
    )
    con.register("planted", planted)
    con.execute("insert into metrics.fct_revenue_lines by name select * from planted")
    return con


def purchases(seed: int, *, tie: float = 0.0, n: int = 600) -> list[tuple[str, date, float, bool]]:
    """Accounts that buy at their own rate for two years and may leave; tie: how much the busy spend more."""
    rng = np.random.default_rng(seed)
    lines = []
    for account in range(n):
        day, rate = int(rng.integers(0, 200)), rng.gamma(1.2, 1 / 60)
        usual = rng.gamma(6, 1) * 40 * np.exp(tie * 60 * rate)
        while day < 730:
            lines.append(
                (
                    f"acc_{account}",
                    END - timedelta(days=730 - day),
                    round(usual * rng.gamma(8, 1 / 8), 2) + 1,
                    False,
                )
            )
            day += 1 + int(rng.exponential(1 / rate))
            if rng.random() < 0.06:
                break
    return lines


def the_model(tables: dict) -> dict:
    (row,) = tables["account_value_models"].to_pylist()
    return row


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_accounts_that_buy_as_the_model_says_have_a_value(tmp_path: Path, seed: int) -> None:
    tables = compute(warehouse(tmp_path, purchases(seed)), SETTINGS)
    row = the_model(tables)
    assert row["is_published"], row
    values = tables["account_values"].to_pylist()
    assert len(values) == row["n_accounts"] == 600
    assert all(0 <= each["alive_probability"] <= 1 and each["expected_revenue"] >= 0 for each in values)
    gone = [
        each
        for each in values
        if each["n_repeat_purchases"] > 5 and each["age_weeks"] - each["last_purchase_weeks"] > 60
    ]
    active = [each for each in values if each["age_weeks"] - each["last_purchase_weeks"] < 4]
    assert max(each["alive_probability"] for each in gone) < min(
        0.2, min(each["alive_probability"] for each in active)
    )


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_accounts_that_spend_more_the_more_often_they_buy_have_none(tmp_path: Path, seed: int) -> None:
    tables = compute(warehouse(tmp_path, purchases(seed, tie=0.6)), SETTINGS)
    assert the_model(tables)["reason_code"] == "frequency_value_correlated"
    assert tables["account_values"].num_rows == 0


def test_a_market_that_stops_in_the_last_quarter_misses_the_holdout(tmp_path: Path) -> None:
    stopped = [line for line in purchases(5) if line[1] < END - timedelta(days=170)]
    row = the_model(compute(warehouse(tmp_path, stopped), SETTINGS))
    assert row["reason_code"] == "holdout_missed" and row["n_holdout_actual"] < row["n_holdout_expected"]


def test_subscriptions_credits_and_unknown_accounts_are_no_purchases(tmp_path: Path) -> None:
    lines = [
        ("acc_1", END - timedelta(days=90), 10.0, True), ("unknown", END - timedelta(days=90), 10.0, False),
        ("acc_2", END - timedelta(days=80), 10.0, False), ("acc_2", END - timedelta(days=80), -10.0, False),
        ("acc_3", END - timedelta(days=70), 10.0, False), ("acc_3", END + timedelta(days=1), 10.0, False),
    ]  # fmt: skip
    row = the_model(compute(warehouse(tmp_path, lines), SETTINGS))
    assert (row["n_accounts"], row["n_repeat_accounts"]) == (1, 0)
    assert (row["is_published"], row["reason_code"]) == (False, "too_few_repeat_buyers")


def test_the_same_purchases_in_another_order_give_the_same_values(tmp_path: Path) -> None:
    lines = purchases(6)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one = compute(warehouse(tmp_path / "a", lines), SETTINGS)
    other = compute(warehouse(tmp_path / "b", lines[::-1]), SETTINGS)
    assert one["account_values"].equals(other["account_values"])
