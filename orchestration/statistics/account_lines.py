"""The scatter of accounts as a whole: line, second opinion, spread, groups, and what one account does (2.3, 2.4, VI6).

One row for the cycle. The unit is the account: touches per lead and share of leads that converted, half a year of
matured leads. Beside it stands what accounts do to the judged line of the leads: r without the account that moves it
most, and the slope with an error that lets the leads of one account go together. Known groups come first: where size
or the strategic list parts the accounts, no unknown clusters are looked for.
What does NOT belong here: which account stands where (account_quadrants), the light.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import fsum

import duckdb
import numpy as np
import pyarrow as pa
import statsmodels.api as sm
from scipy import stats

from orchestration.audit.composition import adjusted
from orchestration.audit.grouped import Sums, clustered_slope, leave_one_out
from orchestration.audit.points import Points
from orchestration.audit.quadrants import quadrants
from orchestration.audit.regression import CONFIDENCE
from orchestration.audit.shares import Shared, newcombe_shared
from orchestration.statistics.account_quadrants import HALF_YEAR_BEFORE, is_full_before, shared
from orchestration.statistics.audit_units import is_judged
from orchestration.statistics.figures import RATE, decimal, exact

#: Theil and Sen compare every pair: so many accounts, chosen by the digest of their id, cost a tenth of a second.
PAIRED = 2_000
#: Fewer accounts have no line; a group of fewer is not compared.
MINIMUM_ACCOUNTS, MINIMUM_GROUP = 30, 10
_SPREADS = ("low_quarter", "median", "high_quarter", "sd")

SCHEMAS: Mapping[str, pa.Schema] = {
    "account_lines": pa.schema(
        [
            ("period_start", pa.date32()),
            ("period_end", pa.date32()),
            *[(name, pa.int64()) for name in ("n_accounts", "n_leads", "n_leads_without_account", "n_excluded")],
            *[
                (name, RATE)
                for name in (
                    "touches_mean", "conversion_mean", "r", "r_low", "r_high", "rho", "p_value", "slope", "slope_low",
                    "slope_high", "intercept", "r_squared",
                )
            ],
            ("line_reason_code", pa.string()),
            *[(name, pa.int64()) for name in ("n_q1", "n_q2", "n_q3", "n_q4", "n_on_line")],
            ("q1_share_rate", RATE),
            ("n_accounts_before", pa.int64()),
            ("n_q1_before", pa.int64()),
            *[(name, RATE) for name in ("q1_change", "q1_change_low", "q1_change_high")],
            ("q1_change_reason_code", pa.string()),
            *[(f"touches_{name}", RATE) for name in _SPREADS],
            *[(f"conversion_{name}", RATE) for name in _SPREADS],
            ("residual_sd", RATE),
            ("n_paired", pa.int64()),
            *[(name, RATE) for name in ("median_slope", "median_slope_low", "median_slope_high")],
            ("median_slope_reason_code", pa.string()),
            ("lead_r_change_max", RATE),
            ("lead_r_without", RATE),
            ("influential_account_id", pa.string()),
            ("influence_reason_code", pa.string()),
            *[(name, RATE) for name in ("lead_slope", "lead_slope_low", "lead_slope_high")],
            ("lead_slope_reason_code", pa.string()),
            ("cluster_code", pa.string()),
            ("cluster_group_code", pa.string()),
            ("cluster_p_adjusted", RATE),
            ("cluster_reason_code", pa.string()),
        ]
    ),
    "account_spreads": pa.schema(
        [
            ("n_touches", pa.int64()),
            ("n_accounts", pa.int64()),
            ("n_leads", pa.int64()),
            *[(name, RATE) for name in ("conversion_mean", *(f"conversion_{name}" for name in _SPREADS))],
        ]
    ),
}  # fmt: skip
DESCRIPTIONS = {
    "account_lines": "Line, spread and groups of the scatter of accounts, and what one account does.",
    "account_spreads": "Spread of the conversion of accounts by touches per lead, rounded.",
}

_ACCOUNTS = """
select a.account_id, cast(a.n as bigint) as n, a.t / a.n as x, a.k / a.n as y,
  coalesce(d.size_band_code, 'unknown') as size_band, coalesce(d.is_strategic, false) as strategic
from audit_accounts as a left join master.dim_accounts as d on d.account_id = a.account_id
where a.ago = 0 order by a.account_id
"""
# rounded half up, as a reader of the scatter would
_SPREAD_ROWS = """
select cast(floor(cast(2 * t + n as double) / (2 * n)) as bigint) as n_touches, count(*) as n_accounts,
  cast(sum(n) as bigint) as n_leads, list(k / n order by k / n) as shares
from audit_accounts where ago = 0 group by 1 order by 1
"""
_GROUPS = """
select case when account_id = 'unknown' then lead_id else account_id end as group_id, count(*) as n,
  cast(sum({x}) as bigint) as x, cast(sum({x} * {x}) as bigint) as xx,
  count(*) filter (where is_converted_in_window) as y,
  cast(coalesce(sum({x}) filter (where is_converted_in_window), 0) as bigint) as xy
from audit_units
where {is_judged} and created_month <= last_month
  and created_month >= cast(last_month - interval 5 months as date)
group by group_id order by group_id
"""
_PERIOD = """
select cast(max(last_month) - interval 5 months as date), cast(max(last_month) + interval 1 month as date),
  count(*) filter (where account_id = 'unknown' and not is_listed and is_in),
  count(*) filter (where is_listed and is_in)
from (select *, is_matured and created_month <= last_month
  and created_month >= cast(last_month - interval 5 months as date) as is_in from audit_units)
"""


def figures(
    con: duckdb.DuckDBPyConnection, points: Mapping[int, Points], judged_day: int
) -> Mapping[str, pa.Table]:
    """account_lines; no row for a company without dated leads. points: what `account_quadrants.prepare` returned."""
    start, end, without, excluded = con.execute(_PERIOD).fetchall()[0]
    if start is None:
        return {name: schema.empty_table() for name, schema in SCHEMAS.items()}
    read = con.sql(_ACCOUNTS).to_arrow_table()
    accounts = {name: read[name].to_numpy() for name in read.schema.names}
    row = {
        "period_start": start,
        "period_end": end,
        "n_accounts": read.num_rows,
        "n_leads": int(accounts["n"].sum()),
        "n_leads_without_account": without,
        "n_excluded": excluded,
        **_line(accounts),
        **_quadrants(points[0], points[HALF_YEAR_BEFORE], shared(con), is_full_before(con)),
        **_median_slope(con),
        **_influence(con, judged_day),
        **_groups(accounts),
    }
    return {
        "account_lines": pa.Table.from_pylist([row], schema=SCHEMAS["account_lines"]),
        "account_spreads": pa.Table.from_pylist(_spreads(con), schema=SCHEMAS["account_spreads"]),
    }


def _spreads(con: duckdb.DuckDBPyConnection) -> list[dict[str, object]]:
    """Spread of the conversion of accounts with as many touches per lead; one row per such number (row VI7)."""
    return [
        {
            "n_touches": n_touches,
            "n_accounts": n_accounts,
            "n_leads": n_leads,
            "conversion_mean": decimal(fsum(shares) / n_accounts),
            **_spread("conversion", np.array(shares)),
        }
        for n_touches, n_accounts, n_leads, shares in con.execute(_SPREAD_ROWS).fetchall()
    ]


def _spread(name: str, values: np.ndarray) -> dict[str, object]:
    """Quarters and standard deviation; the deviation of one value is None, without values all are."""
    if not len(values):
        return {}
    quarters = [decimal(float(q)) for q in np.quantile(values, (0.25, 0.5, 0.75))]
    deviation = decimal(float(np.std(values, ddof=1))) if len(values) > 1 else None
    return dict(zip((f"{name}_{each}" for each in _SPREADS), (*quarters, deviation), strict=True))


def _line(accounts: Mapping[str, np.ndarray]) -> dict[str, object]:
    x, y = accounts["x"], accounts["y"]
    told = _spread("touches", x) | _spread("conversion", y)
    reason = (
        "too_few_accounts" if len(x) < MINIMUM_ACCOUNTS
        else "zero_variance_x" if np.all(x == x[0])
        else "zero_variance_y" if np.all(y == y[0])
        else None
    )  # fmt: skip
    if reason:
        return told | {"line_reason_code": reason}
    pearson = stats.pearsonr(x, y)
    low, high = pearson.confidence_interval(CONFIDENCE)
    fitted = sm.OLS(y, sm.add_constant(x)).fit(cov_type="HC3", use_t=True)
    slope_low, slope_high = fitted.conf_int(alpha=1 - CONFIDENCE)[1]
    numbers = {
        "r": pearson.statistic,
        "r_low": low,
        "r_high": high,
        "rho": stats.spearmanr(x, y).statistic,
        "p_value": pearson.pvalue,
        "slope": fitted.params[1],
        "slope_low": slope_low,
        "slope_high": slope_high,
        "intercept": fitted.params[0],
        "r_squared": fitted.rsquared,
        "residual_sd": np.sqrt(fitted.scale),
    }
    return told | {name: decimal(float(value)) for name, value in numbers.items()}


def _quadrants(points: Points, before: Points, both: Shared, is_full: bool) -> dict[str, object]:
    """Counts, and the change of the share of Q1 since the half year before: other leads, partly the same accounts."""
    now, then = quadrants(points), quadrants(before)
    told: dict[str, object] = {
        "touches_mean": exact(points.mean_x()),
        "conversion_mean": exact(points.mean_y()),
        "n_q1": now.q1,
        "n_q2": now.q2,
        "n_q3": now.q3,
        "n_q4": now.q4,
        "n_on_line": now.on_line,
        "q1_share_rate": exact(now.q1_share),
        "n_accounts_before": then.n,
        "n_q1_before": then.q1,
    }
    if now.q1_share is None or then.q1_share is None:
        return told | {
            "q1_change_reason_code": "no_accounts" if now.q1_share is None else "no_accounts_before"
        }
    if not is_full:
        return told | {"q1_change_reason_code": "no_full_period_before"}
    low, high = newcombe_shared(now.q1, now.n, then.q1, then.n, both)
    return told | {
        "q1_change": exact(now.q1_share - then.q1_share),
        "q1_change_low": decimal(low),
        "q1_change_high": decimal(high),
    }


def _median_slope(con: duckdb.DuckDBPyConnection) -> dict[str, object]:
    """Median of the slopes of all pairs of accounts (Theil 1950, Sen 1968) with its interval."""
    rows = con.execute(
        "select t / n as x, k / n as y from audit_accounts where ago = 0"
        " order by md5(account_id), account_id limit $paired",
        {"paired": PAIRED},
    ).fetchnumpy()
    x, y = np.asarray(rows["x"], dtype=float), np.asarray(rows["y"], dtype=float)
    if len(x) < MINIMUM_ACCOUNTS or np.all(x == x[0]):
        reason = "too_few_accounts" if len(x) < MINIMUM_ACCOUNTS else "zero_variance_x"
        return {"n_paired": len(x), "median_slope_reason_code": reason}
    found = stats.theilslopes(y, x, alpha=CONFIDENCE)
    return {
        "n_paired": len(x),
        "median_slope": decimal(float(found.slope)),
        "median_slope_low": decimal(float(found.low_slope)),
        "median_slope_high": decimal(float(found.high_slope)),
    }


def _influence(con: duckdb.DuckDBPyConnection, days: int) -> dict[str, object]:
    """What accounts do to the judged line of the leads; a lead without an account is an account of its own."""
    read = con.sql(_GROUPS.format(x=f"x_{days}", is_judged=is_judged(days))).to_arrow_table()
    sums = Sums(*(read[name].to_numpy().astype(np.int64) for name in ("n", "x", "xx", "y", "xy")))
    moved, slope = leave_one_out(sums), clustered_slope(sums)
    group = None if moved.place is None else read["group_id"][moved.place].as_py()
    return {
        "lead_r_change_max": decimal(moved.change),
        "lead_r_without": decimal(moved.r_without),
        "influential_account_id": group,
        "influence_reason_code": moved.reason,
        "lead_slope": decimal(slope.slope),
        "lead_slope_low": decimal(slope.low),
        "lead_slope_high": decimal(slope.high),
        "lead_slope_reason_code": slope.reason,
    }


def _groups(accounts: Mapping[str, np.ndarray]) -> dict[str, object]:
    """Whether size or the strategic list parts the accounts: Kruskal and Wallis on touches and on conversion."""
    p_values: dict[str, float | None] = {}
    for group in ("size_band", "strategic"):
        for measure in ("x", "y"):
            p_values[f"{group}_{'touches' if measure == 'x' else 'conversion'}"] = _parted(
                accounts[group].astype(str), accounts[measure]
            )
    found = adjusted(p_values)
    if not found:
        return {"cluster_code": None, "cluster_reason_code": "no_two_known_groups"}
    first = min(found, key=lambda name: (found[name], name))
    is_parted = found[first] <= 1 - CONFIDENCE
    return {
        "cluster_code": "known_groups" if is_parted else "none_known",
        "cluster_group_code": first if is_parted else None,
        "cluster_p_adjusted": decimal(found[first]),
    }


def _parted(codes: np.ndarray, values: np.ndarray) -> float | None:
    """p-value that the groups have one distribution; None without two groups of enough accounts that differ at all."""
    groups = [values[codes == code] for code in np.unique(codes) if code != "unknown"]
    groups = [group for group in groups if len(group) >= MINIMUM_GROUP]
    if len(groups) < 2 or np.all(np.concatenate(groups) == groups[0][0]):
        return None
    return float(stats.kruskal(*groups).pvalue)
