"""How near the sellers' frozen forecast came on key accounts and on the rest, account by account (row K46).

The forecast of an account for a month is what stood committed on its first day for that month, as the frozen snapshots
know it; it is held against what the account brought in the month. A deal without an account is a unit of its own. An
account is a key account where the strategic list named it on that first day, whatever the list says today. Teams
without a forecast are left out with what they won, as in mart_sales_forecast_month, so that committed and won amounts
add up to its.
Intervals resample accounts, which are what a forecast is made for: months of one account go together, and on the row
of all accounts those of one that changed class too.
What does NOT belong here: the forecast of teams (metrics.fct_forecast_periods), the list (bridge_strategic_accounts).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

import duckdb
import numpy as np
import pyarrow as pa
from scipy.stats import bootstrap

from orchestration.settings import RunSettings
from orchestration.statistics.figures import RATE, decimal, exact, share
from orchestration.statistics.frame import frame_of

MONEY = pa.decimal128(38, 4)
SCHEMA = pa.schema(
    [
        ("period_code", pa.string()),
        ("period_start", pa.date32()),
        ("period_end", pa.date32()),
        ("account_class_code", pa.string()),
        ("n_accounts", pa.int64()),
        ("n_accounts_won", pa.int64()),
        ("n_account_months", pa.int64()),
        ("n_expected", pa.int64()),
        ("n_won", pa.int64()),
        ("n_unconverted", pa.int64()),
        ("committed_amount", MONEY),
        ("won_amount", MONEY),
        ("error_amount", MONEY),
        ("absolute_error_amount", MONEY),
        ("wape_rate", RATE),
        ("wape_low", RATE),
        ("wape_high", RATE),
        ("bias_rate", RATE),
        ("wape_reason_code", pa.string()),
        ("interval_reason_code", pa.string()),
        ("n_account_months_within_10pct", pa.int64()),
        ("within_10pct_rate", RATE),
        ("within_10pct_low", RATE),
        ("within_10pct_high", RATE),
        ("within_reason_code", pa.string()),
        ("rest_difference_rate", RATE),
        ("rest_difference_low", RATE),
        ("rest_difference_high", RATE),
        ("rest_status_code", pa.string()),
        ("rest_reason_code", pa.string()),
    ]
)
DESCRIPTION = (
    "Precision of the frozen forecast of the month and of the year, on key accounts and on the rest."
)

ALL, KEY, REST = "all", "key", "rest"
#: How often accounts are drawn again.
RESAMPLES = 999

_UNITS = """
create or replace temp table forecast_units as
with told as (
  select s.snapshot_on as period_month, s.rep_id, s.account_id, s.opportunity_id, 1 as n_expected, 0 as n_won,
    s.is_forecast_unconverted as is_unconverted,
    case when s.forecast_category_code = 'commit' then coalesce(s.forecast_amount_reporting, 0) else 0 end as committed,
    0 as won
  from metrics.fct_opportunity_snapshots as s
  where s.snapshot_on >= $first and s.snapshot_on <= $last
    and s.expected_close_on >= s.snapshot_on and s.expected_close_on < s.snapshot_on + interval 1 month
  union all
  select cast(date_trunc('month', c.closed_on) as date), c.rep_id, c.account_id, c.opportunity_id, 0, 1,
    c.is_unconverted, 0, coalesce(c.amount_reporting, 0)
  from metrics.fct_opportunity_closings as c
  where c.is_won and c.closed_on >= $first and c.closed_on < cast($last + interval 1 month as date)
),
listed as (
  select distinct b.account_id, m.period_month
  from (select distinct period_month from told) as m
  join master.bridge_strategic_accounts as b
    on m.period_month >= b.valid_from and m.period_month < coalesce(b.valid_to, date '9999-12-31')
)
select t.period_month, case when t.account_id <> 'unknown' then t.account_id else t.opportunity_id end as unit_id,
  case when l.account_id is not null then 'key' else 'rest' end as account_class,
  sum(t.n_expected) as n_expected, sum(t.n_won) as n_won,
  count(*) filter (where t.is_unconverted) as n_unconverted,
  cast(sum(t.committed) as decimal(38, 4)) as committed, cast(sum(t.won) as decimal(38, 4)) as won
from told as t
left join master.dim_reps as r on t.rep_id = r.rep_id
join metrics.fct_forecast_periods as p
  on t.period_month = p.period_month and coalesce(r.team_name, 'unknown') = p.team_name and p.is_judged
left join listed as l on t.account_id = l.account_id and t.period_month = l.period_month
group by all
"""
_CELLS = """
select coalesce(account_class, 'all') as account_class, count(distinct unit_id) filter (where is_tested),
  count(distinct unit_id) filter (where won > 0), count(*) filter (where is_tested), cast(sum(n_expected) as bigint),
  cast(sum(n_won) as bigint), cast(sum(n_unconverted) as bigint), sum(committed), sum(won), sum(committed - won),
  sum(abs(committed - won)), count(*) filter (where won > 0 and abs(committed - won) * 10 <= won)
from (select *, committed <> 0 or won <> 0 as is_tested from forecast_units where period_month >= $first)
group by grouping sets ((account_class), ())
"""
_ACCOUNTS = """
select coalesce(account_class, 'all') as account_class, cast(sum(abs(committed - won)) as double) as missed,
  cast(sum(won) as double) as won,
  cast(count(*) filter (where won > 0 and abs(committed - won) * 10 <= won) as double) as within,
  cast(count(*) as double) as tested
from forecast_units where period_month >= $first and (committed <> 0 or won <> 0)
group by grouping sets ((account_class, unit_id), (unit_id)) order by 1, unit_id
"""
#: Teams without a forecast and why, and what no exchange rate converts: of the whole company, as the marts say it.
_UNJUDGED = """
select coalesce(bool_and(not is_judged), false), min(unjudged_reason_code),
  cast(coalesce(sum(n_unconverted), 0) as bigint)
from metrics.fct_forecast_periods where period_month >= $first and period_month <= $last
"""
_LISTED = """
select count(*) > 0 from master.bridge_strategic_accounts
where valid_from <= $last and coalesce(valid_to, date '9999-12-31') > $first
"""
_COUNTS = (
    *("n_accounts", "n_accounts_won", "n_account_months", "n_expected", "n_won", "n_unconverted"),
    *("committed_amount", "won_amount", "error_amount", "absolute_error_amount", "n_account_months_within_10pct"),
)  # fmt: skip
_NO_COMPARISON = dict.fromkeys(name for name in SCHEMA.names if name.startswith("rest_"))
_NONE = (0, 0, 0, 0, 0, 0, Decimal(0), Decimal(0), Decimal(0), Decimal(0), 0)


def compute(con: duckdb.DuckDBPyConnection, settings: RunSettings) -> pa.Table:
    """Six rows: the month of the cycle and the twelve months up to it, for all accounts, key accounts and the rest.

    Raises duckdb.Error when master or metrics lack a table.
    """
    last, bars = settings.cycle_start, frame_of(con, settings).bars
    starts = {"month": last, "year": _months_before(last, 11)}
    con.execute(_UNITS, {"first": starts["year"], "last": last})
    rows = []
    for period, first in starts.items():
        bind = {"first": first, "last": last}
        counted = {
            row[0]: row[1:] for row in con.execute(_CELLS, {"first": first}).fetchall() if row[4] is not None
        }
        ((no_forecast, why, n_unconverted),) = con.execute(_UNJUDGED, bind).fetchall()
        unknown = "exchange_rate_missing" if n_unconverted else why if no_forecast else None
        ((has_list,),) = con.execute(_LISTED, bind).fetchall()
        accounts = _accounts(con, first)
        found, drawn = {}, {}
        for code in (ALL, KEY, REST):
            cell = dict(zip(_COUNTS, counted.get(code) or _NONE, strict=True))
            reason = unknown or ("no_strategic_account" if code == KEY and not has_list else None)
            is_enough = (
                cell["n_accounts"] >= max(bars.minimum_units, 2)
                and cell["n_accounts_won"] >= bars.minimum_events
            )
            drawn[code] = _again(*accounts[code]) if is_enough and not reason else None
            found[code] = {
                "period_code": period,
                "period_start": first,
                "period_end": settings.cycle_end,
                "account_class_code": code,
                **_figures(cell, reason, drawn[code]),
                **_NO_COMPARISON,
            }
        found[KEY] |= _against_rest(found[KEY], found[REST], drawn[KEY], drawn[REST])
        rows += found.values()
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _months_before(month: date, n_months: int) -> date:
    number = month.year * 12 + month.month - 1 - n_months
    return month.replace(year=number // 12, month=number % 12 + 1)


def _accounts(con: duckdb.DuckDBPyConnection, first: date) -> Mapping[str, tuple[np.ndarray, ...]]:
    """What was missed and won, months within a tenth and all months, by account in the order of ids, for each class."""
    read = con.sql(_ACCOUNTS, params={"first": first}).to_arrow_table()
    classes = read["account_class"].to_numpy(zero_copy_only=False).astype(str)
    sums = [read[name].to_numpy() for name in ("missed", "won", "within", "tested")]
    return {code: tuple(each[classes == code] for each in sums) for code in (ALL, KEY, REST)}


@dataclass(frozen=True)
class _Drawn:
    """Figures of accounts drawn again: the error over what was won, the share of months within a tenth."""

    wape: np.ndarray
    within: np.ndarray


def _again(missed: np.ndarray, won: np.ndarray, within: np.ndarray, tested: np.ndarray) -> _Drawn:
    """The same draws for both; one without a win has no error over it and is left out there."""
    content = np.concatenate([missed, won]).astype("<f8").tobytes()
    generator = np.random.default_rng(int.from_bytes(hashlib.sha256(content).digest()[:8], "big"))
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = bootstrap(
            (missed, won, within, tested),
            lambda a, b, c, d, axis: np.stack(
                [a.sum(axis=axis) / b.sum(axis=axis), c.sum(axis=axis) / d.sum(axis=axis)]
            ),
            paired=True,
            vectorized=True,
            n_resamples=RESAMPLES,
            batch=100,
            method="percentile",
            rng=generator,
        ).bootstrap_distribution
    return _Drawn(drawn[0][np.isfinite(drawn[0])], drawn[1])


def _bounds(drawn: np.ndarray | None) -> tuple[Decimal | None, Decimal | None]:
    if drawn is None or not len(drawn):
        return None, None
    low, high = np.quantile(drawn, (0.025, 0.975), method="inverted_cdf")
    return decimal(float(low)), decimal(float(high))


def _figures(cell: Mapping[str, object], reason: str | None, drawn: _Drawn | None) -> dict[str, object]:
    """Columns of one class from its counts; without a figure, why.

    Where all months are within a tenth, or none, every draw says the same: that is no interval, and there is none.
    """
    found = dict(cell)
    if reason == "exchange_rate_missing":
        money = ("committed_amount", "won_amount", "error_amount", "absolute_error_amount")
        found |= dict.fromkeys(money)
    won, tested, within = cell["won_amount"], cell["n_account_months"], found["n_account_months_within_10pct"]
    wape_reason = reason or (None if won else "no_won_amount")
    within_reason = reason or (None if tested else "no_won_amount")
    low, high = _bounds(drawn.wape if drawn and wape_reason is None else None)
    within_low, within_high = _bounds(drawn.within if drawn and 0 < within < tested else None)
    return found | {
        "wape_rate": None if wape_reason else exact(Fraction(cell["absolute_error_amount"]) / Fraction(won)),
        "wape_low": low,
        "wape_high": high,
        "bias_rate": None if wape_reason else exact(Fraction(cell["error_amount"]) / Fraction(won)),
        "wape_reason_code": wape_reason,
        "interval_reason_code": wape_reason or (None if low is not None else "too_few_accounts"),
        "within_10pct_rate": None if within_reason else share(within, tested),
        "within_10pct_low": within_low,
        "within_10pct_high": within_high,
        "within_reason_code": within_reason,
    }


def _against_rest(
    key: Mapping[str, object], rest: Mapping[str, object], ours: _Drawn | None, others: _Drawn | None
) -> dict[str, object]:
    """The error of key accounts less that of the rest; more_precise or less_precise where the interval leaves out 0."""
    if reason := key["wape_reason_code"] or rest["wape_reason_code"]:
        return {"rest_reason_code": reason}
    told: dict[str, object] = {
        "rest_difference_rate": exact(
            Fraction(key["absolute_error_amount"]) / Fraction(key["won_amount"])
            - Fraction(rest["absolute_error_amount"]) / Fraction(rest["won_amount"])
        )
    }
    if reason := key["interval_reason_code"] or rest["interval_reason_code"]:
        return told | {"rest_reason_code": reason}
    n_drawn = min(len(ours.wape), len(others.wape))
    low, high = _bounds(ours.wape[:n_drawn] - others.wape[:n_drawn])
    status = "more_precise" if high < 0 else "less_precise" if low > 0 else "undetermined"
    return told | {"rest_difference_low": low, "rest_difference_high": high, "rest_status_code": status}
