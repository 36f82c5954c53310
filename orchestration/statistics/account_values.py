"""What each account without a contract is expected to buy in the next twelve months, and whether that can be believed.

A purchase is a day on which an account was invoiced more than it was credited, subscriptions and intercompany sales
left out. The model is published only when how often and for how much are not correlated, as Gamma-Gamma assumes, and
when a model of the time before predicts the purchases of the last quarter of the time. What does NOT belong here: the
formulas (lifetime.py), margins and currencies (the lines are converted already).
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.settings import RunSettings
from orchestration.statistics import lifetime
from orchestration.statistics.rep_baselines import RATE, decimals

AMOUNT = pa.decimal128(38, 4)
SCHEMAS = {
    "account_values": pa.schema(
        [
            ("account_id", pa.string()),
            ("n_repeat_purchases", pa.int64()),
            ("last_purchase_weeks", RATE),
            ("age_weeks", RATE),
            ("purchase_value", AMOUNT),
            ("alive_probability", RATE),
            ("expected_purchases", RATE),
            ("expected_purchase_value", AMOUNT),
            ("expected_revenue", AMOUNT),
        ]
    ),
    "account_value_models": pa.schema(
        [
            ("model_code", pa.string()),
            ("is_published", pa.bool_()),
            ("reason_code", pa.string()),
            ("n_accounts", pa.int64()),
            ("n_repeat_accounts", pa.int64()),
            ("frequency_value_correlation", RATE),
            ("n_holdout_expected", RATE),
            ("n_holdout_actual", pa.int64()),
            ("rate_shape", RATE),
            ("rate_scale", RATE),
            ("leave_shape", RATE),
            ("stay_shape", RATE),
        ]
    ),
}
DESCRIPTIONS = {
    "account_values": "One row per account that bought without a contract, with what it is expected to buy in a year.",
    "account_value_models": "One row for the model of the cycle, with its checks.",
}
WEEKS_AHEAD = 52.1775  # twelve months
#: Fewer accounts that bought again say nothing about a population.
MIN_REPEAT = 30
#: Gamma-Gamma assumes that how often and for how much are independent.
MAX_CORRELATION = 0.1
#: Share of the time held back, and how far the expected purchases may lie from those that came.
HOLDOUT_SHARE, HOLDOUT_TOLERANCE = 0.25, 0.25

_PURCHASES = """
    select l.account_id, l.invoiced_on, sum(l.net_amount_reporting) as amount
    from metrics.fct_revenue_lines as l
    where not l.is_recurring and l.account_id <> 'unknown' and l.net_amount_reporting is not null
      and l.invoiced_on < $until
    group by l.account_id, l.invoiced_on having sum(l.net_amount_reporting) > 0
"""
_SUMMARIES = f"""
    with purchases as ({_PURCHASES}), firsts as (
      select account_id, min(invoiced_on) as first_on from purchases group by account_id)
    select account_id, cast(count(*) - 1 as double) as x,
      cast(max(invoiced_on) - min(first_on) as double) / 7 as t, cast($until - min(first_on) as double) / 7 as age,
      coalesce(cast(sum(amount) filter (where invoiced_on > first_on) as double)
        / nullif(count(*) filter (where invoiced_on > first_on), 0), 0) as mean
    from purchases join firsts using (account_id) group by account_id order by account_id
"""
_LATER = f"""
    with purchases as ({_PURCHASES})
    select count(*) from purchases
    where invoiced_on >= $split and account_id in (select account_id from purchases where invoiced_on < $split)
"""
_BOUNDS = f"select min(invoiced_on) from ({_PURCHASES})"


def compute(con: duckdb.DuckDBPyConnection, settings: RunSettings) -> Mapping[str, pa.Table]:
    """Both tables of SCHEMAS. Accounts have rows only where the model is published."""
    until = settings.cycle_end
    accounts = con.sql(_SUMMARIES, params={"until": until}).to_arrow_table()
    x, t, age, mean = (accounts[name].to_numpy() for name in ("x", "t", "age", "mean"))
    repeated = x > 0
    figures: dict[str, object] = {
        "model_code": "bg_nbd_gamma_gamma", "n_accounts": len(x), "n_repeat_accounts": int(repeated.sum()),
    }  # fmt: skip
    values = SCHEMAS["account_values"].empty_table()
    reason = None
    if repeated.sum() < MIN_REPEAT:
        reason = "too_few_repeat_buyers"
    else:
        try:
            purchasing = lifetime.fit_purchasing(x, t, age)
            spending = lifetime.fit_spending(x[repeated], mean[repeated])
        except lifetime.NotFittedError:
            reason = "model_not_fitted"
    if reason is None:
        correlation = _correlation(x[repeated], mean[repeated])
        expected, actual = _held_out(con, settings)
        figures |= {
            "frequency_value_correlation": correlation, "n_holdout_expected": expected, "n_holdout_actual": actual,
            "rate_shape": purchasing.r, "rate_scale": purchasing.alpha, "leave_shape": purchasing.a,
            "stay_shape": purchasing.b,
        }  # fmt: skip
        reason = _refused(correlation, expected, actual, purchasing, spending)
    if reason is None:
        values = _of_accounts(accounts, purchasing, spending)
    figures |= {"is_published": reason is None, "reason_code": reason}
    return {"account_values": values, "account_value_models": _one_row(figures)}


def _of_accounts(
    accounts: pa.Table, purchasing: lifetime.Purchasing, spending: lifetime.Spending
) -> pa.Table:
    x, t, age, mean = (accounts[name].to_numpy() for name in ("x", "t", "age", "mean"))
    expected = lifetime.expected_purchases(purchasing, WEEKS_AHEAD, x, t, age)
    value = lifetime.expected_value(spending, x, mean)
    return pa.table(
        {
            "account_id": accounts["account_id"],
            "n_repeat_purchases": pa.array(x.astype(np.int64)),
            "last_purchase_weeks": decimals(t),
            "age_weeks": decimals(age),
            "purchase_value": _amounts(np.where(x > 0, mean, np.nan)),
            "alive_probability": decimals(lifetime.probability_alive(purchasing, x, t, age)),
            "expected_purchases": decimals(expected),
            "expected_purchase_value": _amounts(value),
            "expected_revenue": _amounts(expected * value),
        },
        schema=SCHEMAS["account_values"],
    )


def _held_out(con: duckdb.DuckDBPyConnection, settings: RunSettings) -> tuple[float | None, int | None]:
    """Purchases that a model of the first three quarters expects in the last one, and those that came."""
    until = settings.cycle_end
    ((first,),) = con.execute(_BOUNDS, {"until": until}).fetchall()
    split = until - (until - first) * HOLDOUT_SHARE
    before = con.sql(_SUMMARIES, params={"until": split}).to_arrow_table()
    x, t, age = (before[name].to_numpy() for name in ("x", "t", "age"))
    if (x > 0).sum() < MIN_REPEAT:
        return None, None
    try:
        model = lifetime.fit_purchasing(x, t, age)
    except lifetime.NotFittedError:
        return None, None
    expected = lifetime.expected_purchases(model, (until - split).days / 7, x, t, age)
    ((actual,),) = con.execute(_LATER, {"until": until, "split": split}).fetchall()
    return float(expected.sum()), int(actual)


def _refused(
    correlation: float | None,
    expected: float | None,
    actual: int | None,
    purchasing: lifetime.Purchasing,
    spending: lifetime.Spending,
) -> str | None:
    """Why the model is not published, None where it is."""
    if correlation is None or abs(correlation) >= MAX_CORRELATION:
        return "frequency_value_correlated"
    if expected is None or not actual or abs(expected / actual - 1) > HOLDOUT_TOLERANCE:
        return "holdout_missed"
    # With q of 1 or less the mean of the population has no end; at a = 1 the expectation is not defined.
    return "model_not_fitted" if spending.q <= 1 or abs(purchasing.a - 1) < 1e-6 else None


def _correlation(x: np.ndarray, mean: np.ndarray) -> float | None:
    return float(np.corrcoef(x, mean)[0, 1]) if x.std() > 0 and mean.std() > 0 else None


def _amounts(values: np.ndarray) -> pa.Array:
    return pa.array(np.round(values, 4), from_pandas=True).cast(AMOUNT, safe=False)


def _one_row(figures: Mapping[str, object]) -> pa.Table:
    schema = SCHEMAS["account_value_models"]
    columns = {}
    for field in schema:
        value = figures.get(field.name)
        if field.type == RATE:
            columns[field.name] = decimals(np.array([np.nan if value is None else float(str(value))]))
        else:
            columns[field.name] = pa.array([value], field.type)
    return pa.table(columns, schema=schema)
